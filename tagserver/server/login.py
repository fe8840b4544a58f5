"""How a person logs in to the pages, and out: by the login link that works once, or by a token typed into a form."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tagserver.event.ip_address import truncated_ip
from tagserver.ingest.body import BadBody, read_body
from tagserver.server.admin.answers import SAFE, problem
from tagserver.server.admin.auth import COOKIE, LOGIN, Guesses, later, user_of
from tagserver.server.admin.keyring import LASTS, Keyring, User
from tagserver.server.admin.origins import from_elsewhere, of_another_page
from tagserver.server.admin.wanted import HOME, NEXT, safe
from tagserver.server.pages.rendering import page
from tagserver.system.time import Time

log = logging.getLogger("tagserver.admin")

FORM = 8192
"""Bytes of a login form: a token, and the page that was wanted."""
SPENT = "This link opens nothing: it was used before, or the server has been started since. A token always works."
UNKNOWN = "This token opens nothing. Below stands where to find yours."


class Login:
    """`/-/login` and `/-/logout`. `visitor` says who asks; `proxies`: how many of ours stand in front, whose word on
    https counts then. Both follow the configuration."""

    def __init__(
        self,
        keys: Keyring,
        guesses: Guesses,
        time: Time,
        visitor: Callable[[Request], str | None],
        proxies: Callable[[], int],
    ) -> None:
        self._keys = keys
        self._guesses = guesses
        self._time = time
        self._visitor = visitor
        self._proxies = proxies

    def path(self) -> str:
        """The address of a login link. Its code works once."""
        return f"{LOGIN}?code={self._keys.code}"

    async def enter(self, request: Request) -> Response:
        """GET shows the form, or takes a link's code; POST takes a token."""
        code, way = request.query_params.get("code"), safe(request.query_params.get(NEXT))
        if request.method == "HEAD" or (request.method == "GET" and code is None):  # a look spends no link
            return self._form(request, way)
        if request.method == "POST" and of_another_page(request):
            return problem(403, "origin", "this page may not log anybody in")
        if wait := self._guesses.wait(request):
            return later(wait)
        if request.method == "GET":
            user = self._keys.takes_code(code or "")
            return self._form(request, way, wrong=SPENT) if user is None else self._logged_in(request, user, way)
        token, way = await _posted(request)
        if wait := self._guesses.wait(request):  # others of this address were complete before this one
            return later(wait)
        if (user := self._keys.who(token)) is not None:
            return self._logged_in(request, user, way)
        self._guesses.wrong(request)
        return self._form(request, way, 401, wrong=UNKNOWN)

    async def leave(self, request: Request) -> Response:
        """The browser forgets the login. (A copy of it ends with its term, or with its token.)"""
        log.info("%s has logged out", user_of(request))
        response = RedirectResponse(LOGIN, 303, headers=SAFE)
        response.delete_cookie(COOKIE, path=HOME, secure=self._by_https(request), httponly=True, samesite="strict")
        return response

    def _form(self, request: Request, way: str, status: int = 200, *, wrong: str = "") -> Response:
        shown = page(request, "login.html", status, wrong=wrong, next="" if way == HOME else way)
        if way != HOME and not wrong and from_elsewhere(request):
            # Who came by a link of another site may be logged in: the browser has kept the cookie back (SameSite), and
            # brings it where a page of ours leads. Who is not comes back here, and then not from elsewhere.
            shown.headers["refresh"] = f"0;url={way}"
        return shown

    def _logged_in(self, request: Request, user: User, way: str) -> Response:
        network = truncated_ip(self._visitor(request))
        log.info("%s has logged in from %s", user.name, network if isinstance(network, str) else "a local socket")
        response = RedirectResponse(way, 303, headers=SAFE)
        response.set_cookie(
            COOKIE,
            self._keys.cookie(user, request.headers.get("host", ""), self._time.now()),
            max_age=LASTS,
            httponly=True,
            samesite="strict",
            secure=self._by_https(request),
            path=HOME,
        )
        return response

    def _by_https(self, request: Request) -> bool:
        scheme = request.headers.get("x-forwarded-proto") if self._proxies() else None
        return (scheme or request.url.scheme) == "https"


async def _posted(request: Request) -> tuple[str, str]:
    """What was typed into the login form, and the page that was wanted."""
    try:
        body = await read_body(request.receive, request.headers.get("content-length"), FORM)
        fields = parse_qs(body.decode(), max_num_fields=5)
    except (BadBody, ValueError):
        return "", HOME
    return fields.get("token", [""])[0].strip(), safe(fields.get(NEXT, [""])[0])
