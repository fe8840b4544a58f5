"""Streams of events over real connections: of viewers that do not read, that leave without a word, that are too many,
and of a server that ends while they look on. Shares beside them, which anybody may open."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tagserver.records.sharing import MOST_DAYS
from tagserver.server.admin.streams import EACH
from tests.faults.process import ADMIN, Process, purchase, start_sandbox, start_server, write_config

BEARER = {"authorization": f"Bearer {ADMIN}"}
ORIGIN = {"origin": "https://shop.example"}
SLOW = 4096
"""Bytes that the client's side of a connection takes before somebody reads."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    vendor = start_sandbox(tmp_path)
    write_config(tmp_path, vendor.address)
    made = start_server(tmp_path)
    yield made
    made.kill()
    vendor.kill()


def ask(server: Process, method: str, path: str, **what: object) -> httpx.Response:
    return httpx.request(method, server.address + path, trust_env=False, timeout=20, **what)  # type: ignore[arg-type]  # as `request` takes them


def watching(server: Process) -> socket.socket:
    """A connection on which a stream has begun, and of which nobody reads any more."""
    where = urlsplit(server.address)
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW)
    one.settimeout(20)
    one.connect((where.hostname, where.port))
    head = f"GET /-/stream HTTP/1.1\r\nhost: {where.netloc}\r\nauthorization: Bearer {ADMIN}\r\n\r\n"
    one.sendall(head.encode())
    said = b""
    while b"\n\n" not in said.partition(b"\r\n\r\n")[2].replace(b"\r\n", b""):
        part = one.recv(200)
        assert part, said
        said += part
    assert b" 200 " in said.split(b"\r\n", 1)[0]
    return one


def viewers(server: Process) -> int:
    return int(ask(server, "GET", "/-/status.json", headers=BEARER).json()["records"]["viewers"])


def until_there_are(server: Process, number: int) -> None:
    """Wait until so many look on."""
    until = time.monotonic() + 20
    while (now := viewers(server)) != number:
        assert time.monotonic() < until, f"{now} look on, and not {number}"
        time.sleep(0.05)


def collect(server: Process, prefix: str, number: int) -> None:
    """So many events, each with a name of its own: none is left out for being too frequent."""
    for start in range(0, number, 50):
        events = [purchase(f"{prefix}-{n}") | {"event": f"e-{n}"} for n in range(start, min(start + 50, number))]
        assert ask(server, "POST", "/collect", json=events, headers=ORIGIN).status_code == 202


def seen(server: Process, lines: Iterator[str]) -> bool:
    """Whether a viewer is told of what comes from now on. Who has not read while much came may miss some of it, the
    first of these as well: then he hears that, or nothing, and another one comes."""
    until = time.monotonic() + 60
    collect(server, "last-0", 1)
    for line in lines:
        if line.startswith("data: ") and '"last-' in line:
            return True
        if line == "event: skipped" or line.startswith(": "):
            collect(server, f"last-{time.monotonic_ns()}", 1)
        if time.monotonic() > until:
            break
    return False


def test_who_does_not_read_holds_up_nobody(server: Process) -> None:
    """Neither the events nor another viewer, nor the end of the server; what does not fit is left out for them."""
    with closing(watching(server)), closing(watching(server)):
        until_there_are(server, 2)
        with httpx.stream("GET", f"{server.address}/-/stream", headers=BEARER, trust_env=False, timeout=20) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("retry: ")
            collect(server, "many", 1500)
            assert seen(server, lines)
        memory = Path(f"/proc/{server.popen.pid}/statm").read_text().split()[1]
        assert int(memory) * 4096 < 400 << 20
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_who_leaves_without_a_word_is_noticed_at_once(server: Process, reset: bool) -> None:
    """Long before the next heartbeat, and whether or not something is to be told."""
    one = watching(server)
    until_there_are(server, 1)
    if reset:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    began = time.monotonic()
    until_there_are(server, 0)
    assert time.monotonic() - began < 10


def test_one_too_many_is_told_so_and_comes_in_when_another_has_left(server: Process) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(closing(watching(server))) for _ in range(EACH)]
        until_there_are(server, EACH)
        answer = ask(server, "GET", "/-/stream", headers=BEARER)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        assert answer.json()["problems"][0]["code"] == "too_many_streams"
        collect(server, "e", 1)
        others[0].close()
        until_there_are(server, EACH - 1)
        stack.enter_context(closing(watching(server)))
        until_there_are(server, EACH)


def test_a_server_ends_with_streams_open(server: Process) -> None:
    """Those that read are told; those that do not hold up nothing."""
    with closing(watching(server)), closing(watching(server)) as reads:
        until_there_are(server, 2)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
        said = b""
        while part := reads.recv(4096):
            said += part
        assert b"event: end" in said


def test_strangers_who_open_a_share_often_are_answered_and_those_who_guess_wait(server: Process) -> None:
    """The number of shares is bounded by the store; how often one is opened is nobody's decision, and guesses cost
    whoever guesses."""
    collect(server, "shared", 1)
    until = time.monotonic() + 20
    while (made := ask(server, "POST", "/-/events/shared-0/share", json={"days": MOST_DAYS}, headers=BEARER)).is_error:
        assert time.monotonic() < until, made.text
        time.sleep(0.05)
    path = urlsplit(made.json()["address"]).path
    with httpx.Client(base_url=server.address, trust_env=False, timeout=20) as stranger:
        assert {stranger.get(path).status_code for _ in range(60)} == {200}
        guesses = [stranger.get(f"/-/s/{number:032x}") for number in range(40)]
        assert {answer.status_code for answer in guesses} == {404, 429}
        assert all("retry-after" in answer.headers for answer in guesses if answer.status_code == 429)
        assert stranger.get("/healthz").status_code == 200
