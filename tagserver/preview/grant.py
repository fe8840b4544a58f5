"""The grant: what a preview link holds, and what a request brings. `ID.EXPIRES.SIGNATURE`, safe in any address.

It says nothing but which session it is and when that ends. Everything else about the session (its draft, whether it
sends, who made it) stays at the server, under that id: a link is passed on and ends up in histories.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

from tagserver.privacy.rules import PREVIEW

FIELD = PREVIEW
"""Its name in addresses, and in the `ctx` of a request."""
HEADER = "x-tagserver-preview"
"""Its header, of webhooks and of curl."""
_GRANT = re.compile(r"([A-Za-z0-9_-]{12})\.([0-9]{10,12})\.([A-Za-z0-9_-]{22})\Z")


class Grant(NamedTuple):
    """What one says: the session, and when it ends, in seconds since 1970 UTC."""

    session: str
    expires: int


class Grants:
    """Makes grants and reads them, with a key made from the installation's (32 bytes). No network, and no list."""

    def __init__(self, install_key: bytes) -> None:
        self._key = hmac.digest(install_key, b"preview grant", hashlib.sha256)

    def written(self, grant: Grant) -> str:
        """Its text."""
        said = f"{grant.session}.{grant.expires}"
        return f"{said}.{self._signature(said)}"

    def read(self, text: object) -> Grant | None:
        """What a text grants; None for one that was not made here."""
        if not isinstance(text, str) or (found := _GRANT.match(text)) is None:
            return None
        signature = self._signature(f"{found[1]}.{found[2]}")
        return Grant(found[1], int(found[2])) if hmac.compare_digest(signature, found[3]) else None

    def _signature(self, said: str) -> str:
        made = hmac.digest(self._key, said.encode(), hashlib.sha256)[:16]
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def new_id() -> str:
    """Of a session: nobody guesses it."""
    return secrets.token_urlsafe(9)
