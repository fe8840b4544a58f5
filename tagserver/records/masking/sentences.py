"""Sentences about an event, without what the event itself does not show: `page.query.q equals "x", is "erika"`.

What stands behind `, is ` is a value of the event, or is made of some; in front of it stand words of the
configuration. A value may hold quotes and anything else, so where it ends cannot always be told: then all that may
belong to it goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tagserver.event.address import is_address, parse_address
from tagserver.records.masking.addresses import masked_address
from tagserver.records.masking.marks import Marks, stands_in
from tagserver.records.masking.shapes import SLUGS, masked_text

_LOOKED_AT = 4096
_IS = ", is "
_ends = re.compile(r"\Z|; | and ").match
_plain = re.compile(
    r"(?:missing|null|true|false|NaN|-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,3})?|\[object Object\]|"
    r"a value of [0-9]{1,9} characters)(?=\Z|; | and )"
).match
"""Values that tell nothing, and that nobody quotes."""
_state = re.compile(
    r"(?:granted|denied|not set|only a preset)(?: \([^()\"]{0,200}(?:\([^()\"]{0,100}\)[^()\"]{0,100}){0,3}\))?"
    r"(?=\Z|; | and |, and )"
).match
"""What is said of a purpose of consent, and who said it."""
_SHOWN = 79
"""Characters of a value that a sentence shows; behind them stands `…` where there are more."""
_SHORTEST = 4
LONGEST = 1000
"""Characters of a masked sentence."""


class Sentences:
    """Sentences about one event. `marks`: those of the whole event; `kept`: the texts that it shows; `agent`: the
    browser's name, whose words are everybody's."""

    def __init__(self, marks: Marks, kept: Collection[str], agent: str | None) -> None:
        self._marks = marks
        self._kept = frozenset(kept)
        self._agent = agent
        self._hidden: str | None = None
        self._fine: set[str] = set()
        """Values that may stand in a sentence about this event."""
        self._shown: dict[str, str] = {}
        """What stands behind `, is ` in its sentences, and in its place."""

    def masked(self, text: str) -> str:
        """A sentence, with marks in the place of what the event does not show."""
        known = _KNOWN.get(text)
        if known is not None:
            for value in known[1]:
                if value not in self._fine and not self._is_fine(value):
                    break
            else:
                return known[0]
        front, sign, value = text.partition(_IS)
        if front in _FRONTS and value in self._shown:
            return f"{front}{_IS}{self._shown[value]}"
        marks = self._marks
        before = len(marks.numbers)
        hidden = [one for one in marks.numbers if type(one) is str and len(one) >= _SHORTEST and not SLUGS[one]]
        values: list[str] = []
        made = masked_text(marks.without(self._values(text[:_LOOKED_AT], hidden, values), hidden), LONGEST)
        if len(text) <= _LONGEST_KNOWN:
            if made == text and len(marks.numbers) == before:
                _remember(_KNOWN, text, (made, tuple(values)))
            elif sign and _IS not in value and made.startswith(front + sign):
                # Many conditions ask for one value; what they are themselves is the configuration's.
                _remember(_FRONTS, front, None)
                self._shown[value] = made[len(front + sign) :]
        return made

    def _values(self, text: str, hidden: Iterable[str], shown: list[str]) -> str:
        """The sentence with each value judged. Those that may stand are added to `shown`."""
        if _IS not in text:
            return text
        marks = self._marks
        stand_ins: dict[str, str] = {}
        for one in sorted(hidden, key=len, reverse=True):
            # One with a quote could end early, or begin another value.
            if '"' in one or _IS in one:
                for seen in (one, one[:_SHOWN]):
                    if seen in text:
                        text = text.replace(seen, stand_in := f"\0{len(stand_ins)}\0")
                        stand_ins[stand_in] = marks.mark(one)
        front, *values = text.split(_IS)
        text = _IS.join([front, *[self._value(one, stand_ins, shown) for one in values]])
        for stand_in, mark in stand_ins.items():
            text = text.replace(stand_in, mark)
        return text

    def _value(self, piece: str, stand_ins: Mapping[str, str], shown: list[str]) -> str:
        """What stands behind one `, is `, up to the next."""
        if _plain(piece) or _state(piece):
            return piece
        if not piece.startswith('"'):
            return self._judged(piece, shown)
        end = piece.find('"', 1)
        rest = piece[end + 1 :]
        if end < 0 or not _ends(rest) or rest.count('"') % 2:
            end = piece.rfind('"')
            end = len(piece) if end == 0 else end
            rest = piece[end + 1 :]
        value = piece[1:end]
        return (value if value.removesuffix("…") in stand_ins else self._judged(value, shown)) + rest

    def _judged(self, value: str, shown: list[str]) -> str:
        """A value, in quotes where it may stand."""
        marks = self._marks
        if value.endswith("…") and len(value) == _SHOWN + 1:
            whole = (one for one in marks.numbers if type(one) is str and one.startswith(value[:-1]))
            return marks.mark(next(whole, value))
        if (value in self._kept or SLUGS[value]) and self._is_fine(value):
            shown.append(value)
            return f'"{value}"'
        if is_address(value) and not marks.tells(value):
            return f'"{masked_address(parse_address(value), marks)}"'
        return marks.mark(value)

    def _is_fine(self, value: str) -> bool:
        """Whether a value that is nobody's by itself is so in this event: it is not part of what has a mark. (A word
        may have been cut out of a title, and made small.)"""
        marks = self._marks
        if value in marks.numbers or marks.tells(value):
            return False
        if value not in self._kept:
            if self._hidden is None:
                hidden = [one for one in marks.numbers if type(one) is str and one != self._agent]
                self._hidden = "\n".join(hidden).lower()
            if stands_in(value.lower(), self._hidden):
                return False
        self._fine.add(value)
        return True


_LONGEST_KNOWN = 300
_MOST_KNOWN = 4096
_KNOWN: dict[str, tuple[str, tuple[str, ...]]] = {}
"""Sentences that may stand as they are, each with the event's values in it: most are said of many events."""
_FRONTS: dict[str, None] = {}
"""What stands in front of `, is ` in others."""


def _remember(known: dict[str, Any], text: str, what: Any) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[text] = what
