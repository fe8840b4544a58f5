"""What TikTok's answers mean. It answers 200 to most failures: the `code` in the body counts, then the status. The
message repeats what was sent, and only the host keeps it, cleaned. Source: TikTok, Business API, return codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import Outcome, Payload, Response, default_outcome, json_object

TAKEN, TAKEN_IN_PART, TOO_MANY = 0, 20001, 40100
_TOKEN = "make a new access token in Events Manager and set it as access_token"  # noqa: S105 (a sentence)
_RIGHTS = "let the token's owner use this pixel, or make the token in the pixel's own settings"
REMEDIES: Mapping[int, str] = {
    401: _TOKEN,
    403: _RIGHTS,
    404: "look at api_url: the Events API is not there",
    40001: _RIGHTS,
    40104: "set access_token: TikTok finds none in the request",
    40105: _TOKEN,
}
"""Statuses and codes that no event is to blame for, and what to do."""
_request_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request: TikTok does not name the bad one. Any status and bytes have one."""
    body = json_object(response.body) or {}
    code, good = body.get("code"), 200 <= response.status < 300
    if type(code) is not int:
        if good:
            # A proxy, or half an answer. The repeat carries the same event_id and is counted once.
            return Outcome.retry("unreadable", detail="the answer is not TikTok's")
        return default_outcome(response, payloads, f"http/{response.status}", REMEDIES)
    reason, detail = str(code)[:20], _trace(body)
    if good and code == TAKEN:
        return Outcome.delivered()
    if good and code == TAKEN_IN_PART:
        return Outcome.delivered(warning=f"TikTok took a part of a request (20001); look at Events Manager. {detail}")
    if code == TOO_MANY:
        return Outcome.throttled(reason, detail=detail)
    if code in REMEDIES:
        return Outcome.paused(reason, REMEDIES[code])
    if 50_000 <= code < 60_000:
        return Outcome.retry(reason, detail=detail)
    if not good:
        return default_outcome(response, payloads, f"http/{response.status}/{reason}", REMEDIES)
    return Outcome.split(reason, detail) if len(payloads) > 1 else Outcome.rejected(reason, detail)


def _trace(body: Mapping[str, Any]) -> str:
    """TikTok's number of the request, for its support."""
    said = body.get("request_id")
    return f"request_id {said}" if isinstance(said, str) and _request_id(said) else ""
