"""Settings of a destination that one tag has for itself."""

from __future__ import annotations

# ruff: noqa: RUF009 (`setting` makes a dataclass field)
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tagserver.config.compile import Loaded
from tagserver.config.privacy_lock import lock_of
from tagserver.event.consent_fields import AD_PURPOSES
from tagserver.event.event import Event
from tagserver.plugin import Built, Mode, Secret, setting
from tagserver.plugin.registry import Registry

from ..events import event
from .world import ENVIRON, Box, codes, decide, load


@dataclass(frozen=True, kw_only=True)
class DeskSettings:
    """Some that may differ from tag to tag, and some that may not."""

    account: str = setting("Whose.", identity=True)
    token: Secret = setting("Its key.")
    country: str | None = setting("Which.", default=None, per_tag=True, check=lambda value: None if value else "empty")
    who: bool = setting("Whether it sees the user.", default=False, per_tag=True)


class Desk(Box):
    """Sends what it is set to."""

    type = "desk"
    reads = ("event",)
    Settings = DeskSettings  # type: ignore[assignment]  # (settings of its own)

    def sees(self, settings: Any) -> Sequence[str]:
        """The user, if so set."""
        if settings.country == "broken":
            raise ValueError
        return ("event", "user_id") if settings.who else ("event",)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """The settings."""
        body = {"country": settings.country, "who": event.get("user_id"), "account": settings.account}
        return Built(body, str(parameters.get("event_name") or event.name), event.time)


def loaded(settings: str, environ: Mapping[str, str] = ENVIRON) -> Loaded:
    """Two tags of one destination, one with settings of its own."""
    text = f"""
destinations: {{desk: {{type: desk, account: one, token: "${{env:TOKEN}}", country: DE}}}}
tags:
  - {{name: A, destination: desk, triggers: [all], settings: {settings}}}
  - {{name: B, destination: desk, triggers: [all], event_name: b}}
"""
    return load({"container.yaml": text}, environ, Registry.of(Desk, Box))


def test_one_tag_has_its_own_and_its_neighbour_the_destinations() -> None:
    container = loaded("{country: FR, who: true}").container
    assert container is not None
    decisions = decide(container, event({"user_id": "u-1", "consent": dict.fromkeys(AD_PURPOSES, "granted")}))
    bodies = [one.built.body for one in decisions.values() if one.built is not None]
    assert bodies == [
        {"country": "FR", "who": "u-1", "account": "one"},
        {"country": "DE", "who": None, "account": "one"},
    ]
    one, other = container.tags
    assert one.destination.identity == other.destination.identity == container.destinations["desk"].identity
    assert [way.fields for way in lock_of(container).ways] == [("user_id",)]


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        ("{account: two}", "E115", "is the same for all tags"),
        ('{token: "${env:TOKEN}"}', "E115", "is the same for all tags"),
        ("{contry: FR}", "E110", 'did you mean "country"?'),
        ('{country: ""}', "E115", "tags[0].settings.country: empty"),
        ("{who: maybe}", "E111", "true or false"),
        ('{country: "${env:NOPE}"}', "E202", "may not be read here"),
        ("[country]", "E111", "a map"),
        ("{country: broken}", "P211", "the plugin desk fails with ValueError"),
    ],
)
def test_what_is_wrong_is_said(settings: str, code: str, says: str) -> None:
    found = loaded(settings).problems
    assert [one.code for one in found if one.code != "W301"] == [code]
    assert any(says in f"{one.message} {one.hint}" for one in found)


def test_a_plugin_that_fails_pauses_the_tag_alone() -> None:
    container = loaded("{country: broken}").container
    assert container is not None
    decisions = decide(container, event())
    assert [one.reason for one in decisions.values()] == ["destination_paused", "fired"]


def test_a_destination_that_is_paused_is_not_asked() -> None:
    text = "destinations: {desk: {type: desk, account: '${env:NONE}', token: '${env:TOKEN}'}}\n"
    text += "tags: [{name: A, destination: desk, triggers: [all], settings: {anything: 1}}]\n"
    files = {"server.yaml": "environment: [NONE]\n", "container.yaml": text}
    assert codes(load(files, ENVIRON, Registry.of(Desk))) == ["P210"]


def test_whose_account_it_is_cannot_differ() -> None:
    with pytest.raises(ValueError, match="whose account"):
        setting("No.", identity=True, per_tag=True)
