"""Why a text is no YAML, in words of those who write it: where it went wrong, and what to change.

The YAML library says what it expected next where it gave up, which often is far behind the mistake. This reads the
lines once more, from the top, as far as the mistake: which lines belong together by their indentation, and what stands
in each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tagserver.config.yaml.inline import Fault, Inline, no_blank, tab, template
from tagserver.config.yaml.line_mistakes import slip_near

_BLOCK_TEXT = re.compile(r"[|>](?:[1-9][+-]?|[+-][1-9]?)?[ \t]*(?:#.*)?$")


def explain(text: str, line: int, column: int) -> Fault:
    """What is wrong with a text that the library could not read beyond a line and column, from 0."""
    lines = text.splitlines() or [""]
    try:
        Lines(lines).read(min(line + 1, len(lines)))
    except Fault as fault:
        return slip_near(lines, fault.line) or fault
    line = min(line, len(lines) - 1)
    column = min(column, len(lines[line]))
    if (slip := slip_near(lines, line)) is not None:
        return slip
    hint = "compare its indentation, quotes and brackets with those of the lines above"
    return Fault((line, column), "this does not fit what stands above it", hint)


@dataclass(frozen=True, slots=True)
class _Level:
    """Lines that belong together: the column in which they begin, and whether each is an item of a list."""

    indent: int
    is_list: bool
    line: int


class Lines:
    """Reads lines by their indentation, and what stands in each."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._inline = Inline(lines)
        self._levels: list[_Level] = []
        self._waits = True
        """A key or a dash stands last, whose value may follow below."""
        self._plain = False
        """A text without quotes stands last, which may go on below."""
        self._bare: tuple[int, int] | None = None
        """Where that text begins a line of its own, without a key."""

    def read(self, end: int) -> None:
        """Read the lines before `end`. Raises Fault at the first that does not fit."""
        line = 0
        while line < end:
            text = self._lines[line]
            if line == end - 1 and "\t" in text[: len(text) - len(text.lstrip())]:
                raise tab((line, text.index("\t")))
            if self._inline.is_over((line, 0)) or text.startswith(("---", "...")) or (text[0] == "%" and self._waits):
                line += 1
            else:
                line = self._line(line)

    def _line(self, line: int) -> int:
        """Read what begins in a line; the next line that is not part of it."""
        text = self._lines[line]
        at = line, len(text) - len(text.lstrip(" "))
        if self._plain and at[1] > (self._levels[-1].indent if self._levels else -1):
            return self._continued(at)
        if text[at[1]] == "\t":
            raise tab(at)
        self._fit(at)
        while self._is_dash(at):
            dash, at = at, self._inline.skip((line, at[1] + 1))
            if "\t" in text[dash[1] : at[1]]:
                raise tab((line, text.index("\t", dash[1])))
            self._waits, self._plain = True, False
            if self._inline.is_over(at):
                return line + 1
            if self._is_dash(at) or self._key_end(at) is not None:
                self._levels.append(_Level(at[1], self._is_dash(at), line))
        end = self._key_end(at)
        if end is None:
            line = self._value(at)
            self._bare = at
            return line
        self._waits, self._plain = True, False
        at = self._inline.skip(end)
        return line + 1 if self._inline.is_over(at) else self._value(at)

    def _is_dash(self, at: tuple[int, int]) -> bool:
        text = self._inline.rest(at)
        return text[:1] == "-" and text[1:2] in ("", " ", "\t")

    def _key_end(self, at: tuple[int, int]) -> tuple[int, int] | None:
        """The position behind the colon of a key that begins here; None when it is none."""
        at = self._inline.properties(at)
        rest = self._inline.rest(at)
        if not rest or rest[0] in "[{|>*@`%#,]}&!" or rest.startswith(("? ", "- ")):
            return None
        if rest[0] in "\"'":
            found = re.match(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'", rest)
            end = (at[0], at[1] + len(found[0])) if found else None
        else:
            end = self._inline.plain(at, inside=False)
        if end is None:
            return None
        line, column = self._inline.skip(end)
        behind = self._lines[line][column:]
        return (line, column + 1) if behind[:1] == ":" and behind[1:2] in ("", " ", "\t") else None

    def _fit(self, at: tuple[int, int]) -> None:
        """The level that a line belongs to becomes the last one. Raises Fault when there is none."""
        line, column = at
        is_dash, is_key = self._is_dash(at), self._key_end(at) is not None
        left = [one for one in self._levels if one.indent > column]
        self._levels = [one for one in self._levels if one.indent <= column]
        top = self._levels[-1] if self._levels else None
        if left:
            self._waits = False
        if top is None:
            if left:
                raise Fault(at, "this begins left of all the lines above", _columns([left[0]]))
        elif top.indent < column and not self._waits:
            raise self._too_deep(at, top, left)
        if top is None or top.indent < column:
            if is_dash or is_key:
                self._levels.append(_Level(column, is_dash, line))
        elif top.is_list and not is_dash:
            if len(self._levels) < 2 or self._levels[-2].indent != column:
                hint = f'begin it with "- ", or indent it as far as the text behind the "- " in line {top.line + 1}'
                raise Fault(at, "this stands in a list, and is no item of it", hint)
            self._levels.pop()
            self._needs_key(at, is_key)
        elif not top.is_list and is_dash:
            if not self._waits:
                raise Fault(
                    at, 'an item of a list ("- ") stands among keys', "indent it below its key, or leave out the dash"
                )
            self._levels.append(_Level(column, True, line))
        elif not top.is_list:
            self._needs_key(at, is_key)

    def _needs_key(self, at: tuple[int, int], is_key: bool) -> None:
        if is_key or self._inline.rest(at)[0] in "\"'[{*&!@`%|>,]}?":
            return
        raise self._no_colon(at)

    def _no_colon(self, at: tuple[int, int]) -> Fault:
        text = self._inline.rest(at)
        if (found := re.match(r"[\w. -]+(?=:\S)", text)) is not None:
            return no_blank((at[0], at[1] + len(found[0])), found[0])
        return Fault(at, "this line has no colon behind its key", "write key: value", length=len(text.rstrip()))

    def _too_deep(self, at: tuple[int, int], top: _Level, left: list[_Level]) -> Fault:
        if left:
            return Fault(at, "the indentation of this line fits none of the lines above", _columns([top, left[0]]))
        message = "this line is indented deeper than the line that it follows, which has its value already"
        return Fault(at, message, _columns([top]))

    def _continued(self, at: tuple[int, int]) -> int:
        """A further line of a text without quotes."""
        end = self._inline.plain(at, inside=False)
        if self._inline.rest(self._inline.skip(end)).startswith(":"):
            raise self._too_deep(at, self._levels[-1], []) if self._bare is None else self._no_colon(self._bare)
        return at[0] + 1

    def _value(self, at: tuple[int, int]) -> int:
        """Read a value; the next line that is not part of it."""
        self._waits, self._plain, self._bare = False, False, None
        at = self._inline.properties(at)
        if self._inline.is_over(at):
            self._waits = True
            return at[0] + 1
        rest = self._inline.rest(at)
        indent = self._levels[-1].indent if self._levels else -1
        if rest[0] in "\"'":
            return self._end(self._inline.quoted(at, inside=False))
        if rest[0] in "[{":
            return self._end(self._inline.brackets(at, indent), brackets=at)
        if rest[0] == "*":
            return self._end(self._inline.alias(at))
        if rest[0] in "|>":
            return self._block_text(at, indent)
        self._inline.refuse_sign(at, inside=False)
        end = self._inline.plain(at, inside=False)
        if self._inline.rest(self._inline.skip(end)).startswith(":"):
            hint = "a text with a colon needs quotes; or begin a new line where a key begins"
            if rest.rstrip().endswith("}"):
                hint = "write { before the first key, or put the text in quotes"
            raise Fault(self._inline.skip(end), "a colon with a blank behind it stands inside of a text", hint)
        self._plain = True
        return at[0] + 1

    def _end(self, at: tuple[int, int], brackets: tuple[int, int] | None = None) -> int:
        if self._inline.is_over(at):
            return at[0] + 1
        at = self._inline.skip(at)
        if brackets is not None and self._inline.rest(brackets).startswith("{{"):
            raise template(brackets)
        sign = self._inline.rest(at)[0]
        if sign in "]}":
            raise Fault(at, f'"{sign}" closes nothing', "take it out, or write the bracket that it closes before it")
        message = "more stands behind the end of this value"
        raise Fault(at, message, "put all of the text in quotes, or begin a new line")

    def _block_text(self, at: tuple[int, int], indent: int) -> int:
        header = self._inline.rest(at)
        if not _BLOCK_TEXT.match(header):
            hint = f"put the text in quotes, or begin it on the line below the {header[0]}"
            raise Fault(at, f"a text cannot begin with {header[0]}", hint)
        is_told = re.match(r".[+-]?[1-9]", header) is not None
        line, first = at[0] + 1, None
        while line < len(self._lines):
            text = self._lines[line]
            if text.strip():
                column = len(text) - len(text.lstrip(" "))
                first = column if first is None else first
                if column <= indent or (column < first and not is_told):
                    break
            line += 1
        return line


def _columns(levels: list[_Level]) -> str:
    """Where it could begin."""
    said = ", or in ".join(f"column {one.indent + 1} as line {one.line + 1}" for one in levels)
    return f"begin it in {said}"
