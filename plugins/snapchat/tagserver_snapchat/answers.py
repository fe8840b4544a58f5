"""What Snap's answers mean. Its body is JSON with a `status` and a `reason`; the reason is free text that may repeat a
visitor's data, so only the status counts here. Source: Snap, Conversions API, Using the API and Verify Set Up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tagserver.plugin import Outcome, Payload, Response, default_outcome, json_object

_BAD_WORDS = frozenset({"invalid", "failed", "failure", "error"})
"""Words of `status` that say that something in the request was refused."""


REMEDIES: Mapping[int, str] = {
    401: "make a new Conversions API token in Business Settings and set it as access_token",
    403: "give the token's owner the right to this pixel",
    404: "look at pixel_id: Snap does not know this pixel or app",
    410: "look at pixel_id: Snap does not know this pixel or app any more",
}


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request: Snap takes or refuses it whole. Any status and bytes have one."""
    status, reason = response.status, f"http/{response.status}"
    body = json_object(response.body)
    said = body.get("status") if body is not None else None
    word = said.strip().lower() if isinstance(said, str) else ""
    if 200 <= status < 300:
        if word in _BAD_WORDS:
            reason = f"{reason}/{word}"
            return Outcome.split(reason) if len(payloads) > 1 else Outcome.rejected(reason, "Snap refuses this event")
        if body is None and response.body.lstrip()[:1] == b"<":
            # A page of something in between. The repeat carries the same event_id and is counted once.
            return Outcome.retry("unreadable", detail="the answer is a web page and not Snap's")
    return default_outcome(response, payloads, reason, REMEDIES)
