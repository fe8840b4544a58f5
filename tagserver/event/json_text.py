"""JSON as people and pages send it: one way to read it, at every address that takes some.

A byte order mark and blanks in front of it are passed over (RFC 8259, section 8.1, allows a reader to). Half an emoji,
as JSON escapes one that was cut, becomes U+FFFD, as browsers make of it when they encode a text: an event is not lost
for a product's name that was too long.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

Read = TypeVar("Read")

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What reading raises for what is no JSON."""

_MARK = b"\xef\xbb\xbf"
_BLANKS = b" \t\n\r"
_HALF = re.compile(
    rb"(?<!\\)((?:\\\\)*)"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""Half a character outside of Unicode's first plane, as JSON escapes it."""


def bare(text: bytes) -> bytes:
    """The text without a byte order mark and blanks in front; the very same where there are none."""
    text = text.lstrip(_BLANKS)
    return text[len(_MARK) :].lstrip(_BLANKS) if text.startswith(_MARK) else text


def read_json(text: bytes, decoder: msgspec.json.Decoder[Read]) -> Read:
    """What the decoder reads of a text that may begin with a mark and hold half characters. Raises one of
    UNREADABLE."""
    text = bare(text)
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Only a text that is refused is looked at a second time.
        mended = _HALF.sub(rb"\1\\ufffd", text)
        if mended == text:
            raise
        return decoder.decode(mended)
