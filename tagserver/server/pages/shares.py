"""Sharing: a snapshot of an event's records, for whoever has its link and no login.

`POST /-/events/ID/share` makes one, `/-/shares` lists them and revokes. What is shared is open: `/-/s/ID`, `.html` (one
file that needs nothing else) and `.json`. Those pages have no script and no link to any other page of this server, no
cookie is read or set, and an id that never was, has expired or was revoked is answered alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from tagserver.audit.records import event_key
from tagserver.ingest.body import BadBody
from tagserver.records import sharing
from tagserver.records.api import RecordsError
from tagserver.records.values import Share
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem, read_order
from tagserver.server.admin.auth import user_of
from tagserver.server.admin.records import unknown
from tagserver.server.pages.failures import NotThere, refusal
from tagserver.server.pages.own_address import own_address
from tagserver.server.pages.posted import read_form
from tagserver.server.pages.rendering import back, fragment, page
from tagserver.server.pages.static import INLINE, INLINE_HASH
from tagserver.system.rate_limit import RateLimit, sender_of
from tagserver.system.text import iso_time, printable_json
from tagserver.system.time import Time

FORM = 4096
"""Bytes of a form, or of an order."""
UNKNOWN, PAUSE = 30, 6.0
"""Ids that are not known after which an address must wait; then one more every so many seconds."""
_POLICY = f"default-src 'none'; style-src '{INLINE_HASH}'; base-uri 'none'; form-action 'none'"
OPEN = {
    **SAFE,
    "content-security-policy": f"{_POLICY}; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
}
"""Headers of what is shared."""
_GONE = "there is nothing at this address: the link is not whole, or what was shared has expired or was revoked"


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to `/-/events/ID/share`. `days`: for how long."""

    days: Annotated[int, msgspec.Meta(ge=1, le=sharing.MOST_DAYS)] = sharing.DAYS


_order = msgspec.json.Decoder(Order)
_WANTED = f'post {{"days": a number from 1 to {sharing.MOST_DAYS}}}'


class Shares:
    """The addresses. `visitor` gives the address that a request comes from."""

    def __init__(self, runtime: Runtime, visitor: Callable[[Request], str | None], time: Time) -> None:
        self._runtime = runtime
        self._visitor = visitor
        self._unknown = RateLimit(1 / PAUSE, time, burst=(UNKNOWN - 1) * PAUSE)  # and one into debt

    # ── by those with a login

    async def share(self, request: Request) -> Response:
        """Makes one, of the newest records of an event. Raises BadBody, NotThere."""
        runtime, name = self._runtime, request.path_params["event_id"]
        by_form = "json" not in request.headers.get("content-type", "json")
        days = await _days(request, by_form=by_form)
        try:
            records = await runtime.records.read(lambda reader: reader.records(name))
            if not records:
                raise NotThere("unknown_event", "No such event", unknown(await runtime.records.shown()))
            event_id = records[-1]["event_id"]
            content = sharing.snapshot([one for one in records if one["event_id"] == event_id])
            now = runtime.time.now()
            until = now + days * sharing.DAY
            share = Share(sharing.new_id(), now, until, user_of(request), event_id or "", content)
            await asyncio.to_thread(runtime.records.store.share, share)
            if not await runtime.records.read(lambda reader: reader.find(name)):  # it was erased meanwhile
                await asyncio.to_thread(runtime.records.store.revoke, share.id)
                raise NotThere("unknown_event", "No such event", "it was erased while it was shared")
        except (RecordsError, sharing.TooLarge) as error:
            return refusal(request, 409, "not_shared", "That could not be shared", str(error))
        self._note("made", share, share.by)
        if by_form:
            return back(f"/-/shares#share-{share.id}")
        return JSONResponse(self._shown(request, share), 201, headers=SAFE)

    async def revoke(self, request: Request) -> Response:
        """Removes one. Raises NotThere."""
        store, name = self._runtime.records.store, request.path_params["id"]
        shares = await asyncio.to_thread(store.shares, self._runtime.time.now())
        known = next((one for one in shares if one.id == name), None)
        if known is None or not await asyncio.to_thread(store.revoke, name):
            raise NotThere("unknown_share", "No such link", "it has expired, or was revoked already")
        self._note("revoked", known, user_of(request))
        if "json" in request.headers.get("content-type", "json"):
            return JSONResponse({"revoked": name}, headers=SAFE)
        return back("/-/shares")

    async def listed(self, request: Request) -> Response:
        """For people."""
        return page(request, "shares.html", shares=await self._listed(request), most_days=sharing.MOST_DAYS)

    async def listed_for_machines(self, request: Request) -> Response:
        """`{"shares": [{"id", "address", "event_id", "made", "expires", "by"}]}`, the newest first; times in ms."""
        return JSONResponse({"shares": await self._listed(request)}, headers=SAFE)

    async def _listed(self, request: Request) -> list[dict[str, Any]]:
        shares = await asyncio.to_thread(self._runtime.records.store.shares, self._runtime.time.now())
        return [self._shown(request, one) for one in shares]

    def _shown(self, request: Request, share: Share) -> dict[str, Any]:
        return {
            "id": share.id,
            "address": f"{own_address(request, self._runtime.server.collect.trusted_proxies)}/-/s/{share.id}",
            "event_id": share.event_id or None,
            "made": share.made,
            "expires": share.expires,
            "by": share.by,
        }

    def _note(self, action: str, share: Share, by: str) -> None:
        """For the audit."""
        event = event_key(share.event_id, self._runtime.install_key)
        self._runtime.audit.note("share", action=action, by=by, event=event, until=iso_time(share.expires))

    # ── by anybody

    async def opened(self, request: Request) -> Response:
        """The page."""
        return await self._open(request, as_file=False)

    async def as_file(self, request: Request) -> Response:
        """The same page as one file; with `?download` a browser saves it."""
        return await self._open(request, as_file=True)

    async def _open(self, request: Request, *, as_file: bool) -> Response:
        share, wait = await self._found(request)
        if share is None:
            status, text = (429, "too many wrong addresses from where you are; wait a minute") if wait else (404, _GONE)
            headers = {**OPEN, "retry-after": str(wait)} if wait else OPEN
            values = {"style": INLINE, "policy": _POLICY, "text": text}
            return HTMLResponse(fragment(request, "share_gone.html", **values), status, headers=headers)
        records = sharing.read_snapshot(share.content)["records"]
        html = await asyncio.to_thread(  # a large one takes a while, and anybody may ask
            fragment,
            request,
            "share.html",
            style=INLINE,
            policy=_POLICY,
            share=share,
            as_file=as_file,
            records=records,
            events=[printable_json(one["event"], indent=2) if one["event"] else "" for one in records],
        )
        headers = dict(OPEN)
        if as_file and "download" in request.query_params:
            headers["content-disposition"] = f'attachment; filename="event-{share.id[:8]}.html"'
        return HTMLResponse(html, headers=headers)

    async def opened_by_machines(self, request: Request) -> Response:
        """`{"made", "expires", "records": [RECORD]}`; times in ms."""
        share, wait = await self._found(request)
        if share is None and wait:
            message = "too many wrong addresses from where you are; wait"
            return problem(429, "too_many_guesses", message, {**OPEN, "retry-after": str(wait)})
        if share is None:
            return problem(404, "unknown_share", _GONE, OPEN)
        shown: Mapping[str, Any] = sharing.read_snapshot(share.content)
        return JSONResponse({"made": share.made, "expires": share.expires, **shown}, headers=OPEN)

    async def _found(self, request: Request) -> tuple[Share | None, int]:
        """What was shared, or None, with the seconds to wait where somebody guesses."""
        sender = sender_of(self._visitor(request))
        if wait := self._unknown.wait(sender, 0):
            return None, int(wait) + 1
        name = request.path_params["id"]
        share = None
        if sharing.is_id(name):
            try:
                store, now = self._runtime.records.store, self._runtime.time.now()
                share = await asyncio.to_thread(store.shared, name, now)
            except RecordsError:  # as if there were none: nobody here may learn why
                return None, 0
        if share is None:
            self._unknown.spend(sender)
        return share, 0


async def _days(request: Request, *, by_form: bool) -> int:
    """For how long. Raises BadBody."""
    if not by_form:
        order = await read_order(request, _order, FORM, lambda _: _WANTED, code="bad_share", empty=Order())
        return order.days
    text = (await read_form(request, FORM)).get("days", "").strip() or str(sharing.DAYS)
    if not (text.isascii() and text.isdigit() and len(text) < 3 and 1 <= int(text) <= sharing.MOST_DAYS):
        raise BadBody(400, "bad_share", f"days: a number from 1 to {sharing.MOST_DAYS}")
    return int(text)
