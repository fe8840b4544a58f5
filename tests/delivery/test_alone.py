"""One payload alone: sent once, and what the vendor says, without what tells of a person."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tagserver.delivery.alone import send_alone
from tagserver.delivery.exchange import open_http
from tagserver.delivery.target import Target
from tagserver.plugin import Outcome, Outcomes, Payload, Request, Response
from tests.fake_time import START, FakeTime

from .world import Account, Hundred, Vendor

BODY = b'{"id":"e1","user_data":{"em":"5ecdca5ecdca5ecdca"}}'
ALONE = Payload("e1", "Purchase", START, BODY)


class Speaks(Hundred):
    """Hashes at a path; refuses what is not 200 as a whole."""

    hashed = ("user_data.em",)

    def classify(self, response: Response, payloads: object) -> Outcomes:
        """400 asks for halves."""
        return Outcome.split("100", "one of them is bad") if response.status == 400 else Outcome.delivered()


class Fails(Hundred):
    """Makes no request."""

    def request(self, payloads: object, settings: Account) -> Request:
        """Breaks."""
        raise KeyError("5ecdca5ecdca5ecdca")


class Confused(Hundred):
    """Cannot read the answer."""

    def classify(self, response: Response, payloads: object) -> Outcomes:
        """Breaks."""
        raise ValueError


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no")


def lose(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no")


SAID = httpx.Response(400, json={"error": {"message": "no such hash 5ecdca5ecdca5ecdca of a@b.example"}})


@pytest.mark.parametrize(
    ("plugin", "always", "hosts", "outcome", "status", "message"),
    [
        (Speaks, httpx.Response(200), ("vendor.example",), "delivered", 200, ""),
        (Speaks, SAID, ("vendor.example",), "rejected", 400, "one of them is bad"),
        (Hundred, httpx.Response(503), ("vendor.example",), "retry", 503, ""),
        (Hundred, refuse, ("vendor.example",), "not_sent", None, "ConnectError"),
        (Hundred, lose, ("vendor.example",), "unknown", None, "the vendor may have it"),
        (Hundred, httpx.Response(200), ("other.example",), "not_sent", None, "may not leave"),
        (Fails, httpx.Response(200), ("vendor.example",), "not_sent", None, "KeyError"),
        (Confused, httpx.Response(200), ("vendor.example",), "unknown", None, "after the answer"),
    ],
    ids=["taken", "refused", "busy", "unreachable", "no answer", "another host", "no request", "unread"],
)
async def test_what_came_of_it(
    plugin: type[Hundred],
    always: httpx.Response | Callable[[httpx.Request], httpx.Response],
    hosts: tuple[str, ...],
    outcome: str,
    status: int | None,
    message: str,
) -> None:
    """Whatever the vendor or the plugin does, it is told, and nothing is tried twice."""
    vendor = Vendor()
    vendor.always = always
    clock = FakeTime()
    target = Target(plugin(), Account(), None, hosts, ())
    async with open_http(lambda: (), httpx.MockTransport(vendor), clock) as http:
        done = await send_alone(http, target, "hundred", ALONE, clock)
    assert (done.outcome, done.status) == (outcome, status)
    assert message in done.message
    assert "5ecdca" not in repr(done)
    assert "a@b.example" not in repr(done)
    assert len(vendor.requests) <= 1
    assert ("no such hash" in done.said) is (always is SAID)
