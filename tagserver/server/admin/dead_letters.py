"""`/-/dead.json`: the dead letters, for operations. GET lists or sums up, POST tries again or drops."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.queue.api import DeadLetters
from tagserver.queue.dead_letters import Choice, advice
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, read_order
from tagserver.server.admin.auth import ordered_by
from tagserver.server.admin.dead_letter_orders import (
    KEYS,
    BadChoice,
    Run,
    check_names,
    place_of,
    place_text,
    read_choice,
    whole_number,
)
from tagserver.system.text import printable

log = logging.getLogger("tagserver.admin")

MOST = 1000
"""Letters in one list."""
MOST_GROUPS = 1000
"""Groups in one summary: those with the most letters."""
LARGEST = 1 << 18
"""Bytes of an order."""
SWITCHES = ("summary", "limit", "after", "total")

Ids = int | list[int]
Texts = str | list[str]


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST: what to do with which letters. Without a choice it means all of them, and says so.

    `seconds`: answer after about so long, with `next` for the `after` of the next request; without, the answer comes
    when all is done. `by`: who wants it, for the audit.
    """

    action: Literal["retry", "drop"]
    id: Ids | None = None
    event_id: Texts | None = None
    destination: Texts | None = None
    tag: Texts | None = None
    reason: Texts | None = None
    code: Texts | None = None
    since: str | None = None
    until: str | None = None
    all: bool = False
    dry_run: bool = False
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] | None = None
    after: str | None = None
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


_order = msgspec.json.Decoder(Order)


class DeadLetterPages:
    """The endpoint."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def get(self, request: Request) -> Response:
        """`{"letters": [...], "total": n, "next": …}`, the newest burial first; each key of a choice may come several
        times. `limit` and `after` page; `total=no` leaves out the count. `summary=yes`: by cause, `{"summary": [...],
        "more": n, "total": n}`."""
        given = _given(request)
        choice = read_choice({key: given[key] for key in KEYS if key in given}, self._runtime.time.now())
        await check_names(self._runtime, choice)
        if _switch(given, "summary", default=False):
            return JSONResponse(await summed_up(self._runtime.outbox, choice), headers=SAFE)
        return JSONResponse(await self._list(choice, given), headers=SAFE)

    async def _list(self, choice: Choice, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        limit = min(whole_number("limit", (given.get("limit") or ["100"])[-1]), MOST)
        total = await self._runtime.outbox.count_dead(choice) if _switch(given, "total", default=True) else None
        found = await listed(self._runtime.outbox, choice, limit, given["after"][-1] if "after" in given else None)
        return {"letters": found["letters"], "total": total, "next": found["next"]}

    async def post(self, request: Request) -> Response:
        """`{"action": "retry" | "drop", ...}` → `{"count": n, "left": n, "next": …}`; of a retry also `too_old`,
        `refused` (by the reason for which they would die again, or `restored`; these and the too old stay), `late`
        (they may be counted twice) and `waiting` (destinations that cannot send now)."""
        order = await read_order(request, _order, LARGEST)
        return JSONResponse(await self.obey(order, ordered_by(request, order.by)), headers=SAFE)

    async def obey(self, order: Order, by: str) -> dict[str, Any]:
        """Carry out an order of somebody's; the object that answers it. What was done is on record, also when the queue
        refuses to go on. Raises BadChoice, OutboxError."""
        choice = read_choice(_chosen(order), self._runtime.time.now())
        if choice.everything and not order.all:
            wanted = 'say which: id, event_id, destination, tag, reason, code, since or until, or "all": true'
            raise BadChoice("no_choice", wanted)
        if order.after is None:
            await check_names(self._runtime, choice)
        run = Run(self._runtime, order.action, choice, dry_run=order.dry_run)
        counts: Mapping[str, Any] | None = None
        try:
            done = counts = await run.go(order.after, order.seconds)
            return done
        finally:
            if not order.dry_run:
                self._note(order, choice, by, run.counts if counts is None else counts)

    def _note(self, order: Order, choice: Choice, by: str, done: Mapping[str, Any]) -> None:
        """For the audit. Of events their number: an id may be made of an order or a person."""
        asked: dict[str, Any] = {
            "ids": len(choice.ids),
            "event_ids": len(choice.event_ids),
            "destinations": sorted(choice.destinations),
            "tags": sorted(choice.tags),
            "reasons": sorted(choice.reasons),
            "codes": sorted(choice.codes),
            "since": choice.since,
            "until": choice.until,
        }
        counts = {key: done[key] for key in ("count", "too_old", "refused", "late", "left") if key in done}
        named = {key: value for key, value in asked.items() if value}
        self._runtime.audit.note("dead", action=order.action, by=by, choice=named, **counts)
        if counts["count"]:
            log.info("dead letters: %s of %d by %s", order.action, counts["count"], printable(by))


async def listed(outbox: DeadLetters, choice: Choice, limit: int, after: str | None) -> dict[str, Any]:
    """One page of letters, the newest first, and where the next one begins. Raises BadChoice for an `after` that is no
    `next`."""
    found = await outbox.dead(choice, limit + 1, None if after is None else place_of(after))
    letters = found[:limit]
    return {
        "letters": [msgspec.to_builtins(letter) for letter in letters],
        "next": None if len(found) <= limit else place_text(letters[-1].position),
    }


async def summed_up(outbox: DeadLetters, choice: Choice, most: int = MOST_GROUPS) -> dict[str, Any]:
    """The letters of a choice by cause: the `most` largest groups, each with what helps, how many there are beside
    them, and the letters of all."""
    groups = sorted(await outbox.dead_groups(choice), key=lambda one: (-one.count, one.cause))
    return {
        "summary": [
            {
                **msgspec.to_builtins(group.cause),
                "count": group.count,
                "oldest": group.oldest,
                "newest": group.newest,
                "event_id": group.event_id,
                "advice": advice(group.cause.reason),
            }
            for group in groups[:most]
        ],
        "more": max(0, len(groups) - most),
        "total": sum(group.count for group in groups),
    }


def _given(request: Request) -> dict[str, list[str]]:
    """The values of each key of an address. Raises BadChoice for a key that there is not."""
    given: dict[str, list[str]] = {}
    for key, value in request.query_params.multi_items():
        if key not in KEYS and key not in SWITCHES:
            raise BadChoice("unknown_key", f"there is no key {key[:40]!r}; there are {', '.join((*KEYS, *SWITCHES))}")
        given.setdefault(key, []).append(value)
    return given


def _switch(given: Mapping[str, Sequence[str]], key: str, *, default: bool) -> bool:
    if key not in given:
        return default
    if given[key][-1] not in ("yes", "no"):
        raise BadChoice("bad_choice", f"{key} is yes or no")
    return given[key][-1] == "yes"


def _chosen(order: Order) -> dict[str, list[Any]]:
    found = {key: getattr(order, key) for key in KEYS}
    return {key: value if isinstance(value, list) else [value] for key, value in found.items() if value is not None}
