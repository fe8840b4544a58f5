"""`POST /-/reload` and `/-/rollback`, `GET /-/versions.json`: publishing, and the way back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.ingest.body import BadBody, read_body
from tagserver.publishing.publisher import Answer
from tagserver.publishing.store import LONGEST_NOTE
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.auth import SAFE, problem

LARGEST = 1 << 16
"""Bytes of an order."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Remark = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)]
_LENGTHS = f"a note has {LONGEST_NOTE} characters at most, a name 100"


class Reload(msgspec.Struct, forbid_unknown_fields=True):
    """`server`: renew operations' part alone, publish nothing."""

    by: Name = "admin"
    note: Remark = ""
    server: bool = False


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    """To which version, and who wants it."""

    number: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    by: Name = "admin"
    note: Remark = ""


_reload = msgspec.json.Decoder(Reload)
_rollback = msgspec.json.Decoder(Rollback)


class Publishing:
    """Its addresses."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def reload(self, request: Request) -> Response:
        """An empty body is an order, too."""
        try:
            body = await self._body(request)
            asked = read_json(body, _reload) if body.strip() else Reload()
        except BadBody as bad:
            return problem(bad.status, bad.code, str(bad))
        except UNREADABLE:
            shape = '{"note": "…", "by": "…", "server": true or false}'
            return problem(400, "bad_order", f"post nothing, or {shape}; {_LENGTHS}")
        runtime = self._runtime
        return _answered(await (runtime.renew() if asked.server else runtime.reload(asked.by, asked.note)))

    async def roll_back(self, request: Request) -> Response:
        """To a number."""
        try:
            asked = read_json(await self._body(request), _rollback)
        except BadBody as bad:
            return problem(bad.status, bad.code, str(bad))
        except UNREADABLE:
            shape = '{"number": N, "note": "…", "by": "…"}, with a number of versions.json'
            return problem(400, "bad_number", f"post {shape}; {_LENGTHS}")
        return _answered(await self._runtime.publisher.roll_back(asked.number, asked.by, asked.note))

    async def versions(self, request: Request) -> Response:
        """All that are kept."""
        return JSONResponse(self._runtime.publisher.listed(), headers=SAFE)

    @staticmethod
    async def _body(request: Request) -> bytes:
        return await read_body(request.receive, request.headers.get("content-length"), LARGEST)


def _answered(done: Answer) -> Response:
    return JSONResponse(done.as_dict(), 200 if done.ok else 409, headers=SAFE)
