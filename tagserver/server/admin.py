"""The operator's addresses under `/-/`: status, try, metrics. Behind a token, or a login cookie made from it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from importlib.resources import files
from urllib.parse import parse_qs

import msgspec
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tagserver import __version__
from tagserver.runtime import Runtime
from tagserver.server.body import BadBody, read_body
from tagserver.server.dead import DeadLetters
from tagserver.trial import BadTrial, try_event

COOKIE = "tagserver_admin"
OPEN = ("/-/login", "/-/style.css")
"""What is shown without a token."""
FORM = 4096
"""Bytes of a login form."""
_SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_pages = Environment(loader=PackageLoader("tagserver.server", "templates"), autoescape=select_autoescape(default=True))


class Admin:
    """The admin application, and who may use it."""

    def __init__(self, runtime: Runtime, token: str) -> None:
        self._runtime = runtime
        self._token = token.encode()
        self._login_code = secrets.token_urlsafe(24)
        letters = DeadLetters(runtime, _SAFE)
        self.app: ASGIApp = _Guard(
            Starlette(
                routes=[
                    Route("/", self.overview),
                    Route("/login", self.login, methods=["GET", "POST"]),
                    Route("/status.json", self.status),
                    Route("/try.json", self.try_json, methods=["POST"]),
                    Route("/reload", self.reload, methods=["POST"]),
                    Route("/rollback", self.rollback, methods=["POST"]),
                    Route("/versions.json", self.versions),
                    Route("/dead.json", letters.get, methods=["GET"]),
                    Route("/dead.json", letters.post, methods=["POST"]),
                    Route("/metrics", self.metrics),
                    Route("/style.css", self.style),
                ]
            ),
            self._allowed,
        )

    @property
    def _session(self) -> str:
        """The cookie's value: made from the token, and no way back."""
        return hmac.digest(self._token, b"login cookie", hashlib.sha256).hex()

    def _allowed(self, request: Request) -> bool:
        # The path of the request line: `request.url` is made of the Host header, too.
        if request.scope["path"] in OPEN:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(given.strip().encode(), self._token)
        cookie = request.cookies.get(COOKIE, "")
        if not hmac.compare_digest(cookie.encode(), self._session.encode()):
            return False
        return request.method in ("GET", "HEAD") or _same_origin(request)

    def login_path(self) -> str:
        """The address of a login link. Its code works once, and is not the token: addresses end up in histories and
        logs."""
        return f"/-/login?code={self._login_code}"

    async def login(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                body = await read_body(request.receive, request.headers.get("content-length"), FORM)
                given = parse_qs(body.decode(), max_num_fields=5).get("token", [""])[0].strip()
            except (BadBody, ValueError):
                given = ""
            if hmac.compare_digest(given.encode(), self._token):
                return self._logged_in(request)
            return self._page("login.html", 401, wrong=True)
        code = request.query_params.get("code")
        if code and hmac.compare_digest(code.encode(), self._login_code.encode()):
            self._login_code = secrets.token_urlsafe(24)
            return self._logged_in(request)
        return self._page("login.html", wrong=code is not None)

    def _logged_in(self, request: Request) -> Response:
        response = RedirectResponse("/-/", 303, headers=_SAFE)
        response.set_cookie(
            COOKIE, self._session, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/-/"
        )
        return response

    @staticmethod
    def _page(name: str, code: int = 200, **values: object) -> Response:
        return HTMLResponse(_pages.get_template(name).render(version=__version__, **values), code, headers=_SAFE)

    async def overview(self, request: Request) -> Response:
        return self._page("overview.html", status=await self._runtime.status())

    async def status(self, request: Request) -> Response:
        return JSONResponse(await self._runtime.status(), headers=_SAFE)

    async def metrics(self, request: Request) -> Response:
        text = self._runtime.meters.text(await self._runtime.picture())
        return PlainTextResponse(text, headers=_SAFE, media_type="text/plain; version=0.0.4")

    async def reload(self, request: Request) -> Response:
        done = await self._runtime.reload()
        return JSONResponse(done.as_dict(), 200 if done.ok else 409, headers=_SAFE)

    async def rollback(self, request: Request) -> Response:
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), 1 << 16)
            number = msgspec.json.decode(body, type=_Number).number
        except BadBody as bad:
            return _problem(bad.status, bad.code, str(bad))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _problem(400, "bad_number", 'post {"number": N}, a number of versions.json')
        done = await self._runtime.roll_back(number)
        return JSONResponse(done.as_dict(), 200 if done.ok else 409, headers=_SAFE)

    async def versions(self, request: Request) -> Response:
        serving = self._runtime.container.version
        shown = [{**msgspec.to_builtins(one), "serving": one.version == serving} for one in self._runtime.versions()]
        return JSONResponse({"versions": shown}, headers=_SAFE)

    async def style(self, request: Request) -> Response:
        css = files("tagserver.server").joinpath("templates", "style.css").read_bytes()
        return Response(css, media_type="text/css", headers={"cache-control": "max-age=300"})

    async def try_json(self, request: Request) -> Response:
        runtime = self._runtime
        limit = runtime.server.collect.max_body
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), limit)
            asked = msgspec.json.decode(body)
            if not isinstance(asked, dict):
                raise BadTrial('post an object: {"event": {...}}')
            answer = try_event(runtime.container, runtime.server, asked, runtime.clock())
        except BadBody as bad:
            return _problem(bad.status, bad.code, str(bad))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return _problem(400, "bad_json", "the body is not JSON")
        except BadTrial as bad_trial:
            return _problem(400, "bad_trial", str(bad_trial))
        return JSONResponse(answer, headers=_SAFE)


class _Number(msgspec.Struct, forbid_unknown_fields=True):
    number: int


def _same_origin(request: Request) -> bool:
    """Whether a page of ours sent this: a cookie alone does not say so."""
    origin = request.headers.get("origin", "")
    return origin.partition("://")[2] == request.headers.get("host", "") != ""


def _problem(status: int, code: str, message: str) -> Response:
    return JSONResponse({"problems": [{"path": "", "code": code, "message": message}]}, status, headers=_SAFE)


class _Guard:
    """Lets through who is allowed; a browser is shown the way in, everything else a plain 401."""

    def __init__(self, app: ASGIApp, allowed: object) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        assert callable(self._allowed)
        if self._allowed(request):
            return await self._app(scope, receive, send)
        if "text/html" in request.headers.get("accept", "") and request.method == "GET":
            return await RedirectResponse("/-/login", 303, headers=_SAFE)(scope, receive, send)
        headers = {**_SAFE, "www-authenticate": 'Bearer realm="tagserver admin"'}
        return await JSONResponse(
            {"problems": [{"path": "", "code": "unauthorised", "message": "send the admin token as a Bearer token"}]},
            401,
            headers=headers,
        )(scope, receive, send)
