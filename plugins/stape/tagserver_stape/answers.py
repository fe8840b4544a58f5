"""What the Data Tag and the SDKs are answered."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import msgspec

from tagserver.plugin.inbound import Reply, Result

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""An image of one transparent point."""
_encode = msgspec.json.Encoder().encode


def answer_of(received: int, several: bool, results: Sequence[Result]) -> Reply:
    """A line for each event, of a list a list: `timestamp` in seconds, and `unique_event_id`, which follows from when
    it came and from its `event_id`. No more than that: a page may push it into its data layer, and sends it again with
    its next event."""
    lines = [
        {"timestamp": received // 1000, "unique_event_id": _unique_id(received, at, one)}
        for at, one in enumerate(results)
    ]
    return _refused(results) or Reply(200, _encode(lines if several else lines[0]))


def picture(results: Sequence[Result]) -> Reply:
    """What an image is answered."""
    return _refused(results) or Reply(200, GIF, "image/gif")


def _refused(results: Sequence[Result]) -> Reply | None:
    """The answer where none could be taken: who sends has something to mend, and is told what. None otherwise."""
    if results and all(one.status == "rejected" for one in results):
        return Reply(400, _encode({"events": results}))
    return None


def _unique_id(received: int, at: int, result: Result) -> str:
    """Milliseconds and nine digits, of which the first is no zero, as Stape's client writes it."""
    seed = hashlib.blake2b(f"{at} {result.event_id}".encode(errors="replace"), digest_size=8).digest()
    return f"{received}_{100_000_000 + int.from_bytes(seed) % 900_000_000}"
