"""The operator's addresses under `/-/`: status, try, metrics, dead letters. `auth.py` says who may use them."""

from __future__ import annotations

from contextlib import suppress
from importlib.resources import files
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tagserver import __version__
from tagserver.inbound.enrich import read_headers, visitor_ip
from tagserver.ingest.body import BadBody, read_body
from tagserver.queue.dead_letters import Choice
from tagserver.queue.errors import OutboxError
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import HANDLERS, SAFE, problem
from tagserver.server.admin.auth import COOKIE, LOGIN, Guard, Guesses, Keyring, later, of_another_page
from tagserver.server.admin.compressed import Packed
from tagserver.server.admin.dead_letters import DeadLetterPages, summed_up
from tagserver.server.admin.explain import Explanations
from tagserver.server.admin.orders import BackupOrders, ErasureOrders, PauseOrders, PublishingOrders
from tagserver.system.text import readable_time
from tagserver.system.time import Time

FORM = 4096
"""Bytes of a login form."""
SHOWN = 20
"""Groups of dead letters on the overview."""
_pages = Environment(loader=PackageLoader("tagserver.server", "templates"), autoescape=select_autoescape(default=True))
_pages.filters["moment"] = readable_time


class Admin:
    """The admin application, and who may use it."""

    def __init__(self, runtime: Runtime, token: str, time: Time) -> None:
        self._runtime = runtime
        self._keys = Keyring(lambda: runtime.admin_token.today(token))
        refused = runtime.states.refused_requests.count
        self._guesses = Guesses(
            self._visitor, time, runtime.meters.refused, lambda address: refused("admin_token", address)
        )
        letters = DeadLetterPages(runtime)
        explanations = Explanations(runtime)
        publishing = PublishingOrders(runtime)
        pauses = PauseOrders(runtime.pausing)
        backups = BackupOrders(runtime)
        erasure = ErasureOrders(runtime.erasure, self._visitor, runtime.keeping.lacking, runtime.keeping.copies)
        pages = Starlette(
            routes=[
                Route("/", self.overview),
                Route("/login", self.login, methods=["GET", "POST"]),
                Route("/status.json", self.status),
                Route("/try.json", explanations.try_event, methods=["POST"]),
                Route("/consent.json", explanations.consent_string, methods=["POST"]),
                Route("/reload", publishing.reload, methods=["POST"]),
                Route("/rollback", publishing.roll_back, methods=["POST"]),
                Route("/versions.json", publishing.versions),
                Route("/dead.json", letters.get, methods=["GET"]),
                Route("/dead.json", letters.post, methods=["POST"]),
                Route("/pause.json", pauses.pause, methods=["POST"]),
                Route("/resume.json", pauses.resume, methods=["POST"]),
                Route("/forget.json", erasure.erase, methods=["POST"]),
                Route("/backup", backups.copy, methods=["POST"]),
                Route("/restore", backups.decide, methods=["POST"]),
                Route("/metrics", self.metrics),
                Route("/style.css", self.style),
            ],
            exception_handlers=HANDLERS,
        )
        pages.router.redirect_slashes = False
        self.guard = Guard(pages, self._keys, self._guesses)
        self.app: ASGIApp = Packed(self.guard)

    def _visitor(self, request: Request) -> str | None:
        """Who asks, by the rules of `/collect`."""
        connection = request.client.host if request.client else None
        # Not `request.headers`: of several lines of a header it gives the first, which is the visitor's own.
        headers = read_headers(request.scope["headers"])
        return visitor_ip(connection, headers, self._runtime.server.collect.trusted_proxies)

    def login_path(self) -> str:
        """The address of a login link. Its code works once."""
        return f"{LOGIN}?code={self._keys.code}"

    async def login(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if request.method == "HEAD" or (request.method == "GET" and code is None):  # a look spends no link
            return self._page("login.html", wrong=False)
        if request.method == "POST" and of_another_page(request):
            return problem(403, "origin", "this page may not log anybody in")
        if wait := self._guesses.wait(request):
            return later(wait)
        if request.method == "GET":
            if self._keys.takes_code(code or ""):
                return self._logged_in(request)
            return self._page("login.html", wrong=True)
        token = await _token_of(request)
        if wait := self._guesses.wait(request):  # others of this address were complete before this one
            return later(wait)
        if self._keys.opens(token):
            return self._logged_in(request)
        self._guesses.wrong(request)
        return self._page("login.html", 401, wrong=True)

    def _logged_in(self, request: Request) -> Response:
        proxies = self._runtime.server.collect.trusted_proxies
        scheme = request.headers.get("x-forwarded-proto") if proxies else None
        response = RedirectResponse("/-/", 303, headers=SAFE)
        response.set_cookie(
            COOKIE,
            self._keys.cookie(request.headers.get("host", "")),
            httponly=True,
            samesite="strict",
            secure=(scheme or request.url.scheme) == "https",
            path="/-/",
        )
        return response

    @staticmethod
    def _page(name: str, code: int = 200, **values: object) -> Response:
        return HTMLResponse(_pages.get_template(name).render(version=__version__, **values), code, headers=SAFE)

    async def overview(self, request: Request) -> Response:
        status = await self._runtime.status.shown()
        dead = None
        if any(one["dead"] for one in status["destinations"].values()):
            with suppress(OutboxError):  # it is said above
                dead = await summed_up(self._runtime.outbox, Choice(), SHOWN)
        return self._page("overview.html", status=status, dead=dead)

    async def status(self, request: Request) -> Response:
        return JSONResponse(await self._runtime.status.shown(), headers=SAFE)

    async def metrics(self, request: Request) -> Response:
        text = self._runtime.meters.text(await self._runtime.status.picture())
        return PlainTextResponse(text, headers=SAFE, media_type="text/plain; version=0.0.4")

    async def style(self, request: Request) -> Response:
        css = files("tagserver.server").joinpath("templates", "style.css").read_bytes()
        return Response(css, media_type="text/css", headers={**SAFE, "cache-control": "max-age=300"})


async def _token_of(request: Request) -> str:
    """What was typed into the login form."""
    try:
        body = await read_body(request.receive, request.headers.get("content-length"), FORM)
        return parse_qs(body.decode(), max_num_fields=5).get("token", [""])[0].strip()
    except (BadBody, ValueError):
        return ""
