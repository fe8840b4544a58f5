"""A form as Stape's client reads it: dots in a name make depth, and each value is read as JSON first. Its SDK for PHP
writes depth in brackets, as PHP does; so they make depth, too.

`items.0.item_id=A&value=12.5` is `{"items": [{"item_id": "A"}], "value": 12.5}`, and so is `items[0][item_id]=A`. A dot
that belongs to a name is written `%2E`. Numbers of a list say what comes before what, and no more: whatever they are, a
list is as long as it has entries.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from tagserver.plugin.inbound import CONSENT_FIELDS, ILLEGIBLE, Note, Refuse

MOST_FIELDS = 2000
"""As many as an event may have values."""
MOST_PARTS = 16
"""Of one name."""
CONSENT = "consent"
PUT, OTHER, BELOW = "put", "other", "below"
_NUMBER = re.compile(r"(?=-?[0-9.]{1,16}\Z)-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,14}[1-9])?\Z")
"""Written as a number is, so that nothing is lost by reading it: `1e5`, `2026.10` and a number of twenty digits are
somebody's id, and stay as they are; an amount is read from a text as well."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,17})\Z")
_BRACKETS = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)\Z")
_WORDS = {"true": True, "false": False, "null": None}


def read_form(body: bytes, notes: list[Note]) -> dict[str, Any]:
    """The object that a form holds. A field that nests too deeply, or stands below one that is a value already, is left
    out, and named in `notes`. Raises Refuse for more fields than an event can have, and for bytes that
    are no text, such as those of a packed body that does not say so."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or _CONTROL.search(text):
        raise Refuse(400, "bad_form", "the body is no JSON object or list, and no text either")
    if text.count("&") >= MOST_FIELDS:
        raise Refuse(400, "bad_form", f"the body is no form of at most {MOST_FIELDS} fields")
    root: dict[str, Any] = {}
    left_out, unclear = set(), False
    for pair in text.strip().split("&"):
        written, equals, value = pair.partition("=")
        if not written:
            continue
        parts = [one for part in written.split(".", MOST_PARTS) for one in _bracketed(unquote_plus(part))]
        clear = bool(equals)
        if len(parts) > MOST_PARTS:
            left_out.add(f"a field of the form has a name of more than {MOST_PARTS} parts; left out")
            clear = False
        elif equals:
            found = _put(root, parts, _Value(unquote_plus(value)))
            if found == BELOW:
                left_out.add(
                    "two fields of the form stand in one place, one of them below the other; the first is used"
                )
            clear = found == PUT
        unclear = unclear or (not clear and parts[0] in CONSENT_FIELDS)
    notes += [Note("", "bad_form", message) for message in sorted(left_out)]
    fields = {name: _finished(held) for name, held in root.items()}
    if unclear:
        fields[CONSENT] = ILLEGIBLE
        message = "what the form says of consent cannot be read, or is there twice; this is taken for a refusal"
        notes.append(Note(CONSENT, "garbled", message))
    return fields


def _bracketed(part: str) -> list[str]:
    """`items[0][id]` in its parts; any other name as it stands."""
    if part[-1:] != "]" or (found := _BRACKETS.match(part)) is None:
        return [part]
    return [found[1], *found[2][1:-1].split("][")]


class _Value:
    """The value of a field, which is no group even where its JSON is an object."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _put(root: dict[str, Any], parts: list[str], value: _Value) -> str:
    """Put a value where its name says: `PUT`. `OTHER` where another value has stood there, which it takes the place of;
    `BELOW`, and nothing done, where that is below a value, or where a group is."""
    *way, last = parts
    group = root
    for part in way:
        group = group.setdefault(part, {})
        if isinstance(group, _Value):
            return BELOW
    before = group.get(last)
    if isinstance(before, dict):
        return BELOW
    group[last] = value
    return PUT if before is None or before.text == value.text else OTHER


def _finished(held: dict[str, Any] | _Value) -> Any:
    if isinstance(held, _Value):
        return _read(held.text)
    if all(map(_INDEX.match, held)):
        return [_finished(held[at]) for at in sorted(held, key=int)]
    return {name: _finished(one) for name, one in held.items()}


def _read(text: str) -> Any:
    """As JSON, if it is some; as it stands otherwise."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in ("{", "[", '"') or _NUMBER.match(text):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            pass
    return text
