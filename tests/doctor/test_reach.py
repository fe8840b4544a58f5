"""`tagserver doctor` calls the hosts that are configured, several at a time, sends them nothing and ends in time."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path

import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.doctor.doctor import Finding
from tagserver.doctor.reach import Reached, Way, check_allowed, check_proxy, check_reached, look, look_at_all, ways_of
from tagserver.plugin.registry import Registry

NOW = 1_800_000_000.0


def way(host: str, port: int = 443, scheme: str = "https", *allowed: str) -> Way:
    """Of one destination."""
    return Way(scheme, host, port, ("meta",), allowed)


# ── which hosts

HOOK = "whsec_" + b64encode(b"a key of the tests, 32 bytes long").decode()

CONTAINER = """
destinations:
  relay: {type: meta_capi, pixel_id: "1", access_token: "${env:T}", api_url: "https://relay.internal:8443/in"}
  usual: {type: meta_capi, pixel_id: "1", access_token: "${env:T}"}
  again: {type: meta_capi, pixel_id: "2", access_token: "${env:T}"}
  plain: {type: meta_capi, pixel_id: "3", access_token: "${env:T}", api_url: "http://127.0.0.1:9090"}
  still: {type: tiktok, pixel_code: "C1", access_token: "${env:MISSING}"}
  hook: {type: webhook, url: "https://hooks.shop.example/in", secret: "${env:HOOK}"}
"""


def test_the_hosts_are_those_of_the_settings(tmp_path: Path) -> None:
    """Also of a destination that stands still; each once, with all whose way it is."""
    allowed = "[relay.internal, 127.0.0.0/8, hooks.shop.example, old.internal]"
    (tmp_path / "server.yaml").write_text(f"egress: {{allow: {allowed}}}")
    (tmp_path / "container.yaml").write_text(CONTAINER)
    loaded = ConfigurationFolder(tmp_path, Registry.load(), {"T": "t-token-of-a-test", "HOOK": HOOK}).compile()
    assert loaded.container is not None, loaded.problems
    ways = ways_of(loaded.container.destinations.values())
    found = {(one.scheme, one.name): one.destinations for one in ways}
    assert found[("https", "relay.internal:8443")] == ("relay",)
    assert found[("https", "graph.facebook.com")] == ("usual", "again")
    assert found[("http", "127.0.0.1:9090")] == ("plain",)
    assert found[("https", "business-api.tiktok.com")] == ("still",)
    assert found[("https", "hooks.shop.example")] == ("hook",)
    assert len(found) == 5
    assert loaded.server is not None
    assert [one.matter for one in check_allowed(loaded.server.egress, ways)] == ["old.internal"]


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": ""}, ""),
        ({"HTTPS_PROXY": "http://ann:pass-word@proxy:3128"}, "HTTPS_PROXY is set"),
        ({"https_proxy": "x", "ALL_PROXY": "y"}, "ALL_PROXY and https_proxy are set"),
    ],
)
def test_a_proxy_that_is_not_taken_is_said_without_its_password(environ: dict[str, str], says: str) -> None:
    said = [finding.message for finding in check_proxy(environ)]
    assert len(said) == bool(says)
    assert all(one.startswith(says) and "pass-word" not in one for one in said)


# ── one host


class Host:
    """Answers each connection with what `answer` gives; without it, with nothing. Keeps what it was sent."""

    def __init__(self, answer: Callable[[], str] | None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.asked: list[bytes] = []
        self._answer = answer
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        if self._answer is not None:
            self.asked.append(connection.recv(10_000))
            connection.sendall(self._answer().encode())

    def close(self) -> None:
        """Let go of everything."""
        for one in (self._socket, *self._open):
            one.close()


def says(date: str) -> str:
    """An answer that says what time it is."""
    return f"HTTP/1.1 404 Not Found\r\ndate: {date}\r\ncontent-length: 0\r\n\r\n"


Start = Callable[[Callable[[], str] | None], Host]


@pytest.fixture
def host() -> Iterator[Start]:
    """A function that starts one."""
    with ExitStack() as stack:

        def start(answer: Callable[[], str] | None) -> Host:
            made = Host(answer)
            stack.callback(made.close)
            return made

        yield start


def local(host: Host) -> Way:
    """The way to it."""
    return way("127.0.0.1", host.port, "http", "127.0.0.0/8")


def test_a_host_that_answers_tells_its_clock_and_gets_nothing(host: Start) -> None:
    there = host(lambda: says(formatdate(NOW - 90, usegmt=True)))
    found = look(local(there), now=lambda: NOW)
    assert (found.finding.level, found.finding.message) == ("ok", "reached, without TLS (for meta)")
    assert found.skew == 90
    (asked,) = there.asked
    assert asked.startswith(b"HEAD / HTTP/1.1\r\n")
    assert b"uthorization" not in asked


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 99999 99:99:99 GMT"])
def test_a_clock_that_cannot_be_read_is_none(host: Start, date: str) -> None:
    assert look(local(host(lambda: says(date))), now=lambda: NOW).skew is None


def test_who_does_not_answer_is_not_waited_for(host: Start) -> None:
    found = look(local(host(None)), timeout=0.2)
    assert (found.finding.level, "does not answer" in found.finding.message) == ("error", True)


def test_tls_to_something_else_is_said(host: Start) -> None:
    there = host(lambda: "hello\r\n")
    found = look(way("127.0.0.1", there.port, "https", "127.0.0.0/8"), timeout=5)
    assert found.finding.message.startswith("TLS fails: ")


def test_a_host_that_is_not_there_or_inside_is_an_error() -> None:
    assert look(way("no-such-host.invalid")).finding.level == "error"
    assert "not public" in look(way("localhost")).finding.message


@pytest.mark.parametrize("name", ["", "a b", "\x00", "http://[", "x" * 300, "a..b", "ä" * 70])
def test_what_is_no_host_is_said(name: str) -> None:
    assert look(way(name)).finding.level == "error"


# ── all of them


def test_several_are_looked_at_at_a_time_and_keep_their_order() -> None:
    """Each waits for the others: one after another they would never end."""
    together = threading.Barrier(8)

    def meet(one: Way) -> Reached:
        together.wait(10)
        return Reached(one, Finding("ok", one.name, "reached"))

    ways = [way(f"h{number}.example") for number in range(8)]
    assert [found.way for found in look_at_all(ways, meet)] == ways


def test_whoever_hangs_is_left_behind() -> None:
    end = threading.Event()

    def hang(one: Way) -> Reached:
        if one.host == "slow.example":
            end.wait(10)
        return Reached(one, Finding("ok", one.name, "reached"))

    found = look_at_all([way("slow.example"), way("fast.example")], hang, patience=0.3)
    end.set()
    assert [one.finding.level for one in found] == ["error", "ok"]
    assert found[0].finding.message.startswith("no answer within")


@pytest.mark.parametrize(
    ("skews", "clock", "others"),
    [
        ([], None, []),
        ([None, None], None, []),
        ([0.4, -2.0], "right, as 2 hosts say", []),
        ([3600.0], "our clock is 1 h ahead, as the host that was asked says", []),
        ([-90.0, -91.0, -89.0], "our clock is 1 min 30 s behind, as 3 hosts say", []),
        ([0.0, 1.0, 7200.0], "right, as 3 hosts say", ["h2.example"]),
    ],
    ids=["nobody", "none says", "right", "one", "all", "one of three"],
)
def test_whose_clock_it_is(skews: list[float | None], clock: str | None, others: list[str]) -> None:
    ways = [way(f"h{number}.example") for number in range(len(skews))]
    found = [Reached(one, Finding("ok", one.name, "reached"), skew) for one, skew in zip(ways, skews, strict=True)]
    findings = list(check_reached(found))
    said = [one.message for one in findings if one.matter == "clock"]
    assert len(said) == (clock is not None)
    assert all(one.startswith(clock or "") for one in said)
    assert [one.matter for one in findings if one.level == "warning"] == others


def test_nobody_listens_is_said_in_words() -> None:
    """By the system's reason, and not by the name of a class."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        finding = look(way("127.0.0.1", free.getsockname()[1], "http", "127.0.0.0/8")).finding
    assert finding.message == "cannot be reached: Connection refused (for meta)"
    assert "nobody listens" in finding.hint


def test_what_speaks_no_http_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.shop.example ESMTP\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        finding = look(way("127.0.0.1", server.getsockname()[1], "http", "127.0.0.0/8")).finding
        answering.join()
    assert finding.message == "answers no HTTP: BadStatusLine (for meta)"
