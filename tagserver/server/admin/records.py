"""What happened to events, under `/-/`: `GET /-/events.json`, and one of them by its event_id or number.

A search for a person is posted, for an address ends up in histories and logs; what it is answered with goes on by the
keyed hash of the person alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.erasure.erasure import DataSubject, Unknown
from tagserver.records.query import DECISIONS, MOST, STATUSES, USUAL, VERDICTS, Query
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem
from tagserver.system.text import readable_time

LONGEST = 1000
"""Characters of a filter."""
FILTERS = ("name", "tag", "decision", "reason", "status", "verdict", "q", "person", "before", "limit")
_PERSON = re.compile(r"[0-9a-f]{32}(?:,[0-9a-f]{32}){0,19}\Z")


class BadFilter(ValueError):
    """A filter of the address cannot be read; the text names it, and says what it takes."""


def read_query(given: Mapping[str, str], runtime: Runtime) -> Query:
    """The filters of an address, or of a form. Raises BadFilter."""
    texts = {name: text.strip() for name in FILTERS if (text := given.get(name, ""))}
    for name, text in texts.items():
        if len(text) > LONGEST:
            raise BadFilter(f"{name}: at most {LONGEST} characters")
    for name, known in (("status", STATUSES), ("decision", DECISIONS), ("verdict", VERDICTS)):
        if (text := texts.get(name, "")) and text not in known:
            raise BadFilter(f"{name}: one of {', '.join(known)}")
    person = texts.get("person", "").lower()
    if person and not _PERSON.match(person):
        raise BadFilter("person: the keyed hash that a search has answered with, 32 hex digits")
    text = texts.get("q", "")
    return Query(
        name=texts.get("name", ""),
        tag=texts.get("tag", ""),
        decision=texts.get("decision", ""),
        reason=texts.get("reason", ""),
        status=texts.get("status", ""),
        verdict=texts.get("verdict", ""),
        text=text,
        persons=frozenset(bytes.fromhex(one) for one in person.split(",") if one) | persons_of(text, runtime),
        before=_number("before", texts.get("before")),
        limit=_number("limit", texts.get("limit")) or USUAL,
    )


def persons_of(text: str, runtime: Runtime) -> frozenset[bytes]:
    """The keyed hashes of whoever a text may name exactly: an e-mail address, a telephone number, a user_id or a
    client_id."""
    found: set[bytes] = set()
    for kind in ("email", "phone", "user_id", "client_id") if text else ():
        try:
            found |= DataSubject(**{kind: text}).keys(runtime.install_key, runtime.container)
        except Unknown:
            continue
    return frozenset(found)


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:19]) < 1 << 62 or len(text) > 18:
        raise BadFilter(f"{name}: a number from 1 on" + (f"; at most {MOST}" if name == "limit" else ""))
    return int(text)


class EventRecords:
    """The addresses. Where the records cannot be read, they raise RecordsError (`pages.failures.HANDLERS`)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def listed(self, request: Request) -> Response:
        """`{"events": [SUMMARY], "next": number to go on `before`, or null}`."""
        try:
            query = read_query(request.query_params, self._runtime)
        except BadFilter as bad:
            return problem(400, "bad_filter", str(bad))
        return JSONResponse(await self._runtime.records.read(lambda reader: reader.summaries(query)), headers=SAFE)

    async def one(self, request: Request) -> Response:
        """`{"records": [RECORD]}`, the oldest first."""
        name = request.path_params["event_id"]
        records = await self._runtime.records.read(lambda reader: reader.records(name))
        if not records:
            return problem(404, "unknown_event", await self.unknown())
        return JSONResponse({"records": records}, headers=SAFE)

    async def order(self, request: Request) -> Response:
        """`{"orders": [rows of one order]}`."""
        name = request.path_params["order"]
        rows: list[Any] = await self._runtime.records.read(lambda reader: reader.orders(name))
        if not rows:
            return problem(404, "unknown_order", await self.unknown())
        return JSONResponse({"orders": rows}, headers=SAFE)

    async def unknown(self) -> str:
        """What to say of an event that there is no record of."""
        return unknown(await self._runtime.records.shown())


def unknown(kept: Mapping[str, Any]) -> str:
    """Why nothing may be known: since when records are kept, or that none are."""
    if kept["level"] == "off":
        return "nothing is on record: records.level is off in server.yaml"
    since = kept["since"]
    if since is None:
        return kept["notice"] or "nothing is on record yet"
    return (
        f"nothing is known of such an event_id or order; records are kept since {readable_time(since)}. "
        "Events of a person are found on the page Preview"
    )
