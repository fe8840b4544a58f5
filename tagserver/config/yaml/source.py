"""Strict YAML with positions. The only file that imports yaml.

YAML 1.2's core rules, not 1.1's: `no` and `on` are text, `012` is twelve, dates are text. Every scalar keeps its
own text, so that a field of text takes an unquoted number as it was written. Tags, merge keys and several documents
are not taken; aliases are, within bounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tagserver.config.yaml.folder import LARGEST, UNREADABLE
from tagserver.config.yaml.inline import Fault, star, template
from tagserver.config.yaml.line_mistakes import bare_hint
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.syntax import explain
from tagserver.event.spelling import nfc

DEEPEST = 40
MOST_NODES = 200_000
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf. `text` as written (without quotes), `value` by YAML 1.2's core rules; `cut` is what a `#` right before it
    made a comment. `plain`: it was written without quotes."""

    place: Place
    text: str
    value: Any
    size: int = 1
    cut: str = ""
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    size: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Map:
    """A map, in the order of the file; a doubled key was a problem, and its first value stands."""

    place: Place
    entries: tuple[tuple[Scalar, Node], ...]
    size: int
    depth: int = 1

    def get(self, name: str) -> Node | None:
        """The value of a key."""
        return next((node for key, node in self.entries if key.text == name), None)


Node = Scalar | Sequence | Map

_INT = re.compile(r"[-+]?[0-9]{1,400}\Z")
_OCT = re.compile(r"0o[0-7]{1,64}\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_CUT = re.compile(r"[ \t]+(#\w(?:.{0,60}\S)?)[ \t]*$")
_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def core_value(text: str) -> Any:
    """The value of a plain scalar by YAML 1.2's core rules."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _OCT.match(text) or _HEX.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        number = float(text)
        return text if math.isinf(number) else number
    return text


class _Stop(Exception):
    """A problem after which the rest of the file means nothing."""

    def __init__(self, code: str, line: int, column: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.line, self.column, self.message, self.hint = code, line, column, message, hint


def parse(content: bytes, file: str, problems: Problems) -> Node | None:
    """The tree of one file, or None when it is empty or cannot be read; problems are added to `problems`. Never
    raises."""
    if len(content) > LARGEST:
        problems.add("E104", Place(file, 1, 1), "", f"the file is larger than {LARGEST >> 20} MiB", "split it")
        return None
    if content == UNREADABLE:
        hint = "look at its permissions"
        problems.add("E104", Place(file, 1, 1), "", "the file cannot be read", hint)
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.add("E104", Place(file, line, 1), "", "the file is not UTF-8 text", "save it as UTF-8")
        return None
    builder = _Builder(file, problems)
    try:
        return builder.build(text)
    except _Stop as stop:
        problems.add(stop.code, Place(file, stop.line, stop.column), "", stop.message, stop.hint)
    except Fault as fault:
        _add_fault(fault, file, problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line, mark.column) if mark else (0, 0)
        found = explain(text, *at)
        if found.line not in builder.templates:
            _add_fault(found, file, problems)
    except (yaml.YAMLError, ValueError, RecursionError):
        _add_fault(_strange_sign(text), file, problems)
    return None


def _strange_sign(text: str) -> Fault:
    """The first character that YAML does not take; those that a keyboard makes are no such."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return Fault((0, 0), "this is not YAML", "")
    before = text[: found.start()]
    at = before.count("\n"), len(before) - before.rfind("\n") - 1
    return Fault(at, f"the character U+{ord(found[0]):04X} is not taken", "take it out; it may not be seen")


def _add_fault(fault: Fault, file: str, problems: Problems) -> None:
    place = Place(file, fault.line + 1, fault.column + 1, fault.length)
    problems.add(fault.code, place, "", fault.message, fault.hint)


class _Open:
    """A list or map that is being read."""

    __slots__ = ("anchor", "bare", "depth", "flow", "items", "key", "keys", "mapping", "place", "size", "template")

    def __init__(self, place: Place, mapping: bool, anchor: str | None, *, flow: bool) -> None:
        self.place, self.mapping, self.anchor, self.flow = place, mapping, anchor, flow
        self.bare: list[int] = []
        """Which of the items, of a map in braces, are keys with neither colon nor value."""
        self.items: list[Any] = []
        self.key: Scalar | None = None
        self.template: str | None = None
        self.keys: dict[str, Place] = {}
        self.size = 1
        self.depth = 1


class _Builder:
    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._documents = 0
        self._lines: list[str] = []
        self.templates: set[int] = set()
        """Lines, from 0, in which braces without quotes were noted."""

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return Place(self._file, start.line + 1, start.column + 1, max(1, length))

    def build(self, text: str) -> Node | None:
        self._lines = text.splitlines()
        stack: list[_Open] = []
        root: Node | None = None
        for event in self._events(text):
            done: Node | None = None
            mark = event.start_mark
            match event:
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        raise _Stop(
                            "E103", mark.line + 1, 1, "a second document begins here", "put it into a file of its own"
                        )
                case yaml.ScalarEvent():
                    done = self._scalar(event)
                case yaml.AliasEvent():
                    done = self._alias(event)
                    self._bound(event, len(stack) + getattr(done, "depth", 0))
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._refuse_tag(event)
                    self._bound(event, len(stack) + 1)
                    is_map = isinstance(event, yaml.MappingStartEvent)
                    stack.append(_Open(self._place(event), is_map, event.anchor, flow=bool(event.flow_style)))
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    done = self._close(stack.pop())
            if done is not None:
                if not stack:
                    root = done
                else:
                    self._put(stack[-1], done)
        return root

    def _events(self, text: str) -> Iterator[Any]:
        events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        return events

    def _count(self, event: Any, size: int) -> None:
        self._nodes += size
        if self._nodes > MOST_NODES:
            mark = event.start_mark
            raise _Stop("E103", mark.line + 1, mark.column + 1, f"the file holds more than {MOST_NODES} values")

    @staticmethod
    def _bound(event: Any, depth: int) -> None:
        if depth > DEEPEST:
            mark = event.start_mark
            raise _Stop("E103", mark.line + 1, mark.column + 1, f"this nests deeper than {DEEPEST} levels")

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            at = event.start_mark.line, event.start_mark.column
            hint = "leave it out; a text that begins with ! needs quotes"
            name = str(event.tag).replace("tag:yaml.org,2002:", "!!")[:60]
            raise Fault(at, f"the type {name} is not taken", hint, length=self._place(event).length, code="E103")

    def _scalar(self, event: Any) -> Node:
        self._refuse_tag(event)
        self._count(event, 1)
        plain = event.style in (None, "")
        text: str = event.value
        cut = self._cut(event.end_mark) if plain and not text else ""
        node = Scalar(self._place(event), text, core_value(text) if plain else text, cut=cut, plain=plain)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _cut(self, mark: Any) -> str:
        """The word behind a `#` where a value could stand: `color: #fff`. Comments have a blank behind it."""
        if mark.line >= len(self._lines):
            return ""
        found = _CUT.match(self._lines[mark.line], mark.column)
        return found[1] if found else ""

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            mark = event.start_mark
            raise star((mark.line, mark.column), f"*{event.anchor}")
        self._count(event, node.size)
        return node

    def _put(self, parent: _Open, node: Node) -> None:
        parent.depth = max(parent.depth, getattr(node, "depth", 0) + 1)
        if not parent.mapping:
            parent.items.append(node)
            parent.size += node.size
        elif parent.key is None:
            parent.key = node if isinstance(node, Scalar) else self._strange_key(parent, node)
        else:
            key, parent.key = _as_a_name(parent.key), None
            parent.size += node.size + 1
            if key.text == "<<":
                hint = "write the keys out, or use an alias for a whole value"
                self._problems.add("E103", key.place, "<<", "merge keys are not taken", hint)
            elif (first := parent.keys.get(key.text)) is not None:
                self._problems.add(
                    "E102",
                    key.place,
                    key.text,
                    f'the key "{key.text}" stands twice in this map',
                    f"it stands in line {first.line} already",
                )
            elif key.text or key.value is not None:
                parent.keys[key.text] = key.place
                if parent.flow and isinstance(node, Scalar) and self._is_bare(key, node):
                    parent.bare.append(len(parent.items))
                parent.items.append((key, node))

    def _is_bare(self, key: Scalar, value: Scalar) -> bool:
        """Whether no colon stands behind a key in braces: `{greater_than: 0,5}`."""
        at, end = key.place, value.place
        if value.text or not value.plain or at.line != end.line or at.line > len(self._lines):
            return False
        return ":" not in self._lines[at.line - 1][at.column - 1 + at.length : end.column - 1]

    def _refuse_bare(self, opened: _Open) -> None:
        """Note the first of the keys that have no colon, and leave all of them out: nothing else need be said."""
        entries: list[tuple[Scalar, Node]] = opened.items
        first = opened.bare[0]
        before = entries[first - 1][1] if first else None
        keys = [entries[at][0] for at in opened.bare]
        hint = bare_hint(before.text if isinstance(before, Scalar) else "", [key.text for key in keys])
        message = f'"{keys[0].text}" stands without a colon and a value'
        self._problems.add("E101", keys[0].place, keys[0].text, message, hint)
        opened.items = [one for at, one in enumerate(entries) if at not in set(opened.bare)]

    def _strange_key(self, parent: _Open, node: Node) -> Scalar:
        """What stands for a map or list that is written as a key. Two braces are meant as a template."""
        at, inner = parent.place, node.place
        if isinstance(node, Map) and (at.line, at.column + 1) == (inner.line, inner.column):
            name, value = node.entries[0] if len(node.entries) == 1 else (None, None)
            is_name = name is not None and isinstance(value, Scalar) and value.value is None
            parent.template = f"{{{{ {name.text} }}}}" if name is not None and is_name else ""
            self.templates.add(at.line - 1)
            _add_fault(template((at.line - 1, at.column - 1)), self._file, self._problems)
            return Scalar(inner, "", None)
        self._problems.add("E116", node.place, "", "a map or list stands where a key belongs", "a key is a text")
        return Scalar(node.place, "", None)

    def _close(self, opened: _Open) -> Node:
        node: Node
        if opened.template is not None and not opened.items:
            node = Scalar(opened.place, opened.template, opened.template)
        elif opened.mapping:
            if opened.bare and len(opened.items) > 1:
                self._refuse_bare(opened)
            node = Map(opened.place, tuple(opened.items), opened.size, opened.depth)
        else:
            node = Sequence(opened.place, tuple(opened.items), opened.size, opened.depth)
        if opened.anchor:
            self._anchors[opened.anchor] = node
        self._nodes += 1
        return node


def _as_a_name(key: Scalar) -> Scalar:
    """A key in the form in which names are compared."""
    return key if key.text.isascii() else replace(key, text=nfc(key.text))
