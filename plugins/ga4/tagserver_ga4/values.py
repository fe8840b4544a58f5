"""Values as a Measurement Protocol request may hold them: texts, plain numbers, true and false."""

from __future__ import annotations

from typing import Any

from tagserver.plugin import Group, Kind, is_text, number


def scalar(value: Any) -> str | int | float | bool | None:
    """What a parameter may hold as it stands: text, a number that JSON can hold, true or false. None for the rest."""
    if type(value) is bool:
        return value
    if type(value) is str:
        return value if is_text(value) else None
    return number(value) if type(value) in (int, float) else None


SCALAR = Kind(scalar, "is neither text nor number")


def cut(group: Group, key: str, longest: int) -> None:
    """Cut a text that is longer than Google takes, and say so."""
    value = group.get(key)
    if isinstance(value, str) and len(value) > longest:
        group[key] = value[:longest]
        group.omit(key, f"is cut to {longest} characters")


def short(kind: Kind, longest: int) -> Kind:
    """The kind without texts that are too long. For ids: one that is cut is another id."""

    def read(value: Any) -> Any:
        made = kind.read(value)
        return made if made is None or len(made) <= longest else None

    return Kind(read, f"{kind.fault} of at most {longest} characters")
