"""What can be made of a record: a test, a command, a comparison with another one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tagserver.explain.asked_again import Proxies
from tagserver.explain.compare import compare
from tagserver.explain.copy_as_curl import copy_as_curl
from tagserver.explain.copy_as_test import NothingToAsk, asker, copy_as_test
from tagserver.records import sharing
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem
from tagserver.server.admin.records import unknown
from tagserver.server.pages.failures import NotThere
from tagserver.server.pages.own_address import own_address
from tagserver.server.pages.rendering import page

LONGEST = 300
"""Characters of a name that is asked for."""


class Onward:
    """The addresses, and what the page of an event shows of them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def of(self, request: Request, record: Mapping[str, Any]) -> dict[str, Any]:
        """What `onward.html` shows of a RECORD."""
        shown: dict[str, Any] = {"name": f"record:{record['record']}", "test": "", "curl": "", "why_not": ""}
        try:
            shown["curl"] = self._curl(request, record)
            shown["test"] = await self._test(record)
        except NothingToAsk as nothing:
            shown["why_not"] = str(nothing)
        return {**shown, "days": sharing.DAYS, "most_days": sharing.MOST_DAYS}

    # ── texts

    async def test(self, request: Request) -> Response:
        """The newest record of an event as a case. Raises NotThere."""
        record = await self._newest(request.path_params["event_id"])
        try:
            return PlainTextResponse(await self._test(record), headers=SAFE)
        except NothingToAsk as nothing:
            raise NotThere("no_test", "No test can be made of it", str(nothing)) from None

    async def curl(self, request: Request) -> Response:
        """The newest record of an event as a command. Raises NotThere."""
        record = await self._newest(request.path_params["event_id"])
        try:
            return PlainTextResponse(self._curl(request, record), headers=SAFE)
        except NothingToAsk as nothing:
            raise NotThere("no_event", "It has no event", str(nothing)) from None

    async def _test(self, record: Mapping[str, Any]) -> str:
        """Compiling an old container and asking it takes a moment: in a thread."""
        return await asyncio.to_thread(self._tried, record)

    def _tried(self, record: Mapping[str, Any]) -> str:
        container, server = self._runtime.past.of(record["container"]), self._runtime.server
        proxies = Proxies(server.collect.trusted_proxies, server.collect.geo_headers)
        return copy_as_test(record, None if container is None else asker(container, server), proxies)

    def _curl(self, request: Request, record: Mapping[str, Any]) -> str:
        collect = self._runtime.server.collect
        origins = [one for one in collect.origins if one != "*"]
        address = f"{own_address(request, collect.trusted_proxies)}{self._runtime.server.path_prefix or ''}/collect"
        return copy_as_curl(record, address, origins[0] if origins else "https://shop.example")

    # ── two side by side

    async def compared(self, request: Request) -> Response:
        """For people: a form, and what it asks for."""
        a, b = _asked(request)
        missing, found = "", None
        if a and b:
            try:
                found = compare(await self._newest(a), await self._newest(b))
            except NotThere as error:
                missing = str(error)
        elif a or b:
            missing = "Name the other event, too."
        return page(request, "compare.html", a=a, b=b, found=found, missing=missing)

    async def compared_for_machines(self, request: Request) -> Response:
        """As `explain.compare` gives it. Raises NotThere."""
        a, b = _asked(request)
        if not a or not b:
            return problem(400, "bad_question", "name two events: ?a=record:1&b=record:2")
        return JSONResponse(compare(await self._newest(a), await self._newest(b)), headers=SAFE)

    async def _newest(self, name: str) -> dict[str, Any]:
        """The newest RECORD of a name. Raises NotThere, RecordsError."""
        records = await self._runtime.records.read(lambda reader: reader.records(name))
        if not records:
            why = unknown(await self._runtime.records.shown())
            raise NotThere("unknown_event", "No such event", f"{name[:LONGEST]}: {why}")
        return records[-1]


def _asked(request: Request) -> tuple[str, str]:
    a, b = (request.query_params.get(side, "").strip()[:LONGEST] for side in ("a", "b"))
    return a, b
