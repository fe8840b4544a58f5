"""The body of a request to Meta's door: JSON, a form, or a form in parts, told apart by its bytes.

Python's and PHP's SDKs send forms whose `data` is a JSON text, Python's a list of JSON texts; Node's sends JSON; curl
puts JSON under the header of a form (`-d`), or the fields of a form in parts (`-F`), as Meta's pages do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tagserver.plugin.inbound import Refuse, form, json_body, looks_like_json

MOST_FIELDS = 100
"""Fields of a form: Meta knows about a dozen."""
MOST_EVENTS = 1000
"""Of one request. Source: Meta, using the API."""
PACKED = b"\x1f\x8b"
"""How a body that is compressed begins."""
BLANK = b" \t\r\n\xef\xbb\xbf"
"""What may stand before JSON: blanks, and the mark of UTF-8."""
_NAME = re.compile(rb'(?:\A|\n)content-disposition:[^\r\n]{0,200}?;[ \t]*name="?([a-zA-Z_]{1,40})"?', re.IGNORECASE)


def fields_of(body: bytes) -> Mapping[str, Any]:
    """The fields of a body by their names. Raises Refuse (400)."""
    if looks_like_json(body):
        found = json_body(body)
        if not isinstance(found, dict):
            raise Refuse(400, "bad_shape", 'the body is no object: write {"data": [EVENT, …]}')
        return found
    if body[:2] == b"--":
        return _parts(body)
    return form(body, MOST_FIELDS)


def events_of(fields: Mapping[str, Any]) -> list[Any]:
    """The entries of `data`: objects, wherever they stood as JSON texts. Raises Refuse (400)."""
    data = fields.get("data")
    if isinstance(data, str):
        data = _decoded(data, "data")
    if not isinstance(data, list) or not data:
        raise Refuse(400, "bad_shape", "data is required and must be an array of events")
    if len(data) > MOST_EVENTS:
        raise Refuse(400, "too_many", f"data holds more than {MOST_EVENTS} events")
    return [_decoded(one, f"data[{at}]") if isinstance(one, str) else one for at, one in enumerate(data)]


def text_in(body: bytes, *names: str) -> str | None:
    """The first of some fields that is a text, without reading what else is in a body; None where none is."""
    if body[:2] == PACKED:
        return None  # nothing is unpacked of somebody who is not known yet
    if looks_like_json(body):
        try:
            found: Any = _keys.decode(body.lstrip(BLANK))
        except (msgspec.DecodeError, RecursionError):
            return None
        values = [getattr(found, name, None) for name in names]
    else:
        try:
            fields = fields_of(body)
        except Refuse:
            return None
        values = [fields.get(name) for name in names]
    return next((value for value in values if isinstance(value, str) and value), None)


class _Keys(msgspec.Struct):
    """What lets a request in, of all that its JSON holds."""

    access_token: Any = None
    accessKey: Any = None  # noqa: N815 (the gateway's spelling)
    appsecret_proof: Any = None


_keys = msgspec.json.Decoder(_Keys)


def _decoded(text: str, what: str) -> Any:
    try:
        return json_body(text.encode(errors="replace"))
    except Refuse:
        raise Refuse(400, "bad_json", f"{what} is a text that is no JSON object or list") from None


def _parts(body: bytes) -> dict[str, str]:
    """The fields of a form in parts (RFC 7578). A file among them is passed over: no field of Meta's is one."""
    line, end, _ = body.partition(b"\n")
    boundary = line.rstrip(b"\r")
    if not end or not 2 < len(boundary) <= 100 or body.count(boundary) > MOST_FIELDS + 1:
        raise Refuse(400, "bad_form", f"the body is no form of at most {MOST_FIELDS} fields")
    fields: dict[str, str] = {}
    for part in body.split(boundary)[1:]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank:
            head, blank, content = part.partition(b"\n\n")
        if blank and (named := _NAME.search(head[:2000])) is not None:
            content = content[:-1] if content.endswith(b"\n") else content
            content = content[:-1] if content.endswith(b"\r") else content
            fields[named[1].decode()] = content.decode(errors="replace")
    return fields
