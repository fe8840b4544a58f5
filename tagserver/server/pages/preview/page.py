"""`/-/preview`: what comes, as it comes, and one event beside it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tagserver.ingest.body import BadBody
from tagserver.records.masking.mask import is_id
from tagserver.records.query import Query
from tagserver.records.reader import RecordReader
from tagserver.records.view import summary
from tagserver.records.words import sentences as words
from tagserver.records.words.tables import STATUS, VERDICTS
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.records import BadFilter, persons_of, read_query, unknown
from tagserver.server.pages.event.page import stories
from tagserver.server.pages.event.story import address_of, has_page
from tagserver.server.pages.failures import refusal
from tagserver.server.pages.own_address import own_address
from tagserver.server.pages.posted import read_form
from tagserver.server.pages.preview import rows
from tagserver.server.pages.rendering import back, page
from tagserver.system.text import readable_time

FORM = 16 << 10
"""Bytes of a search."""
HOUR = 3_600_000
LOOKED_AT = 2000
"""Records of the last hour in which refused requests are looked for, where nothing else is to be shown."""


class PreviewPage:
    """The page, and the search for an event, an order or a person."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def page(self, request: Request) -> Response:
        """For people; for machines it is `/-/events.json`. Raises RecordsError."""
        runtime = self._runtime
        kept = self._kept(request.query_params)
        try:
            query = read_query({**kept, **_place(request)}, runtime)
        except BadFilter as bad:
            return refusal(request, 400, "bad_filter", "This filter cannot be read", str(bad))
        show = request.query_params.get("show", "")
        found = await runtime.records.read(lambda reader: reader.summaries(query))
        told, _ = await stories(runtime, show) if show else ([], 0)
        empty = None if found["events"] else await self._empty(request, kept)
        shown = await runtime.records.shown()
        return page(
            request,
            "preview.html",
            kept=kept,
            links=rows.links(kept),
            choices=rows.choices(tag.name for tag in runtime.container.tags),
            rows=[rows.row(one, kept) for one in found["events"]],
            newest=found["events"][0]["record"] if found["events"] else 0,
            stream=rows.address(kept).replace(rows.ADDRESS, "/-/stream", 1),
            older=rows.address(kept, before=str(found["next"])) if found["next"] else None,
            first=query.before is None,
            list_address=rows.address(kept),
            here_now=rows.address(kept, show=show),
            blank=rows.BLANK,
            today=readable_time(runtime.time.now())[:10],
            states=rows.STATES,
            masked=words.MASKED,
            summary_level=words.SUMMARY_LEVEL,
            empty=empty,
            story=told[-1] if told else None,
            unknown=unknown(shown) if show and not told else None,
            verdicts=VERDICTS,
            statuses=STATUS,
        )

    async def search(self, request: Request) -> Response:
        """A form with `q`, and the other filters. What may be of a person is not in the address that it leads to."""
        form = await read_form(request, FORM)
        text = form.get("q", "").strip()
        kept = {name: one for name, one in rows.filters(form).items() if name not in ("q", "person")}
        if len(text) > 1000:
            raise BadBody(400, "bad_filter", "q: at most 1000 characters")
        if not text:
            return back(rows.address(kept))
        persons = persons_of(text, self._runtime)
        hashes = ",".join(sorted(one.hex() for one in persons))
        meant = await self._runtime.records.read(lambda reader: _meant(reader, text, persons))
        if meant == "event":
            return back(address_of(text))
        return back(rows.address(kept, **({"q": text} if meant == "beginning" else {"person": hashes})))

    def _kept(self, given: Mapping[str, str]) -> dict[str, str]:
        """The filters of an address. A `q` that is not made like an id may be of a person: it stands in no link."""
        kept = rows.filters(given)
        if (text := kept.get("q")) and not is_id(text):
            del kept["q"]
            kept["person"] = ",".join(sorted(one.hex() for one in persons_of(text, self._runtime))) or "0" * 32
        return kept

    async def _empty(self, request: Request, kept: Mapping[str, str]) -> dict[str, Any]:
        """What is listened for, and why nothing shows."""
        runtime = self._runtime
        collect = runtime.server.collect
        since = runtime.time.now() - HOUR
        newest, recent = await runtime.records.read(lambda reader: _recent(reader, since))
        status = await runtime.records.shown()
        address = f"{own_address(request, collect.trusted_proxies)}{runtime.server.path_prefix}/collect"
        return {
            "level": status["level"],
            "notice": status["notice"],
            "events": status["events"],
            "said": rows.said(kept),
            "collect": address,
            "origins": list(collect.origins),
            "keys": list(collect.keys),
            "newest": newest,
            "refused": rows.refusals(recent),
            "curl": rows.curl(address, collect.origins),
        }


def _place(request: Request) -> dict[str, str]:
    """Where a list goes on."""
    given = request.query_params
    return {"limit": str(rows.SHOWN), **({"before": given["before"]} if "before" in given else {})}


def _recent(reader: RecordReader, since: int) -> tuple[int | None, list[dict[str, Any]]]:
    """When the newest record was received, and the refused requests from a time on."""
    newest: int | None = None
    refused = []
    for record in islice(reader.newest(), LOOKED_AT):
        newest = record.received if newest is None else newest
        if record.received < since:
            break
        if record.status == "refused":
            refused.append(summary(record, {}))
    return newest, refused


def _meant(reader: RecordReader, text: str, persons: frozenset[bytes]) -> str:
    """What somebody searches for: an `event` or an order by its whole name, a `person`, or the `beginning` of a name.
    What nobody knows may be of a person."""
    if reader.find(text):
        return "event" if has_page(text) else "beginning"
    if not is_id(text) or reader.holds(Query(persons=persons)):
        return "person"
    return "beginning" if reader.holds(Query(text=text)) else "person"
