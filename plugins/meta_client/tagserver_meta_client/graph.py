"""Answers in the shapes of the Graph API, by which Meta's SDKs know success from each kind of trouble."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec

from tagserver.plugin.inbound import Refuse, Reply, Result
from tagserver_meta_client.checks import BadEvent

INVALID, THROTTLED, TROUBLE, TOKEN, PROOF = 100, 4, 2, 190, 104
NO_SUCH_OBJECT = 33
"""Codes, and a subcode, of Meta's error reference."""
MOST_MESSAGES = 20
LONGEST = 200
OAUTH = "OAuthException"
_CODES = {"unknown_key": (TOKEN, 0), "signature": (PROOF, 0), "bad_pixel": (INVALID, NO_SUCH_OBJECT)}
_STATUSES = {401: (TOKEN, 0), 404: (INVALID, NO_SUCH_OBJECT), 405: (INVALID, NO_SUCH_OBJECT), 429: (THROTTLED, 0)}
_encode = msgspec.json.Encoder().encode


def received(results: Sequence[Result]) -> Reply:
    """Everything is on disk. `fbtrace_id` is the id of the first event, which `tagserver explain` takes."""
    places: dict[str, list[int]] = {}
    for at, one in enumerate(results):
        for note in one.problems:
            places.setdefault(note.message[:LONGEST], []).append(at)
    said = [_message(text, of) for text, of in islice(places.items(), MOST_MESSAGES)]
    if (more := len(places) - len(said)) > 0:
        said.append(f"and {more} more")
    trace = results[0].event_id if results else None
    return Reply(200, _encode({"events_received": len(results), "messages": said, "fbtrace_id": trace or ""}))


def _message(text: str, places: Sequence[int]) -> str:
    """What is said of some events, once."""
    if text.startswith("data."):  # it was left out, and names its place
        return text
    more = len(places) - 1
    return f"data.{places[0]}{f' and {more} more' if more else ''}: {text}"


def refused(refusal: Refuse) -> Reply:
    """A request that was not taken, by this client or by the host."""
    status = refusal.status
    if isinstance(refusal, BadEvent):
        return _error(status, INVALID, refusal.message, refusal.code, refusal.subcode, blamed=refusal.place)
    if refusal.at is not None:  # what is too large or too deep for the server
        place = f"data[{refusal.at}]"
        message = f"{place} could not be taken: {refusal.message}"
        return _error(status, INVALID, message, refusal.code, blamed=place)
    code, subcode = _CODES.get(refusal.code) or _STATUSES.get(status) or (TROUBLE if status >= 500 else INVALID, 0)
    return _error(status, code, refusal.message, refusal.code, subcode)


def _error(status: int, code: int, message: str, word: str = "", subcode: int = 0, blamed: str = "") -> Reply:
    """`word`: our own code, as the page of this door lists it."""
    error: dict[str, Any] = {"message": f"(#{code}) {message}", "type": OAUTH, "code": code}
    if subcode:
        error["error_subcode"] = subcode
    error["is_transient"] = code in (THROTTLED, TROUBLE)
    data: dict[str, Any] = {"reason": word} if word else {}
    if blamed:
        data["blame_field_specs"] = [[blamed]]
    if data:
        error["error_data"] = data
    error["fbtrace_id"] = ""
    return Reply(status, _encode({"error": error}))
