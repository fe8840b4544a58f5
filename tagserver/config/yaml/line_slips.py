"""Slips that make a line no YAML whatever stands around it, and that YAML takes for something else: a blank that is
none, a dash of the wrong kind or without a blank, a comment of another language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tagserver.config.yaml.inline import Fault
from tagserver.config.yaml.pasted import BLANKS, UNSEEN, told

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
