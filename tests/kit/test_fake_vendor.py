"""The vendor in memory: it answers a destination as the host would, and a client of httpx."""

from __future__ import annotations

import json
from collections.abc import Generator, MutableMapping, Sequence
from typing import Any

import httpx
import pytest

from tagserver.plugin import Outcome, Outcomes, Payload, Request, Response
from tagserver.testing import FakeVendor, make_settings

from .post import SETTINGS, Post

PAYLOADS = [Payload("e-1", "purchase", 0, b'{"id":"e-1"}'), Payload("e-2", "purchase", 0, b'{"id":"e-2"}')]


def test_it_keeps_what_it_was_sent() -> None:
    vendor = FakeVendor()
    assert vendor.talk(Post(), PAYLOADS, make_settings(Post, SETTINGS)) == Outcome.delivered()
    (request,) = vendor.requests
    assert str(request.url) == "https://post.example/in"
    assert json.loads(request.content) == [{"id": "e-1"}, {"id": "e-2"}]
    assert request.headers["authorization"] == SETTINGS["token"]


def test_it_answers_what_it_is_told() -> None:
    vendor = FakeVendor(lambda request: httpx.Response(429, headers={"Retry-After": "7"}))
    assert vendor.talk(Post(), PAYLOADS, make_settings(Post, SETTINGS)) == Outcome.throttled("429")


def test_an_answer_may_be_the_host_s_own_response() -> None:
    """The one that `classify` gets. What is no answer is said to be none."""
    vendor = FakeVendor(lambda request: Response(429, {"Retry-After": "7"}, b""))
    assert vendor.talk(Post(), PAYLOADS, make_settings(Post, SETTINGS)) == Outcome.throttled("429")
    nothing: Any = FakeVendor(lambda request: {})  # type: ignore[arg-type, return-value]  # (wrong on purpose)
    with pytest.raises(TypeError, match="gives dict: return an httpx"):
        nothing.talk(Post(), PAYLOADS, make_settings(Post, SETTINGS))


class Login(Post):
    """A token first, kept in the cache."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        if "token" not in cache:
            cache["token"] = (yield Request("POST", "https://post.example/login", {})).body.decode()
        return self.classify((yield self.request(payloads, settings)), payloads)


def test_a_talk_of_several_requests() -> None:
    """The cache outlives it."""
    vendor = FakeVendor(lambda request: httpx.Response(200, text=request.url.path))
    cache: dict[str, Any] = {}
    for _ in range(2):
        assert vendor.talk(Login(), PAYLOADS, make_settings(Login, SETTINGS), cache) == Outcome.delivered()
    assert [request.url.path for request in vendor.requests] == ["/login", "/in", "/in"]
    assert cache == {"token": "/login"}


async def test_it_is_a_transport() -> None:
    vendor = FakeVendor()
    async with httpx.AsyncClient(transport=vendor) as client:
        assert (await client.post("https://post.example/in", json=[1])).json() == {}
    assert json.loads(vendor.requests[0].content) == [1]
