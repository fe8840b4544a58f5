"""What can be told of a regular expression by looking at it."""

from __future__ import annotations

import re

_LITERAL = re.compile(r"\\([^\w\s])|([^\\.^$*+?{}()\[\]|])")
"""A sign that stands for itself, or one that a backslash makes so."""


def beginning_of(pattern: str) -> str:
    """With which text whatever fits a pattern begins, as far as that is plain: `^/cart(/|$)` → `/cart`; empty where it
    may fit anywhere."""
    if not pattern.startswith("^") or _has_alternatives(pattern):
        return ""
    at, found = 1, ""
    while (literal := _LITERAL.match(pattern, at)) is not None:
        at = literal.end()
        if pattern[at : at + 1] in ("?", "*", "{"):  # it may be there, or not
            break
        found += literal[1] or literal[2]
        if pattern[at : at + 1] == "+":
            break
    return found


def _has_alternatives(pattern: str) -> bool:
    """Whether a bar stands outside of all brackets."""
    depth, in_class = 0, False
    for sign in re.sub(r"\\.", "", pattern):
        if in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            return True
    return False


_REFUSED = re.compile(r"\(\?[=!<]|\\[1-9]")


def pattern_hint(pattern: str) -> str:
    """What to change in a regular expression that RE2 does not take."""
    if _REFUSED.search(pattern):
        return "look-around and back-references are not taken (RE2)"
    return "a sign that stands for itself has \\ before it"
