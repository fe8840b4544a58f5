"""What a reader of a shape gives, and how it is laid beneath what the sender wrote in our own spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tagserver.event.consent_fields import (
    CONSENT_MODE,
    FIELDS,
    GCD,
    GCS,
    ILLEGIBLE,
    NOTHING,
    NPA,
    TCF,
    says_something,
)
from tagserver.event.event import Note
from tagserver.event.spelling import ADDRESS_SPELLINGS, FLAT_PERSON, PERSON_SPELLINGS, ROOT_SPELLINGS, Path
from tagserver.inbound.notes import wrong
from tagserver.inbound.person import is_said

PUSHED = "pushed_event"
"""The field that holds the name that was pushed, where the shape has another for what happened."""
_NAMES = ("event", "event_name")
_GROUPS = ("page", "user_data", "ecommerce")
_TWO_SPELLINGS = (CONSENT_MODE, GCS, GCD, TCF, NPA)
"""Fields of which the gate reads two, and lets the stricter count."""
_NOBODY: Mapping[str, Any] = NOTHING


class NoEvent(Exception):
    """It is of a known shape, and says nothing that has happened; `note` says why."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.note = Note(path, "no_event", message)


class Shaped(NamedTuple):
    """What was read of an event. `label`: the shape for people; `path`: the key that it was known by; `name`: GA4's
    name of what happened, None where it is the sender's own; `given`: fields in our spelling; `rest`: what was sent
    without what was read of it. Nothing of the sender's own words stands in the first two."""

    label: str
    path: str
    name: str | None
    given: Mapping[str, Any]
    rest: Mapping[str, Any]

    def event(self, notes: list[Note]) -> dict[str, Any]:
        """The event in the fields of a data layer; one note names the shape."""
        notes.insert(0, Note(self.path, "shape", f"read as {self.label}"))  # of many notes the first are told
        data = laid_beneath(self.rest, self.given, notes)
        if self.name is None:
            return data
        pushed = next((said for key in _NAMES if type(said := data.pop(key, None)) is str and said), None)
        data.pop("event_name", None)
        data["event"] = self.name
        if pushed is not None and pushed != self.name:
            data.setdefault(PUSHED, pushed)
        return data


def laid_beneath(own: Mapping[str, Any], given: Mapping[str, Any], notes: list[Note]) -> dict[str, Any]:
    """What a shape gives, beneath what its sender wrote in any of our spellings: that wins, field by field."""
    data = dict(own)
    said = set(_said(own))
    for key, value in given.items():
        if key in FIELDS:
            put_word(data, key, value)
            continue
        if not is_said(value):
            continue
        if key not in _GROUPS:
            if not is_said(data.get(key)) and (key,) not in said:
                data[key] = value
            continue
        group = data.get(key)
        if group is not None and type(group) is not dict:
            wrong(notes, key, "an object")
            group = None
        if (merged := _merged((key,), group or {}, value, said)) or group is not None:
            data[key] = merged
    return data


def put_word(data: dict[str, Any], name: str, value: Any) -> None:
    """Lay one of a shape's words of consent beneath those that stand in our own spelling. A refusal counts wherever it
    stands: where both speak in one field and differ, the gate reads both, in the field's two spellings; and of a field
    that has one alone nobody knows which is meant."""
    if not says_something(name, value) or data.get(name) == value:
        return
    if not says_something(name, data.get(name)):
        data[name] = value
        return
    other = next((one for pair in _TWO_SPELLINGS if name in pair for one in pair if one != name), None)
    if other is not None and not says_something(other, data.get(other)):
        data[other] = value
    else:
        data[CONSENT_MODE[0]] = ILLEGIBLE


def _merged(way: Path, own: Mapping[str, Any], given: Mapping[str, Any], said: set[Path]) -> dict[str, Any]:
    group = dict(own)
    for name, value in given.items():
        path = (*way, name)
        if not is_said(value) or path in said:
            continue
        if type(value) is dict and name == "address":
            address = group.get(name)
            if address is None or type(address) is dict:
                group[name] = _merged(path, address or {}, value, said)
        elif not is_said(group.get(name)):
            group[name] = value
    return group


def _said(own: Mapping[str, Any]) -> Iterator[Path]:
    """The fields of which an event speaks, by their paths in our spelling."""
    for key, value in own.items():
        if is_said(value):
            if (place := ROOT_SPELLINGS.get(key)) is not None:
                yield place
            elif (field := FLAT_PERSON.get(key)) is not None:
                yield ("user_data", *field)
    person = own.get("user_data")
    if type(person) is not dict:
        return
    for key, value in person.items():
        if key in PERSON_SPELLINGS and is_said(value):
            yield ("user_data", *PERSON_SPELLINGS[key])
    address = person.get("address")
    for key, value in address.items() if type(address) is dict else ():
        if key in ADDRESS_SPELLINGS and is_said(value):
            yield ("user_data", "address", ADDRESS_SPELLINGS[key])


def part(value: Any, *way: str) -> Mapping[str, Any]:
    """The object that lies below a value by these keys; an empty one where there is none."""
    for key in way:
        value = value.get(key) if type(value) is dict else None
    return value if type(value) is dict else _NOBODY


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if type(one) is dict] if type(value) is list else []


def text(value: Any) -> str | None:
    """A text that says something."""
    return value if type(value) is str and value else None


def picked(source: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The plain values of some fields under other names. `names`: theirs → ours; of two for one of ours the first that
    says something."""
    made: dict[str, Any] = {}
    for name, ours in names.items():
        value = source.get(name)
        if is_said(value) and type(value) is not dict and type(value) is not list and ours not in made:
            made[ours] = value
    return made


def person_of(source: Mapping[str, Any], names: Mapping[str, Path]) -> dict[str, Any]:
    """A person's fields as `user_data` holds them. `names`: theirs → the place in `user_data`."""
    made: dict[str, Any] = {}
    for name, place in names.items():
        value = source.get(name)
        if not is_said(value) or type(value) is dict or type(value) is list:
            continue
        inner = made
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner.setdefault(place[-1], value)
    return made


def without(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A copy without some of its fields."""
    return {key: value for key, value in source.items() if key not in names}


def over(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
    """What stands beside a shape's own group, over what stands in that; of consent both."""
    fields = {**inner, **outer}
    for name in FIELDS & inner.keys() & outer.keys():
        put_word(fields, name, inner[name])
    return fields
