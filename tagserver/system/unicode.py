"""Texts that UTF-8 can hold."""

from __future__ import annotations


def is_text(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair it cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
