"""The page Try: an event is typed, and every tag says what it would do with it; and Send as test, which sends it to one
vendor's test mode. What is typed is about a person, perhaps: it stands in no address, no log, and is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.explain.send_as_test import CannotSend
from tagserver.explain.try_ import BadQuestion, try_event
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem, read_order
from tagserver.server.admin.auth import user_of
from tagserver.server.pages.posted import read_form
from tagserver.server.pages.rendering import page
from tagserver.server.pages.try_ import FIELDS, answer, empty_form, filled, offered, question

ENCODED = 3
"""How often a form can be as long as what was typed: each byte may be written as %XX."""
_BESIDE = 1 << 16
"""Bytes of the fields beside the event."""


class SendOrder(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to `/-/try/send.json`: a question as `try` takes it, to whom, and the vendor's test code."""

    destination: str
    event: Any
    code: str = ""
    headers: dict[str, str] | None = None
    cookies: dict[str, str] | None = None
    ip: str | None = None
    source: str | None = None

    def question(self) -> dict[str, Any]:
        """For `try`."""
        given = {name: getattr(self, name) for name in ("event", "headers", "cookies", "ip", "source")}
        return {name: value for name, value in given.items() if value is not None}


_order = msgspec.json.Decoder(SendOrder)
_SHAPE = '{"destination": NAME, "code": "…", "event": {…}, "headers": {}, "cookies": {}, "ip": "…", "source": "…"}'


class TryPage:
    """`/-/try` and `/-/try/send`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def page(self, request: Request) -> Response:
        """The empty form, or one with the example that the address names."""
        return self._page(request, empty_form(request.query_params.get("example")))

    async def json(self, request: Request) -> Response:
        """What may be chosen; an event is asked about by a POST to the same address."""
        return JSONResponse(self._offered(), headers=SAFE)

    async def try_event(self, request: Request) -> Response:
        """The form, posted: what each tag would do."""
        form, asked, errors = await self._read(request)
        if errors:
            return self._page(request, form, errors, status=400)
        runtime = self._runtime
        try:
            told = try_event(runtime.container, runtime.server, asked, runtime.time.now())
        except BadQuestion as bad:
            return self._page(request, form, {_field_of(bad): str(bad)}, status=400)
        return self._page(request, form, told=told)

    async def send(self, request: Request) -> Response:
        """The form, posted to be sent as a test."""
        form, asked, errors = await self._read(request)
        if errors:
            return self._page(request, form, errors, status=400)
        try:
            told = await self._sent(asked, form["destination"], form["code"].strip(), user_of(request))
        except BadQuestion as bad:
            return self._page(request, form, {_field_of(bad): str(bad)}, status=400)
        except CannotSend as cannot:
            return self._page(request, form, {"code": str(cannot)}, status=409)
        return self._page(request, form, told=told)

    async def send_json(self, request: Request) -> Response:
        """The same for machines."""
        limit = self._runtime.server.collect.max_body + _BESIDE
        order = await read_order(request, _order, limit, lambda _: f"post {_SHAPE}")
        try:
            told = await self._sent(order.question(), order.destination, order.code, user_of(request))
        except BadQuestion as bad:
            return problem(400, "bad_trial", str(bad))
        except CannotSend as cannot:
            return problem(404 if cannot.code == "unknown_destination" else 409, cannot.code, str(cannot))
        return JSONResponse(told, headers=SAFE)

    # ── parts

    async def _read(self, request: Request) -> tuple[dict[str, str], dict[str, Any], dict[str, str]]:
        """The form, the question that it is, and what is wrong with its fields."""
        limit = ENCODED * (self._runtime.server.collect.max_event + _BESIDE)
        form = filled(await read_form(request, limit))
        return form, *await asyncio.to_thread(
            question, form
        )  # a text that is no JSON is read as YAML, which takes longer

    async def _sent(self, asked: Mapping[str, Any], destination: str, code: str, by: str) -> dict[str, Any]:
        return await self._runtime.vendor_tests.send(asked, destination, code, by)

    def _offered(self) -> dict[str, Any]:
        runtime = self._runtime
        return offered(runtime.vendor_tests.modes(), runtime.server.collect.keys)

    def _page(
        self,
        request: Request,
        form: Mapping[str, str],
        errors: Mapping[str, str] | None = None,
        told: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> Response:
        said = {**dict.fromkeys(FIELDS, ""), **(errors or {})}
        shown = None if told is None else answer(told)
        return page(
            request,
            "try.html",
            status,
            form=form,
            errors=said,
            answer=shown,
            **self._offered(),
            bad=status >= 400,
        )


def _field_of(bad: BadQuestion) -> str:
    """The field that a sentence is about: it begins with its name."""
    name = str(bad).partition(":")[0]
    return name if name in ("headers", "cookies", "ip", "source") else "event"
