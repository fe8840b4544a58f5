"""Commands that are imported when they are called: the one that was typed does not wait for what the others need."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click


class LazyCommands(MutableMapping[str, click.Command]):
    """By name; each stands at first as the module and the attribute where it is found."""

    def __init__(self, places: dict[str, tuple[str, str]]) -> None:
        self._found: dict[str, click.Command | tuple[str, str]] = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        """Raises KeyError for a name that is none."""
        found = self._found[name]
        if isinstance(found, tuple):
            module, attribute = found
            found = getattr(import_module(module), attribute)
            assert isinstance(found, click.Command)
            self._found[name] = found
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        """One that is there already."""
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        """It is none any more."""
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        """The names; nothing is imported for that."""
        return iter(self._found)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a command; it is not imported for that."""
        return name in self._found
