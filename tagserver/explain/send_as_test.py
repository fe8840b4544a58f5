"""Send as test: one event goes for real to one destination, in its vendor's test mode, and its answer is shown.

The event is read and decided as by `try`; consent, privacy, the send policy and the rules of the network count as they
do for every delivery. Nothing is queued, counted or repeated. What is put on record is who sent what kind of event to
whom, and no value of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import httpx
import msgspec

from tagserver.config.model import ConfiguredDestination, Container
from tagserver.config.server import ServerConfig
from tagserver.delivery.alone import Answered, send_alone
from tagserver.delivery.send_policy import lost_purposes, trace, why
from tagserver.delivery.target import Target
from tagserver.delivery.vendor_tests import mode_of
from tagserver.explain.try_ import explain
from tagserver.ingest.deliveries import Deliveries
from tagserver.logs.logs import LONGEST_NAME, redacted
from tagserver.pipeline.route import Routing
from tagserver.plugin import Payload
from tagserver.plugin.vendor_test import VendorTest
from tagserver.queue.api import Suppressions
from tagserver.queue.values import Delivery
from tagserver.system.time import Time

log = logging.getLogger("tagserver.admin")

MOST = 5
"""Tags of one destination whose payloads are sent."""


class CannotSend(Exception):
    """Nothing is sent; the text says why, and what to do. `code`: a stable word."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Serving(Protocol):
    """What serves, looked at anew for each test."""

    @property
    def container(self) -> Container:
        """The container."""
        ...

    @property
    def server(self) -> ServerConfig:
        """Operations' settings."""
        ...

    def target(self, name: str) -> Target | None:
        """A destination as delivery sees it."""
        ...


class VendorTests:
    """Sends events as tests, one at a time. `connect` gives connections to a destination's vendor; `note` puts on
    record who has done what."""

    def __init__(
        self,
        serving: Serving,
        connect: Callable[[str], httpx.AsyncClient],
        suppressions: Suppressions,
        install_key: bytes,
        note: Callable[..., None],
        time: Time,
    ) -> None:
        self._serving = serving
        self._connect = connect
        self._suppressions = suppressions
        self._install_key = install_key
        self._note = note
        self._time = time
        self._busy = asyncio.Lock()

    def modes(self) -> dict[str, VendorTest | None]:
        """The destinations that serve, each with its vendor's test mode; None for one that has none."""
        return {name: mode_of(one.plugin) for name, one in self._serving.container.destinations.items()}

    async def send(self, asked: Mapping[str, Any], destination: str, code: str, by: str) -> dict[str, Any]:
        """`asked`: a question as `try` takes it. → the answer of `try` with `sent`: for each tag that sends to the
        destination, what came of it. Raises CannotSend, BadQuestion; OutboxError when nobody can tell what the person
        has withdrawn."""
        container, server = self._serving.container, self._serving.server
        configured = container.destinations.get(destination)
        if configured is None:
            raise CannotSend("unknown_destination", "choose one of the destinations that are configured")
        target = self._serving.target(destination)
        changed = self._changed(configured, target, code)
        assert target is not None
        container = container.with_settings(destination, changed)
        made = explain(container, server, asked, self._time.now())
        sending = made.routing and Deliveries(container, server, self._install_key).of(made.routing)
        mine = [one for one in sending or () if one.destination == destination][:MOST]
        sent: list[dict[str, Any]] = []
        if made.routing is not None and mine:
            sent = await self._send(container, replace(target, settings=_with(target, changed)), made.routing, mine, by)
        return {**made.answer, "destination": destination, "sent": sent}

    def _changed(self, configured: ConfiguredDestination, target: Target | None, code: str) -> dict[str, Any]:
        """The settings that make it a test. Raises CannotSend."""
        name, mode = configured.name, mode_of(configured.plugin)
        if mode is None:
            raise CannotSend("no_test_mode", f"{name} has no test mode: its vendor takes every event for real")
        if target is None or target.still is not None:
            raise CannotSend("paused", f"nothing is sent to {name}: {target.still if target else 'it is gone'}")
        try:
            return mode.settings(code, target.settings)
        except ValueError as bad:
            raise CannotSend("bad_code", str(bad)) from None

    async def _send(
        self, container: Container, target: Target, routing: Routing, mine: Sequence[Delivery], by: str
    ) -> list[dict[str, Any]]:
        """One payload after another, those that may be sent."""
        if self._busy.locked():
            raise CannotSend("busy", "another test is being sent; try again in a moment")
        name = mine[0].destination
        async with self._busy:
            told = dict(self._refused(container, mine))
            if len(told) < len(mine):
                event = redacted(routing.event.name[:LONGEST_NAME])
                self._note("test_sent", destination=name, event=event, by=by)
                log.info("an event was sent to %s as a test by %s", name, by)
            async with self._connect(name) as http:
                for one in mine:
                    if one.tag not in told:
                        payload = Payload(one.event_id, one.name, one.time, one.body, one.group)
                        told[one.tag] = await send_alone(http, target, name, payload, self._time)
        return [{"tag": one.tag, "name": one.name, **msgspec.to_builtins(told[one.tag])} for one in mine]

    def _refused(self, container: Container, mine: Sequence[Delivery]) -> Iterator[tuple[str, Answered]]:
        """Those that may not be sent, as the send policy says before each attempt: their tags, and why."""
        asked = self._suppressions.withdrawn if self._suppressions.tombstones() else None
        for one in mine:
            if one.expires is not None and self._time.now() >= one.expires:
                yield one.tag, Answered("not_sent", "too old for this destination")
            elif asked is not None and (lost := lost_purposes(trace(one), container, asked)):
                yield one.tag, Answered("not_sent", f"consent: {why(lost)}")


def _with(target: Target, changed: Mapping[str, Any]) -> Any:
    return replace(target.settings, **changed)
