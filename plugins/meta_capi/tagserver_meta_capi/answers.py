"""What Meta's answers mean. By code and subcode, never by text (it comes in the token owner's language) and never by status alone: throttling
comes as 400 as often as 429. Source: Meta's error reference and rate-limiting pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import Outcome, Payload, Response

_TRANSIENT = frozenset({1, 2, 5000, 21009})
_THROTTLED = frozenset({4, 17, 32, 341, 368, 613, 80000, 80003, 80004, 80014})
_TOKEN = frozenset({102, 190})
_SETUP = frozenset({3, 10, 104, 200, 270, 294, 803, 2500, 2635})
_INDEX = re.compile(r"data\[(\d{1,4})\]|\bdata\.(\d{1,4})\b")
LONGEST_WAIT = 3600.0


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request. Total: any status and any bytes have a meaning."""
    body = _json(response.body)
    if 200 <= response.status < 300:
        return _success(response, body, len(payloads))
    error = body.get("error") if body is not None else None
    if not isinstance(error, Mapping):
        return _bare(response, payloads)
    return _error(error, response, payloads)


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
    if status == 413 and len(payloads) > 1:
        return Outcome.split(reason)
    # A 4xx without Meta's error object comes from something in between.
    return Outcome.retry(reason, _asked(response))


def _error(error: Mapping[str, Any], response: Response, payloads: Sequence[Payload]) -> Outcome:
    code, subcode = _whole(error.get("code")), _whole(error.get("error_subcode"))
    reason = f"{code}/{subcode}" if subcode else str(code)
    trace = error.get("fbtrace_id")
    detail = f"fbtrace_id {trace[:40]}" if isinstance(trace, str) and trace.isascii() else ""
    if code in _THROTTLED or response.status == 429:
        return Outcome.throttled(reason, _asked(response), detail)
    if code in _TRANSIENT or error.get("is_transient") is True or response.status >= 500:
        return Outcome.retry(reason, _asked(response), detail)
    if code in _TOKEN or response.status == 401:
        return Outcome.paused(reason, f"the access token is refused; {detail}")
    if code in _SETUP or (code == 100 and subcode == 33) or response.status == 403:
        return Outcome.paused(reason, f"pixel, permission or API version is refused; {detail}")
    if len(payloads) > 1:
        return Outcome.split(reason, detail, _blamed(error, len(payloads)))
    return Outcome.rejected(reason, detail)


def _blamed(error: Mapping[str, Any], count: int) -> tuple[int, ...]:
    """The indexes that `error_data.blame_field_specs` names under `data`."""
    data = error.get("error_data")
    if isinstance(data, str):
        data = _json(data.encode())
    specs = data.get("blame_field_specs") if isinstance(data, Mapping) else None
    found: set[int] = set()
    for spec in specs if isinstance(specs, list) else ():
        for part in spec if isinstance(spec, list) else (spec,):
            if isinstance(part, str) and (match := _INDEX.search(part)):
                index = int(match[1] or match[2])
                if index < count:
                    found.add(index)
    return tuple(sorted(found))


def _asked(response: Response) -> float | None:
    """Seconds until access is regained, from the usage header (minutes); Retry-After is read by the host."""
    usage = _json(response.headers.get("x-business-use-case-usage", "").encode())
    minutes = [
        entry["estimated_time_to_regain_access"]
        for entries in (usage or {}).values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, Mapping) and type(entry.get("estimated_time_to_regain_access")) in (int, float)
    ]
    longest = max(minutes, default=0)
    return min(LONGEST_WAIT, longest * 60.0) if longest > 0 else None


def _json(text: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None


def _whole(value: Any) -> int:
    return value if type(value) is int else 0
