"""The parts of a payload that a table fills, compiled once for each settings; and what follows from a whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from tagserver.event.event import Event
from tagserver.event.identity_rules import Rule
from tagserver.event.tag_identity import Who
from tagserver.plugin.contract import Omitted
from tagserver.plugin.fields import Group, Kind
from tagserver.plugin.table_rows import (
    Clear,
    Code,
    Field,
    Hashes,
    Items,
    Row,
    RuleBy,
    Value,
    Write,
    clear_of,
    fault_text,
    free_of,
    hashed_of,
    names_of,
    reads_of,
    source_text,
    way_text,
)
from tagserver.plugin.table_steps import Step, kind_of, own_items, put_field, steps

MOST_SETTINGS = 256
"""Settings for which a part is kept compiled."""


class Part:
    """One group of a payload. `at`: its path there, empty for the payload itself. `label`: how its fields are named
    among what is left out.

    `tag`: how a tag's own values stand beside the event's. `instead`: where a tag says a field, the event's does not
    count. `over`: they are set after all rows, in the tag's order, so that one that does not fit leaves the event's; or
    the plugin's own code, which does that. `others`: how any other name is read that a tag sets, or the sentence that
    it is none.
    """

    def __init__(
        self,
        at: str,
        *rows: Row,
        tag: Literal["instead", "over"] | Write = "instead",
        others: Kind | str = "is no field of the vendor's",
        label: str | None = None,
    ) -> None:
        self.at, self.rows, self.label = at, rows, at if label is None else label
        self._tag = tag
        self.others = others if isinstance(others, Kind) else Kind(lambda value: None, others, free=False)
        self._by_name = {name: row for row in rows for name in names_of(row)}
        self._by_name |= {row.name: row for row in rows if isinstance(row, Items)}
        self.names = frozenset(self._by_name)
        self._places = {
            row.name: row.source.place
            for row in rows
            if isinstance(row, Field) and isinstance(row.source, Rule | RuleBy | Clear)
        }
        self._compiled: dict[int, tuple[Any, tuple[Step, ...]]] = {}

    def fill(self, event: Event, given: Mapping[str, Any], settings: Any, omitted: list[Omitted]) -> Group:
        """The group for one event. `given`: what the tag says of it, by the vendor's names, without what is missing."""
        known = self._compiled.get(id(settings))
        if known is None or known[0] is not settings:
            known = self._compile(settings)
        made = Group(self.label, omitted)
        if given and self._tag == "instead":
            self._instead(made, event, given, settings)
            return made
        for step in known[1]:
            step(made, event, given, settings)
        if given:
            if callable(self._tag):
                self._tag(made, event, given, settings)
            else:
                self._put_over(made, event, given, settings)
        return made

    def _compile(self, settings: Any) -> tuple[Any, tuple[Step, ...]]:
        if len(self._compiled) >= MOST_SETTINGS:
            self._compiled.clear()
        known = self._compiled[id(settings)] = settings, tuple(steps(self.rows, settings))
        return known

    def _put_over(self, made: Group, event: Event, given: Mapping[str, Any], settings: Any) -> None:
        for name, value in given.items():
            row = self._by_name.get(name)
            if isinstance(row, Items):
                if not row.first:
                    own_items(row).put(made, name, value)
            elif isinstance(row, Code):
                if row.kinds is not None:
                    made.put(name, value, row.kinds.get(name, self.others))
            elif row is None:
                made.put(name, value, self.others)
            elif isinstance(row.kind, Hashes):
                assert isinstance(row, Field)
                put_field(made, row, event, given, Who(event, given, self._places), settings)
            else:
                kind = kind_of(row.kind, settings)
                assert isinstance(kind, Kind)
                made.put(name, value, kind)

    def _instead(self, made: Group, event: Event, given: Mapping[str, Any], settings: Any) -> None:
        who = Who(event, given, self._places)
        for row in self.rows:
            if isinstance(row, Field):
                put_field(made, row, event, given, who, settings)
            elif isinstance(row, Value) and row.name in given:
                made.put(row.name, given[row.name], row.kind)
            else:
                for step in steps((row,), settings):
                    step(made, event, given, settings)
        for name in given:
            if name not in self.names:
                made.put(name, given[name], self.others)


class Table:
    """The parts of a payload, and what follows from them. Set as `table`, it makes a destination's `reads`, `hashed`
    and `clear`; what the class states itself beside it, for what its code does, is added.

    All are paths: `reads` of the event, the others of the payload. `by_code`: fields that the code changes when
    a part is filled. `hashed_by_host`: the fields whose every value is a hash that the host's own rules have made or
    looked at. `free_text`: where a text may stand that somebody wrote, a whole part where a tag may set any name; every
    other field of the parts is a number, a code or an id of a vendor's own form.
    """

    def __init__(self, *parts: Part, by_code: Sequence[str] = ()) -> None:
        self.parts = parts
        self.reads = tuple(dict.fromkeys(path for part in parts for row in part.rows for path in reads_of(row)))
        self.hashed = _paths(parts, hashed_of)
        self.clear = _paths(parts, clear_of)
        found = _paths(parts, lambda row: () if isinstance(row, Code) else hashed_of(row))
        self.hashed_by_host = tuple(path for path in found if path not in by_code)
        whole = [part.at for part in parts if part.others.free]
        self.free_text = tuple(dict.fromkeys((*whole, *_paths(parts, free_of))))

    def described(self) -> list[tuple[str, str, str, str]]:
        """For people, each row: its fields in the payload, where our event has them, how they are sent, and why a value
        is left out."""
        made = []
        for part in self.parts:
            for row in part.rows:
                below = row.path if isinstance(row, Field) and row.path else ""
                names = [f"{part.at}.{name}" if part.at else name for name in ((below,) if below else names_of(row))]
                made.append(
                    (", ".join(f"`{name}`" for name in names), source_text(row), way_text(row), fault_text(row))
                )
        return made


def without_parts(paths: Sequence[str]) -> tuple[str, ...]:
    """Paths of an event without those that lie below another one of them."""
    return tuple(path for path in paths if not any(path.startswith(f"{other}.") for other in paths))


def _paths(parts: Iterable[Part], of: Callable[[Row], Iterable[str]]) -> tuple[str, ...]:
    found = (f"{part.at}.{name}" if part.at else name for part in parts for row in part.rows for name in of(row))
    return tuple(dict.fromkeys(found))
