"""Preview sessions over HTTP: start one, see those that run, end one; as JSON, and as a page with forms."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.preview.drafts import MOST_BYTES
from tagserver.preview.grant import HEADER
from tagserver.preview.order import Order, Orders, Refused, listed
from tagserver.preview.session import LONGEST, SHORTEST, Session
from tagserver.preview.sessions import Sessions, TooMany, shown
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem, read_order
from tagserver.server.admin.auth import may_operate, ordered_by, user_of
from tagserver.server.pages.posted import read_form
from tagserver.server.pages.rendering import back, page

PAGE = "/-/preview/sessions"
_LARGEST = MOST_BYTES * 3 // 2
"""Bytes of a posted draft: base64 makes four of three."""
_FORM = 1 << 14
_order = msgspec.json.Decoder(Order)


class _End(msgspec.Struct, forbid_unknown_fields=True):
    """Which one, and who wants it."""

    id: str
    by: str = "admin"


_end = msgspec.json.Decoder(_End)


class PreviewSessions:
    """All of it. The link of a session lets whoever has it send what its draft sends: it is for those who operate."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._sessions: Sessions = runtime.previews.sessions
        self._orders: Orders = runtime.preview_orders

    # ── as JSON

    async def listed(self, request: Request) -> Response:
        """Those that run, the newest first."""
        return JSONResponse({"sessions": self._all(links=may_operate(request))}, headers=SAFE)

    async def start(self, request: Request) -> Response:
        """An order → the session with its link; 409 with the draft's problems where there is none."""
        shape = f'{{"minutes": {SHORTEST} to {LONGEST}, "send": "dry", "test" or "live", "origin": …, "files": …}}'
        order = await read_order(request, _order, _LARGEST, lambda error: f"post {shape}: {error}")
        order = msgspec.structs.replace(order, by=ordered_by(request, order.by))
        try:
            session, problems = await self._orders.start(order)
        except (Refused, TooMany) as refused:
            found = listed(refused.problems) if isinstance(refused, Refused) else []
            return JSONResponse({"ok": False, "detail": str(refused), "problems": found}, 409, headers=SAFE)
        self._note(session, "preview_started", order.by)
        made = {"ok": True, "detail": "", "session": self._shown(session, links=True), "problems": listed(problems)}
        return JSONResponse(made, headers=SAFE)

    async def end(self, request: Request) -> Response:
        """`{"id": …}` → 404 for one that does not run."""
        order = await read_order(request, _end, _FORM, lambda _: 'post {"id": SESSION}')
        session = self._sessions.known(order.id)
        if session is None or not self._sessions.end(order.id):
            return problem(404, "unknown_session", "no preview session of this id runs")
        self._note(session, "preview_ended", ordered_by(request, order.by))
        return JSONResponse({"ok": True}, headers=SAFE)

    # ── as a page

    async def page(self, request: Request) -> Response:
        """The list, and the form for a new one."""
        return self._page(request)

    async def start_by_form(self, request: Request) -> Response:
        """Of what serves; a draft is brought by the command."""
        form = await read_form(request, _FORM)
        wanted = {key: form[key] for key in ("send", "origin") if form.get(key)}
        code = form.get("test_code", "").strip()
        name, sign, rest = code.partition("=")
        codes = {name: rest} if sign else {"": code}
        try:
            order = msgspec.convert(
                {
                    **wanted,
                    "minutes": form.get("minutes", "60"),
                    "test_codes": codes if code else {},
                    "by": user_of(request),
                },
                Order,
                strict=False,
            )
            session, _ = await self._orders.start(order)
        except msgspec.ValidationError:
            wrong = f"minutes are a whole number from {SHORTEST} to {LONGEST}"
            return self._page(request, 400, wrong=wrong, form=form)
        except (Refused, TooMany) as refused:
            return self._page(request, 409, wrong=str(refused), form=form)
        self._note(session, "preview_started", order.by)
        return back(PAGE)

    async def end_by_form(self, request: Request) -> Response:
        """One of the list; one that has ended meanwhile is none any more."""
        name = (await read_form(request, _FORM)).get("id", "")
        session = self._sessions.known(name)
        if session is not None and self._sessions.end(name):
            self._note(session, "preview_ended", user_of(request))
        return back(PAGE)

    def _page(
        self, request: Request, status: int = 200, wrong: str = "", form: dict[str, str] | None = None
    ) -> Response:
        origins = [one for one in self._runtime.server.collect.origins if one != "*"]
        return page(
            request,
            "preview_sessions.html",
            status,
            sessions=self._all(links=may_operate(request)),
            origins=origins,
            any_origin="*" in self._runtime.server.collect.origins,
            wrong=wrong,
            form={"send": "dry", "minutes": "60", "origin": "", "test_code": ""} | (form or {}),
            header=HEADER,
            longest=LONGEST,
            prefix=self._runtime.server.path_prefix,
        )

    # ── parts

    def _all(self, *, links: bool) -> list[dict[str, Any]]:
        return [self._shown(one, links=links) for one in self._sessions.all()]

    def _shown(self, session: Session, *, links: bool) -> dict[str, Any]:
        made: dict[str, Any] = shown(session, self._sessions.seen[session.id])
        return made | ({"link": self._sessions.link(session), "grant": self._sessions.grant(session)} if links else {})

    def _note(self, session: Session, kind: str, by: str) -> None:
        """On record: who let events go another way, and which."""
        version = session.draft.container.version if session.draft is not None else ""
        self._runtime.audit.note(kind, session=session.id, send=session.send, version=version, by=by)
