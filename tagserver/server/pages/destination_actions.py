"""What the forms of a destination's page do: the same as the addresses for machines, by whoever is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from tagserver.ingest.body import BadBody
from tagserver.pausing.pausing import LONGEST_NOTE, Pausing, term_in, unwritten
from tagserver.pausing.sentences import when_resuming
from tagserver.queue.errors import OutboxError
from tagserver.server.admin.auth import user_of
from tagserver.server.admin.dead_letter_orders import Action, whole_number
from tagserver.server.admin.dead_letters import DeadLetterPages, Order
from tagserver.server.pages.posted import read_form
from tagserver.server.pages.rendering import back, page
from tagserver.system.text import letters

FORM = 1 << 14
"""Bytes of one."""
SECONDS = 20.0
"""After so long a form is answered; what is left is said, and the same button goes on."""


class DestinationActions:
    """Each is a POST of a form, and ends on the destination's page."""

    def __init__(self, pausing: Pausing, letters: DeadLetterPages) -> None:
        self._pausing = pausing
        self._letters = letters

    async def pause(self, request: Request) -> Response:
        """Fields: `for` (such as `2h`; empty: until somebody resumes it) and `note`. Raises UnknownDestination,
        BadBody."""
        form, name = await read_form(request, FORM), _name(request)
        note = form.get("note", "")
        if len(note) > LONGEST_NOTE:
            raise BadBody(400, "bad_note", f"a note has {LONGEST_NOTE} characters at most")
        seconds = _term(form.get("for", ""))
        try:
            await self._pausing.pause(name, by=user_of(request), note=note, seconds=seconds)
        except OutboxError as error:
            raise BadBody(503, "try_later", unwritten(error)) from None
        return back(_address(name, done="pause"))

    async def resume(self, request: Request) -> Response:
        """Let it go on. Without `sure`, first what would become of what waits. Raises UnknownDestination, BadBody."""
        form, name = await read_form(request, FORM), _name(request)
        if "sure" not in form and self._pausing.held(name) is not None:
            before = await self._pausing.before_resuming(name)
            said = list(when_resuming(before))
            if before["besides"] is not None:
                said.append(f"It sends nothing all the same: {before['besides']}.")
            return _ask(request, name, f"Let {name} go on?", said, "resume", "Let it go on", {})
        try:
            await self._pausing.resume(name, by=user_of(request))
        except OutboxError as error:
            raise BadBody(503, "try_later", unwritten(error)) from None
        return back(_address(name, done="resume"))

    async def retry(self, request: Request) -> Response:
        """Put letters back into the queue: all, those of a `reason`, or the one with an `id`. Raises BadBody."""
        form, name = await read_form(request, FORM), _name(request)
        done = await self._letters.obey(_order("retry", name, form), user_of(request))
        counts = {key: done[key] for key in ("count", "left", "too_old", "late")}
        return back(_address(name, done="retry", **counts, **done["refused"]))

    async def drop(self, request: Request) -> Response:
        """Remove letters for good, chosen as for `retry`. Without `sure` it asks, and says how many; what dies after
        that is not among them. Raises BadBody."""
        form, name = await read_form(request, FORM), _name(request)
        order = _order("drop", name, form)
        if "sure" not in form:
            order.dry_run = True
            there = await self._letters.obey(order, user_of(request))
            chosen = {key: form[key] for key in ("reason", "id") if form.get(key)}
            of = f" of the reason {form['reason']}" if form.get("reason") else ""
            said = [
                f"{letters(there['count'])}{of} of {name} would be removed, with what would have been sent.",
                "They cannot be brought back. Without this they are kept until queue.keep_dead has passed.",
            ]
            return _ask(
                request,
                name,
                f"Remove {letters(there['count'])}?",
                said,
                "drop",
                f"Remove {letters(there['count'])} for good",
                {**chosen, "after": there["begin"]},
            )
        order.after = form.get("after") or None
        done = await self._letters.obey(order, user_of(request))
        return back(_address(name, done="drop", count=done["count"], left=done["left"]))


def _order(action: Action, name: str, form: Mapping[str, str]) -> Order:
    return Order(
        action=action,
        destination=name,
        reason=form.get("reason") or None,
        id=whole_number("id", form["id"]) if form.get("id") else None,
        seconds=SECONDS,
    )


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _address(name: str, **query: Any) -> str:
    told = {key: value for key, value in query.items() if value}
    return f"/-/destinations/{quote(name)}?{urlencode(told)}" + ("#dead" if told["done"] in ("retry", "drop") else "")


def _term(text: str) -> int | None:
    """The seconds of a term; None for an empty text. Raises BadBody."""
    if not text.strip():
        return None
    try:
        return term_in(text)
    except ValueError as bad:
        raise BadBody(400, "bad_term", str(bad)) from None


def _ask(
    request: Request, name: str, question: str, said: list[str], action: str, label: str, fields: Mapping[str, str]
) -> Response:
    """The page between a button and what cannot be taken back."""
    return page(
        request,
        "sure.html",
        question=question,
        said=said,
        action=f"/-/destinations/{quote(name)}/{action}",
        label=label,
        fields={**fields, "sure": "yes"},
        kind="danger" if action == "drop" else "",
        back=f"/-/destinations/{quote(name)}",
    )
