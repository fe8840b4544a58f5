"""Texts that programs and templates write where a value is missing. As an id they are everybody's, as an order every
order's, and their hash matches nobody."""

from __future__ import annotations

from hashlib import sha256

_WORDS = ("undefined", "null", "nan", "none", "[object object]", "(not set)")
_OF_NAMES = frozenset({"undefined", "none", "[object object]", "(not set)"})
"""People are called Null, and Nan."""
_ANY_CASE = frozenset(_WORDS)
SIGNS = frozenset(" \t\r\nuUnN[({$")
"""How such a text begins: most others are told by that alone, without a call where there are many."""
_LONGEST = 200

WHY = "holds what is written for a missing value (undefined, null, …)"
"""The sentence for one that is left out."""

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing, which broken senders make of missing values. It would match everybody else's mistake."""
_HASHES = {
    sha256(text.encode()).hexdigest(): word
    for word, *spellings in (
        *((word, word.upper(), word.title()) for word in _WORDS),
        ("nan", "NaN"),
        ("[object object]", "[object Object]"),
    )
    for text in (word, *spellings)
}
"""SHA-256 of such a text as it is usually written → the text."""


def is_hash_of_nothing(text: str, *, person_name: bool = False) -> bool:
    """Whether a SHA-256 in lower case was made of nothing, or of what is written for it. `person_name`: it should be
    that of a name."""
    word = _HASHES.get(text)
    return text == EMPTY_HASH or (word is not None and (not person_name or word in _OF_NAMES))


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a missing value, in any case, with blanks around it: `undefined`, `null`, `NaN`,
    `none`, `[object Object]`, `(not set)`, or a template that nobody filled (`{{ id }}`, `${id}`)."""
    if text[:1] not in SIGNS or len(text) > _LONGEST:
        return False
    bare = text.strip()
    return bare.lower() in _ANY_CASE or _is_template(bare)


def is_placeholder_name(text: str) -> bool:
    """The same for a person's name: `Null` and `Nan` are names, `NaN` is none."""
    if text[:1] not in SIGNS or len(text) > _LONGEST:
        return False
    bare = text.strip()
    return bare == "NaN" or bare.lower() in _OF_NAMES or _is_template(bare)


def _is_template(text: str) -> bool:
    return (text.startswith("{{") and text.endswith("}}")) or (text.startswith("${") and text.endswith("}"))
