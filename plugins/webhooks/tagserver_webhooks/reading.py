"""The body of a platform, read field by field: what has another type than it should is left out and named, and the rest
of the order goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.plugin.inbound import Note, order_id
from tagserver.plugin.values import is_text, number, short_text

MOST_NOTES = 100
"""Of one body; an order with thousands of broken lines needs no thousands of sentences."""
LONGEST_ADDRESS = 4096
_NOTHING: Mapping[str, Any] = {}


class Part:
    """An object within a body. `path`: where it stands there, for the `notes`, which all parts of a body share. Null
    and empty texts are missing values, and no faults."""

    def __init__(self, held: Mapping[str, Any], notes: list[Note], path: str = "") -> None:
        self.held = held
        self.notes = notes
        self._path = path

    def text(self, name: str) -> str | None:
        """A text, or a number as one; trimmed, at most a thousand characters."""
        value = self.held.get(name)
        if value is None or value == "":
            return None
        if (found := short_text(value)) is None and not (isinstance(value, str) and not value.strip()):
            self.wrong(name, "text")
        return found

    def address(self, name: str) -> str | None:
        """The address of a page; one that is cut would hold another click."""
        value = self.held.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and len(value) <= LONGEST_ADDRESS and is_text(value):
            return value.strip() or None
        self.wrong(name, f"an address of at most {LONGEST_ADDRESS} characters")
        return None

    def word(self, name: str) -> str:
        """A word by which something is decided; empty for all else."""
        value = self.held.get(name)
        return value if isinstance(value, str) else ""

    def id(self, name: str) -> str | None:
        """An id as every copy of it is compared: digits of a global one, no placeholder."""
        value = self.held.get(name)
        if value is None or value == "":
            return None
        if (found := order_id(value)) is None:
            self.wrong(name, "an id")
        return found

    def amount(self, name: str) -> float | None:
        """A number, or a text that is one: `"129.90"` → 129.9."""
        value = self.held.get(name)
        if value is None or value == "":
            return None
        if (found := number(value)) is None:
            self.wrong(name, "a number")
        return found

    def part(self, name: str) -> Part:
        """An object in it; an empty one where it is missing."""
        value = self.held.get(name)
        if value is not None and not isinstance(value, dict) and value != []:  # PHP writes an empty map as a list
            self.wrong(name, "an object")
        return Part(value if isinstance(value, dict) else _NOTHING, self.notes, f"{self._path}{name}.")

    def rows(self, name: str, most: int) -> Iterator[Part]:
        """The objects of a list in it, `most` of them."""
        value = self.held.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong(name, "a list")
            return
        if len(value) > most:
            self.note(name, "too_many", f"has more than {most} entries; the first {most} are read")
        for at, one in enumerate(value[:most]):
            if isinstance(one, dict):
                yield Part(one, self.notes, f"{self._path}{name}.{at}.")
            else:
                self.wrong(f"{name}.{at}", "an object")

    def where(self, name: str) -> str:
        """The path of a field in the body."""
        return f"{self._path}{name}"

    def wrong(self, name: str, wanted: str) -> None:
        """A field is not what it should be."""
        self.note(name, "wrong_type", f"is not {wanted}; left out")

    def note(self, name: str, code: str, why: str) -> None:
        """Something to say of a field: `why` never holds its value."""
        if len(self.notes) < MOST_NOTES:
            path = self.where(name)
            self.notes.append(Note(path, code, f"{path} {why}"))


def filled(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group of an event without what is missing."""
    return {name: value for name, value in group.items() if value is not None and value != {}}
