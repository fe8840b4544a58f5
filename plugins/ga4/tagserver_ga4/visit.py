"""Which browser and which visit: client id and session id, from the tag, Google's cookies and the event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event

_ga = re.compile(r"GA1\.[0-9-]+\.([0-9]+\.[0-9]+)", re.ASCII).fullmatch
_gs1 = re.compile(r"GS1\.[0-9-]+\.([0-9]+)(?:\..*)?", re.ASCII).fullmatch
_gs2 = re.compile(r"GS2\.[0-9-]+\.(.+)", re.ASCII).fullmatch
_digits = re.compile(r"[0-9]{1,20}", re.ASCII).fullmatch
LONGEST_CLIENT = 256


def cookie_client(cookies: Mapping[str, str]) -> str | None:
    """`GA1.1.123456789.1700000000` → `123456789.1700000000`."""
    found = _ga(cookies.get("_ga", ""))
    return found[1] if found else None


def session_cookie(measurement_id: str) -> str:
    """The cookie in which Google's tag keeps the session of a property."""
    return "_ga_" + measurement_id.removeprefix("G-")


def cookie_session(cookies: Mapping[str, str], measurement_id: str) -> str | None:
    """The session id of the stream's cookie, in Google's old format (`GS1.1.<id>.…`) and the one of 2025
    (`GS2.1.s<id>$o…`, parts in any order)."""
    value = cookies.get(session_cookie(measurement_id), "")
    if found := _gs1(value):
        return found[1][:20]
    if found := _gs2(value):
        for part in found[1].split("$"):
            if part[:1] == "s" and _digits(part[1:]):
                return part[1:]
    return None


def client_ids(event: Event) -> tuple[Any, Any]:
    """What the event says, then the `_ga` cookie. Never made up: an invented one is a new user."""
    return event.data.get("client_id"), cookie_client(event.cookies)


def is_session(text: str) -> bool:
    """Whether this is a session id as Google makes them: digits alone."""
    return _digits(text) is not None
