"""Sockets that another process passes on, and what is said to the service manager."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tagserver.server.ending import Supervisor
from tagserver.server.listening import BACKLOG, WrongSocket, address_of, is_loopback, listen, passed
from tagserver.server.succession import VARIABLE, inherited

MAX_BACKLOG = min(BACKLOG, int(Path("/proc/sys/net/core/somaxconn").read_text()))


def environ(count: object = 1, process: object = None) -> dict[str, str]:
    """As systemd sets it."""
    return {"LISTEN_FDS": str(count), "LISTEN_PID": str(process or os.getpid()), "LISTEN_FDNAMES": "tagserver.socket"}


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Keeps sockets open for a test."""
    with ExitStack() as stack:
        yield stack


def test_a_passed_socket_is_made_as_one_of_our_own() -> None:
    """Limits, queue, and no child inherits it; and the variables are gone."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as held:
        os.set_inheritable(held.fileno(), True)
        said = environ()
        taken = passed(said, os.dup(held.fileno()))
        assert taken is not None
        assert not said
        with taken, listen("127.0.0.1", 0) as own:
            assert address_of(taken) == f"http://127.0.0.1:{held.getsockname()[1]}"
            assert not taken.get_inheritable()
            assert not taken.getblocking()
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                assert taken.getsockopt(socket.SOL_SOCKET, option) == own.getsockopt(socket.SOL_SOCKET, option)
            info = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            assert int.from_bytes(info[28:32], "little") == MAX_BACKLOG  # tcpi_sacked: the limit of the queue


@pytest.mark.parametrize(
    "said",
    [
        *({}, environ(0), environ(process=1), environ("x"), {"LISTEN_FDS": "1"}),
        *(environ("-1"), environ("9" * 5000, process=1), environ("\u0661"), environ("1 ")),
    ],
    ids=range(9),
)
def test_nothing_was_passed_to_this_process(said: dict[str, str]) -> None:
    """The variables may have been left behind by another one."""
    assert passed(said) is None
    assert not said


def udp(held: ExitStack) -> socket.socket:
    made = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made.bind(("127.0.0.1", 0))
    return made


def local(held: ExitStack) -> socket.socket:
    made = held.enter_context(socket.socket(socket.AF_UNIX))
    made.bind("")  # a name of the abstract namespace
    made.listen()
    return made


def accepted(held: ExitStack) -> socket.socket:
    server = held.enter_context(socket.create_server(("127.0.0.1", 0)))
    held.enter_context(socket.create_connection(server.getsockname()))
    return held.enter_context(server.accept()[0])


@pytest.mark.parametrize(
    ("make", "words"),
    [(udp, "datagram"), (local, "AF_UNIX"), (accepted, "leave out Accept=yes")],
    ids=["udp", "local", "accepted"],
)
def test_a_wrong_socket_is_refused_with_a_sentence(held: ExitStack, make: object, words: str) -> None:
    """And stays as it was."""
    assert callable(make)
    one = make(held)
    with pytest.raises(WrongSocket, match=words):
        passed(environ(), one.fileno())
    assert one.getsockname() is not None


def test_several_sockets_and_none_at_all(tmp_path: Path) -> None:
    """A server has one address; and a descriptor may be anything."""
    for many in ("3", "9" * 5000):
        with pytest.raises(WrongSocket, match="sockets were passed") as refused:
            passed(environ(many))
        assert len(str(refused.value)) < 300
    with (tmp_path / "file").open("w") as file, pytest.raises(WrongSocket, match="cannot be served on"):
        passed(environ(), file.fileno())


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("192.0.2.1", False)],
)
def test_who_can_come_in(host: str, is_it: bool) -> None:
    """From this machine alone, or from outside."""
    assert is_loopback(host) is is_it


def test_what_is_left_by_the_program_before(held: ExitStack) -> None:
    """Connections that are still there; what is none is passed over."""
    one = accepted(held)
    number = os.dup(one.fileno())
    os.set_inheritable(number, True)
    datagrams = udp(held).fileno()
    said = {VARIABLE: f"own {number} 1000000 x -1 {'9' * 30} {'9' * 5000} {datagrams}"}
    left = inherited(said)
    assert not said
    assert not left.kept
    (taken,) = left.connections
    with taken:
        assert taken.getpeername() == one.getpeername()
        assert not taken.get_inheritable()
    assert inherited({}).kept, "a passed socket without it is a service manager's"


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears(tmp_path: Path, abstract: bool) -> None:
    """At a path, and at a name in the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        manager.bind("" if abstract else str(tmp_path / "notify"))
        name = manager.getsockname()
        there = Supervisor("@" + name[1:].decode() if abstract else name)
        there.ready("listens\non here")
        assert manager.recv(1000) == b"READY=1\nSTATUS=listens on here"
        there.reloading("reads")
        first, second, third = manager.recv(1000).decode().split("\n")
        assert (first, third) == ("RELOADING=1", "STATUS=reads")
        assert second.removeprefix("MONOTONIC_USEC=").isdecimal()
        there.stopping("ends")
        assert manager.recv(1000) == b"STOPPING=1\nSTATUS=ends"


@pytest.mark.parametrize(
    ("address", "warned"), [(None, 0), ("", 0), ("/nowhere/at/all", 1), ("vsock:2:1234", 1)], ids=str
)
def test_a_service_manager_that_does_not_listen_keeps_nobody_from_serving(
    address: str | None, warned: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in the log where there should be one."""
    Supervisor(address).ready("serves")
    assert len(caplog.records) == warned
