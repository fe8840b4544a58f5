"""A vendor's answer to a delivery that it took, as a record may keep it: the bones of its JSON.

A vendor that takes everything may send back what it was sent. So numbers stay only where the payload does not hold
them, texts only under the keys of ids and states, and of the rest the sign `…`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tagserver.delivery.vendor_words import without_persons
from tagserver.logs.logs import redacted
from tagserver.plugin.destination import Response
from tagserver.records.masking.shapes import NAMES, SLUGS

LONGEST = 300
"""Characters that are kept."""
_MOST_NODES = 60
_MOST_OF_A_LIST = 3
_DEEPEST = 5
_LARGEST_BODIES = 32 << 10
"""Bytes of payloads in which ids are looked for; with more of them, in a rush, no id is kept."""
_HIDDEN = "…"

_IDS = ("trace_id", "traceid", "request_id", "requestid", "log_id", "logid")
_WORDS = ("message", "msg", "status", "code")
_SAFE = frozenset(
    [
        *("ok", "success", "succeeded", "successful", "accepted", "received", "created", "queued", "processed", "done"),
        *("valid", "true", "none", "error", "warning", "failed", "partial"),
    ]
)
"""What vendors say of what they took, whatever they were sent."""
_is_id = re.compile(r"[A-Za-z0-9_=+/.:-]{1,64}").fullmatch
_NOT_COMPARED = bytes(one for one in range(256) if not chr(one).isalnum() or one > 127)
_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_SHORTEST_COMPARED = 3
_COUNTS, _LARGEST = 1000, 10**18
"""Smaller numbers count something, and are nobody's."""


def answer_words(response: Response, bodies: Sequence[bytes], personal: Collection[str]) -> str:
    """The answer as text of at most 300 characters. `bodies`: the payloads that were sent; `personal`: the paths in
    them at which something personal stands."""
    text = response.body.decode("utf-8", "replace").strip()
    if not text or text.startswith("<") or "html" in response.headers.get("content-type", ""):
        return ""
    bones = _Bones(bodies, personal)
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return text if bones.is_safe_word(text) else f"[text, {len(text)} characters]"
    made = redacted(json.dumps(bones.of("", answer, 0), ensure_ascii=False, separators=(",", ":")))
    return made if len(made) <= LONGEST else made[: LONGEST - 1] + _HIDDEN


class _Bones:
    """What may be kept of one answer."""

    def __init__(self, bodies: Sequence[bytes], personal: Collection[str]) -> None:
        self._bodies = bodies
        self._personal = personal
        self._left = _MOST_NODES
        self._sent: bytes | None = None
        self._large = False

    def of(self, key: str, value: Any, depth: int) -> Any:
        """The value under a key; in a list, under the list's."""
        self._left -= 1
        if value is None or type(value) is bool:
            return value
        if type(value) is int or type(value) is float:
            return value if self._is_safe_number(value) else _HIDDEN
        if type(value) is str:
            return value if self._may_stand(key.lower(), value) else _HIDDEN
        if self._left <= 0 or depth == _DEEPEST:
            return _HIDDEN
        if type(value) is list:
            made = [self.of(key, one, depth + 1) for one in value[:_MOST_OF_A_LIST]]
            return made if len(made) == len(value) else [*made, _HIDDEN]
        return dict(self._fields(value, depth))

    def _fields(self, group: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
        for key, value in group.items():
            if self._left <= 0:
                yield _HIDDEN, _HIDDEN
                return
            yield (key if NAMES[key] else _HIDDEN), self.of(key, value, depth + 1)

    def _is_safe_number(self, number: float) -> bool:
        if type(number) is float and number.is_integer():
            number = int(number)
        return abs(number) < _COUNTS or (abs(number) < _LARGEST and not self._was_sent(str(number)))

    def _may_stand(self, key: str, text: str) -> bool:
        if key.endswith(_WORDS) and self.is_safe_word(text):
            return True
        return key.endswith(_IDS) and _is_id(text) is not None and not self._was_sent(text)

    def is_safe_word(self, text: str) -> bool:
        """Whether a text is a word of the vendor's own."""
        low = text.lower()
        if low in _SAFE or (low.isdecimal() and len(low) <= _SHORTEST_COMPARED):
            return True
        return SLUGS[low] and not self._was_sent(text) and without_persons(text, self._bodies, self._personal) == text

    def _was_sent(self, text: str) -> bool:
        """Whether a payload holds a text, whatever stands between its letters."""
        if self._sent is None:
            large = sum(map(len, self._bodies)) > _LARGEST_BODIES
            self._large = large
            self._sent = b"" if large else b" ".join([one.translate(_LOWER, _NOT_COMPARED) for one in self._bodies])
        sought = text.encode(errors="replace").translate(_LOWER, _NOT_COMPARED)
        return self._large or len(sought) < _SHORTEST_COMPARED or sought in self._sent
