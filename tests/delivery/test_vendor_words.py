"""A dead letter says what the vendor said, and nothing of the person, whatever the vendor repeats."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_ga4 import Ga4
from tagserver_linkedin import LinkedIn
from tagserver_meta_capi import MetaCapi
from tagserver_pinterest import Pinterest
from tagserver_reddit import Reddit
from tagserver_snapchat import Snapchat
from tagserver_tiktok import TikTok
from tagserver_webhook import Webhook

from tagserver.delivery.vendor_words import LONGEST, without_persons, words_of
from tagserver.plugin import Destination, Outcome, Payload, Response
from tagserver.queue.dead_letters import Choice
from tagserver.system.secret import hide
from tests.delivery.support import delivery
from tests.delivery.world import Hundred, World

HASH = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
BODY = json.dumps(
    {
        "user_data": {
            "em": [HASH],
            "client_ip_address": "198.51.100.7",
            "client_user_agent": "Mozilla/5.0 (X11)",
            "external_id": ["Kunde-4711"],
            "lead_id": 525645896321548,
            "ct": ["Erika Müller"],
        },
        "user": {"userIds": [{"idType": "X", "idValue": "li-click-1"}]},
        "custom_data": {"content_name": "Teapot", "note": ["for Ann,\nnot Joe"], "page": "https://shop.example/u/ann"},
        "pages": ["https://shop.example/U/Ann/4711", "https://shop.example"],
    }
).encode()
PATHS = (
    *("user_data.em", "user_data.client_ip_address", "user_data.client_user_agent", "user_data.external_id"),
    *("user_data.lead_id", "user_data.ct", "user.userIds[idType=X].idValue", "nothing.here"),
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Unexpected key click_id in user_data", "Unexpected key click_id in user_data"),
        ("code 100, subcode 2804008; v26.0", "code 100, subcode 2804008; v26.0"),
        (f"em {HASH} is bad", "em [value] is bad"),
        (f"hash {HASH[::-1]}", "hash [hash]"),
        ("agent Mozilla/5.0 (X11), id Kunde-4711", "agent [value], id [value]"),
        ("lead 525645896321548, click li-click-1", "lead [value], click [value]"),
        ("from 198.51.100.7 or 203.0.113.77", "from [value] or [address]"),
        ("from 2001:db8::8a2e:370:7334", "from [address]"),
        ("erika@example.com, +49 30 1234567, 49 30 123 4567 89", "[e-mail], [phone], [number]"),
        ("Malformed access token EAABwzLixnjYBOabcdef", "Malformed access token [token]"),
        ("token words-of-a-secret", "token [secret]"),
        ("Teapot is no product", "Teapot is no product"),
        # Spelled in another way, as validators and JSON do.
        ("no KUNDE-4711, kunde-4711", "no [value], [value]"),
        (r"no Erika M\u00fcller, no Erika%20M%C3%BCller, no ERIKA MÜLLER", "no [value], no [value], no [value]"),
        ("agent Mozilla/5.0 (X…, hash 973dfe463ec85785…", "agent [value]…, hash [value]…"),
        ("973dfe463ec no hash", "973dfe463ec no hash"),
        # What people write is several words long, and pages are called after them, wherever that stands.
        ("'for Ann, not Joe' is too long; so is https://shop.example/u/ann.", "'[value]' is too long; so is [value]."),
        ("https://shop.example/U/Ann/4711 https://shop.example/U/Ann/47… is none", "[value] [value]… is none"),
        ("two\nlines\x1b[31m\u2028 and  blanks", "two lines [31m and blanks"),
        ("x" * 5000, "x" * LONGEST),
    ],
)
def test_what_is_kept_of_words(said: str, kept: str) -> None:
    hide("words-of-a-secret")
    assert without_persons(said, [BODY], PATHS) == kept


def test_of_a_payload_that_is_a_book_nothing_is_kept() -> None:
    """To look for each of its texts would hold up everybody."""
    book = json.dumps([f"line {number}" for number in range(2001)]).encode()
    assert without_persons("line 1 is wrong", [book], PATHS) == ""


def test_of_many_that_begin_alike_the_words_end_at_the_first() -> None:
    pages = json.dumps([f"https://shop.example/{number:04}" for number in range(1000)]).encode()
    assert without_persons("no https://shop.example/9 here", [pages], PATHS) == "no [value]"
    assert without_persons("no https://shop.example/0009 here", [pages], PATHS) == "no [value] here"


def test_a_value_may_be_called_like_what_stands_in_its_place() -> None:
    body = json.dumps({"user_data": {"em": ["value", "[value]", "valu"]}}).encode()
    assert without_persons("a value, a [value], a valu", [body], PATHS).count("[value]") >= 3


@given(st.text(), st.binary(max_size=40))
def test_no_words_and_no_payload_make_it_raise(said: str, body: bytes) -> None:
    kept = without_persons(said, [body], PATHS)
    assert len(kept) <= LONGEST
    assert kept.isprintable()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "A", "code": 100, "error_user_title": "B", "error_user_msg": "A"}}', "A; B"),
        (b'{"code": 40002, "message": "A", "request_id": "R"}', "A"),
        (b'{"status": "INVALID", "reason": "A", "error_records": [{"reason": "B"}]}', "A; B"),
        (b'{"validationMessages": [{"fieldPath": "x", "description": "A", "validationCode": "C"}]}', "A"),
        (b'{"error": "A", "error_description": "B"}', "A; B"),
        (b'[{"detail": "A"}]', "A"),
        (b"no such event", "no such event"),
        (b"<html><body>Bad gateway</body></html>", ""),
        (b"", ""),
        (b'{"message": {"message": 5}, "reason": " "}', ""),
        (b"[" * 50_000, "[" * 4000),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (json.dumps([{"message": str(number)} for number in range(5000)]).encode(), None),
    ],
)
def test_the_words_of_an_answer(body: bytes, words: str | None) -> None:
    """Where vendors put them; bounded, whatever comes."""
    found = words_of(Response(400, {}, body))
    assert len(found) <= 4000
    if words is not None:
        assert found == words


class Named(Hundred):
    """Says what became of each event."""

    clear = ("name",)

    def classify(self, response: Response, payloads: Any) -> list[Outcome]:
        """The answer is a list of words; none: taken."""
        return [
            Outcome.rejected("no", said=word) if word else Outcome.delivered() for word in json.loads(response.body)
        ]


async def details(world: World) -> dict[str, str]:
    """Of the dead letters, by event."""
    return {one.event_id: one.detail for one in await world.outbox.dead(Choice(), 10)}


async def test_of_several_each_has_its_own(world: World) -> None:
    """And only what the vendor says of it; of a person nothing."""
    world.vendor.always = httpx.Response(200, json=["Erika is unknown", "", "later"])
    world.vendor.script.append(world.vendor.always)
    rows = [delivery(f"e{n}", body=b'{"id": "e%d", "name": "Erika"}' % n) for n in range(3)]
    await world.outbox.append(rows)
    world.start(Named())
    await world.drained()
    assert await details(world) == {"e0": "no (it says: [value] is unknown)", "e2": "no (it says: later)"}


async def test_of_one_alone_the_answer_speaks(world: World) -> None:
    """Found by halving; what an answer says about a request of several is nobody's."""
    refusal = httpx.Response(422, json={"message": "Unexpected key click_id"})
    world.vendor.always = lambda request: refusal if b"e1" in request.content else httpx.Response(200)
    await world.outbox.append([delivery(f"e{n}") for n in range(3)])
    world.start()
    await world.drained()
    assert await details(world) == {"e1": "422 (it says: Unexpected key click_id)"}


ANSWERS: list[tuple[Destination, int, dict[str, Any]]] = [
    (MetaCapi(), 400, {"error": {"message": "SAID", "code": 100, "error_subcode": 2804008}}),
    (Ga4(), 200, {"validationMessages": [{"description": "SAID", "validationCode": "VALUE_INVALID"}]}),
    (LinkedIn(), 422, {"message": "SAID", "status": 422}),
    (LinkedIn(), 200, {"elements": [{"status": 400, "error": {"message": "SAID"}}]}),
    (Pinterest(), 200, {"num_events_processed": 0, "events": [{"status": "failed", "error_message": "SAID"}]}),
    (Pinterest(), 400, {"code": 1, "message": "SAID"}),
    (Reddit(), 400, {"error": {"code": 400, "message": "SAID", "reason": "INVALID"}}),
    (Snapchat(), 400, {"status": "INVALID", "reason": "SAID"}),
    (TikTok(), 200, {"code": 40002, "message": "SAID"}),
    (Webhook(), 400, {"error": "SAID"}),
]


@pytest.mark.parametrize(("plugin", "status", "body"), ANSWERS, ids=lambda one: getattr(one, "type", None))
def test_every_vendors_words_are_found(plugin: Destination, status: int, body: dict[str, Any]) -> None:
    """In what each of them answers to a bad event."""
    response = Response(status, {}, json.dumps(body).encode())
    outcomes = plugin.classify(response, [Payload("e", "Purchase", 0, b"{}")])
    outcome = outcomes if isinstance(outcomes, Outcome) else outcomes[0]
    assert outcome.kind in ("rejected", "split")
    assert "SAID" in (outcome.said or words_of(response))
