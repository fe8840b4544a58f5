"""`/-/events/ID`: everything that is on record of one event."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tagserver.records.reader import MOST_OF_ONE
from tagserver.records.words import sentences as words
from tagserver.records.words.tables import STATUS
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.records import unknown
from tagserver.server.pages.event.onward import Onward
from tagserver.server.pages.event.story import story
from tagserver.server.pages.failures import NotThere
from tagserver.server.pages.rendering import page

SHOWN = 10
"""Records of one event that one page shows, the newest ones; each has a page of its own, too."""


class EventPage:
    """The page; for machines it is `/-/events/ID.json`."""

    def __init__(self, runtime: Runtime, onward: Onward) -> None:
        self._runtime = runtime
        self._onward = onward

    async def page(self, request: Request) -> Response:
        """By event_id, by the number of an order, or `record:N`. Raises NotThere, RecordsError."""
        name = request.path_params["event_id"]
        told, number = await stories(self._runtime, name)
        if not told:
            kept = await self._runtime.records.shown()
            raise NotThere("unknown_event", "No such event", unknown(kept))
        return page(
            request,
            "event.html",
            name=name,
            stories=told,
            number=number,
            or_more=number == MOST_OF_ONE,
            masked=words.MASKED,
            summary_level=words.SUMMARY_LEVEL,
            onward=await self._onward.of(request, told[-1]["shown"]),
        )


async def stories(runtime: Runtime, name: str) -> tuple[list[dict[str, Any]], int]:
    """The newest records of an event, the oldest first, each as `story.story` gives it, with `siblings`: the other
    records of its event_id; and how many there are, of which no more than `SHOWN` are told. Raises RecordsError."""
    found = await runtime.records.read(lambda reader: reader.told(name))
    if not found:
        return [], 0
    listed = await asyncio.to_thread(runtime.publisher.listed)
    versions = listed["versions"]
    ids = {one.record.event_id for one in found if one.record.event_id}
    known = await runtime.records.read(lambda reader: {one: reader.find(one) for one in ids})
    return [
        {
            **story(one, runtime.container, versions),
            "siblings": [
                {"number": other.number, "status": STATUS[other.status], "received": other.received}
                for other in known.get(one.record.event_id or "", ())
                if other.number != one.record.number
            ],
        }
        for one in found[-SHOWN:]
    ], len(found)
