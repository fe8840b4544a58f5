"""Mistakes that one line shows, whatever stands around it: signs that nobody sees, a dash of the wrong kind or without
a blank, a comment of another language.

Signs that come along when a text is pasted from a word processor, a chat or a web page are blanks that are none to
YAML, and signs without any width. Signs that join or part letters (U+200C, U+200D) and those that turn the direction of
writing belong to some scripts and to emoji, and are none of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tagserver.config.yaml.inline import Fault

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


_STRANGE_BEGIN = re.compile(rf"[ ]*(?:-[ ]?)*([{BLANKS}{UNSEEN}])")
_STRANGE_VALUE = re.compile(rf"[\w\"']:[ ]?([{BLANKS}{UNSEEN}])")
_BULLET = re.compile(r"[ ]*([–—−•·▪*])[ \t]+\S")
_GLUED = re.compile(r"[ ]*(-)[^\W\d][\w .]*:([ ]|$)")
_COMMENT = re.compile(r"[ ]*(//|/\*|<!--)")
_WIDE = re.compile(r"[\w. -]+(：)")


def slip_near(lines: Sequence[str], line: int) -> Fault | None:
    """Such a slip in a line, from 0, or in the last one before it that is not empty: there the next one is the first
    that does not fit."""
    before = next((at for at in range(line - 1, -1, -1) if lines[at].strip()), line)
    for at in dict.fromkeys((before, line)):
        text = lines[at]
        if (found := _STRANGE_BEGIN.match(text) or _STRANGE_VALUE.search(text)) is not None:
            return Fault((at, found.start(1)), *told(found[1]))
        if (found := _BULLET.match(text)) is not None:
            return Fault(
                (at, found.start(1)), f'an entry of a list begins with a hyphen, not with "{found[1]}"', 'write "- "'
            )
        if (found := _GLUED.match(text)) is not None:
            return Fault((at, found.start(1)), "a blank is missing behind this dash", 'begin each entry with "- "')
        if (found := _WIDE.match(text)) is not None:
            return Fault((at, found.start(1)), "this colon is another sign (U+FF1A)", 'write ": "')
    if (found := _COMMENT.match(lines[line])) is not None:
        return Fault((line, found.start(1)), f"a comment begins with #, not with {found[1]}", "write # in front of it")
    return None


_GLUED_VALUE = re.compile(r"[^\s:]+:(?=\S)")
_GROUPED = re.compile(r"-?[0-9]{1,3}(\.[0-9]{3})*\Z")
_MOST_SHOWN = 6


def bare_hint(before: str, keys: Sequence[str]) -> str:
    """What was meant by keys in braces that have no colon, behind a value: decimals, more entries of a list, or a key
    whose colon has no blank behind it."""
    key = keys[0]
    if _GROUPED.match(before) and re.fullmatch(r"[0-9]+%?", key):
        return f"a number has a point before its decimals: write {before.replace('.', '')}.{key}"
    if (strange := slip_near([f"{key} "], 0)) is not None:
        return strange.hint
    if key.count(":") == 1 and (found := _GLUED_VALUE.match(key)) is not None:
        return f"a blank is missing behind the colon: write {found[0]} {key[found.end() :]}"
    if before:
        listed = ", ".join([before, *keys][:_MOST_SHOWN])
        return f"a comma ends the value before it: write a list in brackets, [{listed}], or put the text in quotes"
    return "write key: value"
