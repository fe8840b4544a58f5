"""Events that only a client of another shape can read, in our own door: the calls of a pixel, with `clients.pixel` and
without, of a broken plugin, and what the page's developer is told."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from tagserver_pixel import Pixel

from tagserver.plugin.inbound import Client, Refuse
from tagserver.plugin.registry import Registry
from tests.server.conftest import SERVER, Running, Start, purchase

ON = SERVER + "\nclients:\n  pixel: {}\n"
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted"}
PARAMS = {"value": 59.9, "currency": "EUR", "order_id": "1001"}


def called(name: str = "Purchase", call: str = "track", consent: Any = GRANTED, **more: Any) -> dict[str, Any]:
    """One event as the page's script sends it."""
    fbq = {"call": call, "name": name, "pixels": ["1"], "params": PARAMS, **more}
    event = {"event": name, "event_id": "purchase_1001", "user_data": {"email": "a@b.example"}, "fbq": fbq}
    return event if consent is None else {**event, "consent": {"update": consent}}


async def line(server: Running, event: dict[str, Any]) -> tuple[str, list[str]]:
    """What is answered of one event: its status, and the codes of its problems."""
    (found,) = (await server.collect(event)).json()["events"]
    return found["status"], [one["code"] for one in found["problems"]]


async def test_a_call_goes_out_under_its_own_name_and_id(start: Start) -> None:
    """Letter by letter, though the triggers know it by GA4's name."""
    server: Running = await start(server=ON)
    assert await line(server, called()) == ("accepted", [])
    assert await line(server, called(call="trackCustom", name="purchase")) == ("accepted", [])
    sent = (await server.drained())["events"]
    assert sorted((one["event_name"], one["event_id"]) for one in sent) == [
        ("Purchase", "purchase_1001"),
        ("purchase", "purchase_1001"),
    ]


async def test_the_data_layers_copy_of_the_order_meets_it(start: Start) -> None:
    server: Running = await start(server=ON)
    await line(server, called())
    pushed = purchase("own-id")
    pushed["ecommerce"]["transaction_id"] = "1001"
    assert (await line(server, pushed))[0] == "duplicate"
    assert (await server.drained())["arrivals"] == 1


async def test_a_call_is_no_consent(start: Start) -> None:
    """Nothing leaves, and the page's developer is told why; where something was said, nobody is told anything."""
    server: Running = await start(server=ON)
    assert await line(server, called(consent=None)) == ("accepted", ["no_signal"])
    assert await line(server, called(consent={"ad_storage": "denied"})) == ("accepted", [])
    assert (await server.drained())["arrivals"] == 0
    assert server.runtime.meters.without_signal == {"pixel": 1}


async def test_it_is_off_unless_it_is_named(start: Start) -> None:
    """And what else is in the request is taken."""
    server: Running = await start(server=SERVER)
    answer = (await server.collect([called(), purchase()])).json()["events"]
    assert [(one["status"], [note["code"] for note in one["problems"]]) for one in answer] == [
        ("rejected", ["pixel_off"]),
        ("accepted", []),
    ]
    assert (await server.drained())["arrivals"] == 1


async def test_what_is_no_call_is_refused_alone(start: Start) -> None:
    server: Running = await start(server=ON)
    assert await line(server, called(call="init")) == ("rejected", ["bad_fbq"])


def raises(*given: Any) -> Any:
    raise ZeroDivisionError("a@b.example")


def refuses(*given: Any) -> Any:
    raise Refuse(400, "another", "no")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (raises, "client_failed"),
        (lambda *given: 5, "client_failed"),
        (lambda *given: {"event": object()}, "client_failed"),
        (lambda *given: {"event": "x" * 300_000}, "too_large"),
        (refuses, "client"),
    ],
    ids=["raises", "no object", "no JSON", "large", "its own code"],
)
async def test_a_broken_reader_hurts_its_own_events_alone(start: Start, event: Any, code: str) -> None:
    known = Registry.load()
    cls: type[Client] = type("Broken", (Pixel,), {"__doc__": "Broken.", "event": event})
    registry = Registry(known.destinations, known.plugins, known.variables, clients=MappingProxyType({"pixel": cls}))
    server: Running = await start(server=ON, registry=registry)
    answer = (await server.collect([called(), purchase()])).json()["events"]
    assert [one["status"] for one in answer] == ["rejected", "accepted"]
    assert [one["code"] for one in answer[0]["problems"]] == [code]
    failing = server.runtime.failing.shown((), (), ("pixel",))
    assert bool(failing) is (code == "client_failed")
    assert "a@b.example" not in str(failing)
