"""`/-/dead.json`: the dead letters, for operations. GET lists, POST tries again or drops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.delivery.outbox import LARGEST_ID, Account, Choice, OutboxError
from tagserver.inbound.json_text import UNREADABLE, read_json
from tagserver.runtime import Runtime
from tagserver.server.body import BadBody, read_body

AT_ONCE = 1000
"""Letters moved in one transaction; the rest follows in further ones."""
MOST = 1000
"""Letters in one list."""


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST: what to do with which letters. Without a choice it means all of them, and says so."""

    action: Literal["retry", "drop"]
    id: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)] | None = None
    destination: str | None = None
    reason: str | None = None
    event_id: str | None = None
    all: bool = False


_order = msgspec.json.Decoder(Order)


class DeadLetters:
    """The endpoint."""

    def __init__(self, runtime: Runtime, headers: Mapping[str, str]) -> None:
        self._runtime = runtime
        self._headers = headers

    async def get(self, request: Request) -> Response:
        """`{"letters": [...]}`, the newest first; `destination`, `reason`, `event_id`, `id` and `limit` choose."""
        asked = request.query_params
        try:
            choice = Choice(
                id=_id(asked["id"]) if "id" in asked else None,
                destination=asked.get("destination"),
                reason=asked.get("reason"),
                event_id=asked.get("event_id"),
            )
            limit = min(_id(asked.get("limit", "100")), MOST)
        except ValueError:
            return self._problem(400, "bad_number", "id and limit are whole numbers, from 1 on")
        letters = await self._runtime.outbox.dead(choice, limit)
        return JSONResponse({"letters": [msgspec.to_builtins(letter) for letter in letters]}, headers=self._headers)

    async def post(self, request: Request) -> Response:
        """`{"action": "retry" | "drop", ...}` → `{"count": n}`, for a retry with `too_old` (they stay) and `late` (they
        may be counted twice)."""
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), 1 << 16)
            order = read_json(body, _order)
        except BadBody as bad:
            return self._problem(bad.status, bad.code, str(bad))
        except UNREADABLE as error:
            return self._problem(400, "bad_order", str(error))
        choice = Choice(id=order.id, destination=order.destination, reason=order.reason, event_id=order.event_id)
        if choice == Choice() and not order.all:
            return self._problem(400, "no_choice", 'say which: id, destination, reason or event_id, or "all": true')
        try:
            done = await (self._retry(choice) if order.action == "retry" else self._drop(choice))
            if order.action == "retry" and done["count"]:
                self._runtime.wait_no_longer(choice.destination)
        except OutboxError as error:
            return self._problem(503, "try_later", str(error))
        return JSONResponse(done, headers=self._headers)

    async def _retry(self, choice: Choice) -> dict[str, int]:
        accounts = {
            name: Account(one.identity, one.plugin.limits.repeat)
            for one in self._runtime.container.destinations.values()
            for name in (one.name, *one.aliases)
        }
        total = {"count": 0, "too_old": 0, "late": 0}
        # Some may be buried again meanwhile: those are not of this order.
        newest = next((letter.id for letter in await self._runtime.outbox.dead(choice, 1)), 0)
        after: int | None = 0
        while after is not None and after < newest:
            done = await self._runtime.outbox.retry_dead(choice, accounts, AT_ONCE, after)
            total["count"] += done.moved
            total["too_old"] += done.too_old
            total["late"] += done.late
            after = done.after
        return total

    async def _drop(self, choice: Choice) -> dict[str, int]:
        total = 0
        while moved := await self._runtime.outbox.drop_dead(choice, AT_ONCE):
            total += moved
        return {"count": total}

    def _problem(self, status: int, code: str, message: str) -> Response:
        problem: dict[str, Any] = {"path": "", "code": code, "message": message}
        return JSONResponse({"problems": [problem]}, status, headers=dict(self._headers))


def _id(text: str) -> int:
    """A whole number from 1 on, as the queue counts. Raises ValueError."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= LARGEST_ID:
        raise ValueError(f"{text[:20]} is no id")
    return number
