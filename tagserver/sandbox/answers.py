"""Answers in the shapes of the Graph API: success, and the one error shape."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

OAUTH = "OAuthException"
"""The `type` of most errors, throttling among them: which is why nobody may classify by it."""


def success(received: int) -> Response:
    """HTTP 200, as documented: there is no `success` field, and `messages` is normally empty."""
    return _json({"events_received": received, "messages": [], "fbtrace_id": _trace()}, 200)


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
    return _json({"error": error}, status, headers)


def _json(value: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def _trace() -> str:
    return "A" + secrets.token_urlsafe(16)
