"""A tag's parameters, sorted: what names a field of the vendor's event, and everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import MISSING, Omitted
from tagserver_snapchat.values import is_empty, is_text


class Given:
    """A tag's parameters without those that have no value: `fields` by the vendor's names, the others in `rest`."""

    def __init__(self, parameters: Mapping[str, Any], names: frozenset[str], omitted: list[Omitted]) -> None:
        self.fields: dict[str, Any] = {}
        self.rest: dict[str, Any] = {}
        self._omitted = omitted
        for key, value in parameters.items():
            if value is not MISSING and not is_empty(value):
                (self.fields if key in names else self.rest)[key] = value

    def refuse(self, key: str, why: str) -> None:
        """Leave a field out that no tag may set."""
        if self.fields.pop(key, None) is not None:
            self._omitted.append(Omitted(key, why))

    def text(self, key: str) -> str | None:
        """A field as text, whole numbers too; None when it is missing or something else."""
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, str) and is_text(value):
            return value
        if type(value) is int and abs(value) < 10**40:
            return str(value)
        self._omitted.append(Omitted(key, "is not text"))
        return None

    def group(self, key: str) -> Mapping[str, Any]:
        """A group's own fields, without those that have no value."""
        value = self.fields.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {name: one for name, one in value.items() if one is not MISSING and not is_empty(one)}
        self._omitted.append(Omitted(key, "is not a map"))
        return {}
