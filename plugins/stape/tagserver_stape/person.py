"""Who an event is about, as a data layer says it at its top: in Stape's spellings, where there is no `user_data`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tagserver.plugin.inbound import Note
from tagserver_stape.names import BESIDE, OF_ADDRESS, ONLY_STAPES, PERSON


def with_person(event: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """The event with `user_data`. Where it has one already, that says who it is: other spellings of Stape's are left
    out, and those that every door knows are left to the host."""
    if event.get("user_data"):
        strange = [name for name in event if name in ONLY_STAPES]
        notes += [Note(name, "unread", f"{name} is left out: user_data says who it is") for name in strange]
        return {name: value for name, value in event.items() if name not in strange}
    person = {field: value for field, names in PERSON.items() if (value := _first(event, names)) is not None}
    if not person:
        return event
    for field, names in BESIDE.items():
        if field not in person and (value := _first(event, names)) is not None:
            person[field] = value
            if names == ("name",):
                notes.append(Note("name", "first_name", "name is taken for the first name, as Stape's client does"))
    taken = {name for names in PERSON.values() for name in names}
    taken |= {name for field, names in BESIDE.items() if field in person for name in names if _is_said(event.get(name))}
    kept = {name: value for name, value in event.items() if name not in taken}
    address = {field: value for field, value in person.items() if field in OF_ADDRESS}
    who = {field: value for field, value in person.items() if field not in OF_ADDRESS}
    kept["user_data"] = {**who, "address": address} if address else who
    return kept


def _first(event: dict[str, Any], names: Iterable[str]) -> Any:
    return next((event[name] for name in names if _is_said(event.get(name))), None)


def _is_said(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
