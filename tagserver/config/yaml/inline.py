"""What is wrong inside a value: quotes, brackets, and characters that mean something at the beginning of a text.

Read beside the YAML library, and only when that has given up: it says what it expected, not what people forgot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

TEMPLATE = 'braces of a template need quotes: "{{ name }}"'
_BLANK = " \t"
_CLOSERS = {"[": "]", "{": "}"}
_ESCAPES = frozenset('0abt\tnvfre "/\\N_LPxuU')
_ENTRY = re.compile(r"[ ]*(- |[\w.$-][\w.$ -]*:([ ]|$)|[\w\"'.$-]+[ ]*:[ ])")
_ENDS = re.compile(r"[ \t]#|:(?=[ \t]|$)")
_ENDS_INSIDE = re.compile(r"[ \t]#|:(?=[ \t]|$)|:(?=[,\[\]{}])|[,\[\]{}]")
_ALIAS = re.compile(r"\*[0-9A-Za-z_-]+")
_MARKED = re.compile(r"&[0-9A-Za-z_-]+(?=[ \t]|$)")
_TYPE = re.compile(r"!(?:[^\s:\"'\[\]{},|>]|:(?=\S))*(?=[ \t]|$)")


class Fault(Exception):
    """Where a text stops being YAML, line and column from 0, and how many characters are meant."""

    def __init__(self, at: tuple[int, int], message: str, hint: str, *, length: int = 1, code: str = "E101") -> None:
        super().__init__(message)
        self.line, self.column = at
        self.message, self.hint, self.length, self.code = message, hint, length, code


@dataclass(slots=True)
class _Open:
    """A bracket that is open. `filled`: something stands before the next comma; `colon`: and a colon behind its key;
    `plain`: that it ended without quotes or brackets, so that the next line may go on with it."""

    sign: str
    at: tuple[int, int]
    filled: bool = False
    colon: bool = False
    plain: bool = False


class Inline:
    """Reads values in some lines. Positions are pairs of line and column, from 0."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._marked: set[str] = set()

    def rest(self, at: tuple[int, int]) -> str:
        """What stands behind a position in its line."""
        return self._lines[at[0]][at[1] :]

    def skip(self, at: tuple[int, int]) -> tuple[int, int]:
        """The position behind blanks."""
        text = self.rest(at)
        return at[0], at[1] + len(text) - len(text.lstrip(_BLANK))

    def is_over(self, at: tuple[int, int]) -> bool:
        """Whether nothing but a comment is left of the line."""
        line, column = self.skip(at)
        text = self._lines[line]
        return column >= len(text) or (text[column] == "#" and (column == 0 or text[column - 1] in _BLANK))

    def properties(self, at: tuple[int, int]) -> tuple[int, int]:
        """The position behind `&name` and `!type`, which may stand before a value."""
        while found := _MARKED.match(self.rest(at)) or _TYPE.match(self.rest(at)):
            self._marked.add(found[0][1:])
            at = self.skip((at[0], at[1] + len(found[0])))
        return at

    def alias(self, at: tuple[int, int]) -> tuple[int, int]:
        """The position behind `*name`. Raises Fault."""
        found = _ALIAS.match(self.rest(at))
        if found is None or found[0][1:] not in self._marked:
            word = re.split(r"[,\]}]|: | #", self.rest(at))[0].strip().rstrip(":")
            raise star(at, word)
        return at[0], at[1] + len(found[0])

    def refuse_sign(self, at: tuple[int, int], *, inside: bool) -> None:
        """Raises Fault where a text begins with a sign that YAML keeps for itself. `inside`: of brackets."""
        text = self.rest(at)
        sign = text[:1]
        if sign == "\t":
            raise tab(at)
        if sign in "@`%&!" or (inside and sign in "|>:?"):
            raise Fault(at, f"a text cannot begin with {sign}", f'put the text in quotes: "{_word(text, inside)}"')
        if sign in "-?" and text[1:2] in ("", *_BLANK):
            raise Fault(at, f'"{sign} " cannot stand here', _dash_hint(sign, inside))
        if sign in ",]}" and not inside:
            if sign == ",":
                raise Fault(at, "a text cannot begin with a comma", "put it in quotes, or take the comma out")
            raise Fault(at, f'"{sign}" closes nothing', "take it out, or write the bracket that it closes before it")

    def quoted(self, at: tuple[int, int], *, inside: bool) -> tuple[int, int]:
        """The position behind a text in quotes. Raises Fault where it does not end, or not where it should."""
        quote = self._lines[at[0]][at[1]]
        end = self._end(at, quote)
        many = end is None or end[0] > at[0]
        if end is None or (many and any(_ENTRY.match(line) for line in self._lines[at[0] + 1 : end[0] + 1])):
            raise self._unclosed(at, quote)
        behind = self.rest(end).lstrip(_BLANK)
        if self.is_over(end) or behind[0] in (":,]}" if inside else ":"):
            return end
        if many:
            raise self._unclosed(at, quote)
        twice = '\\"' if quote == '"' else "''"
        hint = f"close the quote where the text ends; a quote inside of the text is written {twice}"
        if inside:
            hint = f"a comma is missing, or the quote is not closed where the text ends; one inside is written {twice}"
        message = f"more stands behind this text in quotes, which ends in column {end[1]}"
        raise Fault(at, message, hint, length=end[1] - at[1])

    def _unclosed(self, at: tuple[int, int], quote: str) -> Fault:
        length = len(self.rest(at).rstrip())
        return Fault(at, "a quote is opened here and not closed", f"write {quote} where the text ends", length=length)

    def _end(self, at: tuple[int, int], quote: str) -> tuple[int, int] | None:
        line, column = at[0], at[1] + 1
        while line < len(self._lines):
            text = self._lines[line]
            if column == 0 and text[:3] in ("---", "...") and text[3:4] in ("", *_BLANK):
                return None
            while column < len(text):
                one = text[column]
                if one == quote and not (quote == "'" and text[column + 1 : column + 2] == "'"):
                    return line, column + 1
                if one == "\\" and quote == '"' and column + 1 < len(text) and text[column + 1] not in _ESCAPES:
                    hint = f"write \\\\{text[column + 1]}, or put the text in single quotes"
                    message = f"in double quotes \\{text[column + 1]} means nothing"
                    raise Fault((line, column), message, hint, length=2)
                column += 2 if one == quote or (one == "\\" and quote == '"') else 1
            line, column = line + 1, 0
        return None

    def plain(self, at: tuple[int, int], *, inside: bool) -> tuple[int, int]:
        """The position behind a text without quotes in this line: before a comment, a colon with a blank and, `inside`
        of brackets, what ends an entry."""
        text = self.rest(at)
        found = (_ENDS_INSIDE if inside else _ENDS).search(text)
        length = len((text[: found.start()] if found else text).rstrip(_BLANK))
        return at[0], at[1] + max(length, 0 if found else 1)

    def brackets(self, at: tuple[int, int], indent: int) -> tuple[int, int]:
        """The position behind a list or map in brackets. `indent`: of the line's own key. Raises Fault."""
        opened: list[_Open] = []
        try:
            return self._brackets(at, indent, opened)
        except Fault:
            for outer, inner in pairwise(opened):
                if outer.sign == inner.sign == "{" and inner.at == (outer.at[0], outer.at[1] + 1):
                    raise template(outer.at) from None
            raise

    def _brackets(self, at: tuple[int, int], indent: int, opened: list[_Open]) -> tuple[int, int]:
        while True:
            if self.is_over(at):
                at = self._next_line(at, indent, opened[-1])
                continue
            at = self.skip(at)
            sign = self._lines[at[0]][at[1]]
            top = opened[-1] if opened else _Open("", at)
            if sign in _CLOSERS:
                self._begin(top, at)
                top.filled, top.plain = True, False
                opened.append(_Open(sign, at))
                at = at[0], at[1] + 1
            elif sign in "]}":
                if _CLOSERS[top.sign] != sign:
                    raise _not_closed(top, f' before "{sign}"' + (f" in line {at[0] + 1}" if at[0] > top.at[0] else ""))
                opened.pop()
                at = at[0], at[1] + 1
                if not opened:
                    return at
            elif sign == ",":
                if not top.filled:
                    raise Fault(at, "nothing stands before this comma", "take it out, or put the text in quotes")
                top.filled = top.colon = top.plain = False
                at = at[0], at[1] + 1
            elif sign == ":" and (self.rest(at)[1:2] in ("", *_BLANK, *",[]{}") or (top.filled and not top.plain)):
                if top.colon or not top.filled:
                    raise Fault(at, "a colon too many stands here", "a text with a colon needs quotes")
                if top.plain and self.rest(at)[1:2] in (*",[]{}",):
                    raise no_blank(at, re.split(r"[,\[{]", self._lines[at[0]][: at[1]])[-1])
                top.colon, top.filled, top.plain = True, True, False
                at = self._value(at[0], at[1] + 1, top)
            else:
                at = self._leaf(at, top)

    def _value(self, line: int, column: int, top: _Open) -> tuple[int, int]:
        """Behind a colon an entry is open again: its value may follow."""
        top.filled = False
        at = line, column
        # A value may be missing: a comma or bracket right behind the colon is none.
        if not self.is_over(at) and self.rest(self.skip(at))[0] in ",]}":
            top.filled = True
        return at

    def _leaf(self, at: tuple[int, int], top: _Open) -> tuple[int, int]:
        sign = self._lines[at[0]][at[1]]
        if not top.plain or sign in "\"'":
            self._begin(top, at)
        start = at
        at = self.properties(at)
        if at != start and (self.is_over(at) or self.rest(at)[0] in ",]}"):
            top.filled = True
            return at
        if self.rest(at)[0] in "[{":
            return at
        if self.rest(at)[0] in "\"'":
            end, top.plain = self.quoted(at, inside=True), False
        elif self.rest(at)[0] == "*":
            end, top.plain = self.alias(at), False
        else:
            self.refuse_sign(at, inside=True)
            end = self.plain(at, inside=True)
            if top.plain and top.filled and self.rest(end).lstrip(_BLANK).startswith(":"):
                raise _comma(top, at)
            if end == at:
                end = at[0], at[1] + 1
            top.plain = True
        top.filled = True
        return end

    def _begin(self, top: _Open, at: tuple[int, int]) -> None:
        """Something begins: behind something else a comma is missing."""
        if top.sign and top.filled:
            raise _comma(top, at)

    def _next_line(self, at: tuple[int, int], indent: int, top: _Open) -> tuple[int, int]:
        line = at[0] + 1
        while line < len(self._lines) and self.is_over((line, 0)):
            line += 1
        if line >= len(self._lines):
            raise _not_closed(top, _comment_before(self._lines[top.at[0]], top.at[1]))
        text = self._lines[line]
        column = len(text) - len(text.lstrip(" "))
        if column <= indent and text[column] not in "]}":
            raise _not_closed(top, _comment_before(self._lines[at[0]], top.at[1] if at[0] == top.at[0] else 0))
        return line, column


def template(at: tuple[int, int]) -> Fault:
    """`{{` outside of quotes."""
    return Fault(at, "braces stand without quotes", TEMPLATE, length=2, code="E116")


def star(at: tuple[int, int], word: str) -> Fault:
    """A text that begins with a star."""
    if word == "*":
        return Fault(at, "a text cannot begin with *", 'put the text in quotes: "*"')
    message = f"{word[:40]}: a star at the beginning stands for a copy of what is marked &{word[1:40]}, and nothing is"
    return Fault(at, message, f'put the text in quotes: "{word[:40]}"', length=max(1, len(word)))


def tab(at: tuple[int, int]) -> Fault:
    """A tab where the columns count."""
    return Fault(at, "a tab stands before the text", "indent with spaces, not tabs")


def no_blank(at: tuple[int, int], key: str) -> Fault:
    """A colon without a blank."""
    return Fault(at, "a blank is missing behind this colon", f"write {key.strip()[:40]}: and a blank before the value")


def _word(text: str, inside: bool) -> str:
    ends = _ENDS_INSIDE if inside else _ENDS
    return ends.split(text)[0].strip()[:40].replace('"', "")


def _dash_hint(sign: str, inside: bool) -> str:
    if sign == "?":
        return "put the text in quotes"
    if inside:
        return "inside of brackets a list has commas and no dashes"
    return "begin a list on a line of its own, or write it in brackets: [a, b]"


def _comma(top: _Open, at: tuple[int, int]) -> Fault:
    closer = _CLOSERS[top.sign]
    where = f" (opened in line {top.at[0] + 1})" if top.at[0] != at[0] else ""
    return Fault(
        at, "a comma is missing before this", f'write ", " between two entries, or {closer} where they end{where}'
    )


def _not_closed(top: _Open, more: str) -> Fault:
    hint = f"write {_CLOSERS[top.sign]} where it ends"
    if more.startswith("#"):
        hint += '; what follows " #" is a comment: a text that holds it needs quotes'
        more = ""
    return Fault(top.at, f'"{top.sign}" is opened here and not closed{more}', hint)


def _comment_before(line: str, column: int) -> str:
    """`#` when a comment may have cut off the end of a line."""
    return "#" if re.search(r"[ \t]#\S", line[column:]) else ""
