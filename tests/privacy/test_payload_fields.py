"""A field that must be a hash and is none never leaves, whatever a plugin does; nor does an e-mail address that nobody
declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import Event
from tagserver.pipeline.route import Decision, route
from tagserver.plugin import Built, ConsentNeeds, Destination, Limits, Mode, Payload, Request
from tagserver.plugin.payload_check import NO_CLEAR, NO_CLEAR_FIELD, NO_HASH, BadPath, PayloadFields
from tagserver.plugin.registry import Registry
from tagserver.testing import make_event
from tests.config.world import BoxSettings, load
from tests.destinations.nine import NAMES, configuration
from tests.kit.anything import any_json

HASH = "0123456789abcdef" * 4
BAD = ["erika@example.com", "a" * 63, HASH.upper(), f" {HASH}", "", 7, True, {"a": HASH}, f"{HASH}\n"]


class Struct(msgspec.Struct):
    """What JSON can hold, and is no plain data."""

    em: Any


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize(
    ("paths", "made", "left", "named"),
    [
        (["em"], lambda one: {"em": one, "x": 1}, {"x": 1}, "em"),
        (["u.em"], lambda one: {"u": {"em": one, "fn": HASH}}, {"u": {"fn": HASH}}, "u.em"),
        (["u.em", "u.fn"], lambda one: {"u": {"em": one, "fn": HASH}}, {"u": {"fn": HASH}}, "u.em"),
        (["u.em"], lambda one: {"u": {"em": [HASH, one]}}, {"u": {"em": [HASH]}}, "u.em"),
        (["u.em"], lambda one: {"u": {"em": (one,)}}, {"u": {}}, "u.em"),
        (["u.em"], lambda one: {"u": [{"em": HASH}, {"em": one}]}, {"u": [{"em": HASH}, {}]}, "u.em"),
        (["u.em"], lambda one: {"u": Struct(one)}, {"u": {}}, "u.em"),
        (
            ["ids[kind=MAIL].value"],
            lambda one: {"ids": [{"kind": "MAIL", "value": one}, {"kind": "IP", "value": one}]},
            None,
            "ids.value",
        ),
    ],
)
def test_what_is_no_hash_is_left_out_and_named(
    bad: Any, paths: list[str], made: Any, left: dict[str, Any] | None, named: str
) -> None:
    body, omitted = PayloadFields(paths).only_hashes(made(bad))
    assert [(one.field, one.why) for one in omitted] == [(named, NO_HASH)]
    assert body == (left if left is not None else {"ids": [{"kind": "MAIL"}, {"kind": "IP", "value": bad}]})


@pytest.mark.parametrize(
    "body",
    [
        {"u": {"em": HASH}},
        {"u": {"em": [HASH, HASH]}},
        {"u": {"em": f"{HASH}.AQ"}},
        {"u": {"em": [f"{HASH}.AbCdEf12"]}},
        {"u": {"em": []}},
        {"u": {"fn": "plain"}},
        {"u": "erika"},
        {"u": None},
        {},
    ],
    ids=repr,
)
def test_a_sound_payload_stays_the_same_object(body: dict[str, Any]) -> None:
    """A hash, several, one with the mark of Meta's library; what stands elsewhere is not looked at."""
    assert PayloadFields(["u.em"]).only_hashes(body) == (body, ())
    assert PayloadFields(["u.em"]).only_hashes(body)[0] is body


@given(st.dictionaries(st.sampled_from(["u", "em", "x"]), any_json | st.just({"em": [HASH, "x"]})))
def test_any_payload_is_sound_afterwards(body: dict[str, Any]) -> None:
    fields = PayloadFields(["em", "u.em", "u.x[a=b].em"])
    once, _ = fields.only_hashes(body)
    assert fields.only_hashes(once) == (once, ())


@pytest.mark.parametrize("path", ["", ".", "a.", "a..b", "a[", "a[b]", "a[b=c", "[a=b]", "a]b"])
def test_a_path_that_is_none(path: str) -> None:
    with pytest.raises(BadPath):
        PayloadFields([path])


def test_an_email_address_stands_in_a_declared_group_alone() -> None:
    fields = PayloadFields(clear=["person", "user.id", "ids[kind=A].value"])
    body = {
        "person": {"email": "a@b.example", "deeper": [{"x": "a@b.example"}]},
        "user": {"id": "a@b.example"},
        "note": ["by a@b.example", "by a%40b.example"],
        "event_id": "order-a@b.example",
        "logo": "logo@2x.png",
    }
    made, omitted = fields.without_emails(body, "order-a@b.example")
    assert made["person"] == body["person"]
    assert made["user"] == {"id": "[redacted:email]"}
    assert made["note"] == ["by [redacted:email]", "by [redacted:email]"]
    assert (made["event_id"], made["logo"]) == (body["event_id"], body["logo"])
    assert [(one.field, one.why) for one in omitted] == [("user.id", NO_CLEAR_FIELD), ("note", NO_CLEAR)]


# ── at the door
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Careless(Destination):
    """Declares a hash, and sends what came."""

    type = "careless"
    Settings = BoxSettings
    consent = ConsentNeeds(())
    limits = Limits()
    reads = ("user_data", "user_id")
    hashed = ("user.email",)
    clear = ("user.id",)

    def hosts(self, settings: Any) -> Sequence[str]:
        return ("careless.example",)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        said = event.user_data.get("email")
        return Built({"user": {"email": said, "id": event.get("user_id"), "note": said}}, event.name, event.time)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        return Request("POST", "https://careless.example", {}, payloads[0].body)


class Unreadable(Careless):
    """Declares what is no path."""

    type = "unreadable"
    hashed = ("user..email",)


REGISTRY = Registry.of(Careless, Unreadable)
PERSON = {"user_data": {"email": "erika@example.com"}, "user_id": "otto@example.com", "consent": {"ad_user_data": True}}


def decided(tag: str = "") -> Decision:
    text = f"destinations: {{d: {{type: careless}}}}\ntags: [{{name: T, destination: d, triggers: [all]{tag}}}]\n"
    loaded = load({"container.yaml": text}, registry=REGISTRY)
    assert loaded.container is not None, loaded.problems
    (decision,) = route(loaded.container, make_event(PERSON)).decisions
    return decision


def test_a_careless_plugin_sends_nobody_in_the_clear() -> None:
    decision = decided()
    assert decision.decision == "send"
    assert msgspec.json.decode(decision.body) == {"user": {"id": "[redacted:email]", "note": "[redacted:email]"}}
    assert [one.field for one in decision.omitted] == ["user.email", "user.id", "user.note"]
    assert "example.com" not in repr(decision.omitted)


def test_no_reason_makes_a_hash_of_what_is_none() -> None:
    """A tag may have personal data where it wants; a field for hashes is none of these places."""
    body = msgspec.json.decode(decided(", redact_override: our own system").body)
    assert body == {"user": {"id": "otto@example.com", "note": "erika@example.com"}}


def test_a_plugin_that_declares_no_path_pauses_its_destination_alone() -> None:
    text = "destinations: {d: {type: unreadable}, e: {type: careless}}\n"
    loaded = load({"container.yaml": text}, registry=REGISTRY)
    assert [one.code for one in loaded.problems if one.code != "W301"] == ["P211"]


@pytest.mark.parametrize("name", NAMES)
def test_every_destination_of_ours_declares_its_hashes(name: str) -> None:
    container = configuration("/var/lib/events").compile().container
    assert container is not None
    assert container.destinations[name].fields.hashed
    assert container.destinations[name].fields.clear
