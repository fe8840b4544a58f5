"""What Snap's answers mean. Its body is JSON with a `status` and a `reason`; the reason is free text that may repeat a
visitor's data, so only the status counts. Source: Snap, Conversions API, Using the API and Verify Set Up."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.plugin import Outcome, Payload, Response, json_object

_BAD_WORDS = frozenset({"invalid", "failed", "failure", "error"})
"""Words of `status` that say that something in the request was refused."""


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request: Snap takes or refuses it whole. Any status and bytes have one."""
    status, reason = response.status, f"http/{response.status}"
    body = json_object(response.body)
    said = body.get("status") if body is not None else None
    word = said.strip().lower() if isinstance(said, str) else ""
    if 200 <= status < 300:
        if word in _BAD_WORDS:
            return _refused(f"{reason}/{word}", payloads)
        if body is None and response.body.lstrip()[:1] == b"<":
            # A page of something in between. The repeat carries the same event_id and is counted once.
            return Outcome.retry("unreadable", detail="the answer is a web page and not Snap's")
        return Outcome.delivered()
    if status == 429:
        return Outcome.throttled(reason)
    if status in (401, 403):
        return Outcome.paused(reason, "the token is refused, or has no right to this pixel")
    if status in (404, 410):
        return Outcome.paused(reason, "Snap does not know this pixel or app")
    if 300 <= status < 400:
        return Outcome.paused(reason, "the address answers with a redirect, which is not followed")
    if status in (408, 425) or status >= 500:
        return Outcome.retry(reason)
    if status < 200:
        return Outcome.retry(reason)
    return _refused(reason, payloads)


def _refused(reason: str, payloads: Sequence[Payload]) -> Outcome:
    if len(payloads) > 1:
        return Outcome.split(reason, "one event has the whole request refused")
    return Outcome.rejected(reason, "Snap refuses this event")
