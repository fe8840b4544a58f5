"""The conformance check while a plugin works: nothing of it may reach for the network, and no build may be slow."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from tagserver.plugin import (
    Built,
    Event,
    Mode,
)
from tagserver.testing import check_destination, make_event
from tagserver.testing.building import SLOW, slow_faults

from .post import SETTINGS, Post, body


def connects() -> None:
    with socket.socket() as one:
        one.settimeout(1)
        one.connect(("127.0.0.1", 9))


def sends() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", 9))


def calls() -> None:
    httpx.get("http://127.0.0.1:9/")


REACHES: list[tuple[Callable[[], object], str]] = [
    (connects, "opens a connection"),
    (sends, "sends to the network"),
    (calls, "looks up an address"),
    (lambda: socket.getaddrinfo("localhost", 80), "looks up an address"),
]


@pytest.mark.parametrize("quietly", [False, True], ids=["raises", "catches"])
@pytest.mark.parametrize("method", ["build", "request", "classify", "hosts"])
@pytest.mark.parametrize(("reach", "says"), REACHES, ids=["connect", "send", "library", "look up"])
def test_who_reaches_for_the_network_is_stopped_and_named(
    reach: Callable[[], object], says: str, method: str, quietly: bool
) -> None:
    """With the author's own line, also where a library does it, and where the error is caught."""
    kept = getattr(Post, method)

    def reaching(self: Any, *arguments: Any, **known: Any) -> Any:
        if quietly:
            with contextlib.suppress(Exception):
                reach()
        else:
            reach()
        return kept(self, *arguments, **known)

    broken = type("Changed", (Post,), {method: reaching})
    (event,) = [make_event({"user_data": {"email": "a@b.example"}})]
    faults = check_destination(broken, SETTINGS, [event])
    named = "hosts, sees or version_ends" if method == "hosts" else method
    assert any(re.match(rf"{named} {re.escape(says)}.*\(test_conformance_network\.py:\d+", one) for one in faults), (
        faults
    )


def test_the_network_is_open_again_after_a_check() -> None:
    """And was open to other threads meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address, reached = server.getsockname(), list[None]()

        class Asking(Post):
            def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
                asking = threading.Thread(target=lambda: reached.append(socket.create_connection(address).close()))
                asking.start()
                asking.join()
                return super().build(event, parameters, settings, mode)

        assert not any("sockets" in one for one in check_destination(Asking, SETTINGS, [make_event({})]))
        assert reached
        socket.create_connection(address).close()


def works(seconds: float) -> None:
    """As long as that on the processor, however long it takes."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_slow_build_is_named() -> None:
    slow = body(lambda event: works(0.06) or {})  # type: ignore[func-returns-value]  # (it only takes time)
    faults = check_destination(slow, SETTINGS, [make_event({})])
    assert any(re.match(r"build takes \d+ ms of work for one event, and holds up everybody", one) for one in faults)


@pytest.mark.parametrize(
    ("spent", "slow"),
    [([], False), ([0.001] * 10, False), ([0.001] * 6 + [9.0] * 5, False), ([SLOW], False), ([0.06] * 3, True)],
)
def test_half_of_the_builds_must_be_slow(spent: list[float], slow: bool) -> None:
    """One that is slow once loads something: that is no fault."""
    assert bool(list(slow_faults("build", spent))) == slow
