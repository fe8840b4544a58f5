"""Two records side by side: why did this one match, and that one not?

What decided differently comes first, each with the value that the condition looked at, in both. Masked values are
compared by their shape alone: whether two people are the same no record knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.event.consent_fields import PURPOSES
from tagserver.event.spelling import canonical
from tagserver.explain.differences import ABSENT, FieldChange, differences

Record = Mapping[str, Any]
_number = re.compile(r", #[0-9]{1,9}\]")
_ALWAYS = frozenset({"event_id", "timestamp"})
"""Fields that differ in any two events."""
_BY_CONSENT = frozenset({"consent", "vendor", "child"})
_OF_A_TAG = ("destination", "consent", "decision", "reason", "detail", "failing", "verdict", "told")
_SHOWN = ("told", "record", "event_id", "name", "received", "source", "client", "status", "order", "value", "currency")


def compare(a: Record, b: Record) -> dict[str, Any]:
    """Two RECORDs: `{"a", "b", "tags", "event", "consent", "request", "problems", "known"}`.

    `tags`: those that decided differently, then the others, each with `same`, both sides and `because`: what the
    deciding conditions looked at, `{"path", "a", "b"}`, a side being left out where it has no such value. The other
    lists hold what differs, `{"path", "sign", "before", "after"}`. `known`: whether both have their event (level
    `full`).
    """
    known = a["event"] is not None and b["event"] is not None
    tags = [_tag(name, a, b) for name in _names(a, b)]
    return {
        "a": {name: a[name] for name in _SHOWN} | {"container": a["container"], "level": a["level"]},
        "b": {name: b[name] for name in _SHOWN} | {"container": b["container"], "level": b["level"]},
        "known": known,
        "tags": sorted(tags, key=lambda one: (one["same"], not one["because"])),
        "event": _changes(a, b, "event", leave=_ALWAYS) if known else [],
        "consent": _changes(_states(a), _states(b), "consent"),
        "request": _changes(a, b, "request", leave=frozenset({"received"})) if known else [],
        "problems": _changes(_problems(a), _problems(b), "problems"),
    }


def _names(a: Record, b: Record) -> Iterator[str]:
    """The tags of both, in the order of their files."""
    yield from dict.fromkeys(tag["tag"] for record in (a, b) for tag in record["tags"])


def _tag(name: str, a: Record, b: Record) -> dict[str, Any]:
    one, other = _side(a, name), _side(b, name)
    same = one is not None and other is not None and _verdict(one) == _verdict(other)
    because = [] if same else list(_because(one, other, a, b))
    destination = next(side["destination"] for side in (one, other) if side is not None)
    return {"tag": name, "destination": destination, "same": same, "a": one, "b": other, "because": because}


def _side(record: Record, name: str) -> dict[str, Any] | None:
    """What one record says of a tag; None where the container had none of this name."""
    found = next((tag for tag in record["tags"] if tag["tag"] == name), None)
    if found is None:
        return None
    return {key: found[key] for key in _OF_A_TAG}


def _verdict(side: Mapping[str, Any]) -> tuple[Any, ...]:
    failing = side["failing"] or {}
    return side["decision"], side["reason"], failing.get("trigger"), failing.get("condition")


def _because(
    one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, a: Record, b: Record
) -> Iterator[dict[str, Any]]:
    """What the conditions that decided looked at, in both events; purposes of consent where these decided."""
    paths: dict[str, None] = {}
    for side in (one, other):
        if side is not None and side["failing"] is not None:
            paths[side["failing"]["path"]] = None
    for path in paths:
        yield _pair(path, _value(a, path), _value(b, path))
    if any(side is not None and side["reason"] in _BY_CONSENT for side in (one, other)):
        for change in differences(_states(a)["consent"], _states(b)["consent"]):
            yield _pair(change.path, change.before, change.after)


def _pair(path: str, one: Any, other: Any) -> dict[str, Any]:
    return {"path": path, **{side: value for side, value in (("a", one), ("b", other)) if value is not ABSENT}}


def _value(record: Record, path: str) -> Any:
    """The value that an event has at a path of the configuration, as the record shows it."""
    if path == "event":
        return record["name"]
    value: Any = record["event"]
    for part in canonical(path):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and len(part) < 6 and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def _states(record: Record) -> dict[str, Any]:
    """What was known of each purpose."""
    purposes = (record["consent"] or {}).get("purposes", {})
    return {"consent": {name: purposes[name]["state"] for name in PURPOSES if name in purposes}}


def _problems(record: Record) -> dict[str, Any]:
    return {"problems": {f"{one['path'] or 'event'}: {one['code']}": one["message"] for one in record["problems"]}}


def _changes(a: Record, b: Record, key: str, leave: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """What differs in one part of both, without the numbers of marks, which count within a record."""
    one, other = ({k: v for k, v in (record[key] or {}).items() if k not in leave} for record in (a, b))
    found: Iterator[FieldChange] = differences(_unnumbered(one), _unnumbered(other))
    return [change.as_dict() for change in found]


def _unnumbered(value: Any) -> Any:
    if isinstance(value, str):
        return _number.sub("]", value)
    if isinstance(value, Mapping):
        return {_unnumbered(key): _unnumbered(held) for key, held in value.items()}
    return [_unnumbered(one) for one in value] if isinstance(value, list) else value
