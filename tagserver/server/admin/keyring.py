"""The tokens that open `/-/`, and what is made from them: the cookie of a login, the code of a login link, and what our
own forms bring back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tagserver.config.admin import ADMIN_NAME, AdminToken, Role

LASTS = 30 * 86400
"""Seconds that a login lasts: who works with the pages logs in once a month, and a computer that was given away is shut
out by then without anybody's doing."""
_COOKIE = re.compile(r"([A-Za-z0-9_-]{1,220})\.([0-9]{1,12})\.[0-9a-f]{64}\Z")


class User(NamedTuple):
    """Who has brought a token: what the record calls them, and what they may do."""

    name: str
    role: Role


class Keyring:
    """`tokens` gives those of today, by name: with another one, cookies and login links of the old one are of no use
    any more, and what the name may do is always what today's configuration says."""

    def __init__(self, tokens: Callable[[], Mapping[str, AdminToken]]) -> None:
        self._tokens = tokens
        self._nobody = secrets.token_bytes(32)
        self._code, self._code_of = secrets.token_urlsafe(24), b""

    def who(self, given: str) -> User | None:
        """Whose token this is. All are compared, whole: the time it takes tells nothing about how much of which one was
        right."""
        found, digest = None, _hash(given.encode(errors="surrogatepass"))
        for name, token in self._tokens().items():
            if hmac.compare_digest(digest, _hash(_bytes(token))):
                found = User(name, token.role)
        return found

    # ── a login

    def cookie(self, user: User, host: str, now: int) -> str:
        """The value of a login at one Host, from `now` (ms) on: no way back to the token, and of no use under another
        name that somebody lets point to this server (DNS rebinding)."""
        token = self._tokens().get(user.name)
        return self._written(token, _encoded(user.name), str(now // 1000 + LASTS), host)

    def logged_in(self, given: str, host: str, now: int) -> User | None:
        """Who logged in at this Host and got this cookie, if it has not ended by `now` (ms)."""
        found = _COOKIE.match(given)
        if found is None or not host:
            return None
        named, ends = found[1], found[2]
        name, token = next(
            ((name, token) for name, token in self._tokens().items() if _encoded(name) == named), ("", None)
        )
        right = hmac.compare_digest(self._written(token, named, ends, host).encode(), given.encode())
        return User(name, token.role) if right and token is not None and now < int(ends) * 1000 else None

    def form_token(self, user: User, cookie: str) -> str:
        """What our own forms bring back under this login. No page of another site can know it, nor does another login
        of the same person have the same one."""
        token = self._tokens().get(user.name)
        return hmac.digest(self._key(token), b"form token\0" + cookie.encode(), hashlib.sha256).hex()

    def _written(self, token: AdminToken | None, named: str, ends: str, host: str) -> str:
        said = f"login cookie\0{named}\0{ends}\0{host.lower()}".encode(errors="surrogatepass")
        return f"{named}.{ends}.{hmac.digest(self._key(token), said, hashlib.sha256).hex()}"

    def _key(self, token: AdminToken | None) -> bytes:
        """What is made from a token is made with it; of a name that has none, with what nobody knows."""
        return self._nobody if token is None else _bytes(token)

    # ── a login link

    @property
    def code(self) -> str:
        """What a login link holds instead of the token: addresses end up in histories and logs. It is the admin's."""
        self._code_of = self._admin
        return self._code

    def takes_code(self, given: str) -> User | None:
        """Who logs in by the login link's code, which is spent then. A link of another token is of no use."""
        if not hmac.compare_digest(_hash(given.encode(errors="surrogatepass")), _hash(self._code.encode())):
            return None
        self._code = secrets.token_urlsafe(24)
        return User(ADMIN_NAME, "operate") if self._code_of and self._code_of == self._admin else None

    @property
    def _admin(self) -> bytes:
        return _bytes(self._tokens()[ADMIN_NAME])


def _bytes(token: AdminToken) -> bytes:
    return token.secret.reveal().encode(errors="surrogatepass")


def _encoded(name: str) -> str:
    """A name in the signs that a cookie may have."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
