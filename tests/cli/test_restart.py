"""A server that hands over to the next program, and one that is started by a service manager."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest

from ..faults.process import Process, passing
from .conftest import CONTAINER, ENVIRON, Shop

GIVEN = {**ENVIRON, "LANG": "C.UTF-8", "TAGSERVER_ADMIN_TOKEN": "operator-of-the-restarts"}
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    """What listens as a service manager does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("")
        made.settimeout(20)
        yield made


@pytest.fixture
def server(shop: Shop, manager: socket.socket) -> Iterator[Process]:
    """A server that tells the service manager."""
    given = GIVEN | {"NOTIFY_SOCKET": "@" + manager.getsockname()[1:].decode()}
    made = Process("serve", "--port", "0", "--strict", cwd=shop.folder, pattern=r"listens on (\S+),", environ=given)
    yield made
    made.popen.kill()
    made.popen.wait(10)


def told(manager: socket.socket) -> str:
    """What the service manager hears next."""
    return manager.recv(1000).decode().partition("\n")[0]


def within(holds: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def connect(server: Process) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2])))
    made.settimeout(10)
    return made


def ask(connection: socket.socket) -> int:
    """The status of an answer."""
    connection.sendall(HEALTH)
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def open_files(server: Process) -> list[str]:
    """What the process has open, but for its clients."""
    folder = Path(f"/proc/{server.popen.pid}/fd")
    found = []
    for one in folder.iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            found.append(re.sub(r"\d+", "", os.readlink(one)))
    return sorted(found)


def test_a_server_becomes_the_next_program(shop: Shop, server: Process, manager: socket.socket) -> None:
    """In the same process, with its socket, the connections on which nothing is under way, and nothing else."""
    assert told(manager) == "READY=1"
    with connect(server) as kept:
        assert ask(kept) == 200
        before = open_files(server)
        with connect(server) as slow, connect(server) as unused:
            slow.sendall(HEALTH[:20])
            within(lambda: len(open_files(server)) == len(before) + 2)
            os.kill(server.popen.pid, signal.SIGUSR2)
            assert told(manager) == "RELOADING=1"
            assert slow.recv(1000).startswith(b"HTTP/1.1 503 "), "the rest of it is not waited for"
            assert told(manager) == "READY=1"
            assert ask(unused) == ask(kept) == 200
        assert len(re.findall("listens on", server.text())) == 2
        assert "the next program takes its place; connections wait for it" in server.text()
        assert "the server ends" not in server.text()
        within(lambda: open_files(server) == before)
    os.kill(server.popen.pid, signal.SIGTERM)
    assert told(manager) == "STOPPING=1"
    assert server.popen.wait(20) == 0
    assert "tagserver has ended; in the queue 0 deliveries wait" in server.text()
    assert not (shop.folder / "data" / "address").exists()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_a_program_that_would_not_start_does_not_get_its_turn(shop: Shop, server: Process) -> None:
    """The one that runs goes on, and says why; so does `--rehearse`."""
    shop.write(CONTAINER + "nonsense: 1\n")
    os.kill(server.popen.pid, signal.SIGUSR2)
    within(lambda: "nothing is handed over" in server.text())
    (line,) = re.findall(r"ERROR tagserver (nothing is handed over.*)", server.text())
    assert line.endswith("the next one would not start. tagserver: the configuration has errors (--strict)")
    with connect(server) as one:
        assert ask(one) == 200
    rehearsed = shop("serve", "--strict", "--rehearse", environ=GIVEN)
    assert (rehearsed.code, rehearsed.out) == (1, "")
    rehearsed = shop("serve", "--rehearse", environ=GIVEN)
    assert rehearsed.code == 0
    assert "today's files have 1 problem and would not be taken: tagserver check" in rehearsed.out
    shop.write(CONTAINER)
    rehearsed = shop("serve", "--strict", "--rehearse", environ=GIVEN)
    assert (rehearsed.code, rehearsed.out) == (0, "a start would succeed: version 1 would serve\n")
    os.kill(server.popen.pid, signal.SIGUSR2)
    within(lambda: server.text().count("is rehearsed") == 2)
    os.kill(server.popen.pid, signal.SIGUSR2)
    within(lambda: server.text().count("listens on") == 2)
    assert "does so already" in server.text()


@pytest.mark.parametrize(
    ("host", "count", "environ", "words"),
    [
        ("127.0.0.1", 2, GIVEN, "2 sockets were passed to tagserver"),
        ("0.0.0.0", 1, ENVIRON, "can be reached from outside: set TAGSERVER_ADMIN_TOKEN first"),
    ],
    ids=["several", "public"],
)
def test_a_passed_socket_is_refused(shop: Shop, host: str, count: int, environ: dict[str, str], words: str) -> None:
    """With a sentence, before anything is begun."""
    with socket.create_server((host, 0)) as held:
        done = subprocess.run(
            passing(held, "-m", "tagserver", "serve", count=count),
            cwd=shop.folder,
            env={"PATH": os.environ["PATH"]} | environ,
            pass_fds=[held.fileno()],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert words in done.stderr
    assert not (shop.folder / "data").exists()
