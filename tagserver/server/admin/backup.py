"""`/-/backup` and `/-/restore`: a copy of the queue for `tagserver backup`, and what is decided after a restore."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.ingest.body import BadBody, read_body
from tagserver.queue.errors import OutboxError
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.auth import problem

log = logging.getLogger("tagserver.admin")


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to `/-/restore`."""

    action: Literal["deliver"]


_order = msgspec.json.Decoder(Order)


class Backups:
    """The endpoints."""

    def __init__(self, runtime: Runtime, headers: Mapping[str, str]) -> None:
        self._runtime = runtime
        self._headers = headers

    async def copy(self, request: Request) -> Response:
        """→ `{"file", "queue", "time"}`: a copy of the queue in the data folder, for whoever may read there."""
        try:
            made = await self._runtime.keeping.snapshot()
        except OutboxError as error:
            return problem(503, "try_later", str(error))
        log.info("the queue was copied for a backup")
        return JSONResponse(msgspec.to_builtins(made), headers=dict(self._headers))

    async def decide(self, request: Request) -> Response:
        """`{"action": "deliver"}` → `{"held": whether delivery stood still}`: it goes on without a journal."""
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), 1 << 10)
            read_json(body, _order)
            held = self._runtime.keeping.hold.release()
        except BadBody as bad:
            return problem(bad.status, bad.code, str(bad))
        except UNREADABLE:
            return problem(400, "bad_order", 'post {"action": "deliver"}')
        except OSError as error:
            return problem(503, "try_later", f"the decision cannot be written: {error.strerror}")
        if held:
            self._runtime.audit.note("released", without="a journal")
            self._runtime.decided()
        return JSONResponse({"held": held}, headers=dict(self._headers))
