"""Plain data as YAML that `source.py` reads as the same data, whatever its texts hold.

A text stands without quotes only where it is made of letters, digits and few signs and can be nothing but a text;
every other one stands in double quotes, with what cannot be seen escaped. Texts that no encoding takes (halves of
surrogate pairs) become U+FFFD.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.config.yaml.source import core_value
from tagserver.system.text import printable

WIDTH = 110
"""Characters of a list that stands on one line."""
LONGEST_KEY = 500
"""A longer key is written with a `?` in front: YAML looks no further than 1024 characters for its colon."""
_MOST_DIGITS = 400
_plain = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.-]*(?: [A-Za-z0-9/_.-]+)*").fullmatch


def written(value: Any) -> str:
    """Maps, lists, texts, numbers, true, false and null as a block of YAML, with a line end behind. Keys are texts; two
    that are the same once their accents are composed (NFC), and the key `<<`, the reader would refuse."""
    return "\n".join(_block(value)) + "\n"


def comment(text: str) -> str:
    """A line of comment, whatever the text holds."""
    return f"# {printable(text)}".rstrip() + "\n"


def _block(value: Any) -> list[str]:
    """The lines of a value, beginning at the left."""
    if isinstance(value, Mapping) and value:
        return [line for key, held in value.items() for line in _entry(_scalar(str(key)), held)]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [line for item in value for line in _item(_block(item))]
    return [_inline(value)]


def _entry(key: str, held: Any) -> list[str]:
    before, begin = ([f"? {key}"], ":") if len(key) > LONGEST_KEY else ([], f"{key}:")
    if (flow := _flow(held)) is not None:
        return [*before, f"{begin} {flow}"]
    return [*before, begin, *(f"  {line}" for line in _block(held))]


def _item(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _flow(value: Any) -> str | None:
    """What stands behind its key on the same line; None for what needs lines of its own."""
    if isinstance(value, Mapping):
        return None if value else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(item, Mapping | Sequence) and not isinstance(item, str) for item in value):
            return None
        line = f"[{', '.join(_inline(item) for item in value)}]"
        return line if len(line) <= WIDTH else None
    return _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if abs(value) < 10**_MOST_DIGITS:
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case str() if _plain(value) and isinstance(core_value(value), str):
            return value
    return f'"{"".join(map(_sign, str(value)))}"'


_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _sign(sign: str) -> str:
    """One character within double quotes (YAML 1.2, section 5.7)."""
    if sign in _SHORT:
        return _SHORT[sign]
    code = ord(sign)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if sign.isprintable():
        return sign
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
