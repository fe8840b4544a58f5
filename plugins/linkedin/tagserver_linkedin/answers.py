"""What LinkedIn's answers mean. A batch is answered element by element, or refused whole with the indexes of the bad
ones; its sentences may repeat what was sent, which the host takes out. Source: LinkedIn, Conversions API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import Outcome, Outcomes, Payload, Response, default_outcome, json_object

CREATED, BAD_ELEMENTS = 201, 422
REMEDIES: Mapping[int, str] = {
    401: "make a new access token and set it as access_token: LinkedIn's last about 60 days",
    403: "give the token the permission rw_conversions, and its owner a role in the ad account",
    404: "look at conversions: LinkedIn does not know one of the rules",
    426: "raise linkedin_version: LinkedIn has ended this version of its API",
}
_code = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII).fullmatch
_index = re.compile(r"\bIndex: ?(\d{1,5})\b", re.ASCII)


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcomes:
    """An outcome for each payload, where LinkedIn names each. Any status and bytes have a meaning."""
    status, body = response.status, json_object(response.body) or {}
    if status == CREATED:
        return Outcome.delivered()
    if 200 <= status < 300:
        elements = body.get("elements")
        if isinstance(elements, list) and len(elements) == len(payloads):
            return [_one(element) for element in elements]
        # A proxy, or half an answer. The repeat carries the same eventId and is counted once.
        return Outcome.retry("unreadable", detail="the answer does not say what became of each event")
    code = body.get("code")
    reason = f"http/{status}/{code}" if isinstance(code, str) and _code(code) else f"http/{status}"
    if status == BAD_ELEMENTS and len(payloads) > 1:
        bad = _blamed(body, len(payloads))
        return Outcome.split(reason, "LinkedIn refuses a whole request for its bad events", bad)
    return default_outcome(response, payloads, reason, REMEDIES)


def _blamed(body: Mapping[str, Any], count: int) -> list[int]:
    """The indexes in lines such as `Index: 3, ERROR :: …` of the message."""
    message = body.get("message")
    found = _index.findall(message) if isinstance(message, str) else []
    return sorted({int(one) for one in found if int(one) < count})


def _one(element: Any) -> Outcome:
    status = element.get("status") if isinstance(element, Mapping) else None
    if type(status) is not int:
        return Outcome.rejected("element", "LinkedIn does not say that it was taken")
    if 200 <= status < 300:
        return Outcome.delivered()
    reason = f"element/{status}"[:20]
    if status == 429 or 500 <= status < 600:
        return Outcome.retry(reason)
    error = element.get("error")
    words = error.get("message") if isinstance(error, Mapping) else element.get("message")
    return Outcome.rejected(reason, "LinkedIn refuses this event", words if isinstance(words, str) else "")
