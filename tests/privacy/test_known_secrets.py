"""No payload holds a secret of this server: not that of its own destination, of another one, or of operations."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.server import ServerConfig
from tagserver.event.event import Event
from tagserver.explain.try_ import try_event
from tagserver.outgoing.known_secrets import FEW, KnownSecrets, secrets_of
from tagserver.pipeline.route import route
from tagserver.plugin import Built, Mode, Payload, Request, Secret, Skip, setting
from tagserver.plugin.registry import Registry
from tagserver.system.secret import SHORTEST

from ..config.world import Box, load
from ..events import NOW, event

TOKEN = "token-of-vendor-17"
OTHER = 'an "other" token\\17'
KEY = "key-of-the-backend"
ENVIRON = {"TOKEN": TOKEN, "OTHER": OTHER, "KEY": KEY, "SHORT": "sh0rt", "TAGSERVER_ADMIN_TOKEN": "admin-token-of-ops"}
PLACES = [
    ({"a": TOKEN}, "a"),
    ({"a": {"b": [1, {"c": f"Bearer {TOKEN}"}]}}, "a.b.c"),
    ({"a": {TOKEN: 1}}, "a.a name"),
    ([TOKEN], "its body"),
    (TOKEN, "its body"),
    ({"erika@people.example": TOKEN}, "[redacted:email]"),
    ({"x" * 100: TOKEN}, "x" * 60),
]


@pytest.mark.parametrize("more", [0, FEW, 100])
@pytest.mark.parametrize(("body", "place"), PLACES, ids=[place for _, place in PLACES])
def test_the_place_is_named_and_not_the_secret(body: Any, place: str, more: int) -> None:
    """However many others there are."""
    known = KnownSecrets([TOKEN, *(f"{number}-another-secret" for number in range(more))])
    assert known.place_in(msgspec.json.encode(body)) == place


FORMS = [OTHER, "tab\there and more", "größe-des-schlüssels", "\x7f\x01 control", "emoji-🔑-secret", "a/b\\c\"d'e"]


@pytest.mark.parametrize("secret", FORMS)
@pytest.mark.parametrize("more", [0, FEW])
def test_every_way_to_write_it_in_json_is_found(secret: str, more: int) -> None:
    """As a text, and inside a text that holds JSON itself, by whoever wrote that."""
    known = KnownSecrets([secret, *(f"{number}-another-secret" for number in range(more))])
    for inner in (
        secret,
        f"x{secret}y",
        json.dumps({"t": secret}),
        json.dumps({"t": secret}, ensure_ascii=False),
        json.dumps(json.dumps({"t": secret})),
    ):
        assert known.place_in(msgspec.json.encode({"a": inner})) == "a", inner


secrets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=SHORTEST, max_size=30)


@given(st.lists(secrets, min_size=1, max_size=8), st.data())
def test_any_secret_is_found_anywhere(known: list[str], data: st.DataObject) -> None:
    secret = data.draw(st.sampled_from(known))
    body = {"first": 1, "list": [None, {"deep": f"before {secret} after"}]}
    assert KnownSecrets(known).place_in(msgspec.json.encode(body)) == "list.deep"


@given(st.lists(secrets, max_size=8), st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner)))
def test_what_holds_none_is_left_alone(known: list[str], value: Any) -> None:
    """Whatever stands in it. (What JSON must escape may be a secret that is written out; see above.)"""
    try:
        body = msgspec.json.encode({"a": value})
    except (UnicodeEncodeError, msgspec.MsgspecError):
        return
    text = body.decode()
    found = KnownSecrets(known).place_in(body)
    assert found is None or "\\" in text or any(secret in text for secret in known)


def test_a_secret_that_only_shows_across_two_fields_is_none() -> None:
    assert KnownSecrets(['one","b":"two']).place_in(b'{"a":"one","b":"two"}') is None


def test_only_how_it_begins_is_not_it() -> None:
    known = KnownSecrets([f"{TOKEN}{number}" for number in range(20)])
    assert known.place_in(msgspec.json.encode({"a": TOKEN})) is None


def test_a_short_secret_stands_everywhere_by_chance() -> None:
    assert KnownSecrets(["EUR", "1234567"]).place_in(b'{"currency":"EUR","id":1234567}') is None


def test_names_that_are_stored_beside_a_body_are_looked_at() -> None:
    known = KnownSecrets([TOKEN])
    assert known.place_in(b"{}", "purchase", f"group-{TOKEN}") == "its name or group"
    assert known.place_in(b"{}", "purchase", "") is None


def test_secrets_of_settings_are_found_in_lists_and_maps() -> None:
    @dataclass
    class Many:
        one: Secret
        none: Secret | None
        some: list[Secret]
        named: dict[str, Secret]
        plain: str

    made = Many(Secret("a"), None, [Secret("b")], {"x": Secret("c")}, "d")
    assert set(secrets_of(made)) == {"a", "b", "c"}
    assert set(secrets_of(None)) == set()


# ── at the door
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class LeakySettings:
    """What it puts where it does not belong."""

    token: Secret = setting("Its key.")
    leaks: str = setting("What it sends.", default="", per_tag=True)
    more: list[Secret] = field(default_factory=list)


class Leaky(Box):
    """Puts into its payload what a setting says, or its own token."""

    type = "leaky"
    Settings = LeakySettings  # type: ignore[assignment]  # (settings of its own)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """A payload that holds it."""
        said = {"own": settings.token.reveal(), "page": event.get("search_term")}
        leaked = said.get(settings.leaks, settings.leaks)
        if settings.leaks == "skip":
            raise Skip("no_identity", "nobody")
        name = TOKEN if settings.leaks == "name" else event.name
        return Built({"id": event.event_id, "auth": {"with": leaked}}, name, event.time)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        """The token where it belongs."""
        made = super().request(payloads, settings)
        return Request("POST", made.url, {"authorization": settings.token.reveal()}, made.content)


SERVER = 'collect: {keys: {backend: {secret: "${env:KEY}"}}}\n'
CONTAINER = """
destinations:
  leaky: {{type: leaky, token: "${{env:TOKEN}}"}}
  other: {{type: leaky, token: "${{env:OTHER}}"}}
  short: {{type: leaky, token: "${{env:SHORT}}"}}
tags:
  - {{name: Leaky, destination: {destination}, triggers: [all], settings: {{leaks: {leaks}}}}}
  - {{name: Well, destination: other, triggers: [all]}}
"""


def tried(leaks: str, destination: str = "leaky", pushed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What `try` says of an event whose first tag leaks."""
    files = {
        "server.yaml": SERVER,
        "c.yaml": CONTAINER.format(leaks=json.dumps(leaks), destination=destination),
    }
    loaded = load(files, ENVIRON, Registry.of(Leaky))
    assert loaded.container is not None, loaded.problems
    assert loaded.server is not None
    asked = {"event": {"event": "purchase", "event_id": "o-1", **(pushed or {})}}
    return try_event(loaded.container, loaded.server, asked, NOW)


@pytest.mark.parametrize(
    ("leaks", "place"),
    [
        ("own", "auth.with"),
        (f"Bearer {TOKEN}", "auth.with"),
        (OTHER, "auth.with"),
        (KEY, "auth.with"),
        ("admin-token-of-ops", "auth.with"),
        ("name", "its name or group"),
    ],
)
def test_a_secret_in_a_payload_is_the_plugin_s_error(leaks: str, place: str) -> None:
    """Of its own destination, of another, of a source, the admin's; the other tag goes on, and nothing repeats it."""
    said = tried(leaks)
    leaky, well = said["tags"]
    assert (leaky["decision"], leaky["reason"]) == ("error", "plugin_error")
    assert leaky["detail"] == f"what was built holds a secret in {place}: secrets enter in request"
    assert leaky["request"] is None
    assert well["decision"] == "send"
    shown = json.dumps(said)
    assert not any(json.dumps(secret)[1:-1] in shown for secret in ENVIRON.values() if len(secret) >= SHORTEST)


def test_a_secret_that_enters_in_request_is_where_it_belongs() -> None:
    leaky, _ = tried("nothing")["tags"]
    assert leaky["decision"] == "send"
    assert "authorization" in leaky["request"]["headers"]


def test_a_short_secret_is_not_looked_for() -> None:
    leaky, _ = tried("own", destination="short")["tags"]
    assert leaky["decision"] == "send"


@pytest.mark.parametrize("whose", ["KEY", "TOKEN"])
@pytest.mark.parametrize("word", ["tutorial_complete", "unlock_achievement"])
def test_a_secret_that_names_an_event_costs_no_event(word: str, whose: str) -> None:
    """Whoever takes such a word for a key has none, and the plugin is not to blame."""
    files = {"server.yaml": SERVER, "c.yaml": CONTAINER.format(leaks="nothing", destination="leaky")}
    loaded = load(files, {**ENVIRON, whose: word}, Registry.of(Leaky))
    assert loaded.container is not None, loaded.problems
    assert loaded.server is not None
    said = try_event(loaded.container, loaded.server, {"event": {"event": word, "event_id": "o-1"}}, NOW)
    assert [tag["decision"] for tag in said["tags"]] == ["send", "send"]


def test_who_sends_a_secret_as_text_gets_nothing_delivered_and_hears_nothing() -> None:
    """A visitor who knows one is answered like everybody: the decision is the server's alone."""
    leaky, _ = tried("page", pushed={"search_term": TOKEN})["tags"]
    assert leaky["reason"] == "plugin_error"


def test_without_secrets_nothing_is_looked_for() -> None:
    made = load(
        {"c.yaml": "destinations: {box: {type: box}}\ntags: [{name: A, destination: box, triggers: [all]}]\n"}, {}
    )
    assert made.container is not None
    (decision,) = route(made.container, event({"search_term": TOKEN})).decisions
    assert decision.decision == "send"
    assert isinstance(made.server, ServerConfig)
