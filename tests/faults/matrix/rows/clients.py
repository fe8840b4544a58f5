"""Faults of clients: how they connect, what they claim to be, where they knock. What they send is in `intake.py`."""

from __future__ import annotations

import asyncio
import base64
import json
import resource
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import ORIGIN, event
from tests.faults.matrix.hostile import Ask, ask_all, metrics, post, statuses
from tests.faults.matrix.judge import usage
from tests.faults.matrix.rows.intake import QUIET, shop
from tests.faults.matrix.web import Answer, call, raw
from tests.faults.matrix.world import ADMIN, Cannot, World

chapter = Chapter("Intake, connections")

GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
CLOSE = b"connection: close\r\n\r\n"


@chapter.row("H5", "headers: many, long, endless, twice, with line ends, forged, no Host", quick=True, untimed=True)
def headers(world: World) -> None:
    """Refused with a 4xx; what a proxy should have written is not believed without a proxy."""
    shop(world)
    assert world.server is not None
    server = world.server
    before = usage(server.pid)
    producer = world.produce("load", 300, rate=150)
    many = b"".join(b"x-%d: y\r\n" % number for number in range(200))
    ask_all(
        world,
        [
            Ask("200 headers", GET + many + CLOSE, (431,)),
            Ask("one of 64 KiB", GET + b"x: " + b"y" * 65536 + b"\r\n" + CLOSE, (431,)),
            Ask("a name of 64 KiB", GET + b"y" * 65536 + b": x\r\n" + CLOSE, (431,)),
            Ask("one that does not end", GET + b"x: " + b"y" * (8 << 20), (431, 0)),
            Ask(
                "trailers that do not end",
                post(b"0\r\nx: " + b"y" * (8 << 20), "transfer-encoding: chunked", length=False),
                (431, 400, 0),
            ),
            Ask("an address of 64 KiB", b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nhost: x\r\n\r\n", (414, 0)),
            Ask("two lengths", post(QUIET, "content-length: 3"), (400,)),
            Ask("the same length twice", post(b"[]", "content-length: 2"), (400,)),
            Ask("length and chunks", post(QUIET, "transfer-encoding: chunked"), (400,)),
            Ask(
                "an unknown transfer encoding",
                post(QUIET, "transfer-encoding: gzip, chunked", length=False),
                (400, 501),
            ),
            Ask("odd casing", post(QUIET).replace(b"content-length", b"CoNtEnT-LeNgTh"), (202,)),
            Ask("a blank before the colon", GET + b"x : y\r\n" + CLOSE, (400,)),
            Ask("a folded line", GET + b"x: a\r\n b\r\n" + CLOSE, (400,)),
            Ask("a lone CR", GET + b"x: a\rb\r\n" + CLOSE, (400,)),
            Ask("a lone LF", GET + b"x: a\nset-cookie: b\r\n" + CLOSE, (400, 200)),
            Ask("NUL", GET + b"x: a\x00b\r\n" + CLOSE, (400,)),
            Ask("no name", GET + b": a\r\n" + CLOSE, (400,)),
            Ask("no Host", b"GET /healthz HTTP/1.1\r\n" + CLOSE, (400,)),
            Ask("two Hosts", GET + b"Host: y\r\n" + CLOSE, (400,)),
            Ask("line ends in the origin", post(QUIET).replace(b"origin: ", b"origin: x%0d%0aset-cookie:"), (403,)),
        ],
    )
    asked = {"event": {"event": "x"}, "headers": {"x-forwarded-for": "203.0.113.9"}, "ip": "198.51.100.7"}
    seen = server.post("/-/try.json", asked).json()["event"]["ip"]
    lines = len(server.text().splitlines())
    world.expect(lines < 10, f"strangers have filled the log with {lines} lines")
    world.expect(seen == "198.51.100.7", f"X-Forwarded-For is believed without a proxy: {seen}")
    producer.ends(30)
    peak = usage(server.pid)["peak_mib"] - before["peak_mib"]
    world.expect(peak < 32, f"memory grew by {peak} MiB")
    world.judge(before=before)


@chapter.row("H6", "2,000 slow clients: silent, slow headers, slow bodies, slow readers")
def slow(world: World) -> None:
    """All are cut after 12 seconds, and others do not notice."""
    each = 500
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4 * each + 200:
        raise Cannot("too few file descriptors are allowed")
    shop(world)
    assert world.server is not None
    server = world.server
    before = usage(server.pid)
    producer = world.produce("load", 3_000, rate=100, connections=8, seconds=60)
    crowd = world.start(
        "slow",
        sys.executable,
        "-m",
        "tests.faults.matrix.slow",
        server.address,
        str(each),
        "40",
        prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000)),
    )
    world.until(lambda: usage(server.pid)["fds"] > 3 * each, 15, "the slow clients are not connected at the same time")
    world.fault("slow clients", 4 * each)
    world.numbers["mib with all of them"] = usage(server.pid)["rss_mib"]
    world.until(lambda: usage(server.pid)["fds"] < before["fds"] + 100, 25, "the slow clients are not cut")
    crowd.ends(60)
    found = json.loads(crowd.text())
    for kind in ("silent", "headers", "body"):
        world.expect(found[kind]["cut"] == each, f"{kind}: {found[kind]['cut']} of {each} were cut")
        world.expect(found[kind]["longest"] < 20, f"{kind}: the last one was cut after {found[kind]['longest']} s")
        world.numbers[f"{kind} s"] = found[kind]["longest"]
    unread = metrics(server).get('tagserver_requests_refused_total{reason="unread"}', 0)
    world.expect(unread >= each, f"{unread:g} of {each} slow readers were cut for it")
    producer.ends(60)
    took = sorted(seconds for _, outcome, _, _, seconds, _ in world.history("load") if outcome == "ok")
    world.numbers |= {"median ms": round(took[len(took) // 2] * 1000), "p99 ms": round(took[-len(took) // 100] * 1000)}
    world.expect(took[int(len(took) * 0.95)] < 0.2, "others waited for more than 200 ms")
    world.judge(before=before, growth_mib=80)


def _leave(address: str, data: bytes, *, reset: bool, wait: float = 0.0) -> None:
    """Connect, say something, and go."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=5)
    connection.sendall(data)
    time.sleep(wait)
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@chapter.row("H7", "say nothing, close half, leave in the middle of a body or before the answer", quick=True)
def leaving(world: World) -> None:
    """No traceback, nothing leaks; committed or not, the account is right."""
    shop(world)
    assert world.server is not None
    server = world.server
    before = usage(server.pid)
    producer = world.produce("load", 300, rate=150)
    whole = post(event("left-1"))
    admin = b"POST /-/%s HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nauthorization: Bearer %s\r\n\r\n"
    parts = [
        *(b"", b"P", whole[:30], whole[: whole.index(b"\r\n\r\n") + 10], whole),
        *(
            admin % (path, ADMIN.encode()) + b'{"a"'
            for path in (b"try.json", b"dead.json", b"rollback", b"reload", b"login")
        ),
        whole.replace(b"content-length", b"expect: 100-continue\r\ncontent-length")[:-20],
    ]
    history = world.folder / "history-left.jsonl"
    history.write_text(json.dumps(["left-1", "unknown", 0, 0, 0, ""]) + "\n")
    world.histories.append(history)
    for number in range(20):
        for data in parts:
            _leave(server.address, data, reset=bool(number % 2), wait=0.01 * (number % 3))
            world.fault("left")
    ask_all(world, [Ask("half closed", whole, (0, 202), half_close=True)])
    parts_of = urlsplit(server.address)
    silent = [socket.create_connection((parts_of.hostname, parts_of.port)) for _ in range(50)]
    producer.ends(30)
    for connection in silent:
        connection.close()
    world.judge(before=before)


@chapter.row("H8", "pipelining, reuse after an error, HTTP/1.0, HTTP/2, TLS, WebSocket")
def dialects(world: World) -> None:
    """A sane answer, in order, or the connection is closed."""
    shop(world)
    assert world.server is not None
    address = world.server.address
    before = usage(world.server.pid)
    producer = world.produce("load", 300, rate=150)
    keep = post(QUIET).replace(b"connection: close\r\n", b"")
    upgrade = b"upgrade: websocket\r\nconnection: upgrade, close\r\nsec-websocket-version: 13\r\n\r\n"
    h2c = b"upgrade: h2c\r\nconnection: upgrade, close, http2-settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"
    ask_all(
        world,
        [
            Ask("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", (200,)),
            Ask("HTTP/0.9", b"GET /healthz\r\n\r\n", (400,)),
            Ask("HTTP/3.7", b"GET /healthz HTTP/3.7\r\nhost: x\r\n\r\n", (400, 505)),
            Ask("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100, (400,)),
            Ask("HTTP/2 by upgrade", GET + h2c, (200, 400), 20),
            Ask("TLS", bytes.fromhex("160301020001000001fc0303") + b"\1" * 500, (400,)),
            Ask("WebSocket", GET + upgrade, (200, 400, 426), 20),
            Ask("WebSocket at collect", GET.replace(b"/healthz", b"/collect") + upgrade, (400, 405, 426), 20),
            Ask("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", (400,)),
            Ask("SMTP", b"EHLO x\r\n", (400,)),
            Ask("a proxy's request", b"GET http://169.254.169.254/latest HTTP/1.1\r\nhost: x\r\n" + CLOSE, (400, 404)),
        ],
    )
    answer = raw(address, keep * 20 + post(QUIET), 5)
    world.expect(statuses(answer) == [202] * 21, f"pipelined: {statuses(answer)}")
    answer = raw(address, keep.replace(b"shop.", b"other.") + keep.replace(b"[{", b"[[") + post(QUIET), 5)
    world.expect(statuses(answer) == [403, 400, 202], f"after errors: {statuses(answer)}")
    answer = raw(address, post(QUIET) + keep, 5)
    world.expect(statuses(answer) == [202], f"after the last one: {statuses(answer)}")
    answer = raw(address, keep * 20_000, 5)
    world.numbers["answers to 20,000 pipelined"] = len(statuses(answer))
    world.fault("dialects", 4)
    producer.ends(30)
    world.judge(before=before, growth_mib=48)


@chapter.row("H10", "wrong keys, keys of others, origins that are not listed, preflights", quick=True, untimed=True)
def strangers(world: World) -> None:
    """401 and 403; CORS echoes the exact origin, never a star; nothing is stored."""
    world.vendor()
    world.environment = {"BACKEND_KEY": "backend-key-of-the-matrix", "OLD_KEY": ""}
    world.configure(
        server={"collect": {"keys": {"backend": {"secret": "${env:BACKEND_KEY}"}, "old": {"secret": "${env:OLD_KEY}"}}}}
    )
    server = world.serve().up()
    url, key = f"{server.address}/collect", world.environment["BACKEND_KEY"]
    producer = world.produce("load", 100)
    producer.ends(30)
    basic = base64.b64encode(f"{key}:".encode()).decode()
    table: list[tuple[dict[str, str], int]] = [
        *(({"authorization": text}, 401) for text in ("Bearer wrong", "Bearer", "", "Basic !!", f"Digest {key}", key)),
        *(({"authorization": f"Bearer {text}"}, 401) for text in (key[:-1], key + "x", key.upper(), ADMIN, "old")),
        ({"authorization": "Bearer wrong", "origin": ORIGIN}, 401),
        *(({"origin": text}, 403) for text in ("https://evil.example", "null", "", "http://shop.example")),
        *(({"origin": text}, 403) for text in (f"{ORIGIN}.evil.example", f"{ORIGIN}:8443", f"https://x@{ORIGIN[8:]}")),
        *(({"origin": text}, 403) for text in (f"{ORIGIN}/", f"{ORIGIN}, https://evil.example", "*")),
        ({}, 403),
        ({"referer": f"{ORIGIN}/"}, 403),
        ({"authorization": f"Bearer {key}"}, 202),
        ({"authorization": f"Basic {basic}"}, 202),
        ({"origin": ORIGIN}, 202),
        ({"origin": ORIGIN.upper()}, 202),
    ]
    for sent, status in table:
        answer = call("POST", url, event("load-0"), sent)
        world.expect(answer.status == status, f"{sent}: answered {answer.status}, not {status}")
        _expect_cors(world, answer, sent.get("origin"), refused=status == 403)
        world.fault("strangers")
    for origin in (ORIGIN, "https://evil.example", "null"):
        asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "x-any"}
        answer = call("OPTIONS", url, None, asked)
        _expect_cors(world, answer, origin)
        world.expect(("access-control-allow-methods" in answer.headers) == (origin == ORIGIN), f"preflight of {origin}")
    world.expect(server.status()["accepted"] == 100, "a stranger's event was stored")
    world.judge(secrets=[ADMIN, key])


def _expect_cors(world: World, answer: Answer, origin: str | None, *, refused: bool = False) -> None:
    """Its origin is echoed to a page that is listed, with credentials; to one that is refused without them, so that it
    can read why."""
    allowed = answer.headers.get("access-control-allow-origin")
    listed = origin is not None and origin.lower() == ORIGIN
    wanted = ORIGIN if listed else (origin or None) if refused else None
    world.expect(allowed == wanted, f"{origin} is answered with CORS for {allowed}")
    trusted = "access-control-allow-credentials" in answer.headers
    world.expect(trusted == listed, f"{origin}: credentials are {'' if trusted else 'not '}allowed")
    world.expect("origin" in answer.headers.get("vary", "").lower(), f"{origin}: no Vary")


@chapter.row("H11", "events above the rate; a flood of forged addresses", quick=True)
def floods(world: World) -> None:
    """429 with Retry-After, whatever address is claimed; memory stays bounded."""
    world.vendor()
    world.configure(server={"collect": {"rate": "20/s", "trusted_proxies": 1}})
    server = world.serve().up()
    history = world.folder / "history-flood.jsonl"
    history.write_text("")
    world.histories.append(history)
    url, before = f"{server.address}/collect", usage(server.pid)
    with history.open("w") as log:
        found: Counter[int] = Counter()
        for number in range(400):
            # The left entry is the client's own claim, the right one what our proxy saw.
            claims = {"origin": ORIGIN, "x-forwarded-for": f"203.0.113.{number % 250}, 198.51.100.1"}
            answer = call("POST", url, event(f"flood-{number}"), claims)
            found[answer.status] += 1
            log.write(
                json.dumps([f"flood-{number}", "ok" if answer.status == 202 else "refused", answer.status]) + "\n"
            )
            if answer.status == 429:
                world.expect(int(answer.headers.get("retry-after", 0)) >= 1, "429 without Retry-After")
                world.fault("429")
    world.expect(set(found) == {202, 429} and 200 <= found[202] <= 330, f"answered {dict(found)}")
    other = call("POST", url, QUIET, {"origin": ORIGIN, "x-forwarded-for": "198.51.100.2"})
    world.expect(other.status == 202, f"another visitor is answered {other.status}")
    many = 200_000 if world.long else 8_000
    asyncio.run(_claim(server.address, (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(many))))
    world.fault("forged addresses", many)
    grown = usage(server.pid)["rss_mib"] - before["rss_mib"]
    world.expect(grown < 48, f"memory grew by {grown} MiB")
    world.judge(least=100)


async def _claim(address: str, visitors: Iterable[str]) -> None:
    """One request for each address, twenty at a time on one connection."""
    parts = urlsplit(address)
    incoming, writer = await asyncio.open_connection(parts.hostname, parts.port)
    plain = post(QUIET).replace(b"connection: close\r\n", b"")
    batch: list[bytes] = []

    async def send() -> None:
        writer.write(b"".join(batch))
        for _ in batch:
            head = await incoming.readuntil(b"\r\n\r\n")
            await incoming.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
        batch.clear()

    for visitor in visitors:
        batch.append(plain.replace(b"\r\n\r\n", f"\r\nx-forwarded-for: {visitor}\r\n\r\n".encode(), 1))
        if len(batch) == 20:
            await send()
    writer.close()


@chapter.row(
    "H12", "paths: traversal, doubled slashes, encoded dots, very long; TRACE and CONNECT", quick=True, untimed=True
)
def paths(world: World) -> None:
    """404 or 405, and nothing of the machine."""
    shop(world)
    assert world.server is not None
    producer = world.produce("load", 300, rate=150)
    targets = [
        *("/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/t.js/../../etc/passwd"),
        *("//etc/passwd", "//collect", "/collect/", "/collect%2f", "/COLLECT", "/collect;x", "/%00", "/t.js%00.html"),
        *("/-/../-/status.json", "/-//status.json", "/-%2fstatus.json", "/-/login/../status.json", "/-/%2e%2e/collect"),
        *("/.env", "/.git/config", "/static/../app.py", "/%ff%fe", "/%c0%ae%c0%ae/", "/" + "a" * 7000),
        *("/healthz/", "/" + "a/" * 3000, "/\\..\\..", "/?" + "a=b&" * 1500, "/%", "/%zz", "*", "/collect%00"),
    ]
    refused = (400, 401, 404, 405)
    ask_all(
        world,
        [
            *(Ask(t[:40], f"GET {t} HTTP/1.1\r\nhost: x\r\n".encode() + CLOSE, refused) for t in targets),
            Ask("bytes above 127", b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n" + CLOSE, refused),
            *(
                Ask(f"{method} {path}", f"{method} {path} HTTP/1.1\r\nhost: x\r\n".encode() + CLOSE, (*refused, 501))
                for method in ("TRACE", "TRACK", "PUT", "DELETE", "PATCH", "PROPFIND", "x")
                for path in ("/collect", "/healthz", "/-/status.json")
            ),
            Ask("CONNECT", b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n" + CLOSE, refused),
        ],
    )
    answer = raw(world.server.address, b"GET /healthz/ HTTP/1.1\r\nhost: evil.example\r\n" + CLOSE)
    world.expect(b"evil.example" not in answer, "the Host header comes back as a place to go to")
    producer.ends(30)
    world.judge()
