"""What must not stand in a log, taken out of a text.

Nobody here writes such things. This is a net under that rule, for plugins and libraries that do not know it.
"""

from __future__ import annotations

import re

from tagserver.secret import masked

# Each begins where a run of its characters begins: in the middle of one it would be looked for again and again.
_PATTERNS = (
    ("[e-mail]", re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")),
    ("[e-mail]", re.compile(r"(?<![\w.+-])[\w.+-]+%40[\w-]+(?:\.[\w-]+)+")),
    ("[token]", re.compile(r"\b(?:EAA|AIza|sk_|ya29\.)[\w-]{10,}")),
    ("[token]", re.compile(r"(?<=bearer )[\w.~+/=-]{8,}", re.IGNORECASE)),
    ("[phone]", re.compile(r"\+\d[\d ()/.-]{6,}\d")),
)
_HASH = re.compile(r"\b[0-9a-fA-F]{40,}\b")

_CONTACTS = (
    ("[e-mail]", re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)),
    ("[phone]", re.compile(r"(?:\+|%2B|\b00)[1-9](?:[ ()/.-]{0,2}\d){7,14}", re.IGNORECASE)),
)


def without_contacts(text: str) -> str:
    """The text without e-mail addresses and telephone numbers that begin with + or 00, also as addresses write them."""
    for name, pattern in _CONTACTS:
        text = pattern.sub(name, text)
    return text


def redacted(text: str, *, hashes: bool = True) -> str:
    """The text without e-mail addresses, telephone numbers (with their plus sign), hashes of persons, tokens of known
    forms, and secrets that this process has read. `hashes` False: those stay."""
    text = masked(text)
    for name, pattern in _PATTERNS:
        text = pattern.sub(name, text)
    return _HASH.sub("[hash]", text) if hashes else text
