"""Transformations: what one tag sees of an event instead of the event itself. The event does not change.

Each step is a function of plain data to plain data; steps run in the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tagserver.event.address import is_address
from tagserver.event.event import MISSING
from tagserver.event.ip_address import truncated_ip
from tagserver.event.paths import moved, only, tree_of, walk, without, written
from tagserver.expressions.path_filter import Hiding
from tagserver.expressions.scope import Scope
from tagserver.logs.logs import without_contacts
from tagserver.privacy.rules import STRICT
from tagserver.privacy.urls import clean_outgoing, without_keys

Step = Callable[[dict[str, Any], Scope], dict[str, Any]]
"""Gives the data anew; what it does not change may be shared with the event."""

KEPT = frozenset({"event", "event_id", "timestamp"})
"""Name, id and time: what every destination and the pixel have in common."""


_ITEMS = ("ecommerce", "items")
_LEFT = KEPT | {"user_data", "user_id", "client_id", "session_id", "consent"}
"""What a redaction leaves: destinations hash the person, and an identifier that is cut is another one."""


NOTHING_HIDDEN = Hiding(None, ())


class Transformation:
    """One entry of `transformations:`. `holds` says for which events; `hiding` what is not seen of what is known beside
    the data; `truncate_ip` hides the end of the address."""

    def __init__(
        self,
        name: str,
        holds: Callable[[Scope], bool],
        steps: Sequence[Step],
        *,
        hiding: Hiding = NOTHING_HIDDEN,
        truncate_ip: bool = False,
    ) -> None:
        self.name = name
        self._hiding = hiding
        self.holds = holds
        self._steps = tuple(steps)
        self._truncate_ip = truncate_ip

    def apply(self, scope: Scope) -> Scope:
        """The scope with the event as the tag sees it; the same one when this is not for it."""
        if not self.holds(scope):
            return scope
        event = scope.event
        data: dict[str, Any] = dict(event.data)
        for step in self._steps:
            data = step(data, scope)
        data = {**data, **{key: event.data[key] for key in KEPT if key in event.data}}
        facts = event.facts
        if self._truncate_ip and facts.ip is not None:
            address = truncated_ip(facts.ip)
            facts = msgspec.structs.replace(facts, ip=None if address is MISSING else address)
        if self._hiding.beside:
            facts = self._hiding.facts(facts)
        # A new event: what was derived of the old one (its person, its page) is derived anew.
        seen = event.derive(data, facts)
        if self._hiding.beside:
            seen.derived.clicks = self._hiding.clicks(seen)
        return scope.seeing(seen)


def allowing(paths: Sequence[tuple[str, ...]]) -> Step:
    """Only these paths, and what is below them; of lists, of each element or of one by its number."""
    tree = tree_of(paths)
    return lambda data, scope: only(data, tree)


def excluding(paths: Sequence[tuple[str, ...]]) -> Step:
    """All but these paths."""

    def step(data: dict[str, Any], scope: Scope) -> dict[str, Any]:
        for path in paths:
            data = without(data, path)
        return data

    return step


def setting(values: Sequence[tuple[tuple[str, ...], Callable[[Scope], Any]]]) -> Step:
    """These paths with these values; one that has no value is left as it is, and so is an item that is not there."""

    def step(data: dict[str, Any], scope: Scope) -> dict[str, Any]:
        for path, value in values:
            if (found := value(scope)) is not MISSING and _has_room(data, path):
                data = written(data, path, found)
        return data

    return step


def renaming(pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Step:
    """What stands at the first path stands at the second instead; within lists, in each element."""

    def step(data: dict[str, Any], scope: Scope) -> dict[str, Any]:
        for old, new in pairs:
            if _has_room(data, new):
                data = moved(data, old, new)
        return data

    return step


def stripping(keys: frozenset[str]) -> Step:
    """The page's address and referrer without these query keys."""

    def step(data: dict[str, Any], scope: Scope) -> dict[str, Any]:
        page = data.get("page")
        if not isinstance(page, dict):
            return data
        clean = {
            key: without_keys(value, keys) if key in ("location", "referrer") and isinstance(value, str) else value
            for key, value in page.items()
        }
        return {**data, "page": clean}

    return step


def reshaping(rows: Callable[[Any, Scope], list[Mapping[str, Any]]]) -> Step:
    """The list of items anew; what is no list stays."""

    def step(data: dict[str, Any], scope: Scope) -> dict[str, Any]:
        items = walk(data, _ITEMS)
        return written(data, _ITEMS, rows(items, scope)) if isinstance(items, list) else data

    return step


def redacting(data: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """No e-mail addresses and telephone numbers in any text outside `user_data`, and no personal keys in the addresses
    of the page and the referrer."""
    page = data.get("page")
    if isinstance(page, dict):
        said = {
            key: one for key in ("location", "referrer") if isinstance(one := page.get(key), str) and is_address(one)
        }
        clean = {key: clean_outgoing(one, STRICT).address for key, one in said.items()}
        data = {**data, "page": {**page, **clean}}
    return {key: value if key in _LEFT else _redacted(value) for key, value in data.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return without_contacts(value)
    if isinstance(value, list):
        return [_redacted(one) for one in value]
    return {key: _redacted(one) for key, one in value.items()} if isinstance(value, dict) else value


def _has_room(data: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a path leads to where something can stand: below the items only where there are some, as a map in their
    place would be no items at all."""
    return path[:2] != _ITEMS or len(path) == 2 or isinstance(walk(data, _ITEMS), list)
