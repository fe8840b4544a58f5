"""Who may use the addresses under `/-/`, and for what: whoever brings a token or the cookie of a login, and an end to
guessing."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tagserver.config.admin import ADMIN_NAME
from tagserver.ingest.body import BadBody, Disconnected
from tagserver.server.admin.answers import SAFE, problem
from tagserver.server.admin.forms import brought_with
from tagserver.server.admin.keyring import Keyring, User
from tagserver.server.admin.origins import embedded_elsewhere, one_host, same_origin
from tagserver.server.admin.wanted import HOME, NEXT, wanted
from tagserver.system.rate_limit import RateLimit, sender_of
from tagserver.system.text import printable
from tagserver.system.time import Time

log = logging.getLogger("tagserver.admin")

COOKIE = "tagserver_admin"
LOGIN, LOGOUT = "/-/login", "/-/logout"
OPEN = (LOGIN, "/-/style.css")
"""What is shown without a token."""
OPEN_BELOW = ("/-/static/", "/-/s/")
"""Below these everything, to look at: what the login page is made of, and snapshots that somebody has shared."""
QUESTIONS = ("/-/try.json", "/-/try", "/-/consent.json", "/-/events/search", LOGOUT)
"""What a token that may only look can post. Nothing may ever be changed by one of these."""
LOOKS = ("GET", "HEAD")
COOKIES = 8
"""Cookies of our name that are looked at: a site beside ours, under the same domain, can add some."""
GUESSES = 10
"""Wrong tokens after which an address must wait; then one more every `PAUSE` seconds."""
PAUSE = 6.0
SAID_EVERY = 60.0
"""Seconds between two lines of the log that say the same of the same user."""


class Guesses:
    """Counts wrong tokens by the address they come from, and makes those who guess wait.

    Tokens alone: any web page can have its visitor's browser ask for a wrong login link, or bring a wrong cookie, and
    would lock the operator out. Codes and cookies are too long to be guessed.

    While an address waits nothing of it is looked at, so that the right token cannot be told from a wrong one.
    `address` gives a request's visitor. `refused` hears `admin_token` for each wrong one and `admin_later` for each
    that must wait; `wrong` the address that a wrong one came from.
    """

    def __init__(
        self,
        address: Callable[[Request], str | None],
        time: Time,
        refused: Callable[[str], None],
        wrong: Callable[[str | None], None],
    ) -> None:
        self._address = address
        self._limit = RateLimit(1 / PAUSE, time, burst=(GUESSES - 1) * PAUSE)  # and one into debt
        self._refused = refused
        self._wrong = wrong

    def wait(self, request: Request) -> float:
        """Seconds until this address may try again; 0 when it may."""
        wait = self._limit.wait(sender_of(self._address(request)), 0)
        if wait:
            self._refused("admin_later")
        return wait

    def wrong(self, request: Request) -> None:
        """One more wrong token."""
        address = self._address(request)
        self._limit.spend(sender_of(address))
        self._refused("admin_token")
        self._wrong(address)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody that is known may not do what was asked: a code, the heading of a page, and what to do."""

    code: str
    heading: str
    text: str


ELSEWHERE = Refusal(
    "origin",
    "This came from another page",
    "your login counts for pages of this server alone, and the request came from elsewhere. Nothing was changed. If it "
    "was a page of this server, the proxy in front must pass on Host and X-Forwarded-Proto as the browser knows them",
)
EMBEDDED = Refusal(
    "embedded",
    "This cannot be part of another page",
    "another site has asked for this in your name, and gets nothing: open the address itself",
)
OLD_FORM = Refusal(
    "form_token",
    "The page was too old",
    "the page was loaded before your present login, or its form token was missing. Nothing was changed. Load the page "
    "again and repeat it; if that does not help, log in again",
)
LOOKING = Refusal(
    "view_only",
    "Your token may only look",
    "your token has the role view, which changes nothing. Ask somebody with the role operate, or log in with another "
    "token",
)


class Guard:
    """Lets through who is allowed. Who is not known is shown the way in, if it is a browser, and gets a plain 401 if
    not; who is known and may not do that, is told why by `refusal` (status, code, heading, text)."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keyring,
        guesses: Guesses,
        time: Time,
        refusal: Callable[[Request, int, str, str, str], Response],
    ) -> None:
        self._app = app
        self._keys = keys
        self._guesses = guesses
        self._time = time
        self._refusal = refusal
        self._said = RateLimit(1 / SAID_EVERY, time, most=1000, burst=SAID_EVERY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        try:
            answer, receive = await self._answer(Request(scope, receive))
            await answer(scope, receive, send)
        except BadBody as bad:  # of a form, before any address has seen it
            await problem(bad.status, bad.code, str(bad))(scope, receive, send)
        except Disconnected:
            pass

    async def _answer(self, request: Request) -> tuple[ASGIApp, Receive]:
        """What answers a request, and from where it reads the body."""
        scope, receive = request.scope, request.receive
        if one_host(request) is None:
            return problem(400, "host", "name this server in one Host header"), receive
        # The path of the request line: `request.url` is made of the Host header, too.
        if scope["path"] in OPEN or (request.method in LOOKS and scope["path"].startswith(OPEN_BELOW)):
            scope.update({"tagserver.user": "", "tagserver.role": "view"})
            return self._app, receive
        found = self._known(request)
        if isinstance(found, Response):
            return found, receive
        user, cookie = found
        scope["tagserver.still_known"] = lambda: self._is_still(request, user, cookie)
        scope.update({"tagserver.user": user.name, "tagserver.role": user.role, "tagserver.by_cookie": bool(cookie)})
        refused = None
        if cookie:
            scope["tagserver.form_token"] = self._keys.form_token(user, cookie)
            refused, receive = await _of_another_site(request)
        if refused is None and not _allowed(user, request):
            refused = LOOKING
        if refused is not None:
            self._say(user, request, refused.code)
            return self._refusal(request, 403, refused.code, refused.heading, refused.text), receive
        is_order = request.method not in LOOKS and scope["path"] not in QUESTIONS
        return self._noting(user, request) if is_order else self._app, receive

    def knows(self, request: Request) -> bool:
        """Whether a request to a public address brings a token. A wrong one counts, and while its address must wait
        the right one is none: nothing can be learned here that `/-/` would not tell."""
        bearer = _bearer(request)
        if bearer is None or self._guesses.wait(request):
            return False
        if (user := self._keys.who(bearer)) is None:
            self._guesses.wrong(request)
        return user is not None

    def _known(self, request: Request) -> tuple[User, str] | Response:
        """Who asks, with the cookie of the login, "" where a token was brought; or what to answer."""
        bearer, cookies = _bearer(request), _cookies(request)
        if bearer is None and not cookies:
            return _stranger(request)
        if wait := self._guesses.wait(request):
            return later(wait)
        if bearer is not None:
            if (user := self._keys.who(bearer)) is not None:
                return user, ""
            self._guesses.wrong(request)
            return _stranger(request)
        host, now = request.headers.get("host", ""), self._time.now()
        logins = [(user, one) for one in cookies if (user := self._keys.logged_in(one, host, now)) is not None]
        # Of two people none is meant: a site beside ours may have added its own login to somebody's.
        return logins[0] if len({user for user, _ in logins}) == 1 else _stranger(request)

    def _is_still(self, request: Request, user: User, cookie: str) -> bool:
        """Whether the same token or login would be let in now, for the same."""
        if cookie:
            return self._keys.logged_in(cookie, request.headers.get("host", ""), self._time.now()) == user
        return self._keys.who(_bearer(request) or "") == user

    # ── what the log says of those who are known

    def _say(self, user: User, request: Request, code: str) -> None:
        if not self._said.wait(f"{user.name} {code}", 1):
            place = _place(request)
            log.warning("%s may not %s %s: %s", user.name, request.method, place, code, extra={"code": code})

    def _noting(self, user: User, request: Request) -> ASGIApp:
        """The application, and a line where it does not carry out what was ordered."""

        async def noting(scope: Scope, receive: Receive, send: Send) -> None:
            async def noted(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start" and (status := message["status"]) >= 400:
                    place = _place(request)
                    if not self._said.wait(f"{user.name} {place} {status}", 1):
                        log.warning("%s %s by %s was answered %d", request.method, place, user.name, status)
                await send(message)

            await self._app(scope, receive, noted)

        return noting


def _allowed(user: User, request: Request) -> bool:
    if user.role == "operate" or request.method in LOOKS:
        return True
    return request.method == "POST" and request.scope["path"] in QUESTIONS


async def _of_another_site(request: Request) -> tuple[Refusal | None, Receive]:
    """Why the cookie does not count for this request, and from where its body is read."""
    receive = request.receive
    if request.method in LOOKS:
        return EMBEDDED if embedded_elsewhere(request) else None, receive
    if not same_origin(request, request.headers.get("host", "")):
        return ELSEWHERE, receive
    brought, receive = await brought_with(request)
    right = hmac.compare_digest(brought.encode(), form_token(request).encode())
    return None if right else OLD_FORM, receive


def _place(request: Request) -> str:
    """The address without what it names: that may be of a person."""
    return printable("/-/" + request.scope["path"].removeprefix("/-/").partition("/")[0][:40])


def user_of(request: Request) -> str:
    """Who is logged in, by the name of the token; `admin` for the admin token, empty where nobody needs to be."""
    name: str = request.scope.get("tagserver.user", ADMIN_NAME)
    return name


def may_operate(request: Request) -> bool:
    """Whether who is logged in may change something, and not only look."""
    role: str = request.scope.get("tagserver.role", "operate")
    return role == "operate"


def is_still_known(request: Request) -> bool:
    """Whether who has asked would be let in now, too: for answers that last."""
    still: Callable[[], bool] = request.scope["tagserver.still_known"]
    return still()


def form_token(request: Request) -> str:
    """What a form of ours brings back, so that a page of another site cannot post it."""
    token: str = request.scope.get("tagserver.form_token", "")
    return token


def ordered_by(request: Request, said: str | None) -> str:
    """Who gives an order, as the record says it. A page's order is its login's. A program may say for whom it acts
    (`said`); the admin token is everybody's who runs commands, any other one is named behind."""
    name = user_of(request)
    if said is None or said == name or request.scope.get("tagserver.by_cookie"):
        return name
    return said if name == ADMIN_NAME and "(token" not in said else f"{said} (token {name})"


def _bearer(request: Request) -> str | None:
    """The token that a request brings; None where it brings none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cookies(request: Request) -> list[str]:
    """All values of our cookie that came along."""
    parts = (part.strip() for line in request.headers.getlist("cookie") for part in line.split(";"))
    return [part.removeprefix(f"{COOKIE}=") for part in parts if part.startswith(f"{COOKIE}=")][:COOKIES]


def later(wait: float) -> Response:
    """429: too many wrong tokens from there."""
    return problem(429, "too_many_guesses", "too many wrong tokens; wait", {"retry-after": str(int(wait) + 1)})


def _stranger(request: Request) -> Response:
    """What somebody gets who is not known."""
    if "text/html" in request.headers.get("accept", "") and request.method == "GET":
        page = wanted(request)
        address = LOGIN if page == HOME else f"{LOGIN}?{urlencode({NEXT: page})}"
        answer: Response = RedirectResponse(address, 303, headers=SAFE)
    else:
        challenge = {"www-authenticate": 'Bearer realm="tagserver admin"'}
        answer = problem(401, "unauthorised", "send the admin token as a Bearer token", challenge)
    if COOKIE in request.cookies and request.method == "GET":
        answer.delete_cookie(COOKIE, path=HOME)
    return answer
