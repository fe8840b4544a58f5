"""What Pinterest's answers mean. It names what became of each event, in the order of the request; its messages may
repeat a visitor's data, which the host takes out. Source: Pinterest's description of its API, `events/create`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import Outcome, Outcomes, Payload, Response, default_outcome, json_object

REMEDIES: Mapping[int, str] = {
    401: "make a new conversion access token in Ads Manager and set it as access_token",
    403: "make the token with a user who has access to this ad account",
    404: "look at ad_account_id: Pinterest does not know it",
}
NOT_ALL = 422
_WARNING = "Pinterest has a warning about an event; Ads Manager, Conversions, shows it"
_DETAIL = "Pinterest could not process this event; Ads Manager, Conversions, says why"


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcomes:
    """An outcome for each payload, where Pinterest names each. Any status and bytes have a meaning."""
    status, body = response.status, json_object(response.body)
    good = 200 <= status < 300
    if body is not None and (good or status == NOT_ALL):
        events = _events(body)
        if len(events) == len(payloads):
            return [_one(event, good) for event in events]
    if not good:
        code = body.get("code") if body is not None else None
        reason = f"http/{status}/{str(code)[:10]}" if type(code) is int else f"http/{status}"
        return default_outcome(response, payloads, reason, REMEDIES)
    processed = body.get("num_events_processed") if body is not None else None
    if type(processed) is not int:
        # A proxy, or half an answer. The repeat carries the same event_id and is counted once.
        return Outcome.retry("unreadable", detail="the answer does not say that the events were processed")
    if processed >= len(payloads):
        return Outcome.delivered()
    return Outcome.split("not_all") if len(payloads) > 1 else Outcome.rejected("not_all", _DETAIL)


def _events(body: Mapping[str, Any]) -> list[Any]:
    """The list of what became of each event; with a 422 it may stand under `details`."""
    details = body.get("details")
    places = (body.get("events"), details.get("events") if isinstance(details, Mapping) else details)
    return next((place for place in places if isinstance(place, list)), [])


def _one(event: Any, good: bool) -> Outcome:
    said = event if isinstance(event, Mapping) else {}
    if said.get("status") == "processed" or (good and said.get("status") != "failed"):
        return Outcome.delivered(_WARNING if said.get("warning_message") else "")
    why = said.get("error_message")
    return Outcome.rejected("failed", _DETAIL, why if isinstance(why, str) else "")
