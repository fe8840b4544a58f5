"""Who an event is about, in the one spelling of `user_data`, whatever the page calls it and wherever it stands."""

from __future__ import annotations

from typing import Any

from tagserver.event.event import Note
from tagserver.event.hashing import arrived_hash
from tagserver.event.placeholder import SIGNS, WHY, is_placeholder, is_placeholder_name
from tagserver.event.spelling import ADDRESS_SPELLINGS, PERSON_SPELLINGS, Path

_NAMES_OF_PEOPLE = frozenset({"first_name", "last_name"})
_RESPELLED = PERSON_SPELLINGS.keys()
_ADDRESS_RESPELLED = ADDRESS_SPELLINGS.keys()

Flat = tuple[str, Path, Any]
"""What stands at the top of an event: its name, where `user_data` holds it, and its value."""


def read_person(group: dict[str, Any], flat: list[Flat], notes: list[Note]) -> None:
    """Bring `user_data` into its one spelling, with what an event says of the person elsewhere.

    The field's own name comes before another in `user_data`, and that before one at the top of the event; of two that
    differ, the later is named.
    """
    if group.pop("email_domain", None) is not None:
        said = "user_data.email_domain is read from the e-mail address by the server; what the event says is left out"
        notes.append(Note("user_data.email_domain", "reserved", said))
    address = group.get("address")
    if isinstance(address, list):
        address = next((one for one in address if type(one) is dict), None)
    if type(address) is dict:
        group["address"] = dict(address)  # what was sent is not ours to change
    elif group.pop("address", None) is not None:
        notes.append(Note("user_data.address", "wrong_type", "user_data.address is not an object; left out"))
    if not _RESPELLED.isdisjoint(group):
        for key in [key for key in group if key in _RESPELLED]:
            _put(group, f"user_data.{key}", PERSON_SPELLINGS[key], group.pop(key), notes)
    address = group.get("address")
    if address and not _ADDRESS_RESPELLED.isdisjoint(address):
        for key in [key for key in address if key in _ADDRESS_RESPELLED]:
            _put(group, f"user_data.address.{key}", ("address", ADDRESS_SPELLINGS[key]), address.pop(key), notes)
    for name, place, value in flat:
        _put(group, name, place, value, notes)
    _without_placeholders("user_data", group, notes)


def is_said(value: Any) -> bool:
    """Whether somebody's field says anything."""
    return value is not None and value != "" and value != []


def _put(group: dict[str, Any], path: str, place: Path, value: Any, notes: list[Note]) -> None:
    if not is_said(value):
        return
    *way, name = place
    inner = group
    for part in way:
        inner = inner.setdefault(part, {})
    held = inner.get(name)
    if not is_said(held):
        inner[name] = value
    elif _differ(_trimmed(held), _trimmed(value)):
        dotted = ".".join(("user_data", *place))
        notes.append(Note(path, "conflict", f"{path} differs from {dotted}; {dotted} is used"))


def _differ(one: Any, other: Any) -> bool:
    """Whether two values cannot be the same thing. A hash beside a text in the clear may be that text's; what lies
    deeper than a list is no field of a person's, and is not compared."""
    several = [value if type(value) is list else [value] for value in (one, other)]
    if any(type(held) is list or type(held) is dict for values in several for held in values):
        return True
    hashed = [sum(arrived_hash(held) is not None for held in values) for values in several]
    return several[0] != several[1] and hashed[0] == hashed[1]


def _without_placeholders(root: str, group: dict[str, Any], notes: list[Note]) -> None:
    """Trim a person's data, and take out what stands for a missing value, in lists and in the address too."""
    lost: list[str] = []
    for name, value in group.items():
        judge = is_placeholder_name if name in _NAMES_OF_PEOPLE else is_placeholder
        kind = type(value)
        if kind is str:
            group[name] = value = value.strip()
            if value[:1] in SIGNS and judge(value):
                lost.append(name)
        elif kind is list:
            kept = _trimmed(value)
            group[name] = [one for one in kept if not (type(one) is str and judge(one))]
            if len(group[name]) < len(kept):
                lost.append(name)
        elif kind is dict and name == "address":
            _without_placeholders(f"{root}.{name}", value, notes)
    for name in lost:
        if type(group[name]) is str:
            del group[name]
        path = f"{root}.{name}"
        notes.append(Note(path, "placeholder", f"{path} {WHY}; taken as missing"))


def _trimmed(value: Any) -> Any:
    """A text, or the texts of a list, without the blanks around it that forms leave there. What is hashed is trimmed
    anyway; so that a condition, a table and a variable see what the vendors get."""
    if type(value) is str:
        return value.strip()
    if type(value) is list:
        return [one.strip() if type(one) is str else one for one in value]
    return value
