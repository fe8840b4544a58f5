"""Faults of clients: bodies that are too large, packed, malformed, repeated. How clients connect is in `clients.py`."""

from __future__ import annotations

import gzip
import json
import random
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import ORIGIN, event
from tests.faults.matrix.hostile import Ask, Onlooker, ask_all, chunked, expect_free_loop, post
from tests.faults.matrix.judge import usage
from tests.faults.matrix.web import call
from tests.faults.matrix.world import World

chapter = Chapter("Intake")

LIMIT = 1 << 20
"""`collect.max_body` without a setting."""
QUIET = [{"event": "quiet"}]
"""Events that no tag of these rows sends: what is asked here is about the request."""


def shop(world: World) -> None:
    """One vendor, which gets what the producer sends, and nothing of what the row sends itself."""
    world.vendor()
    world.configure()
    only = {"purchases": {"event": "purchase"}}
    world.write(
        "container.yaml",
        world.container()
        | {"triggers": only, "tags": [{"name": "Tag meta", "destination": "meta", "triggers": ["purchases"]}]},
    )
    world.serve().up()


def flood(address: str, body: Iterator[bytes], *lines: str) -> tuple[bytes, int]:
    """Send a body until the server ends the connection; its answer, and how many bytes went out."""
    parts, sent = urlsplit(address), 0
    head = post(b"", *lines, length=False)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(head)
        try:
            for piece in body:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass
    return answer, sent


@chapter.row("H1", "bodies of 0, 1, limit, limit + 1 bytes and 1 GB; chunks; a wrong length", quick=True)
def sizes(world: World) -> None:
    """Refused early, memory stays flat, and events go on beside it."""
    shop(world)
    assert world.server is not None
    before = usage(world.server.pid)
    producer = world.produce("load", 300, rate=150)
    padded = json.dumps(QUIET).encode().ljust(LIMIT)
    halves = [padded[: LIMIT // 2], padded[LIMIT // 2 :]]
    wrong = post(QUIET, "content-length: 4000", length=False)
    ask_all(
        world,
        [
            Ask("no body", post(b""), (400,)),
            Ask("one byte", post(b"{"), (400,)),
            Ask("the limit", post(padded), (202,)),
            Ask("the limit and one", post(padded + b" "), (413,)),
            Ask("1 GB said, nothing sent", post(b"", "content-length: 1000000000", length=False), (413,), 4),
            Ask(
                "chunks up to the limit",
                post(chunked(halves), "transfer-encoding: chunked", length=False),
                (202,),
            ),
            Ask(
                "chunks above the limit",
                post(chunked([*halves, b" "]), "transfer-encoding: chunked", length=False),
                (413,),
            ),
            Ask("shorter than said, then closed", wrong, (0, 400), half_close=True),
            Ask("longer than said", post(QUIET, "content-length: 5", length=False), (400,)),
            Ask("no size of a chunk", post(b"zz\r\n", "transfer-encoding: chunked", length=False), (400,)),
            *(
                Ask(f"length {text}", post(QUIET, f"content-length: {text}", length=False), (400,))
                for text in ("-1", "+5", "0x10", "1e3", "5,6", "99999999999999999999999", "")
            ),
        ],
    )
    answer, sent = flood(
        world.server.address,
        (b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(16_000)),
        "transfer-encoding: chunked",
    )
    world.numbers["MiB of 1 GB in chunks"] = sent >> 20
    world.expect(b" 413 " in answer or not answer, f"1 GB in chunks: answered {answer[:60]!r}")
    answer, sent = flood(world.server.address, (b" " * 65536 for _ in range(16_000)), "content-length: 1048576000")
    world.numbers["MiB of 1 GB with a length"] = sent >> 20
    world.expect(b" 413 " in answer or not answer, f"1 GB with a length: answered {answer[:60]!r}")
    world.fault("floods", 2)
    producer.ends(30)
    peak = usage(world.server.pid)["peak_mib"] - before["peak_mib"]
    world.expect(peak < 48, f"memory grew by {peak} MiB")
    world.judge(before=before, growth_mib=48)


def _members(number: int) -> bytes:
    """That many gzip members, each of nothing."""
    return gzip.compress(b"", 1) * number


@chapter.row("H2", "packed bodies: bombs, nested, cut, many members, other encodings", quick=True)
def packed(world: World) -> None:
    """Never more than the limit is made of them, and nothing of it holds the others up."""
    shop(world)
    assert world.server is not None
    producer = world.produce("load", 300, rate=150)
    plain = json.dumps(QUIET).encode()
    whole, bomb = gzip.compress(plain), gzip.compress(b" " * 200_000_000, 9)
    world.numbers["bomb KiB"] = len(bomb) >> 10
    before = usage(world.server.pid)
    zipped = "content-encoding: gzip"
    half = len(plain) // 2
    with Onlooker(world.server.address) as onlooker:
        ask_all(
            world,
            [
                Ask("sound", post(whole, zipped), (202,)),
                Ask("upper case", post(whole, "content-encoding: GZIP"), (202,)),
                Ask("two members", post(gzip.compress(plain[:half]) + gzip.compress(plain[half:]), zipped), (202,)),
                Ask("a bomb", post(bomb, zipped), (413,)),
                Ask("a bomb in a bomb", post(gzip.compress(bomb), zipped), (400, 413)),
                Ask("nested, and said so", post(gzip.compress(whole), "content-encoding: gzip, gzip"), (400, 415)),
                Ask("cut", post(whole[:-6], zipped), (400,)),
                Ask("with a tail", post(whole + b"tail", zipped), (400,)),
                Ask("wrong checksum", post(whole[:-8] + b"\0" * 8, zipped), (400,)),
                Ask("not packed at all", post(plain, zipped), (400,)),
                Ask("nothing", post(b"", zipped), (400,)),
                Ask("a million members", post(_members(50_000)[:LIMIT], zipped), (400, 413), 3),
                Ask("deflate", post(zlib.compress(plain), "content-encoding: deflate"), (400, 415)),
                Ask("br", post(plain, "content-encoding: br"), (400, 415)),
                Ask("zstd", post(plain, "content-encoding: zstd"), (400, 415)),
            ],
        )
    producer.ends(30)
    peak = usage(world.server.pid)["peak_mib"] - before["peak_mib"]
    world.numbers["onlooker's worst ms"] = round(onlooker.quantile(1) * 1000)
    world.expect(peak < 32, f"memory grew by {peak} MiB")
    expect_free_loop(world)
    world.judge()


def _oddities() -> Iterator[tuple[str, bytes, tuple[int, ...]]]:
    """JSON that parsers have stumbled over."""
    deep = 100_000
    yield "lists, deep", b"[" * deep + b"]" * deep, (400,)
    yield "objects, deep", b'{"event":"x","a":' + b'{"a":' * deep + b"1" + b"}" * (deep + 1), (400,)
    yield "deep inside events", b'{"events":[' + b"[" * deep + b"]" * deep + b"]}", (400,)
    yield "deep ctx", b'{"ctx":' + b"[" * deep + b"]" * deep + b',"events":[{"event":"x"}]}', (400,)
    yield "keys", b'{"event":"x",' + b",".join(b'"%x":1' % number for number in range(100_000)) + b"}", (400,)
    yield "empty events", b"[" + b",".join([b"{}"] * 200_000) + b"]", (400, 413)
    yield "a thousand bad events", b"[" + b",".join([b"[" * 500 + b"]" * 500] * 1000) + b"]", (400,)
    yield "a long text", b'{"event":"x","a":"' + b"a" * 900_000 + b'"}', (400,)
    yield "a long escaped text", b'{"event":"x","a":"' + b"\\u00e4" * 40_000 + b'"}', (202,)
    yield "a number of 5,000 digits", b'{"event":"x","value":' + b"9" * 5_000 + b"}", (202, 400)
    yield "5,000 digits as event_id", b'{"event":"x","event_id":' + b"9" * 5_000 + b"}", (202, 400)
    yield "a huge exponent", b'{"event":"x","value":1e999999}', (202, 400)
    yield "NaN", b'{"event":"x","value":NaN}', (400,)
    yield "Infinity", b'{"event":"x","value":-Infinity}', (400,)
    yield "twice the same key", b'{"event":"x","event":"y"}', (202, 400)
    yield "half a surrogate pair", b'{"event":"x","event_id":"\\ud800"}', (202, 400)
    yield "half a pair as name", b'{"event":"\\udfff","user_data":{"email":"\\ud83d@x.example"}}', (202, 400)
    yield "NUL", b'{"event":"x\\u0000","event_id":"a\\u0000b"}', (202, 400)
    yield "a raw NUL", b'{"event":"x\x00"}', (400,)
    yield "byte order mark", b'\xef\xbb\xbf{"event":"x"}', (202, 400)
    yield "UTF-16", '{"event":"x"}'.encode("utf-16"), (400,)
    yield "Latin-1", '{"event":"ä"}'.encode("latin-1"), (400,)
    yield "a scalar", b"7", (400,)
    yield "a text", b'"x"', (400,)
    yield "null", b"null", (400,)
    yield "an empty list", b"[]", (202, 400)
    yield "two objects", b'{"event":"x"}{"event":"y"}', (400,)
    yield "events of a wrong type", b'{"event":"x","events":7}', (202, 400)
    yield "ctx of a wrong type", b'{"events":[{"event":"x"}],"ctx":"x","sent":{}}', (202, 400)
    yield "comments", b'{"event":"x"/**/}', (400,)


@chapter.row("H3", "JSON: depth, many keys, long texts, huge numbers, NaN, surrogates, other encodings", quick=True)
def oddities(world: World) -> None:
    """Refused or taken by rule; never a 500, and the event loop stays free."""
    shop(world)
    assert world.server is not None
    producer = world.produce("load", 300, rate=150)
    with Onlooker(world.server.address) as onlooker:
        ask_all(world, [Ask(name, post(body), allowed) for name, body, allowed in _oddities()])
    producer.ends(30)
    world.numbers["onlooker's worst ms"] = round(onlooker.quantile(1) * 1000)
    expect_free_loop(world)
    world.judge()


_FIELDS = (
    *("event", "event_id", "timestamp", "client_id", "user_id", "session_id", "page", "user_data", "ecommerce"),
    *("consent", "action_source", "value", "currency", "items", "transaction_id", "email", "phone_number", "address"),
    *("first_name", "country", "location", "referrer", "page_location", "ip_override", "user_agent", "gdpr", "gcs"),
    *("tcf", "gpp", "us_privacy", "fbp", "fbc", "external_id", "date_of_birth", "gender", "price", "quantity"),
    *("item_id", "0", "", "constructor", "__proto__", "é", "a.b", "{{ x }}"),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e308, -1e-300, 2**53, 2**63, 2**64, -(2**70), "", " ", "x", "0", "1e5"),
    *("EUR", "purchase", "granted", "denied", "2026-01-01T00:00:00Z", "https://shop.example/?fbclid=x", "https://["),
    *("a@b.example", "+49 30 123", "\u0000", "\ud800", "ß" * 300, "{{ page.path }}", "1" * 400, "../../etc", "٣", "½"),
)


def _anything(chance: random.Random, depth: int) -> Any:
    """A value of any shape, with names that the server knows."""
    kind = chance.random()
    if depth == 0 or kind < 0.45:
        return chance.choice(_VALUES)
    if kind < 0.7:
        return [_anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(_FIELDS): _anything(chance, depth - 1) for _ in range(chance.randrange(7))}


def _almost(chance: random.Random, number: int) -> Any:
    """A good event with a few fields of any shape; sometimes a list or an envelope of such, sometimes anything."""
    if chance.random() < 0.1:
        return _anything(chance, 4)
    made = event(f"fuzz-{number}") | {"event": chance.choice(["purchase", "x", "lead"]), "page": {"location": "y"}}
    for _ in range(chance.randrange(1, 5)):
        inside = chance.choice([made, *(part for part in made.values() if isinstance(part, dict))])
        inside[chance.choice(_FIELDS)] = _anything(chance, 3)
    kind = chance.random()
    if kind < 0.1:
        return [made, _anything(chance, 2)]
    return {"events": [made], "ctx": _anything(chance, 2), "sent": _anything(chance, 1)} if kind < 0.2 else made


def _bytes(chance: random.Random, value: Any) -> bytes:
    """Its JSON; sometimes with a few bytes changed."""
    text = bytearray(json.dumps(value).encode())
    if text and chance.random() < 0.15:
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text)


@chapter.row("H4", "events of every shape, from the seed", quick=True, untimed=True)
def fuzz(world: World) -> None:
    """Never a 500, always the answer's shape; what a plugin gets is as odd as what came in."""
    world.vendor()
    odd = world.vendor("odd")
    world.configure()
    seen = {"seen": {"when": {"page.location": "https://shop.example/thanks"}}}
    tags = [
        {"name": "Tag meta", "destination": "meta", "triggers": ["seen"]},
        {"name": "Tag odd", "destination": "odd", "triggers": ["all"]},
    ]
    world.write("container.yaml", world.container() | {"triggers": seen, "tags": tags})
    server = world.serve().up()
    producer = world.produce("load", 200, rate=100)
    taken = 0
    headers = {"origin": ORIGIN, "content-type": "application/json"}
    for number in range(20_000 if world.long else 1_200):
        body = _bytes(world.chance, _almost(world.chance, number))
        answer = call("POST", f"{server.address}/collect", body, headers)
        fine = answer.status in (202, 400) and isinstance(answer.json().get("events"), list)
        world.expect(fine, f"answered {answer.status} {answer.body[:200]!r} to {body[:500]!r}")
        taken += answer.status == 202
        world.fault("odd requests")
    world.numbers["taken"] = taken
    producer.ends(30)
    asked = {meta: vendor.control for meta, vendor in world.vendors.items() if vendor is not odd}
    world.judge(vendors=asked)


@chapter.row("H9", "one event_id again: same body, other body, a hundred at once", quick=True, untimed=True)
def repeated(world: World) -> None:
    """One delivery of each id, with what came first."""
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    url, headers = f"{server.address}/collect", {"origin": ORIGIN}
    producer = world.produce("load", 100)
    producer.ends(30)
    for number in range(100):
        again = event(f"load-{number}")
        if number % 2:
            again["ecommerce"] |= {"value": 1_000_000, "currency": "USD"}
        said = call("POST", url, again, headers).json()["events"][0]["status"]
        world.expect(said == "duplicate", f"load-{number} again: {said}")
        world.fault("repeats")
    said_of: list[str] = []

    def at_once() -> None:
        said_of.append(call("POST", url, event("burst-1"), headers).json()["events"][0]["status"])

    threads = [threading.Thread(target=at_once) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.expect(said_of.count("accepted") == 1, f"a hundred at once: {said_of.count('accepted')} accepted")
    within = [event("twins-1")] * 50
    answers = [one["status"] for one in call("POST", url, within, headers).json()["events"]]
    world.expect(answers.count("accepted") == 1, f"fifty in one request: {answers.count('accepted')} accepted")
    world.fault("repeats", 148)
    history = world.folder / "history-own.jsonl"
    history.write_text("".join(json.dumps([one, "ok", 202, 0, 0, ""]) + "\n" for one in ("burst-1", "twins-1")))
    world.histories.append(history)
    world.settled()
    counts = server.status()
    world.expect(counts["accepted"] == 102, f"{counts['accepted']} deliveries of 102 events were taken")
    stats = vendor.stats()
    world.expect(stats["unique"] == stats["arrivals"] == 102, f"the vendor got {stats['arrivals']} of 102")
    world.judge(extra=0)
