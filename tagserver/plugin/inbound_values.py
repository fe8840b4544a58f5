"""Small questions to what a sender has written, which is any JSON. Authors import these from
`tagserver.plugin.inbound`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NOTHING: Mapping[str, Any] = {}


def is_said(value: Any) -> bool:
    """Whether a value is there: null and empty texts are what libraries write where nothing is."""
    return value is not None and value != ""


def first_said(group: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value under the first of these names that has one; None for none."""
    return next((group[name] for name in names if is_said(group.get(name))), None)


def group(value: Any) -> Mapping[str, Any]:
    """An object as it is; an empty one in place of all else."""
    return value if isinstance(value, dict) else _NOTHING


def filled(made: Mapping[str, Any]) -> dict[str, Any]:
    """A group of an event without what is missing."""
    return {name: value for name, value in made.items() if is_said(value) and value != {}}
