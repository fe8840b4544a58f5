"""An OSError of a sink in words. What a plugin writes into an error may tell of a person, and so may the name of a file
that it makes: said are the error's class, the system's own words, and the place that is configured."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from tagserver.delivery.target import Target


def sink_fault(error: OSError, target: Target) -> str:
    """`PermissionError (/srv/tagserver/data/events: Permission denied)`; without what is not known."""
    place = _place(error.filename, target)
    why = os.strerror(error.errno) if error.errno else ""
    known = ": ".join(filter(None, [place, why]))
    return f"{type(error).__name__} ({known})" if known else type(error).__name__


def _place(name: object, target: Target) -> str:
    """The configured place in which a file lies: that of the settings, or the data folder."""
    if not isinstance(name, str | bytes | os.PathLike):
        return ""
    path = Path(os.fsdecode(name))
    found = [place for place in _places(target) if path.is_relative_to(place)]
    return str(max(found, key=lambda place: len(place.parts))) if found else ""


def _places(target: Target) -> Iterator[Path]:
    yield target.data
    if dataclasses.is_dataclass(target.settings):
        for field in dataclasses.fields(target.settings):
            value = getattr(target.settings, field.name)
            if isinstance(value, str) and value.strip() and "\0" not in value:
                yield target.data / value
