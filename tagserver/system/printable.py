"""Text of strangers as a terminal or a line of a log may have it: what would move the cursor, colour, hide or turn
around other text, or begin a new line, is written out."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")
"""Control characters (C0, DEL, C1), line and paragraph separators, marks and overrides of direction (Unicode, UAX 9),
interlinear marks, and halves of surrogate pairs, which no encoding takes."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _written(found: re.Match[str]) -> str:
    one = found[0]
    return _SHORT.get(one) or (f"\\x{ord(one):02x}" if ord(one) < 256 else f"\\u{ord(one):04x}")


def printable(text: str) -> str:
    """The text in one line, safe to show: `\\n`, `\\x1b` and their kind stand for what they name."""
    # Nearly all texts are; the question is quicker than the search.
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_written, text)


def printable_json(value: Any, *, indent: int | None = None) -> str:
    """JSON of a value that is safe to show, and read by machines as the same value. `indent`: blanks a level, on
    several lines."""
    encoded = msgspec.json.encode(value)
    if indent is not None:
        encoded = msgspec.json.format(encoded, indent=indent)
    text = encoded.decode()
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    """JSON has escaped what lies below a blank; line ends are its own layout."""
    return found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}"
