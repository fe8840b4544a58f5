"""Who an event is about, in the one spelling of `user_data`, whatever the page calls it and wherever it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tagserver.event.consent_fields import NOTHING
from tagserver.event.event import Note
from tagserver.event.hashing import arrived_hash
from tagserver.event.placeholder import SIGNS, is_placeholder, is_placeholder_name
from tagserver.event.spelling import ADDRESS_SPELLINGS, PERSON_SPELLINGS, Path
from tagserver.inbound.notes import missing, wrong

_NAMES_OF_PEOPLE = frozenset({"first_name", "last_name"})
_NEVER_AS_SENT = frozenset({*PERSON_SPELLINGS, "email_domain"})
_RESPELLED_THERE = frozenset(ADDRESS_SPELLINGS)

Flat = tuple[str, Path, Any]
"""What stands at the top of an event: its name, where `user_data` holds it, and its value."""


def read_person(sent: dict[str, Any], flat: list[Flat], notes: list[Note]) -> dict[str, Any]:
    """`user_data` in its one spelling, with what an event says of the person elsewhere, trimmed, and without what
    stands for a missing value."""
    address = sent.get("address", NOTHING)
    if (
        flat
        or type(address) is not dict
        or not (_NEVER_AS_SENT.isdisjoint(sent) and _RESPELLED_THERE.isdisjoint(address))
    ):
        sent = _respelled(sent, flat, notes)
    return _without_placeholders("user_data", sent, notes)


def _respelled(sent: dict[str, Any], flat: list[Flat], notes: list[Note]) -> dict[str, Any]:
    """The field's own name comes before another in `user_data`, and that before one at the top of the event; of two
    that differ, the later is named."""
    group = dict(sent)
    if group.pop("email_domain", None) is not None:
        said = "user_data.email_domain is read from the e-mail address by the server; what the event says is left out"
        notes.append(Note("user_data.email_domain", "reserved", said))
    address = group.get("address")
    if type(address) is list:
        address = next((one for one in address if type(one) is dict), None)
    if type(address) is dict:
        group["address"] = dict(address)  # what was sent is not ours to change
    elif group.pop("address", None) is not None:
        wrong(notes, "user_data.address", "an object")
    for key in [key for key in group if key in PERSON_SPELLINGS]:
        _put(group, f"user_data.{key}", PERSON_SPELLINGS[key], group.pop(key), notes)
    address = group.get("address", {})
    for key in [key for key in address if key in ADDRESS_SPELLINGS]:
        _put(group, f"user_data.address.{key}", ("address", ADDRESS_SPELLINGS[key]), address.pop(key), notes)
    for name, place, value in flat:
        _put(group, name, place, value, notes)
    return group


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


def _without_placeholders(root: str, sent: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """A person's data trimmed, and without what stands for a missing value, in lists and in the address too; the very
    same where it is so already."""
    made: dict[str, Any] = {}
    lost: list[str] = []
    for name, value in sent.items():
        if type(value) is str:
            bare = value.strip()
            if bare and bare[0] in SIGNS and _judge(name)(bare):
                lost.append(name)
            elif bare is not value:
                made[name] = bare
        elif type(value) is list:
            kept, is_missing = _trimmed(value), _judge(name)
            made[name] = [one for one in kept if not (type(one) is str and is_missing(one))]
            if len(made[name]) < len(kept):
                lost.append(name)
        elif type(value) is dict and name == "address" and not _stands(value):
            made[name] = _without_placeholders(root + ".address", value, notes)
    group = {**sent, **made} if made or lost else sent
    for name in lost:
        if name not in made:
            del group[name]
        missing(notes, f"{root}.{name}")
    return group


def _stands(group: dict[str, Any]) -> bool:
    """Whether a group holds texts alone, with nothing to trim and no beginning of a placeholder: as most addresses
    do."""
    for value in group.values():
        if type(value) is not str or not value or value[0] in SIGNS or value.strip() is not value:
            return False
    return True


def _judge(name: str) -> Callable[[str], bool]:
    return is_placeholder_name if name in _NAMES_OF_PEOPLE else is_placeholder


def _trimmed(value: Any) -> Any:
    """A text, or the texts of a list, without the blanks around it that forms leave there. What is hashed is trimmed
    anyway; so that a condition, a table and a variable see what the vendors get."""
    if type(value) is str:
        return value.strip()
    if type(value) is list:
        return [one.strip() if type(one) is str else one for one in value]
    return value
