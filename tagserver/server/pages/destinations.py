"""The destinations: how each of them is, what waits for it, what was given up and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.doctor.doctor import remedy
from tagserver.pausing.sentences import when_pausing
from tagserver.plugin.registry import unloaded_in
from tagserver.queue.dead_letter_sentences import when_retried
from tagserver.queue.dead_letters import REASONS, Choice
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE
from tagserver.server.admin.dead_letters import listed, summed_up
from tagserver.server.pages.failures import NotThere
from tagserver.server.pages.rendering import page
from tagserver.system.text import letters

GROUPS = 50
"""Groups of dead letters on a page."""
LETTERS = 25
"""Single letters on a page."""
LOOKED_AT = 1000
"""Of what waits, the oldest are looked at for their attempts."""


class Destinations:
    """`/-/destinations`, `/-/destinations/NAME`, and both as `.json`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def all(self, request: Request) -> Response:
        """The page of all."""
        return page(request, "destinations.html", destinations=await self._all())

    async def all_json(self, request: Request) -> Response:
        """`{"destinations": [{"name", …}]}`: each as in `status.json`, and with `remedy`."""
        return JSONResponse({"destinations": await self._all()}, headers=SAFE)

    async def one(self, request: Request) -> Response:
        """The page of one. Raises NotThere."""
        shown = await self._one(request)
        name = shown["destination"]["name"]
        said = list(_done(request.query_params))
        if request.query_params.get("done") == "pause" and shown["destination"]["pause"] is not None:
            foreseen = await self._runtime.pausing.foreseen(name)
            said = list(when_pausing({"pause": shown["destination"]["pause"], **foreseen}))
        return page(request, "destination.html", said=said, **shown)

    async def one_json(self, request: Request) -> Response:
        """`{"destination", "waiting", "limits", "dead", "letters", "next", "chosen"}`. Raises NotThere."""
        return JSONResponse(await self._one(request), headers=SAFE)

    async def _all(self) -> list[dict[str, Any]]:
        return with_remedies(await self._runtime.status.shown())

    async def _one(self, request: Request) -> dict[str, Any]:
        name = request.path_params["name"]
        known = {one["name"]: one for one in await self._all()}
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "none is configured"
            raise NotThere("unknown_destination", "No such destination", f'none is called "{name[:100]}"; {there}')
        outbox, asked = self._runtime.outbox, request.query_params
        reason = asked.get("reason", "") if asked.get("reason", "") in REASONS else ""
        choice = Choice(destinations={name}, reasons={reason} if reason else ())
        return {
            "destination": known[name],
            "waiting": await self._waiting(name),
            "limits": self._limits(name),
            "dead": await self._dead(name) if known[name]["dead"] else {"reasons": [], "more": 0, "total": 0},
            **await listed(outbox, choice, LETTERS, asked.get("after")),
            "chosen": {"reason": reason, "after": asked.get("after")},
        }

    async def _waiting(self, name: str) -> dict[str, Any]:
        """What waits: `looked` of the oldest were looked at, `tried` of them were sent before, `attempts` are the most
        that one has had, of `unknown` the vendor may have a copy. `next_s`: seconds until the next request may be
        made."""
        looked = tried = attempts = unknown = 0
        if self._runtime.outbox.ready(name):
            async for rows in self._runtime.outbox.pending_rows(name):
                looked += len(rows)
                tried += sum(row.attempts > 0 for row in rows)
                attempts = max([attempts, *(row.attempts for row in rows)])
                unknown += sum(row.unknown_since is not None for row in rows)
                if looked >= LOOKED_AT:
                    break
        dispatcher = self._runtime.dispatcher
        wait = dispatcher.waits(name) if dispatcher is not None else 0.0
        numbers = {"looked": looked, "tried": tried, "attempts": attempts, "unknown": unknown}
        return {**numbers, "next_s": round(wait, 1) if wait > 0 else None}

    def _limits(self, name: str) -> dict[str, Any] | None:
        """What the vendor takes, as its plugin says; None for one that is not configured."""
        destination = self._runtime.container.destination(name)
        return None if destination is None else dataclasses.asdict(destination.plugin.limits)

    async def _dead(self, name: str) -> dict[str, Any]:
        """The letters by reason, and of each reason by tag and code, with the vendor's message of one of them."""
        found = await summed_up(self._runtime.outbox, Choice(destinations={name}), GROUPS)
        reasons: dict[str, dict[str, Any]] = {}
        for group in found["summary"]:
            known = REASONS.get(group["reason"])
            meaning = known.meaning if known is not None else ""
            one = reasons.setdefault(
                group["reason"],
                {"reason": group["reason"], "count": 0, "meaning": meaning, "advice": group["advice"], "groups": []},
            )
            one["count"] += group["count"]
            one["groups"].append({**group, "message": await self._message(group)})
        return {"reasons": list(reasons.values()), "more": found["more"], "total": found["total"]}

    async def _message(self, group: Mapping[str, Any]) -> str:
        """The vendor's words, or ours, about the newest of a group; without the code, which is beside it."""
        choice = Choice(
            event_ids=(group["event_id"],),
            destinations={group["destination"]},
            tags={group["tag"]},
            reasons={group["reason"]},
        )
        for letter in await self._runtime.outbox.dead(choice, 10):
            if letter.code == group["code"]:
                return letter.detail.removeprefix(letter.code).lstrip(" :")
        return ""


def with_remedies(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The destinations of `status.json`, each with its `name` and with `remedy`: what to do, empty for nothing."""
    unloaded = unloaded_in((one["code"], one["path"]) for one in status["container"]["problems"])
    return [
        {"name": name, **one, "remedy": remedy(name, one, unloaded)} for name, one in status["destinations"].items()
    ]


def _done(asked: QueryParams) -> list[str]:
    """What came of the act from which somebody was sent here: numbers of the address, in sentences of ours."""
    numbers = {name: int(value) for name, value in asked.items() if value.isascii() and value.isdigit()}
    counts = {name: numbers.get(name, 0) for name in ("count", "left", "too_old", "late")}
    if asked.get("done") == "drop":
        return [f"{letters(counts['count'])} removed for good, {counts['left']:,} left."]
    if asked.get("done") == "retry":
        refused = {reason: numbers[reason] for reason in REASONS if numbers.get(reason)}
        return list(when_retried({**counts, "refused": refused, "waiting": ()}))
    if asked.get("done") == "resume":
        return ["It goes on: its vendor is asked at once."]
    return []
