"""Names: looked up one at a time for each destination, in nobody else's threads, and known for a minute."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import nullcontext

import httpx
import pytest

from tagserver.delivery.exchange import LIMITS, NotSent, exchange
from tagserver.delivery.network import KEPT, CheckedTransport, Resolver, Unresolved, ask_system
from tagserver.delivery.target import Target
from tagserver.plugin import Payload, Request
from tagserver.system.time import Time
from tests.delivery.support import until
from tests.delivery.world import Account, Hundred, at_once
from tests.fake_time import FakeTime


class Elsewhere(Hundred):
    """Calls a host that nobody knows."""

    def request(self, payloads: Sequence[Payload], settings: Account) -> Request:
        """To the host."""
        return Request("POST", "https://nobody.example/", {}, b"[]")


SOON = 0.05
POOL = 64
"""More than any pool of the event loop has threads."""


class Names:
    """A name server that answers, refuses, or is silent until `answers` is set; and what it was asked, by whom."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()
        self.threads: set[threading.Thread] = set()
        if not silent:
            self.answers.set()

    def __call__(self, host: str) -> Sequence[str]:
        """The resolver's look-up."""
        self.asked.append(host)
        self.threads.add(threading.current_thread())
        self.answers.wait()
        if host == "nobody.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [] if host == "empty.example" else ["192.0.2.1", "192.0.2.2"]


async def test_what_was_found_is_known_for_a_minute() -> None:
    names, time = Names(), FakeTime()
    resolver = Resolver(time, names)
    for seconds in (0.0, 1.0, KEPT - 1.1):
        time.pass_unseen(seconds)
        assert await resolver.addresses("vendor.example", SOON * 100) == ["192.0.2.1", "192.0.2.2"]
    assert len(names.asked) == 1
    time.pass_unseen(0.2)
    await resolver.addresses("vendor.example", None)
    assert len(names.asked) == 2


async def test_addresses_that_did_not_answer_are_looked_up_anew() -> None:
    names = Names()
    resolver = Resolver(Time(), names)
    await resolver.addresses("vendor.example", None)
    resolver.forget("vendor.example")
    await resolver.addresses("vendor.example", None)
    assert len(names.asked) == 2


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
async def test_an_address_needs_no_look_up(address: str) -> None:
    names = Names(silent=True)
    assert await Resolver(Time(), names).addresses(address, SOON) == [address]
    assert names.asked == []


@pytest.mark.parametrize("name", ["nobody.example", "empty.example"])
async def test_a_name_that_is_not_known_is_told_as_such_and_asked_again(name: str) -> None:
    names = Names()
    resolver = Resolver(Time(), names)
    for _ in range(2):
        with pytest.raises(Unresolved, match=f"the name {name} is not known \\((Name or service|it has no address)"):
            await resolver.addresses(name, None)
    assert len(names.asked) == 2


async def test_what_cannot_be_a_name_is_not_known() -> None:
    """The system's resolver raises something else for it than for a name that nobody has."""
    with pytest.raises(Unresolved, match="is not known"):
        await Resolver(Time(), ask_system).addresses("a" * 64 + ".example", None)


async def test_one_look_up_at_a_time_and_what_it_finds_late_is_of_use() -> None:
    names = Names(silent=True)
    resolver = Resolver(Time(), names)
    for name in ("slow.example", "slow.example", "other.example"):
        with pytest.raises(Unresolved, match=f"the name {name} was not resolved in time"):
            await resolver.addresses(name, SOON)
    assert names.asked == ["slow.example"]
    names.answers.set()
    assert await resolver.addresses("slow.example", SOON * 100) == ["192.0.2.1", "192.0.2.2"]
    assert names.asked == ["slow.example"]
    assert await resolver.addresses("other.example", SOON * 100)
    assert len(names.threads) == 2


async def test_several_that_ask_for_one_name_share_the_look_up() -> None:
    names = Names()
    resolver = Resolver(Time(), names)
    found = await asyncio.gather(*(resolver.addresses("vendor.example", None) for _ in range(20)))
    assert len(found) == 20
    assert names.asked == ["vendor.example"]


async def test_names_that_do_not_resolve_leave_the_pool_to_everybody_else() -> None:
    """Also when more destinations wait than the pool has threads."""
    names = Names(silent=True)
    resolvers = [Resolver(Time(), names) for _ in range(POOL)]
    waiting = [asyncio.create_task(resolver.addresses("vendor.example", SOON * 100)) for resolver in resolvers]
    await until(lambda: len(names.asked) == POOL)
    async with asyncio.timeout(SOON * 60):
        assert await asyncio.to_thread(lambda: "done") == "done"
        assert await Resolver(Time(), Names()).addresses("well.example", SOON * 60)
    names.answers.set()
    await asyncio.gather(*waiting)


@pytest.mark.parametrize(("silent", "why"), [(True, "not resolved in time"), (False, "is not known")])
async def test_a_destination_says_what_is_wrong_with_its_name(silent: bool, why: str) -> None:
    """The vendor has not got the request, for sure."""
    names = Names(silent=silent)
    transport = CheckedTransport(lambda: (), LIMITS, Resolver(Time(), names))
    target = Target(Elsewhere(), Account(), None, ("nobody.example",), ())
    async with httpx.AsyncClient(transport=transport, timeout=SOON) as http:
        with pytest.raises(NotSent, match=f"the name nobody.example (was )?{why}"):
            await exchange(http, target, [Payload("e1", "Purchase", 0, b"{}")], {}, nullcontext(), {}, at_once)
    names.answers.set()
