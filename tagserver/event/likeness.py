"""Which known name was meant by one that is nearly it: misspelt, in another case, with other separators.

The rule is made so that a site's own names pass. Who calls an event `purchases`, `view_card` or `order_completed` means
it, and a warning that is wrong teaches people to read none.

- **Written otherwise**: the same letters and digits, whatever the case, the blanks, dashes, dots and underscores:
  `AddToCart`, `add-to-cart`, `addtocart`.
- **Misspelt**: one word of the name is one slip away (a letter missing, too many, wrong, or two changed about: the
  distance of Damerau and Levenshtein), two slips in a word of eight letters or more (`puchaze`). All other words are
  the same, so that `sign_in` is no `sign_up`.
- **Short words** are other words soon: of four or five letters a word may differ by two letters changed about
  (`view_itme`), or one typed twice, and by any slip only as part of a name of nine letters or more (`add_to_card`, but
  not `view_card`). Shorter words may have a letter typed twice (`item_idd`), and nothing else.
- **What goes on** before or behind the whole known name is another name: `purchases`, `purchase_b2b`, `repurchase`.
- **Digits** are never misspelt: `level_2`, `event1`.
- Names in other scripts or with other signs are nobody's slip; and some words that are one slip away from a known one
  are words themselves (`OWN_WORDS`).

Below a group of fields only few names can be meant, so there a letter may be missing in words of four letters, too
(`page.pth`): see `brief`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

OWN_WORDS = frozenset({"contract", "county", "logon", "shopping"})
"""One slip away from `contact`, `country`, `login` and `shipping`, and words themselves."""
LONGEST = 100
"""Letters; longer names are not compared."""

_SOUND = re.compile(r"[A-Za-z0-9_\-.:/\s]+\Z")
_WORD = re.compile(r"[A-Z]+[a-z]*|[a-z]+|[0-9]+")
SLIP, TWO_SLIPS, SHORT, LONG_NAME = 6, 8, 4, 9
"""Letters from which on a word may have a slip, two slips, letters changed about; and a name makes its short words
longer."""


class Alike:
    """Known names, ready for comparisons: each costs a look at every name of about the same length."""

    def __init__(self, known: Iterable[str], *, brief: bool = False) -> None:
        """`brief`: they are few, and stand below a group: a letter may be missing in short words, too."""
        self.known: Collection[str] = dict.fromkeys(known)
        self._brief = brief
        self._by_letters: dict[str, str] = {}
        self._words: list[tuple[str, str, list[str]]] = []
        for name in self.known:
            words = _words(name)
            flat = "".join(words)
            self._by_letters.setdefault(flat, name)
            self._words.append((name, flat, words))

    def like(self, name: str) -> str | None:
        """The known name that was meant, or None; None also for one that is known."""
        if name in self.known or len(name) > LONGEST or not _SOUND.match(name):
            return None
        words = _words(name)
        flat = "".join(words)
        if not flat:
            return None
        if (same := self._by_letters.get(flat)) is not None:
            return same
        best: tuple[int, str] | None = None
        for known, wanted, parts in self._words:
            if abs(len(flat) - len(wanted)) <= 2 and (slips := self._slips(words, flat, parts, wanted)):
                best = min(best or (slips, known), (slips, known), key=lambda one: one[0])
        return best[1] if best else None

    def _slips(self, words: list[str], flat: str, parts: list[str], wanted: str) -> int:
        """How many slips lie between two names; 0: too many, or another name."""
        if (wanted in flat) and not _doubled(flat, wanted):
            return 0
        if len(words) == 1 or len(parts) == 1:
            return self._slips_of(flat, wanted, wanted)
        if len(words) != len(parts):
            return 0
        wrong = [(word, part) for word, part in zip(words, parts, strict=True) if word != part]
        return self._slips_of(*wrong[0], wanted) if len(wrong) == 1 else 0

    def _slips_of(self, word: str, wanted: str, whole: str) -> int:
        if word in OWN_WORDS or _digits(word) != _digits(wanted):
            return 0
        if _doubled(word, wanted):
            return 1
        if len(wanted) < SHORT:
            return 0
        slips = distance(word, wanted, 2)
        if slips == 1 and (len(wanted) >= SLIP or len(whole) >= LONG_NAME or _swapped(word, wanted)):
            return 1
        if slips == 1 and self._brief and len(word) < len(wanted):
            return 1
        return 2 if slips == 2 and len(wanted) >= TWO_SLIPS else 0


def letters(name: str) -> str:
    """Its letters and digits, in lower case: the same for all ways to write a name."""
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _digits(text: str) -> list[str]:
    return [sign for sign in text if sign.isdigit()]


def _doubled(word: str, wanted: str) -> bool:
    """Whether one letter is typed twice, and all else is the same."""
    if len(word) != len(wanted) + 1:
        return False
    at = next((at for at, sign in enumerate(wanted) if word[at] != sign), len(wanted))
    return at > 0 and word[at] == word[at - 1] and word[at + 1 :] == wanted[at:]


def _swapped(word: str, wanted: str) -> bool:
    """Whether two letters beside each other have changed places; of words that are one slip apart."""
    return len(word) == len(wanted) and sorted(word) == sorted(wanted)


def distance(one: str, other: str, most: int) -> int:
    """How many letters are missing, too many, wrong, or changed about with the next one (each place once); `most + 1`
    for anything beyond."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            cost = min(last[column] + 1, now[-1] + 1, last[column - 1] + (sign != wanted))
            if row > 1 and column > 1 and sign == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before, last = last, now
    return last[-1] if last[-1] <= most else most + 1
