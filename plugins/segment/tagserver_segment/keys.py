"""Write keys: where a request has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tagserver.plugin.inbound import InboundRequest, KeyedSource, Refuse, basic_user, bearer, json_body, sender_of

HEADER = "x-write-key"
MASK = "***"
"""In what Jitsu's library writes into the body in place of the key."""
MOST_MENDED = 64 << 10
"""Bytes of a stranger's body that are read a second time."""


class _Keyed(msgspec.Struct):
    """All that is looked for in a body before it is known who sends it."""

    write_key: Any = msgspec.field(default=None, name="writeKey")


_decoder = msgspec.json.Decoder(_Keyed)


def keys_in(headers: Mapping[str, str]) -> Iterator[str]:
    """The keys that the headers show, Jitsu's own first: it may stand beside what a proxy asks for."""
    for found in (headers.get(HEADER, "").strip(), bearer(headers), basic_user(headers)):
        if found:
            yield found


def key_in(body: bytes) -> str | None:
    """The key at the top of a body, of which nothing else is made; None for none, for one that is masked, and for a
    packed body: nothing is unpacked for a stranger."""
    try:
        found = _decoder.decode(body).write_key
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = _mended(body)
    return found if isinstance(found, str) and found and MASK not in found else None


def _mended(body: bytes) -> Any:
    """The same of a body that begins with a mark, or holds half an emoji, as a text has that was cut."""
    try:
        whole = json_body(body) if len(body) <= MOST_MENDED else None
    except Refuse:
        return None
    return whole.get("writeKey") if isinstance(whole, dict) else None


def sender(request: InboundRequest, sources: Mapping[str, KeyedSource]) -> str | None:
    """Whose key a request shows; None while it can only stand in a body that is not here yet. Raises Refuse."""
    given: list[str | None] = [*keys_in(request.headers)]
    if not given:
        if request.body is None and not request.packed:
            return None
        given = [key_in(request.body or b"")]
    last: Refuse | None = None
    for key in given:
        try:
            return sender_of(sources, key)
        except Refuse as refusal:
            last = refusal if last is None or refusal.status == 503 else last  # it may be the one that is not there yet
    assert last is not None
    raise last
