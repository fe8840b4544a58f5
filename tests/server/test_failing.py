"""A plugin that fails at night: it is seen wherever somebody may look, and the rest of the server goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from tagserver.doctor.doctor import check_running_destinations, check_server
from tagserver.plugin import Built, Event, Mode, Outcome, Outcomes, Payload, Request, Response
from tagserver.plugin.registry import Registry
from tests.config.world import Box
from tests.plugin_with_variables import Failing
from tests.server.conftest import SERVER, TOKEN, Running, Start, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
CONTAINER = """
destinations: {acme: {type: acme}, well: {type: box}}
variables: {v: {failing: {of: "{{ event }}"}}}
tags:
  - {name: Acme, destination: acme, triggers: [all]}
  - {name: Well, destination: well, triggers: [all]}
"""
OPEN = SERVER.replace('["vendor.internal"]', '["box.example"]')


class Acme(Box):
    """Fails for some events: at the door, before it is sent, or when it is asked what an answer means."""

    type = "acme"

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """At the door."""
        if event.event_id.startswith("door"):
            raise KeyError(event.user_data["email"])
        return super().build(event, parameters, settings, mode)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        """Before it is sent."""
        if any(payload.event_id.startswith("way") for payload in payloads):
            raise SystemExit("erika@example.com")
        return super().request(payloads, settings)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """After the answer."""
        if any(payload.event_id.startswith("answer") for payload in payloads):
            raise GeneratorExit("erika@example.com")
        if any(payload.event_id.startswith("token") for payload in payloads):
            return Outcome.paused("190", "make a new token on Acme's settings page")
        return Outcome.delivered()


REGISTRY = Registry.of(Acme, Box, variables=(Failing,))


async def takes(scope: Any, receive: Any, send: Any) -> None:
    """A vendor that takes everything."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def is_away(scope: Any, receive: Any, send: Any) -> None:
    """One that nobody can reach."""
    raise httpx.ConnectError("away")


async def started(start: Start, container: str = CONTAINER, vendor: Any = takes) -> Running:
    server: Running = await start(server=OPEN, container=container, registry=REGISTRY, vendor=vendor)
    return server


async def until(server: Running, state: str, word: str = "") -> dict[str, Any]:
    """What is said of the destination once it is in this state, and `word` stands in the reason."""
    for _ in range(500):
        acme: dict[str, Any] = (await server.status())["destinations"]["acme"]
        if acme["state"] == state and word in (acme["reason"] or ""):
            break
        await asyncio.sleep(0.01)
    return acme


async def seen(server: Running) -> tuple[dict[str, Any], dict[str, Any], str, str]:
    """Status, readiness, the page and the metrics."""
    ready = await server.ready()
    page = (await server.http.get("/-/", headers=BEARER)).text
    metrics = (await server.http.get("/-/metrics", headers=BEARER)).text
    return await server.status(), ready, page, metrics


async def test_what_fails_at_the_door_is_seen_everywhere(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = await started(start)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            answer = await server.collect(purchase(f"door-{number}"))
            assert answer.status_code == 202
    await server.drained()
    status, ready, page, metrics = await seen(server)
    acme, well = status["destinations"]["acme"], status["destinations"]["well"]
    assert (acme["state"], well["state"]) == ("failing", "ok")
    assert "build fails with KeyError at test_failing.py:" in acme["reason"]
    assert "(3 of the last 3 events)" in acme["reason"]
    assert (ready["ready"], ready["status"], ready["notice"]) == (True, "degraded", "1 plugin fails: acme")
    assert [one["destination"] for one in ready["failing"]] == ["acme"]
    assert '<span aria-hidden="true">✖</span> failing' in page
    assert "build fails with KeyError" in page
    assert 'tagserver_destination_state{destination="acme",state="failing"} 1' in metrics
    assert "tagserver_degraded 1" in metrics
    said = [record.getMessage() for record in caplog.records if record.name in ("tagserver.plugins", "tagserver.state")]
    assert len(said) == 1, "limited in rate"
    assert "destination acme is failing: build fails with KeyError at test_failing.py:" in said[0]
    assert "erika" not in f"{caplog.text}{status}{ready}{page}{metrics}"
    found = {finding.matter: finding for finding in check_running_destinations(status)}
    assert found["acme"].level == "error"
    assert "failing: build fails with KeyError" in found["acme"].message
    (finding,) = check_server(ready)
    assert (finding.level, finding.hint.partition(";")[0]) == ("warning", "1 plugin fails: acme")


async def test_what_fails_on_its_way_is_a_dead_letter_and_seen(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = await started(start)
    with caplog.at_level(logging.ERROR):
        for one in ("way-1", "good-1"):
            await server.collect(purchase(one))
        await server.drained()
    status, ready, _, _ = await seen(server)
    acme = status["destinations"]["acme"]
    assert (acme["state"], acme["delivered"], acme["dead_by_reason"]) == ("failing", 1, {"plugin_error": 1})
    assert "its event is a dead letter (" in acme["reason"]
    assert "request fails with SystemExit at test_failing.py:" in acme["reason"]
    assert ready["status"] == "degraded"
    assert caplog.text.count("request fails with SystemExit") == 1
    for number in range(20):
        await server.collect(purchase(f"later-{number}"))
    await server.drained()
    status, ready, _, _ = await seen(server)
    assert (status["destinations"]["acme"]["state"], ready["status"]) == ("ok", "ok")


@pytest.mark.parametrize(
    ("event_id", "says"),
    [
        ("answer-1", "plugin_error: classify fails with GeneratorExit at test_failing.py:"),
        ("token-1", "190: make a new token on Acme&#39;s settings page"),
    ],
)
async def test_why_it_is_paused_reaches_whoever_looks(
    start: Start, caplog: pytest.LogCaptureFixture, event_id: str, says: str
) -> None:
    server = await started(start)
    plain = says.replace("&#39;", "'")
    with caplog.at_level(logging.ERROR):
        await server.collect(purchase(event_id))
        await until(server, "paused")
    status, ready, page, _ = await seen(server)
    acme = status["destinations"]["acme"]
    assert (acme["state"], acme["pending"], acme["dead"]) == ("paused", 1, 0)
    ours = plain.startswith("plugin_error")
    assert ready["status"] == ("degraded" if ours else "ok"), "a vendor that wants a new token is no fault of a plugin"
    assert [one["destination"] for one in status["failing"]] == (["acme"] if ours else [])
    assert acme["reason"].startswith(plain)
    assert says in page
    assert plain in caplog.text
    (finding,) = [one for one in check_running_destinations(status) if one.matter == "acme"]
    assert finding.level == "error"
    assert finding.message.startswith(f"paused: {plain}")
    assert "(1 delivery waits)" in finding.message
    assert ("restarted" in finding.hint) == ours, "a reload does not load a plugin that was mended"
    assert "erika" not in f"{caplog.text}{status}{page}"


async def test_a_variable_that_fails_is_seen_and_the_event_goes_on(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    text = CONTAINER.replace("destination: well,", 'destination: well, parameters: {a: "{{ v }}"},')
    server = await started(start, text)
    with caplog.at_level(logging.ERROR):
        await server.collect(purchase("a-1"))
    await server.drained()
    status, ready, page, metrics = await seen(server)
    assert {one["state"] for one in status["destinations"].values()} == {"ok"}
    (one,) = status["failing"]
    assert one["variable"] == "v"
    assert "it fails with KeyError at plugin_with_variables.py:" in one["reason"]
    assert (ready["status"], ready["notice"]) == ("degraded", "1 plugin fails: the variable v")
    assert "variable v" in page
    assert "its plugin has to be mended by its author" in page
    assert 'tagserver_variable_failures_total{variable="v"} 1' in metrics
    assert "variable v: it fails with KeyError" in caplog.text
    (finding,) = check_running_destinations(status)
    assert finding.matter == "variable v"


async def test_a_vendor_that_is_away_besides_is_said_behind_it(start: Start) -> None:
    """What fails needs somebody; the wait mends itself."""
    server = await started(start, vendor=is_away)
    await server.collect(purchase("good-1"))
    await server.collect(purchase("door-1"))
    acme = await until(server, "failing", "; retrying: ")
    assert acme["state"] == "failing"
    assert acme["reason"].endswith("; retrying: ConnectError")
