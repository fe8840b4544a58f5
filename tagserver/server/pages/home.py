"""Home: the state of everything in one look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE
from tagserver.server.pages.destinations import with_remedies
from tagserver.server.pages.last_hour import LastHour
from tagserver.server.pages.last_hour import shown as hour_shown
from tagserver.server.pages.matters import matters
from tagserver.server.pages.rendering import page

Hour = Callable[[], Awaitable[LastHour | None]]
"""Counts the last hour; where it is not known, the page leaves that part out."""


class Home:
    """`/-/` and `/-/home.json`."""

    def __init__(self, runtime: Runtime, hour: Hour) -> None:
        self._runtime = runtime
        self._hour = hour

    async def page(self, request: Request) -> Response:
        """For people."""
        return page(request, "home.html", home=await self._shown())

    async def json(self, request: Request) -> Response:
        """For machines."""
        return JSONResponse(await self._shown(), headers=SAFE)

    async def _shown(self) -> dict[str, Any]:
        """`{"ready", "status", "reason", "detail", "notice", "serves", "destinations", "matters", "last_hour"}`."""
        runtime = self._runtime
        status = await runtime.status.shown()
        trouble = runtime.outbox.trouble()
        found = matters(status, runtime.status.conditions(), None if trouble is None else trouble.kind, self._remarks())
        hour = await self._hour()
        return {
            **{name: status[name] for name in ("ready", "status", "reason", "detail")},
            "notice": status["container"]["notice"],
            "serves": await self._serves(),
            "destinations": with_remedies(status),
            "held": status["held"],
            "matters": [msgspec.to_builtins(one) for one in found],
            "last_hour": None if hour is None else hour_shown(hour),
        }

    def _remarks(self) -> dict[str, str]:
        """What should be known though nothing is wrong."""
        publisher = self._runtime.publisher
        said = {"configuration": publisher.now.remark or "", "server.yaml": publisher.awaits_a_start}
        return {subject: text for subject, text in said.items() if text}

    async def _serves(self) -> dict[str, Any]:
        """The version that serves: number, container, when, by whom and why it was published; `published` is None where
        nobody knows any more."""
        publisher = self._runtime.publisher
        number = publisher.now.serving.number
        shown: dict[str, Any] = {"number": number, "version": publisher.now.container.version}
        listed = await asyncio.to_thread(publisher.listed)
        known: dict[str, Any] = next((one for one in listed["versions"] if one["number"] == number), {})
        return {
            **shown,
            **{name: known.get(name) for name in ("published", "by", "note")},
            "loaded": self._runtime.loaded,
            "degraded": self._runtime.status.degraded,
        }
