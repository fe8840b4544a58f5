"""Bodies of requests: limits, gzip, JSON, the three envelopes."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.collect import CollectConfig
from tagserver.inbound.clients.datalayer import Refused
from tagserver.ingest.body import MANY, BadBody, Disconnected, Room, Turns, read_body, split, unpack, unpack_small

EVENT = b'{"event": "x"}'
LIMITS = CollectConfig(max_event=1000, max_events=10)


def receiver(*messages: MutableMapping[str, Any]) -> Any:
    waiting = list(messages)

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop(0)

    return receive


def part(body: bytes, more: bool = False) -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    """The limit itself is allowed, one byte more is not."""
    assert await read_body(receiver(part(b"ab", True), part(b"cd")), None, 4) == b"abcd"
    with pytest.raises(BadBody) as refused:
        await read_body(receiver(part(b"ab", True), part(b"cde")), None, 4)
    assert refused.value.status == 413


async def test_a_stated_length_over_the_limit_is_refused_unread() -> None:
    """No byte of a gigabyte is read."""
    with pytest.raises(BadBody):
        await read_body(receiver(), "1000000000", 4)


async def test_a_client_that_leaves_is_no_error() -> None:
    """There is nobody to answer."""
    with pytest.raises(Disconnected):
        await read_body(receiver(part(b"a", True), {"type": "http.disconnect"}), None, 4)


async def test_all_bodies_under_way_have_one_room() -> None:
    """Who comes when it is full is asked to come again; what is complete, refused or given up leaves it."""
    room = Room(most=6)

    async def slow() -> MutableMapping[str, Any]:
        raise BadBody(408, "slow_body", "")

    with pytest.raises(BadBody):
        await read_body(slow, None, 1, room)
    assert await read_body(receiver(part(b"abc", True), part(b"d")), None, 1000, room) == b"abcd"
    for messages in ([part(b"ab", True), {"type": "http.disconnect"}], [part(b"a", True), part(b"bc")]):
        with pytest.raises((Disconnected, BadBody)):
            await read_body(receiver(*messages), None, 2, room)
    assert room.used == 0
    room.take(5, 1)
    with pytest.raises(BadBody) as refused:
        await read_body(receiver(part(b"a", True), part(b"b")), None, 1, room)
    assert (refused.value.status, refused.value.code) == (503, "busy")
    assert room.used == 5
    assert await read_body(receiver(part(b"a")), None, 1, room) == b"a"


def test_gzip_is_unpacked_members_and_all() -> None:
    """Two members one after the other are one body (RFC 1952)."""
    assert unpack(gzip.compress(b"ab"), "GZIP", 10) == b"ab"
    assert unpack(gzip.compress(b"ab") + gzip.compress(b"cd"), "gzip", 10) == b"abcd"


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(gzip.compress(b"0" * 10_000_000), "gzip", 413, id="too large unpacked"),
        pytest.param(gzip.compress(b"0" * 600) * 3, "gzip", 413, id="too large in members"),
        pytest.param(gzip.compress(EVENT)[:-9], "gzip", 400, id="cut off"),
        pytest.param(EVENT, "gzip", 400, id="not packed"),
        pytest.param(gzip.compress(EVENT) + b"tail", "gzip", 400, id="more behind its end"),
        pytest.param(EVENT, "br", 400, id="another encoding"),
        pytest.param(gzip.compress(EVENT), "gzip, gzip", 400, id="two encodings"),
        pytest.param(gzip.compress(b"") * 1000, "gzip", 400, id="many empty members"),
    ],
)
def test_bad_gzip(body: bytes, encoding: str, status: int) -> None:
    """A bomb, a cut, a lie: refused, and never more than the limit is made."""
    with pytest.raises(BadBody) as refused:
        unpack(body, encoding, 1000)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"null",
        b"3",
        b'"x"',
        b"{",
        b"[",
        b'{"event":',
        b"\xff\xfe{}",
        "\ufeff".encode(),
        "\ufeff\ufeff{}".encode(),
        "{}".encode("utf-16"),
        b"NaN",
        b"[" * 100_000,
    ],
)
def test_no_json_is_refused(body: bytes) -> None:
    """What is no JSON object or list is one problem for the whole request."""
    with pytest.raises(BadBody) as refused:
        split(body, LIMITS)
    assert (refused.value.status, refused.value.code) == (400, "bad_json")


@pytest.mark.parametrize(
    "bad",
    [
        b'{"event": NaN}',
        b'{"event": "x", "value": 1e999}',
        b'{"event": "x", "n": ' + b"9" * 5000 + b"}",
        b'{"event": ' + b'{"a":' * 30 + b"1" + b"}" * 31,
        b'{"event": "x", "a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"event": "x", "a": [' + b"1," * 2500 + b"1]}",
        b'{"event": "' + b"x" * 20_000 + b'"}',
        b'{"event": "\xff"}',
    ],
)
def test_one_bad_event_costs_only_itself(bad: bytes) -> None:
    """Beside it the good event of the same request is taken, or the whole is refused as no JSON: never a crash."""
    try:
        events, _, _ = split(b"[" + bad + b"," + EVENT + b"]", replace(LIMITS, max_event=16_384))
    except BadBody as refused:
        status = refused.status
        events = []
    if not events:
        assert status == 400
        return
    assert isinstance(events[0], Refused)
    assert events[1] == {"event": "x"}


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        pytest.param("[" * 18 + "]" * 18, False, id="as deep as may be"),
        pytest.param("[" * 21 + "]" * 21, True, id="too deep"),
        pytest.param("[" + "0," * 1996 + "0]", False, id="as many values as may be"),
        pytest.param("[" + "0," * 2000 + "0]", True, id="too many values"),
        pytest.param("[" + "[0]," * 1000 + "0]", True, id="too many with those within others"),
        pytest.param("123456789012345678901234567890", False, id="a number beyond 64 bits"),
        pytest.param('{"a": 1, "a": {"b": -0.0, "\\u0061": 1e5}}', False, id="doubled keys"),
    ],
)
@pytest.mark.parametrize("around", ["%s", "[%s]", '[{"event": "y"}, %s]', '{"events": [%s], "ctx": {"a": 1}}'])
def test_an_event_is_the_same_alone_and_among_others(around: str, held: str, refused: bool) -> None:
    """However the body is decoded: what one event may hold, and what is read of it."""
    text = f'{{"event": "x", "held": {held}}}'
    found = split((around % text).encode(), replace(LIMITS, max_event=16_384))[0][-1]
    if refused:
        assert isinstance(found, Refused)
        assert found.notes[0].code == "too_deep"
    else:
        assert repr(found) == repr(json.loads(text))


def test_the_three_envelopes() -> None:
    """One event, a list, a batch with context."""
    assert split(EVENT, LIMITS) == ([{"event": "x"}], None, None)
    assert split(b" [" + EVENT + b"]", LIMITS)[0] == [{"event": "x"}]
    batch = b'{"v": 1, "events": [' + EVENT + b'], "ctx": {"a": 1}, "sent": 5}'
    assert split(batch, LIMITS) == ([{"event": "x"}], {"a": 1}, 5)


@pytest.mark.parametrize("front", ["\ufeff", " " * 5000, "\ufeff\r\n\t ", "\n\ufeff "])
@pytest.mark.parametrize("body", ['{"event": "x"}', '[{"event": "x"}]', '{"events": [{"event": "x"}], "ctx": null}'])
def test_a_byte_order_mark_and_blanks_in_front_are_passed_over(front: str, body: str) -> None:
    """Editors and shells write them, and any number of blanks is JSON."""
    assert split((front + body).encode(), replace(LIMITS, max_event=10_000)) == ([{"event": "x"}], None, None)


def test_an_event_may_have_a_key_called_events() -> None:
    """Only a list of events makes a batch."""
    assert split(b'{"event": "x", "events": 5}', LIMITS)[0] == [{"event": "x", "events": 5}]


def test_doubled_keys_the_last_wins() -> None:
    """As every JSON reader of a browser has it."""
    assert split(b'{"event": "x", "event": "y"}', LIMITS)[0] == [{"event": "y"}]


@given(st.text(st.characters(codec=None, categories=["Cs", "Lu"]) | st.sampled_from('\\u"d\U0001f600')))
@pytest.mark.parametrize("around", ['{"event": %s}', '[{"event": %s}]', '{"events": [{"event": %s}]}'])
def test_half_a_character_costs_only_itself(around: str, text: str) -> None:
    """A page that cuts a text in the middle of an emoji sends half of it; the event is taken, the half is U+FFFD."""
    written = json.dumps(text)
    events, _, _ = split((around % written).encode(), replace(LIMITS, max_event=10_000))
    assert events == [{"event": re.sub("[\ud800-\udfff]", "\ufffd", json.loads(written))}]


def test_too_many_events() -> None:
    """A list longer than the limit is refused as a whole."""
    with pytest.raises(BadBody) as refused:
        split(json.dumps([{"event": "x"}] * 11).encode(), LIMITS)
    assert refused.value.status == 413


def test_what_lies_beneath_an_event_counts_with_it() -> None:
    """`max_event` holds for an event with `ctx` beneath it, so that a context is no way around it."""
    ctx = {"page": {"title": "x" * 950}}
    small, large = split(json.dumps({"events": [{"event": "x"}, {"event": "x" * 50}], "ctx": ctx}).encode(), LIMITS)[0]
    assert small == {"event": "x"}
    assert isinstance(large, Refused)
    assert large.notes[0].code == "too_large"


@pytest.mark.parametrize("ctx", [{"a": "x" * 900}, {f"{number}": 0 for number in range(110)}])
def test_a_context_is_not_laid_beneath_more_events_than_fit(ctx: dict[str, Any]) -> None:
    """What a request may become is bounded, in bytes and in values."""
    limits = replace(LIMITS, max_body=4096, max_events=1000, max_event=4096)
    assert len(split(json.dumps({"events": [{"event": "x"}] * 2, "ctx": ctx}).encode(), limits)[0]) == 2
    with pytest.raises(BadBody) as refused:
        split(json.dumps({"events": [{"event": "x"}] * 10, "ctx": ctx}).encode(), limits)
    assert (refused.value.status, refused.value.code) == (413, "too_large")


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_a_refusal(body: bytes) -> None:
    """Nothing else ever comes out."""
    try:
        split(body, LIMITS)
    except BadBody:
        return


async def test_large_requests_take_turns() -> None:
    """A few at a time; those that wait are bounded, and told to come again."""
    room = Room(1000)
    turns = Turns(room, at_once=2)
    working = most = 0
    go = asyncio.Event()

    async def work() -> None:
        nonlocal working, most
        async with turns.one(100, 10):
            working += 1
            most = max(most, working)
            await go.wait()
            working -= 1

    tasks = [asyncio.create_task(work()) for _ in range(10)]
    await asyncio.sleep(0.01)
    with pytest.raises(BadBody) as refused:
        await work()
    assert refused.value.status == 503
    tasks[9].cancel()
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (most, working, room.used) == (2, 0, 0)


@pytest.mark.parametrize(
    ("body", "small"),
    [
        (EVENT, True),
        (b"[" + b",".join([EVENT] * MANY) + b"]", True),
        (b"[" + b",".join([EVENT] * (MANY + 1)) + b"]", False),
        (b" " * (64 << 10) + EVENT, False),
        (b"x" * 70_000, False),
    ],
)
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_what_is_large_is_known_before_it_is_decoded(body: bytes, small: bool, encoding: str | None) -> None:
    """By its bytes once it is unpacked, and by its objects."""
    sent = body if encoding is None else gzip.compress(body)
    assert unpack_small(sent, encoding, 1 << 20) == (body if small else None)
    with pytest.raises(BadBody):
        unpack_small(b"no gzip", "gzip", 1 << 20)
