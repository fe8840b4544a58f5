"""Whether one of Python's regular expressions costs more than the length of a text: judged by its structure.

`re` backtracks. A pattern costs more than linearly when some text has more than a bounded number of ways through its
repeats: then all of them are tried where the match fails in the end. That can be read from the pattern: its positions
(Glushkov's automaton) are looked at for the two criteria of Weber and Seidl, "On the degree of ambiguity of finite
automata" (1991). EDA: a state comes back to itself by two ways on one text, which costs exponentially. IDA: a text
leads from a state p to itself, from p to another q, and from q to itself, which costs quadratically or worse.

A search tries every place of the text as the beginning: that is one more repeat in front, of anything. It only comes to
that where much was looked at in vain: a round through the pattern that passes where it may end has been a match.

Repeats with an upper bound of at most `SMALL` are no loops of their own; look-arounds may hold no loop, and
back-references are refused. All else errs on the side of a finding, never of a pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

# The standard library's own reading of a pattern has no public name.
from re import _constants as sre
from re import _parser
from typing import Any

SMALL = 256
_STRANGE = "\u00a0\u00e9\u0130\u0131\u017f\u0301\u0660\u2003\u2028\u212a\u4e00\ufeff\U0001f600"
"""One of each kind beyond Latin-1: letters, digits, blanks, marks, those that fold into ASCII."""
_SETS = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


@dataclass
class Part:
    """A piece of the pattern: which positions it begins and ends with. `sure`: those of its ends behind which nothing
    can fail any more; `empty` and `surely_empty` whether it may match nothing."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    sure: frozenset[int] = frozenset()
    empty: bool = True
    surely_empty: bool = True


@dataclass
class Judge:
    """One pattern while it is read. `faults` fills."""

    flags: int
    alphabet: frozenset[int]
    chars: list[frozenset[int]] = field(default_factory=list)
    edges: Counter[tuple[int, int]] = field(default_factory=Counter)
    looping: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def sequence(self, items: Sequence[Any], looping: bool) -> Part:
        whole = Part()
        for item in items:
            whole = self._joined(whole, self.part(item, looping))
        return whole

    def _joined(self, one: Part, two: Part) -> Part:
        self.edges.update((a, b) for a in one.last for b in two.first)
        return Part(
            one.first | two.first if one.empty else one.first,
            two.last | one.last if two.empty else two.last,
            two.sure | one.sure if two.surely_empty else two.sure,
            one.empty and two.empty,
            one.surely_empty and two.surely_empty,
        )

    def part(self, item: tuple[Any, Any], looping: bool) -> Part:
        operator, value = item
        if operator is sre.SUBPATTERN:
            return self.sequence(value[3], looping)
        if operator is sre.ATOMIC_GROUP:
            return self.sequence(value, looping)
        if operator is sre.BRANCH:
            parts = [self.sequence(one, looping) for one in value[1]]
            return Part(
                frozenset().union(*(one.first for one in parts)),
                frozenset().union(*(one.last for one in parts)),
                frozenset().union(*(one.sure for one in parts)),
                any(one.empty for one in parts),
                any(one.surely_empty for one in parts),
            )
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            fewest, most, body = value
            endless = most is sre.MAXREPEAT or most > SMALL
            made = self.sequence(body, looping or endless)
            if most > 1:
                self.edges.update((a, b) for a in made.last for b in made.first)
            if fewest == 0:
                return Part(made.first, made.last, made.sure, True, True)
            return made
        if operator is sre.AT:
            return Part(surely_empty=False)
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            if any(True for _ in _endless(value[1])):
                self.faults.append("a look-around with an endless repeat in it")
            return Part(surely_empty=False)
        if operator in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            self.faults.append("a back-reference")
            return Part(surely_empty=False)
        return self.position(self.matching(item), looping)

    def position(self, chars: frozenset[int], looping: bool) -> Part:
        """One more position, for one character."""
        number = len(self.chars)
        self.chars.append(chars)
        if looping:
            self.looping.add(number)
        alone = frozenset({number})
        return Part(alone, alone, alone, False, False)

    def matching(self, item: tuple[Any, Any]) -> frozenset[int]:
        """The characters of the alphabet that one item takes."""
        operator, value = item
        if operator is sre.LITERAL:
            return frozenset(one for one in self.alphabet if value in self._alike(one))
        if operator is sre.NOT_LITERAL:
            return self.alphabet - self.matching((sre.LITERAL, value))
        if operator is sre.ANY:
            return self.alphabet if self.flags & re.DOTALL else self.alphabet - {10}
        assert operator is sre.IN, operator
        rows = list(value)
        negated = rows[0][0] is sre.NEGATE
        taken = frozenset(one for one in self.alphabet if any(self._is_in(one, row) for row in rows[negated:]))
        return self.alphabet - taken if negated else taken

    def _is_in(self, one: int, row: tuple[Any, Any]) -> bool:
        operator, value = row
        if operator is sre.LITERAL:
            return value in self._alike(one)
        if operator is sre.RANGE:
            return any(value[0] <= like <= value[1] for like in self._alike(one))
        assert operator is sre.CATEGORY, operator
        return re.fullmatch(_SETS[value], chr(one), self.flags & re.ASCII) is not None

    def _alike(self, one: int) -> set[int]:
        if not self.flags & re.IGNORECASE:
            return {one}
        text = chr(one)
        return {one, *(ord(like) for like in (text.lower(), text.upper(), text.swapcase()) if len(like) == 1)}


def _endless(items: Iterable[Any]) -> Iterator[Any]:
    for operator, value in items:
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            if value[1] is sre.MAXREPEAT or value[1] > SMALL:
                yield operator
            yield from _endless(value[2])
        elif operator is sre.SUBPATTERN:
            yield from _endless(value[3])
        elif operator is sre.BRANCH:
            for one in value[1]:
                yield from _endless(one)
        elif operator in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _endless(value[1])


def findings(pattern: str | bytes, flags: int = 0, *, anchored: bool) -> list[str]:
    """What makes a pattern cost more than a text's length; nothing when it is linear. `anchored`: it is only ever tried
    at one place of a text (`match`, `fullmatch`)."""
    parsed = _parser.parse(pattern, flags)
    judge = Judge(parsed.state.flags, frozenset(_alphabet(parsed)))
    items = list(parsed)
    before, items = _before(judge, items)
    loop: list[int] = []
    if not anchored and before:
        # Anything, in front: a place where the pattern may begin is behind a character of `before`.
        for chars in (before, judge.alphabet - before):
            if chars:
                loop += judge.position(chars, True).first
        judge.edges.update((a, b) for a in loop for b in loop)
    whole = judge.sequence(items, False)
    if loop:
        judge.edges.update((loop[0], one) for one in whole.first)
    return judge.faults + list(_ambiguous(judge, set(loop), whole))


def _alphabet(items: Iterable[Any]) -> Iterator[int]:
    yield from range(256)
    yield from map(ord, _STRANGE)
    for operator, value in items:
        if operator in (sre.LITERAL, sre.NOT_LITERAL):
            yield value
        elif operator is sre.IN:
            for kind, one in value:
                if kind is sre.LITERAL:
                    yield one
                elif kind is sre.RANGE:
                    yield from (max(0, one[0] - 1), *one, min(0x10FFFF, one[1] + 1))
        elif operator is sre.SUBPATTERN:
            yield from _alphabet(value[3])
        elif operator is sre.BRANCH:
            for one in value[1]:
                yield from _alphabet(one)
        elif operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from _alphabet(value[2])
        elif operator in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _alphabet(value[1])


def _before(judge: Judge, items: list[Any]) -> tuple[frozenset[int], list[Any]]:
    """The characters behind which a match may begin, as far as the pattern's first items say, and the rest of it."""
    allowed = judge.alphabet
    while items:
        operator, value = items[0]
        if operator is sre.AT and value in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
            allowed &= {10} if judge.flags & re.MULTILINE and value is sre.AT_BEGINNING else frozenset()
        elif operator in (sre.ASSERT, sre.ASSERT_NOT) and value[0] == -1 and _is_one(value[1]):
            chars = judge.matching(value[1][0])
            allowed &= chars if operator is sre.ASSERT else judge.alphabet - chars
        elif operator is sre.AT and value is sre.AT_BOUNDARY:
            words = judge.matching((sre.IN, [(sre.CATEGORY, sre.CATEGORY_WORD)]))
            probe = Judge(judge.flags, judge.alphabet)
            first = [probe.chars[one] for one in probe.sequence(items[1:], False).first]
            if not first or not all(chars <= words for chars in first):
                break
            allowed &= judge.alphabet - words
        else:
            break
        items = items[1:]
    return allowed, items


def _is_one(items: Any) -> bool:
    return len(items) == 1 and items[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def _ambiguous(judge: Judge, loop: set[int], whole: Part) -> Iterator[str]:
    after: dict[int, set[int]] = {one: set() for one in range(len(judge.chars))}
    for a, b in judge.edges:
        after[a].add(b)
    reach = {one: _reached(one, after) for one in after}
    cycling = [one for one in sorted(judge.looping) if one in reach[one]]
    for p in cycling:
        rounds = {one for one in reach[p] if p in reach[one]}
        if any(judge.edges[a, b] > 1 for a in rounds for b in after[a] & rounds):
            yield f"a repeat within a repeat at {_shown(judge, p)}"
        if _comes_back_twice(judge, after, p, rounds):
            yield f"two ways round at {_shown(judge, p)}"
        for q in cycling:
            if p == q or q in loop or q not in reach[p]:
                continue
            if not _all_at_once(judge, after, reach, p, q, whole.sure if p in loop else frozenset()):
                continue
            where = "any place" if p in loop else _shown(judge, p)
            yield f"{where} and {_shown(judge, q)} take the same text"


def _reached(start: int, after: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    open_ends = [start]
    while open_ends:
        for one in after[open_ends.pop()] - found:
            found.add(one)
            open_ends.append(one)
    return found


def _comes_back_twice(judge: Judge, after: dict[int, set[int]], p: int, rounds: set[int]) -> bool:
    """EDA: whether one text leads from p to p by two ways."""
    pairs = {(p, p)}
    into: dict[tuple[int, int], set[tuple[int, int]]] = {}
    open_ends = [(p, p)]
    while open_ends:
        here = open_ends.pop()
        for a in after[here[0]] & rounds:
            for b in after[here[1]] & rounds:
                if judge.chars[a] & judge.chars[b]:
                    into.setdefault((a, b), set()).add(here)
                    if (a, b) not in pairs:
                        pairs.add((a, b))
                        open_ends.append((a, b))
    back, open_ends = {(p, p)}, [(p, p)]
    while open_ends:
        for one in into.get(open_ends.pop(), set()) - back:
            back.add(one)
            open_ends.append(one)
    return any(a != b for a, b in back & pairs)


def _all_at_once(
    judge: Judge, after: dict[int, set[int]], reach: dict[int, set[int]], p: int, q: int, barred: frozenset[int]
) -> bool:
    """IDA: whether one text leads from p to p, from p to q, and from q to q, there without what is `barred`."""
    at_p = {one for one in reach[p] if p in reach[one]}
    at_q = {one for one in reach[q] if q in reach[one]} - barred
    between = {one for one in reach[p] if q in reach[one]} | {p, q}
    start, goal = (p, p, q), (p, q, q)
    found, open_ends = {start}, [start]
    while open_ends:
        x, y, z = open_ends.pop()
        for a in after[x] & at_p:
            for b in after[y] & between:
                both = judge.chars[a] & judge.chars[b]
                for c in after[z] & at_q if both else ():
                    step = (a, b, c)
                    if both & judge.chars[c] and step not in found:
                        if step == goal:
                            return True
                        found.add(step)
                        open_ends.append(step)
    return False


def _shown(judge: Judge, position: int) -> str:
    chars = sorted(judge.chars[position])
    shown = "".join(chr(one) for one in chars if 32 < one < 127)[:12]
    return f"repeat {position} ({shown}…)"
