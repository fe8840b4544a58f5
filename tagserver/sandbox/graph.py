"""`POST /{version}/{pixel}/events`: the Graph API edge that takes server events.

In order: the version, the token, the pixel, the batch, its events; the first thing wrong is the answer, and a
bad event refuses its whole batch (Meta, using the API). Only then is anything counted.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tagserver.sandbox.answers import INVALID, Refusal, failure, invalid, success
from tagserver.sandbox.control import Control, Fault, drop, wait_until_gone
from tagserver.sandbox.ledger import Details, Ledger
from tagserver.sandbox.rules import first_refusal
from tagserver.sandbox.upload import GoneError, TooLargeError, UploadError, fields_of, read_body

LIMIT = 64 << 20
"""Bytes of one request. Meta documents none; a full batch of large events stays well below."""
MOST_EVENTS = 1000
"""Meta, using the API."""
OLDEST_QUIET = (24, 0)
"""Older versions are served with a warning header, as Meta does when it upgrades a call by itself."""

_version = re.compile(r"v([0-9]{1,3})\.([0-9]{1,3})").fullmatch
_pixel = re.compile(r"[0-9]{1,32}").fullmatch

NO_TOKEN = 190
EXPIRED = 463
NO_SUCH_OBJECT = 33
UNKNOWN_PATH = 2500
VERSION_GONE = 2635


class Graph:
    """The edge as a bare ASGI application, since a fault may need the connection itself.

    The route gives `pixel` and, if the caller did, `version`.
    """

    def __init__(self, ledger: Ledger, control: Control, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._control = control
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._ledger.requests += 1
        fault = self._control.take()
        released = self._control.released
        try:
            body: bytes | UploadError = await read_body(receive, LIMIT)
        except TooLargeError as too_large:
            body = too_large
        except GoneError:
            return
        response = self._answer(scope, body) if fault is None or fault.after else None
        if fault is not None and (response is None or response.status_code == 200):
            await asyncio.sleep(fault.delay)
            if fault.strikes:
                await self._strike(fault, released, scope, receive, send)
                return
        await (response or self._answer(scope, body))(scope, receive, send)

    async def _strike(self, fault: Fault, released: asyncio.Event, scope: Scope, receive: Receive, send: Send) -> None:
        self._ledger.faults += 1
        if fault.hang:
            waits = [asyncio.ensure_future(wait) for wait in (wait_until_gone(receive), released.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if not released.is_set():
                return  # the client has given up
        if fault.hang or fault.reset:
            await drop(receive)
            return
        await fault.answer()(scope, receive, send)

    def _answer(self, scope: Scope, body: bytes | UploadError) -> Response:
        """Check, count, answer."""
        pixel = scope["path_params"]["pixel"]
        try:
            version = _version_of(scope)
            fields = _fields(scope, body)
            self._check_token(scope, fields)
            events = self._events(pixel, fields)
        except _RefusedError as refused:
            return self._refused(pixel, refused)
        for event in events:
            name, event_id = event["event_name"], event.get("event_id")
            self._ledger.arrive("server", pixel, name, event_id, _details(event, fields))
        response = success(len(events))
        if version < OLDEST_QUIET:
            response.headers["x-ad-api-version-warning"] = "an old version; a newer one served this call"
        return response

    def _check_token(self, scope: Scope, fields: dict[str, Any]) -> None:
        """Meta error reference, code 190. Any text will do that is not declared dead."""
        token = _token(scope, fields)
        if not token:
            raise _RefusedError(400, Refusal(NO_TOKEN, None, "an access token is required"))
        if self._control.is_dead(token):
            raise _RefusedError(401, Refusal(NO_TOKEN, EXPIRED, "the access token has expired"))

    def _events(self, pixel: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        """The events of the batch, every one of them good."""
        if not _pixel(pixel):
            raise _RefusedError(400, Refusal(INVALID, NO_SUCH_OBJECT, "no pixel that this token may see"))
        events = fields.get("data")
        if not isinstance(events, list) or not events:
            raise _RefusedError(400, invalid("data is required and must be an array of events"))
        if len(events) > MOST_EVENTS:
            raise _RefusedError(400, invalid(f"data holds more than {MOST_EVENTS} events"))
        if not isinstance(fields.get("test_event_code", ""), str):
            raise _RefusedError(400, invalid("test_event_code must be text"))
        refusals = (first_refusal(events, self._clock()), self._bad_id(events))
        first = min(filter(None, refusals), key=lambda refusal: refusal.index, default=None)
        if first is not None:
            raise _RefusedError(400, first, events)
        return events

    def _bad_id(self, events: list[Any]) -> Refusal | None:
        """The first event that was declared bad at /control."""
        bad = self._control.bad_ids
        for index, event in enumerate(events if bad else ()):
            event_id = event.get("event_id") if isinstance(event, dict) else None
            if isinstance(event_id, str) and event_id in bad:
                return Refusal(INVALID, self._control.bad_subcode, "this event_id was armed as bad", index)
        return None

    def _refused(self, pixel: str, refused: _RefusedError) -> Response:
        refusal = refused.refusal
        self._ledger.refuse(pixel, refused.status, refusal, refused.events)
        data = None
        # Meta may name the place, and often does not. Without it no text may give it away either, so that a
        # sender has to find the bad event by halving.
        if self._control.blame and refused.events is not None:
            data = {"blame_field_specs": [[f"data[{refusal.index}]"]]}
        return failure(
            refused.status,
            refusal.code,
            refusal.message,
            subcode=refusal.subcode,
            title=refusal.title,
            data=data,
        )


class _RefusedError(Exception):
    """The request is refused. `events` is its batch when the refusal's index points to a bad one in it."""

    def __init__(self, status: int, refusal: Refusal, events: list[Any] | None = None) -> None:
        super().__init__(refusal.message)
        self.status = status
        self.refusal = refusal
        self.events = events


def _version_of(scope: Scope) -> tuple[int, int]:
    """Meta, versioning: an unversioned call fails. The edge can only be posted to."""
    text = scope["path_params"].get("version")
    if text is None:
        raise _RefusedError(400, Refusal(VERSION_GONE, None, "the version is missing: /v26.0/PIXEL/events"))
    version = _version(text)
    if version is None:
        raise _RefusedError(400, Refusal(UNKNOWN_PATH, None, "unknown path: a version looks like v26.0"))
    if scope["method"] != "POST":
        raise _RefusedError(400, Refusal(INVALID, NO_SUCH_OBJECT, "this edge takes POST only"))
    return int(version[1]), int(version[2])


def _fields(scope: Scope, body: bytes | UploadError) -> dict[str, Any]:
    if isinstance(body, UploadError):
        raise _RefusedError(413, invalid(str(body)))
    try:
        return fields_of(body, Headers(scope=scope).get("content-type", ""))
    except UploadError as bad:
        raise _RefusedError(400, invalid(str(bad))) from None


def _token(scope: Scope, fields: dict[str, Any]) -> str | None:
    scheme, _, credentials = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    try:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=100)
    except ValueError:
        query = {}
    token = query.get("access_token", [fields.get("access_token")])[0]
    return token if isinstance(token, str) else None


def _details(event: dict[str, Any], fields: dict[str, Any]) -> Details:
    """What the ledger keeps of an event. No personal data."""
    custom = event.get("custom_data", {})
    value = custom.get("value")
    currency = custom.get("currency")
    options = event.get("data_processing_options")
    return {
        "value": None if value is None else float(value),
        "currency": currency if isinstance(currency, str) else None,
        "action_source": event["action_source"],
        "event_time": event["event_time"],
        "test_event_code": fields.get("test_event_code"),
        "data_processing_options": None if options is None else [option[:40] for option in options[:10]],
        "opt_out": event.get("opt_out"),
    }
