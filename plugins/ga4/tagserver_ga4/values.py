"""Values as a Measurement Protocol request may hold them: texts, plain numbers, true and false."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tagserver.plugin import Kind
from tagserver.plugin.values import is_text, number


def scalar(value: Any) -> str | int | float | bool | None:
    """What a parameter may hold as it stands: text, a number that JSON can hold, true or false. None for the rest."""
    if type(value) is bool:
        return value
    if type(value) is str:
        return value if is_text(value) else None
    return number(value) if type(value) in (int, float) else None


SCALAR = Kind(scalar, "is neither text nor number")


@lru_cache(maxsize=256)
def short(kind: Kind, longest: int) -> Kind:
    """The kind without texts that are too long. For ids: one that is cut is another id."""

    def read(value: Any) -> Any:
        made = kind.read(value)
        return made if made is None or len(made) <= longest else None

    return Kind(read, f"{kind.fault} of at most {longest} characters")


@lru_cache(maxsize=256)
def cut(kind: Kind, longest: int) -> Kind:
    """The kind with texts cut that are longer than Google takes, which is said."""
    return Kind(kind.read, kind.fault, free=kind.free, cut=longest)
