"""What the address of a request says: an event's fields, flat; or with an image all of it, as JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

from tagserver.plugin.inbound import Refuse, json_body, of_two_places
from tagserver_stape.names import NOT_OF_EVENTS

MOST = 100
"""Fields of a query that are read."""
ENCODED = "dtdc"
RAW = "dtcd"
_SAFE = str.maketrans("-_ ", "+/+")
"""The alphabet for addresses, and a plus sign that a form has made a blank of."""


def read_query(query: str, *, pictured: bool) -> dict[str, Any]:
    """The fields. `pictured`: the request is that of an image, and may hold the event in one of them. Empty ones say
    nothing: so the tag writes what it does not know. Raises Refuse."""
    try:
        pairs = parse_qsl(query, keep_blank_values=False, max_num_fields=MOST, errors="replace")
    except ValueError:
        raise Refuse(400, "bad_query", f"the query has more than {MOST} values") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name not in NOT_OF_EVENTS:
            fields |= of_two_places(fields, {name: value}) if name in fields else {name: value}
    if pictured:
        for name, value in pairs:
            if name == ENCODED:
                fields = of_two_places(fields, _object(_plain(value), name))
            elif name == RAW:
                fields = of_two_places(fields, _object(value.encode(errors="replace"), name))
    return fields


def _plain(text: str) -> bytes:
    """What is in the Base64 that the tag has made, also without its end signs. Raises Refuse."""
    bare = text.translate(_SAFE).rstrip("=")
    try:
        found = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable(ENCODED) from None
    try:
        found.decode()
    except UnicodeDecodeError:  # `btoa` of a text of Latin letters
        return found.decode("latin-1").encode()
    return found


def _object(text: bytes, name: str) -> dict[str, Any]:
    """As a whole or not at all: what cannot be read may have been a refusal of consent."""
    try:
        held = json_body(text)
    except Refuse:
        raise _unreadable(name) from None
    if not isinstance(held, dict):
        raise _unreadable(name)
    return held


def _unreadable(name: str) -> Refuse:
    how = "Base64 of a JSON object" if name == ENCODED else "a JSON object"
    return Refuse(400, "bad_query", f"{name} of the query is not {how}")
