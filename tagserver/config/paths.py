"""What a path may look like, and what was meant by one that looks otherwise."""

from __future__ import annotations

import re
import unicodedata

from tagserver.event.paths import is_number
from tagserver.event.spelling import Path, canonical

ITEMS = ("ecommerce", "items")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_$-]+)*\Z")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_JOINERS = "\u200c\u200d"
"""Invisible, and part of the spelling of Persian and Indic words."""


def is_path(text: str) -> bool:
    """Whether a text can be a path where a variable's name could stand as well: steps of letters of any script, digits,
    `_`, `-` and signs of currencies, of which the first begins with a letter."""
    if text.isascii():
        return _PLAIN.match(text) is not None
    steps = text.split(".")
    return all(steps) and all(map(_in_a_name, "".join(steps))) and (text[0] == "_" or text[0].isalpha())


def _in_a_name(one: str) -> bool:
    return one.isalnum() or one in "_-" or one in _JOINERS or unicodedata.category(one) in ("Mn", "Mc", "Sc")


def fault_of(text: str) -> str | None:
    """The fix of a path that can lead nowhere; None for any other."""
    if _BRACKETS.search(text):
        inner = _BRACKETS.sub(lambda found: "" if found[1] in ("", "*") else f".{found[1]}", text)
        return f"write {inner}"
    steps = text.split(".")
    if not all(steps):
        return "a dot stands between two names"
    if "*" in steps:
        return f"leave the star out: {'.'.join(step for step in steps if step != '*')} is that of each element"
    path = canonical(text)
    if path[:2] == ITEMS and len(path) > 2 and path[2][0] == "-" and is_number(path[2][1:]):
        return "items are counted from 0, from the first to the last"
    return None


def stays_in_its_item(old: Path, new: Path) -> bool:
    """Whether what stands in every item is not to stand outside of the items, where all of it has no room."""
    return not _in_every_item(old) or _in_every_item(new)


def _in_every_item(path: Path) -> bool:
    return path[:2] == ITEMS and len(path) > 2 and not is_number(path[2])
