"""What must not stand in a log, taken out of a text.

Nobody here writes such things. This is a net under that rule, for plugins and libraries that do not know it.
"""

from __future__ import annotations

import re

from tagserver.system.secret import masked

_PATTERNS = (
    ("[token]", re.compile(r"\b(?:EAA|AIza|sk_|ya29\.)[\w-]{10,}")),
    ("[token]", re.compile(r"(?<=bearer )[\w.~+/=-]{8,}", re.IGNORECASE)),
    ("[phone]", re.compile(r"\+\d[\d ()/.-]{6,}\d")),
)
_HASH = re.compile(r"\b[0-9a-fA-F]{40,}\b")
_CALLED = re.compile(r"(?:\+|%2B|\b00)[1-9](?:[ ()/.-]{0,2}\d){7,14}", re.IGNORECASE)
_signs = re.compile("@|%40").finditer
_local = {"@": re.compile(r"[\w.+%-]+").match, "%40": re.compile(r"[\w.+-]+").match}
_domain = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}").match
_LONGEST_LOCAL = 64
"""Characters in front of the sign (RFC 5321, section 4.5.3.1.1)."""


def without_contacts(text: str) -> str:
    """The text without e-mail addresses and telephone numbers that begin with + or 00, also as addresses write them."""
    return _CALLED.sub("[phone]", _without_emails(text))


def _without_emails(text: str) -> str:
    """Looked for from the sign to both sides: a search for what stands in front of it would begin at each letter."""
    pieces: list[str] = []
    end = 0
    for sign in _signs(text):
        local = _local[sign[0]](text[max(end, sign.start() - _LONGEST_LOCAL) : sign.start()][::-1])
        if local is not None and (domain := _domain(text, sign.end())) is not None:
            pieces += (text[end : sign.start() - local.end()], "[e-mail]")
            end = domain.end()
    return "".join(pieces) + text[end:] if pieces else text


def redacted(text: str, *, hashes: bool = True) -> str:
    """The text without e-mail addresses, telephone numbers (with their plus sign), hashes of persons, tokens of known
    forms, and secrets that this process has read. `hashes` False: those stay."""
    text = _without_emails(masked(text))
    for name, pattern in _PATTERNS:
        text = pattern.sub(name, text)
    return _HASH.sub("[hash]", text) if hashes else text
