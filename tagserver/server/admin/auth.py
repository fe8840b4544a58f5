"""Who may use the addresses under `/-/`: the admin token, a cookie made from it, and an end to guessing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tagserver.ingest.body import Disconnected
from tagserver.server.admin.answers import SAFE, problem
from tagserver.system.rate_limit import RateLimit, sender_of
from tagserver.system.time import Time

COOKIE = "tagserver_admin"
LOGIN = "/-/login"
OPEN = (LOGIN, "/-/style.css")
"""What is shown without a token."""
GUESSES = 10
"""Wrong tokens after which an address must wait; then one more every `PAUSE` seconds."""
PAUSE = 6.0

Verdict = Literal["allowed", "refused", "later"]


class Keyring:
    """The token, and what is made from it. `token` gives the one of today: with another one, cookies of the old one are
    of no use any more."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._today = token
        self._code, self._code_of = secrets.token_urlsafe(24), b""

    @property
    def _token(self) -> bytes:
        return self._today().encode(errors="surrogatepass")

    def opens(self, given: str) -> bool:
        """Whether this is the token; the time it takes tells nothing about how much of it was right."""
        return hmac.compare_digest(_hash(given.encode()), _hash(self._token))

    def cookie(self, host: str) -> str:
        """The value of a login at one Host: no way back to the token, and of no use under another name that somebody
        lets point to this server (DNS rebinding)."""
        return hmac.digest(self._token, b"login cookie\0" + host.lower().encode(), hashlib.sha256).hex()

    def takes_cookie(self, given: str, host: str) -> bool:
        """Whether it is the cookie of a login at this Host."""
        return bool(host) and hmac.compare_digest(given.encode(), self.cookie(host).encode())

    @property
    def code(self) -> str:
        """What a login link holds instead of the token: addresses end up in histories and logs."""
        self._code_of = self._token
        return self._code

    def takes_code(self, given: str) -> bool:
        """Whether it is the login link's code, which is spent then. A link of another token is of no use."""
        if not hmac.compare_digest(_hash(given.encode()), _hash(self._code.encode())):
            return False
        self._code = secrets.token_urlsafe(24)
        return self._code_of == self._token


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


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


class Guard:
    """Lets through who is allowed; a browser is shown the way in, everything else a plain 401."""

    def __init__(self, app: ASGIApp, keys: Keyring, guesses: Guesses) -> None:
        self._app = app
        self._keys = keys
        self._guesses = guesses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        answer = self._refusal(Request(scope, receive))
        if answer is not None:
            return await answer(scope, receive, send)
        try:
            await self._app(scope, receive, send)
        except Disconnected:
            return None

    def knows(self, request: Request) -> bool:
        """Whether a request to a public address brings the token. A wrong one counts, and while its address must wait
        the right one is none: nothing can be learned here that `/-/` would not tell."""
        bearer = _bearer(request)
        if bearer is None or self._guesses.wait(request):
            return False
        if not (right := self._keys.opens(bearer)):
            self._guesses.wrong(request)
        return right

    def _refusal(self, request: Request) -> Response | None:
        # The path of the request line: `request.url` is made of the Host header, too.
        if request.scope["path"] in OPEN:
            return None
        bearer, cookie = _bearer(request), request.cookies.get(COOKIE)
        if bearer is None and cookie is None:
            return _refused(request)
        if wait := self._guesses.wait(request):
            return later(wait)
        host = request.headers.get("host", "")
        if bearer is not None:
            right = allowed = self._keys.opens(bearer)
        else:
            right = self._keys.takes_cookie(cookie or "", host)
            allowed = right and (request.method in ("GET", "HEAD") or _same_origin(request, host))
        if not right and bearer is not None:
            self._guesses.wrong(request)
        return None if allowed else _refused(request)


def _bearer(request: Request) -> str | None:
    """The token that a request brings; None where it brings none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _same_origin(request: Request, host: str) -> bool:
    """Whether a page of ours sent this: a cookie alone does not say so. A page in the clear is none where we are asked
    by https; whose word that is does not matter, for it can but refuse."""
    scheme, _, named = request.headers.get("origin", "").partition("://")
    asked = request.headers.get("x-forwarded-proto", request.url.scheme)
    return named == host != "" and not (scheme == "http" and asked == "https")


def of_another_page(request: Request) -> bool:
    """Whether a page that is not ours sent this POST: browsers say so in Origin (`null` where they hide it), and where
    they do in Sec-Fetch-Site."""
    if "origin" in request.headers:
        return not _same_origin(request, request.headers.get("host", ""))
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def later(wait: float) -> Response:
    """429: too many wrong tokens from there."""
    return problem(429, "too_many_guesses", "too many wrong tokens; wait", {"retry-after": str(int(wait) + 1)})


def _refused(request: Request) -> Response:
    if "text/html" in request.headers.get("accept", "") and request.method == "GET":
        answer: Response = RedirectResponse(LOGIN, 303, headers=SAFE)
    else:
        challenge = {"www-authenticate": 'Bearer realm="tagserver admin"'}
        answer = problem(401, "unauthorised", "send the admin token as a Bearer token", challenge)
    if COOKIE in request.cookies and request.method == "GET":
        answer.delete_cookie(COOKIE, path="/-/")
    return answer
