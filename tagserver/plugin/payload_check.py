"""What a plugin's `build` gave, or skipped with, checked before anything relies on it.

All deliveries of a request are stored in one transaction, so a name that is no text would be refused by the queue
together with everybody else's. It is the plugin's fault, and has to stay its own.

A destination states which fields of its payload are hashes, and which hold personal data in the clear; nothing gets
through that contradicts. A path is dotted: `user_data.em`. Lists on the way are looked through.
`user.userIds[idType=SHA256_EMAIL].idValue` means those objects of a list in which a field has this text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from sys import intern
from typing import Any

import msgspec

from tagserver.plugin import Built, Limits, Omitted, Skip
from tagserver.plugin.fields import HASH_LENGTH
from tagserver.privacy.detection import without_emails
from tagserver.system.text import is_text

NO_HASH = "is no SHA-256 (64 lower-case hex digits), so it is not sent"
NO_CLEAR = "holds an e-mail address where the vendor needs none in the clear: taken out"
NO_CLEAR_FIELD = "holds an e-mail address in a single field; `clear` lets one through in an object alone: taken out"

_is_hash = re.compile(r"[0-9a-f]{64}(?:\.(?:[A-Za-z0-9_-]{8}|A[Qgw]|B[AQg]))?").fullmatch
"""Perhaps with the mark that Meta's own library appends."""
_ALIKE = bytes.maketrans(b"123456789abcdef", b"0" * 15)
"""Every hex digit becomes 0, and nothing else does."""
_HASH = b"0" * HASH_LENGTH + b"."
_STEP = re.compile(r"([^.\[\]]+)(?:\[([^.\[\]=]+)=([^\[\]]*)\])?(?:\.|\Z)")

Condition = tuple[str, str] | None
Way = tuple[tuple[str, Condition], ...]


class BadPath(ValueError):
    """A path that cannot be read; the text says which."""


def _steps(path: str) -> Way:
    steps: list[tuple[str, Condition]] = []
    at = 0
    while at < len(path) or not steps:
        found = _STEP.match(path, at)
        if found is None or path.endswith("."):
            raise BadPath(f"{path!r} is no path of a payload")
        steps.append((intern(found[1]), (found[2], found[3]) if found[2] is not None else None))
        at = found.end()
    return tuple(steps)


class PayloadFields:
    """The declared paths of one configured destination, compiled. Raises BadPath."""

    def __init__(self, hashed: Collection[str] = (), clear: Collection[str] = ()) -> None:
        self.hashed, self.clear = tuple(hashed), tuple(clear)
        groups: dict[Way, set[str]] = {}
        for path in self.hashed:
            *way, (name, condition) = _steps(path)
            if condition is not None:
                raise BadPath(f"{path!r} ends in a condition")
            groups.setdefault(tuple(way), set()).add(name)
        self._groups = tuple((way, _only_step(way), tuple(names)) for way, names in groups.items())
        self._clear: dict[str, dict[str, set[str]]] = {}
        for path in self.clear:
            steps = _steps(path)
            # Names may hold dots themselves (`params` of "page.host"): the whole way is what is compared.
            known = self._clear.setdefault(".".join(step for step, _ in steps), {})
            for _, condition in steps:
                if condition is not None:
                    known.setdefault(condition[0], set()).add(condition[1])

    def only_hashes(self, body: Any) -> tuple[Mapping[str, Any], tuple[Omitted, ...]]:
        """The payload without declared hashes that are none; the very same one when there are none."""
        bad: list[tuple[Way, tuple[str, ...]]] = []
        for way, step, names in self._groups:
            # Most ways have one step, to one object.
            if step is None or not isinstance(body, dict) or not isinstance(group := body.get(step), dict):
                try:
                    sound = all(_are_hashes(group, names) for group in _groups_at(body, way))
                except TypeError:
                    # Something on the way is no plain data; as JSON it is.
                    body = msgspec.to_builtins(body)
                    sound = all(_are_hashes(group, names) for group in _groups_at(body, way))
            else:
                sound = _are_hashes(group, names)
            if not sound:
                bad.append((way, names))
        if not bad:
            return body, ()
        omitted: list[Omitted] = []
        for way, names in bad:
            body = _changed(body, way, _Sound(".".join(step for step, _ in way), frozenset(names), omitted))
        return body, tuple(dict.fromkeys(omitted))

    def without_emails(self, body: Any, event_id: str) -> tuple[Mapping[str, Any], tuple[Omitted, ...]]:
        """The payload without e-mail addresses, but for groups that are declared to hold personal data in the clear. (A
        single field that is declared so is for an id, an address or an agent; an e-mail address is none of these.)
        """
        omitted: dict[str, str] = {}
        made = self._scanned(msgspec.to_builtins(body), (), event_id, omitted)
        return (made, tuple(Omitted(field, why) for field, why in omitted.items())) if omitted else (body, ())

    def _scanned(self, value: Any, way: tuple[str, ...], event_id: str, omitted: dict[str, str]) -> Any:
        if isinstance(value, dict):
            return {
                name: one
                if isinstance(one, dict) and self.is_clear((*way, name), value)
                else self._scanned(one, (*way, name), event_id, omitted)
                for name, one in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._scanned(one, way, event_id, omitted) for one in value]
        if not isinstance(value, str) or value == event_id or (clean := without_emails(value)) == value:
            return value
        why = NO_CLEAR_FIELD if ".".join(way) in self._clear else NO_CLEAR
        omitted[".".join(without_emails(step)[:60] for step in way)] = why
        return clean

    def is_clear(self, way: tuple[str, ...], parent: Mapping[str, Any]) -> bool:
        """Whether a field is declared to hold personal data in the clear. `way`: the names that lead to it, `parent`:
        the object that it stands in."""
        conditions = self._clear.get(".".join(way))
        return conditions is not None and all(parent.get(key) in texts for key, texts in conditions.items())


def _only_step(way: Way) -> str | None:
    """The one step of a way that has no other, and no condition."""
    return way[0][0] if len(way) == 1 and way[0][1] is None else None


def _are_hashes(group: Mapping[str, Any], names: Collection[str]) -> bool:
    values: list[Any] = []
    for value in map(group.get, names):
        if type(value) is list:
            values += value
        elif value is not None:
            values.append(value)
    try:
        # All in one look: 64 hex digits each, and a dot behind them. What holds a dot itself has not as many.
        if (".".join(values).encode() + b".").translate(_ALIKE) == _HASH * len(values):
            return True
    except (TypeError, UnicodeEncodeError):
        return False
    return all(_is_hashed(group[name]) for name in names if name in group)


def _is_hashed(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(one, str) and _is_hash(one) for one in value)
    return isinstance(value, str) and _is_hash(value) is not None


class _Sound:
    """Makes an object without those of some fields that are no hashes. `label`: what the object is called."""

    def __init__(self, label: str, names: frozenset[str], omitted: list[Omitted]) -> None:
        self._label, self._names, self._omitted = label, names, omitted

    def __call__(self, group: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(group)
        for name in sorted(self._names.intersection(group)):
            value = group[name]
            if _is_hashed(value):
                continue
            self._omitted.append(Omitted(f"{self._label}.{name}" if self._label else name, NO_HASH))
            several = value if isinstance(value, list | tuple) else ()
            kept = [one for one in several if isinstance(one, str) and _is_hashed(one)]
            if kept:
                made[name] = kept
            else:
                del made[name]
        return made


def _groups_at(value: Any, way: Way, condition: Condition = None) -> Iterator[Mapping[str, Any]]:
    """The objects to which a way leads."""
    if isinstance(value, dict):
        if not _fits(value, condition):
            return
        if not way:
            yield value
        elif (name := way[0][0]) in value:
            yield from _groups_at(value[name], way[1:], way[0][1])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _groups_at(one, way, condition)
    elif not (value is None or isinstance(value, str | int | float)):
        raise TypeError


def _changed(value: Any, way: Way, change: Callable[[Mapping[str, Any]], Any], condition: Condition = None) -> Any:
    """The value with the objects to which a way leads as `change` makes them."""
    if isinstance(value, list | tuple):
        return [_changed(one, way, change, condition) for one in value]
    if not isinstance(value, dict) or not _fits(value, condition):
        return value
    if not way:
        return change(value)
    name, deeper = way[0]
    return {**value, name: _changed(value[name], way[1:], change, deeper)} if name in value else value


def _fits(group: Mapping[str, Any], condition: Condition) -> bool:
    return condition is None or group.get(condition[0]) == condition[1]


LARGEST = 1 << 20
"""Bytes that a payload may have at least, whatever its destination says about its requests."""
LAST_MS = 1 << 53

_encode = msgspec.json.Encoder().encode


class Unsound(Exception):
    """The plugin's `build` broke the contract; the text says how, without the event's data."""


def encoded(built: Any, limits: Limits) -> bytes:
    """The JSON of a payload that can be stored. Raises Unsound."""
    if not isinstance(built, Built):
        raise Unsound(f"build gave {type(built).__name__} in place of Built")
    name, group, time, expires = built.name, built.group, built.time, built.expires
    if type(name) is not str or not (name.isascii() or is_text(name)):
        raise Unsound("the name of what was built is no text")
    if group is not None and (type(group) is not str or not (group.isascii() or is_text(group))):
        raise Unsound("the group of what was built is no text")
    if (
        type(time) is not int
        or not -LAST_MS < time < LAST_MS
        or (expires is not None and (type(expires) is not int or not -LAST_MS < expires < LAST_MS))
    ):
        raise Unsound("a time of what was built is no whole number of milliseconds")
    if built.omitted:
        _check_omitted(built.omitted)
    try:
        body = _encode(built.body)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Unsound(f"the body of what was built cannot be written as JSON ({type(error).__name__})") from None
    if len(body) > LARGEST and len(body) > limits.bytes:
        raise Unsound(f"the body of what was built has {len(body)} bytes, and a request {limits.bytes} at most")
    return body


def skipped(skip: Skip) -> Skip:
    """The same, of what can be shown. Raises Unsound."""
    reason, detail, omitted = skip.reason, skip.detail, skip.omitted
    if type(reason) is not str:
        raise Unsound("it skips for a reason that there is not")
    if type(detail) is not str:
        raise Unsound("it skips with a detail that is no text")
    _check_omitted(omitted)
    return Skip(reason, detail if is_text(detail) else detail.encode(errors="replace").decode(), omitted)


def _check_omitted(omitted: Any) -> None:
    for one in omitted:
        if not isinstance(one, Omitted) or type(one.field) is not str or type(one.why) is not str:
            break
        # The queue cannot hold half an emoji: it cannot be written as UTF-8.
        if not ((one.field.isascii() or is_text(one.field)) and (one.why.isascii() or is_text(one.why))):
            break
    else:
        return
    raise Unsound("what was left out is not listed as Omitted, with texts")
