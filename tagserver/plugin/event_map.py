"""Settings of a sender that say how its bodies become events: `map` and `when`, compiled by the host when the
configuration is read. Authors import this from `tagserver.plugin.inbound`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tagserver.event.spelling import Path


@dataclass(frozen=True, slots=True)
class EventMap:
    """A setting of this type is a map: on the left a path of an event, on the right what stands there, made of the
    body and headers of a request. `fields`: the paths on the left, in the spelling that an event holds; `headers`: the
    headers that it reads, in lower case, which the client hands on by `heard`."""

    fields: frozenset[Path]
    headers: tuple[str, ...]
    written: str
    """As it stands in the file: two maps are the same by it."""
    make: Callable[[Any, Mapping[str, str]], dict[str, Any]] = field(compare=False, repr=False)

    def event(self, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """The fields of an event; what leads nowhere is left out. Never raises."""
        return self.make(body, headers)


@dataclass(frozen=True, slots=True)
class EventTest:
    """A setting of this type is a `when`: conditions over the body and headers of a request, all of which must
    hold."""

    headers: tuple[str, ...]
    written: str
    test: Callable[[Any, Mapping[str, str]], bool] = field(compare=False, repr=False)

    def holds(self, body: Any, headers: Mapping[str, str]) -> bool:
        """Whether they hold. Never raises."""
        return self.test(body, headers)
