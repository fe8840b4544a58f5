"""The marks of one record: what stands in the place of its values, so that equal values are seen to be equal.

`Marks` also knows which of the values tell who somebody is, and finds them in what would else be kept: a name in a
product's, an id in the part of an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tagserver.event.placeholder import is_placeholder
from tagserver.records.masking.shapes import IDS, NAMES, SHORTEST_HASH, TEXTS, shape_of

_SHORTEST = 3
"""Characters of a value that is looked for elsewhere."""
_SHORTEST_ANYWHERE = 6
"""A shorter one counts where it is a word."""
_LONGEST_WATCHED = 4096
_MOST_WATCHED = 128
"""Values that are looked for. Of an event with more of them nothing is kept: to look for all would take too long."""
_LONGEST_INT = 10**40
_SAYS_NOTHING = frozenset({"true", "false", "yes", "null", "none", "undefined"})


class Marks:
    """The marks of one record.

    `numbers`: the values that have a mark, and the number of each. `told`: values that tell who somebody is, and are
    looked for in all that is kept. `kept`: the texts that were kept; whoever begins a part of the record begins a new
    list. `strict`: each of them is looked through before it is kept; `tells_anything` says of all together whether that
    is needed, which it hardly ever is.
    """

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.kept: list[str] = []
        self.strict = False
        self.told: list[str] = []
        self._watched: dict[str, str] = {}

    # ── marks

    def mark(self, text: str, kind: str | None = None) -> str:
        """What stands for a text. `kind`: what its key says that it is."""
        if not text:
            return text
        numbers = self.numbers
        number = numbers.get(text)
        if number is None:
            number = numbers[text] = len(numbers) + 1
        length = len(text)
        if 1 < length < SHORTEST_HASH and text.isalpha():  # as most names are
            return f"[text, {length} characters, #{number}]"
        return f"[{shape_of(text, kind)}, #{number}]"

    def mark_person(self, text: str, kind: str | None = None) -> str:
        """The same of a text that tells who somebody is, and is looked for elsewhere."""
        self.told.append(text)
        return self.mark(text, kind)

    def mark_number(self, value: float, kind: str | None = None) -> str:
        """The same of a number. It is equal to the text of its digits."""
        if type(value) is float and value.is_integer() and abs(value) < _LONGEST_INT:
            value = int(value)
        if abs(value) >= _LONGEST_INT or value != value:
            return f"[number, #{self.numbers.setdefault(value, len(self.numbers) + 1)}]"
        return self.mark(str(value), kind)

    # ── what tells who somebody is, elsewhere

    def watch(self, text: str) -> None:
        """Look for a text in all that is kept."""
        self.told.append(text)

    def _sought(self) -> Mapping[str, str]:
        """What is looked for, in small letters; and as it came."""
        watched = self._watched
        if self.told:
            for text in self.told:
                for low in _looked_for(text.lower()):
                    watched[low] = text
            self.told.clear()
        return watched

    def tells_anything(self) -> bool:
        """Whether a value that is watched stands in anything that was kept so far."""
        if not self.kept:
            return False
        if len(self.told) > _MOST_WATCHED:
            return True
        low = "\n".join(self.kept).lower()
        if self._watched and self.tells(low):
            return True
        # Of most events nobody asks for more: all are made small in one call.
        for one in "\n".join(self.told).lower().split("\n"):
            sought = one.strip()
            if "@" in sought:
                sought = sought.partition("@")[0]
            if len(sought) >= _SHORTEST and sought in low:
                return self.tells(low)
        return False

    def tells(self, text: str) -> bool:
        """Whether a value that is watched stands in a text."""
        sought = self._sought()
        if len(sought) > _MOST_WATCHED:
            return True
        low = text.lower()
        for one in sought:  # noqa: SIM110 (a generator costs more than the looks)
            if one in low and stands_in(one, low):
                return True
        return False

    def keep(self, text: str) -> str:
        """A text that may stay, or its mark where it tells who somebody is."""
        if self.strict and self.tells(text):
            return self.mark(text)
        self.kept.append(text)
        return text

    def without(self, text: str, values: Iterable[str]) -> str:
        """A text with marks in the place of these values, in whatever letters, and of those that are watched."""
        sought = {**self._sought()} | {one.lower(): one for one in values}
        low = text.lower()
        if len(low) != len(text):  # letters that are two in lower case: no place in one is that in the other
            return self.mark(text) if any(one in low for one in sought) else text
        for one in sorted([one for one in sought if one in low], key=len, reverse=True):
            pieces: list[str] = []
            end = 0
            at = low.find(one)
            while at >= 0:
                if len(one) >= _SHORTEST_ANYWHERE or _stands_alone(low, at, at + len(one)):
                    pieces += (text[end:at], self.mark(sought[one]))
                    end = at + len(one)
                at = low.find(one, max(at + 1, end))
            if pieces:
                text = "".join(pieces) + text[end:]
                low = text.lower()
        return text

    # ── values

    def key(self, name: object) -> str:
        """The name of a field, as it may stand."""
        if type(name) is not str:
            return self.mark_key(str(type(name)))
        return self.keep(name) if NAMES[name] else self.mark_key(name)

    def mark_key(self, name: str) -> str:
        """What stands for the name of a field."""
        number = self.numbers.setdefault(name, len(self.numbers) + 1)
        return f"[key, 1 character, #{number}]" if len(name) == 1 else f"[key, {len(name)} characters, #{number}]"

    def text(self, text: str) -> str:
        """A text that stays, without what looks like a person's."""
        return self.keep(TEXTS[text])

    def id(self, text: str) -> str:
        """The same of the id of a thing."""
        return self.keep(IDS[text])


def _looked_for(low: str) -> Iterator[str]:
    """What of a value is looked for: it, unless it is short, everybody's or too long, and who an e-mail is to."""
    low = low.strip()
    if not _SHORTEST <= len(low) <= _LONGEST_WATCHED or low in _SAYS_NOTHING or is_placeholder(low):
        return
    yield low
    local, sign, _ = low.partition("@")
    if sign and len(local) >= _SHORTEST_ANYWHERE:
        yield local


def stands_in(word: str, text: str) -> bool:
    """Whether a value stands in a text, both in small letters: a long one anywhere, a short one as a word."""
    return word in text and (len(word) >= _SHORTEST_ANYWHERE or _is_a_word(word, text))


def _is_a_word(word: str, text: str) -> bool:
    at = text.find(word)
    while at >= 0:
        if _stands_alone(text, at, at + len(word)):
            return True
        at = text.find(word, at + 1)
    return False


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether neither a letter nor a digit is beside it."""
    return not text[max(0, start - 1) : start].isalnum() and not text[end : end + 1].isalnum()
