"""`POST /-/pause.json` and `/-/resume.json`: one destination is stopped by hand, and may go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.ingest.body import BadBody, read_body
from tagserver.pausing.pausing import LONGEST_NOTE, LONGEST_TERM, Pausing, Unknown, unwritten
from tagserver.queue.errors import OutboxError
from tagserver.server.admin.auth import SAFE, problem

LARGEST = 1 << 14
"""Bytes of an order."""
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Pause(msgspec.Struct, forbid_unknown_fields=True, rename={"seconds": "for"}):
    """`seconds`: for so long; None: until somebody resumes it."""

    destination: str
    seconds: Annotated[float, msgspec.Meta(ge=1, le=LONGEST_TERM)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] = ""
    by: Who = "admin"


class Resume(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants it. `dry_run`: only say what it would find."""

    destination: str
    by: Who = "admin"
    dry_run: bool = False


Order = TypeVar("Order", Pause, Resume)
_pause = msgspec.json.Decoder(Pause)
_resume = msgspec.json.Decoder(Resume)
_SHAPES = {
    "pause": '{"destination": NAME, "for": SECONDS or null, "note": "…", "by": "…"}',
    "resume": '{"destination": NAME, "by": "…", "dry_run": true or false}',
}


class Stops:
    """Their endpoints."""

    def __init__(self, pausing: Pausing) -> None:
        self._pausing = pausing

    async def pause(self, request: Request) -> Response:
        """Nothing more is sent from the moment that this is answered; what is under way finishes."""

        async def stop(order: Pause) -> dict[str, Any]:
            return await self._pausing.pause(order.destination, by=order.by, note=order.note, seconds=order.seconds)

        return await self._answered(request, "pause", _pause, stop)

    async def resume(self, request: Request) -> Response:
        """Let it go on."""

        async def go_on(order: Resume) -> dict[str, Any]:
            if order.dry_run:
                return await self._pausing.before_resuming(order.destination)
            return await self._pausing.resume(order.destination, by=order.by)

        return await self._answered(request, "resume", _resume, go_on)

    @staticmethod
    async def _answered(
        request: Request,
        what: str,
        decoder: msgspec.json.Decoder[Order],
        act: Callable[[Order], Awaitable[dict[str, Any]]],
    ) -> Response:
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), LARGEST)
            order = read_json(body, decoder)
        except BadBody as bad:
            return problem(bad.status, bad.code, str(bad))
        except UNREADABLE as error:
            return problem(400, "bad_order", f"post {_SHAPES[what]}: {error}")
        try:
            return JSONResponse(await act(order), headers=SAFE)
        except Unknown as unknown:
            return problem(404, "unknown_destination", str(unknown))
        except OutboxError as error:
            return problem(503, "try_later", unwritten(error), {"retry-after": "5"})
