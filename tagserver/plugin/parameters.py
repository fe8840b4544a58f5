"""A tag's parameters, sorted: what names a field of the vendor's event, and everything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tagserver.plugin.destination import Omitted
from tagserver.plugin.fields import is_missing
from tagserver.system.unicode import is_text


class Given:
    """A tag's parameters without those that have no value: `fields` by the vendor's names, the others in `rest`.

    `names`: the vendor's fields, groups among them. `empty`: those of them for which an empty list is a value. An
    `event_id` is refused: it is the same everywhere.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        names: Collection[str],
        omitted: list[Omitted],
        *,
        empty: Collection[str] = (),
    ) -> None:
        self.fields: dict[str, Any] = {}
        self.rest: dict[str, Any] = {}
        self._omitted = omitted
        for key, value in parameters.items():
            if is_missing(value) and not (value == [] and key in empty):
                continue
            if key == "event_id":
                why = "a tag cannot change it: every destination and the page have the same"
                omitted.append(Omitted("event_id", why))
            else:
                (self.fields if key in names else self.rest)[key] = value

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

    def group(self, key: str) -> dict[str, Any]:
        """A group's own fields, without those that have no value."""
        value = self.fields.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {name: one for name, one in value.items() if not is_missing(one)}
        self._omitted.append(Omitted(key, "is not a map"))
        return {}
