"""Signs that come along when a text is pasted from a word processor, a chat or a web page, and that nobody sees: blanks
that are none to YAML, and signs without any width.

Signs that join or part letters (U+200C, U+200D) and those that turn the direction of writing belong to some scripts and
to emoji, and are none of these.
"""

from __future__ import annotations

import re

BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
UNSEEN = "\u00ad\u200b\u2060\ufeff"
_STRANGE = re.compile(f"[{BLANKS}{UNSEEN}]")
INSTEAD_OF_BLANK = "type a blank in its place; such signs come along with pasted text"
_TAKE_OUT = "take it out; such signs come along with pasted text"


def shown(text: str) -> str:
    """A text with a name for each sign that is not seen: `page‹U+00A0›type`."""
    return text if text.isascii() else _STRANGE.sub(lambda found: f"‹{number(found[0])}›", text)


def number(sign: str) -> str:
    """What a sign is called, since nobody sees it."""
    return f"U+{ord(sign):04X}"


def told(sign: str) -> tuple[str, str]:
    """Of such a sign where YAML is read: what is wrong, and what to do."""
    if sign in BLANKS:
        return f"this looks like a blank, and is none ({number(sign)})", INSTEAD_OF_BLANK
    return f"a sign stands here that is not seen ({number(sign)})", _TAKE_OUT


def stray_sign(text: str, *, is_key: bool) -> str:
    """The first such sign in a text where it can hardly be meant: without width anywhere; a blank at an end, and in a
    key; "" for none."""
    if text.isascii():
        return ""
    ends = text[:1] + text[-1:]
    found = (sign for sign in _STRANGE.findall(text) if sign in UNSEEN or is_key or sign in ends)
    return next(found, "")
