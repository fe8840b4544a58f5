"""What Meta's answers mean. By code and subcode, never by text (it comes in the token owner's language) and never
by status alone: throttling comes as 400 as often as 429. Source: Meta's error reference and rate-limiting pages.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import Outcome, Payload, Response, json_object

_TRANSIENT = frozenset({1, 2, 5000, 21009})
_THROTTLED = frozenset({4, 17, 32, 341, 368, 613, *range(80000, 80015)})
"""368 (blocked for a while) is among them: it ends by itself, and must not wait for a person."""
_TOKEN = frozenset({102, 190})
_SETUP = frozenset({3, 10, 104, 200, 270, 294, 803, 2500, 2635})
_MEANINGS = {
    (100, 2804001): "a click id (fbc) is malformed",
    (100, 2804003): "an event is too old",
    (100, 2804009): "a Purchase has no value",
    (100, 2804010): "a Purchase has no currency",
    (100, 2804016): "a value of user_data is not SHA-256",
    (100, 2804050): "customer information is missing or too broad",
}
"""In our words: Meta's own come in the language of the token's owner. They may repeat a token or a visitor's data, so
that only the host keeps them, cleaned."""
_INDEX = re.compile(r"\bdata(?:\[|[./])(\d{1,4})\b", re.ASCII)
LONGEST_WAIT = 3600.0


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request. Total: any status and any bytes have a meaning."""
    body = json_object(response.body)
    error = body.get("error") if body is not None else None
    if isinstance(error, Mapping):
        return _error(error, response, payloads)
    if 200 <= response.status < 300:
        return _success(response, body, len(payloads))
    return _bare(response, payloads)


def _success(response: Response, body: Mapping[str, Any] | None, count: int) -> Outcome:
    if body is None or body.get("events_received") != count or type(body.get("events_received")) is not int:
        # A proxy, or half an answer: nobody knows. The repeat carries the same event_id and is counted once.
        return Outcome.retry("unreadable", detail="the answer does not say that the events were received")
    warning = response.headers.get("x-ad-api-version-warning")
    return Outcome.delivered(warning=f"Meta warns about the API version: {warning[:200]}" if warning else "")


def _bare(response: Response, payloads: Sequence[Payload]) -> Outcome:
    status, reason = response.status, f"http/{response.status}"
    if status == 429:
        return Outcome.throttled(reason, _asked(response))
    if status in (401, 403):
        return Outcome.paused(reason, "the token is refused")
    if 300 <= status < 400:
        return Outcome.paused(reason, "the address answers with a redirect, which is not followed")
    if status == 413:
        return Outcome.split(reason) if len(payloads) > 1 else Outcome.rejected(reason, "one event is too large")
    # A 4xx without Meta's error object comes from something in between.
    return Outcome.retry(reason, _asked(response))


def _error(error: Mapping[str, Any], response: Response, payloads: Sequence[Payload]) -> Outcome:
    code, subcode = _whole(error.get("code")), _whole(error.get("error_subcode"))
    reason = f"{code}/{subcode}" if subcode else str(code)
    trace = error.get("fbtrace_id")
    trace = f"fbtrace_id {trace[:40]}" if isinstance(trace, str) and trace.isascii() and trace.isprintable() else ""
    detail = "; ".join(filter(None, (_MEANINGS.get((code, subcode), ""), trace)))
    # What the code says stands before what Meta marks as transient, and both before the status.
    if code in _THROTTLED or (response.status == 429 and code not in _TOKEN | _SETUP):
        return Outcome.throttled(reason, _asked(response), detail)
    if code in _TOKEN:
        return Outcome.paused(reason, "; ".join(filter(None, ("the access token is refused", detail))))
    if code in _SETUP or (code == 100 and subcode == 33):
        return Outcome.paused(reason, "; ".join(filter(None, ("pixel, permission or API version is refused", detail))))
    if code in _TRANSIENT or error.get("is_transient") is True:
        return Outcome.retry(reason, _asked(response), detail)
    if code != 100 and (by_status := _bare(response, payloads)).kind != "retry":
        return dataclasses.replace(by_status, reason=reason, detail=by_status.detail or detail)
    if response.status >= 500 or response.status in (408, 425):
        return Outcome.retry(reason, _asked(response), detail)
    if len(payloads) > 1:
        return Outcome.split(reason, detail, _blamed(error, len(payloads)))
    return Outcome.rejected(reason, detail)


def _blamed(error: Mapping[str, Any], count: int) -> tuple[int, ...]:
    """The indexes that `error_data.blame_field_specs` names under `data`."""
    data = error.get("error_data")
    if isinstance(data, str):
        data = json_object(data.encode(errors="replace"))
    specs = data.get("blame_field_specs") if isinstance(data, Mapping) else None
    found: set[int] = set()
    for spec in specs if isinstance(specs, list) else ():
        parts = spec if isinstance(spec, list) else [spec]
        # `["data[3][event_time]"]`, or the steps one by one: `["data", 3, "event_time"]`.
        steps = "/".join(str(part) for part in parts if type(part) is str or (type(part) is int and 0 <= part < 10**4))
        found |= {int(match[1]) for match in _INDEX.finditer(steps) if int(match[1]) < count}
    return tuple(sorted(found))


def _asked(response: Response) -> float | None:
    """Seconds until access is regained, from the usage header (minutes); Retry-After is read by the host."""
    usage = json_object(response.headers.get("x-business-use-case-usage", "").encode(errors="replace"))
    minutes = [
        min(entry["estimated_time_to_regain_access"], LONGEST_WAIT)
        for entries in (usage or {}).values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, Mapping) and type(entry.get("estimated_time_to_regain_access")) in (int, float)
    ]
    longest = max(minutes, default=0)
    return min(LONGEST_WAIT, longest * 60.0) if longest > 0 else None


def _whole(value: Any) -> int:
    return value if type(value) is int else 0
