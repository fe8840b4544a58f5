"""What Google's answers mean. `/mp/collect` answers 2xx whatever it gets; the validation server (`/debug/mp/collect`)
answers 200 with a list of what is wrong. Google's sentences repeat values: only their codes are kept here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tagserver.plugin import Outcome, Payload, Response, json_object

_code = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII).fullmatch
_index = re.compile(r"events\[(\d{1,3})\]", re.ASCII).match


def read_answer(response: Response, payloads: Sequence[Payload]) -> Outcome:
    """One outcome for all payloads of a request. Total: any status and any bytes have a meaning."""
    status, reason = response.status, f"http/{response.status}"
    if 200 <= status < 300:
        return _validated(response.body, payloads)
    if status == 429:
        return Outcome.throttled(reason)
    if status in (408, 425) or status >= 500:
        return Outcome.retry(reason)
    if status in (401, 403, 407):
        # Google itself never says so; a proxy or a firewall does, and no event is at fault.
        return Outcome.paused(reason, "something between here and Google refuses the request")
    if 300 <= status < 400:
        return Outcome.paused(reason, "the address answers with a redirect, which is not followed")
    if len(payloads) > 1:
        return Outcome.split(reason)
    return Outcome.rejected(reason, "one event is too large" if status == 413 else "")


def _validated(body: bytes, payloads: Sequence[Payload]) -> Outcome:
    messages = _messages(body)
    if not messages:
        return Outcome.delivered()
    codes = [code for one in messages if isinstance(code := one.get("validationCode"), str) and _code(code)]
    reason = f"validation/{codes[0] if codes else 'UNKNOWN'}"
    detail = f"the validation server found {len(messages)} mistakes: {', '.join(dict.fromkeys(codes)) or 'no codes'}"
    if len(payloads) == 1:
        return Outcome.rejected(reason, detail[:300])
    places = [_index(path) for one in messages if isinstance(path := one.get("fieldPath"), str)]
    bad = sorted({int(place[1]) for place in places if place and int(place[1]) < len(payloads)})
    return Outcome.split(reason, detail[:300], bad)


def _messages(body: bytes) -> list[dict[str, Any]]:
    if b"validationMessages" not in body:
        return []
    found = (json_object(body) or {}).get("validationMessages")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
