"""Answers in the shapes of the Graph API: success, the one error shape, and why an event is refused: a code and a
subcode of Meta's error reference, with a sentence."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

OAUTH = "OAuthException"
"""The `type` of most errors, throttling among them: which is why nobody may classify by it."""


def success(received: int) -> Response:
    """HTTP 200, as documented: there is no `success` field, and `messages` is normally empty."""
    return json_response({"events_received": received, "messages": [], "fbtrace_id": _trace()})


def failure(
    status: int,
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    kind: str = OAUTH,
    transient: bool = False,
    title: str | None = None,
    data: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`{"error": {...}}` of Meta's error reference. Optional keys are absent when there is nothing to say.

    `title` and `message` are also the texts for people; `data` is `error_data`.
    """
    error: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    error["is_transient"] = transient
    if title is not None:
        error["error_user_title"] = title
        error["error_user_msg"] = message
    if data is not None:
        error["error_data"] = data
    error["fbtrace_id"] = _trace()
    return json_response({"error": error}, status, headers)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def _trace() -> str:
    return "A" + secrets.token_urlsafe(16)


INVALID = 100
"""Meta error reference, code 100: invalid parameter. The subcode says which rule."""

LONGEST_KEY = 40
"""Characters of a field's name that is shown."""

CLICK_ID = 2804001
TOO_OLD = 2804003
UNNAMED = 2804007
CONTENTS = 2804008
VALUE = 2804009
CURRENCY = 2804010
NOT_HASHED = 2804016
TOO_BROAD = 2804050

TITLES = {
    CLICK_ID: "Click id is malformed",
    TOO_OLD: "Event is too old",
    UNNAMED: "Event is refused",
    CONTENTS: "Contents are malformed",
    VALUE: "Purchase has no value",
    CURRENCY: "Purchase has no currency",
    NOT_HASHED: "Customer information is not hashed",
    TOO_BROAD: "Customer information is missing or too broad",
}
"""The headline of each subcode, for `error_user_title`, in our words. Meta's come in the user's language."""


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """One refused event. `message` names fields and never repeats values: they may be personal data."""

    code: int
    subcode: int | None
    message: str
    index: int = 0
    """The event's place in `data`."""

    @property
    def title(self) -> str:
        """A headline for people."""
        return TITLES.get(self.subcode or 0, "Parameter is invalid")


def invalid(message: str, subcode: int | None = None) -> Refusal:
    """A refusal with code 100."""
    return Refusal(INVALID, subcode, message)


def unexpected(group: Mapping[str, Any], known: Collection[str], name: str) -> Refusal | None:
    """A refusal of the first key that Meta does not know. A key may be anything that somebody sent: it is shown where
    it looks like a name."""
    for key in group:
        if key not in known:
            shown = f" {key}" if key.isidentifier() and len(key) <= LONGEST_KEY else ""
            return invalid(f"{name} has the unexpected key{shown}")
    return None
