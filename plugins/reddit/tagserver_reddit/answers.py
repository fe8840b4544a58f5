"""What Reddit's answers mean. It takes a request whole or refuses it whole, and does not name the bad event; its
message may repeat what was sent, and only the host keeps it, cleaned. Source: Reddit, Conversions API v3."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tagserver.plugin import Outcome, Payload, Response, default_outcome, json_object

REMEDIES: Mapping[int, str] = {
    401: "make a new conversion access token in Events Manager and set it as access_token",
    403: "make the token in the account that this pixel belongs to",
    404: "look at pixel_id: Reddit does not know it",
}
_word = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII).fullmatch


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request. Any status and bytes have one."""
    body = json_object(response.body)
    if 200 <= response.status < 300 and body is None and response.body.lstrip()[:1] == b"<":
        # A page of something in between. The repeat carries the same conversion_id and is counted once.
        return Outcome.retry("unreadable", detail="the answer is a web page and not Reddit's")
    error = body.get("error") if body is not None else None
    said = error.get("reason") if isinstance(error, Mapping) else None
    reason = f"http/{response.status}" + (f"/{said}" if isinstance(said, str) and _word(said) else "")
    return default_outcome(response, payloads, reason, REMEDIES)
