"""What the tag says of one event, in the fields of a data layer.

The tag sends its own fields and, where it is told so, the whole data layer, side by side: names of Tag Manager's, of
the shop's, and what an earlier answer of ours has left there. What nobody here reads stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tagserver.plugin.inbound import BROWSER, Note, RequestFacts, is_said
from tagserver_stape.consent import strict_consent
from tagserver_stape.enhanced import read_enhanced
from tagserver_stape.names import (
    BESIDE,
    CLIENT_COOKIE,
    CLIENT_IDS,
    DEFAULT_NAME,
    EVENT_NAMES,
    NOT_OF_EVENTS,
    OF_ADDRESS,
    OF_SERVERS,
    OF_THE_APP,
    ONLY_STAPES,
    PERSON,
    RESPELLED,
    TEMPORARY_ID,
)


def event_of(model: Mapping[str, Any], facts: RequestFacts, notes: list[Note]) -> dict[str, Any]:
    """The event; what was left out of it, and what was read otherwise than it is written, is in `notes`."""
    told = {*EVENT_NAMES, *CLIENT_IDS, TEMPORARY_ID, *NOT_OF_EVENTS}
    event = {name: value for name, value in model.items() if name not in told}
    event["event"] = _name(model, notes)
    if "unique_event_id" in model and event.pop("timestamp", None) is not None:
        said = "timestamp is that of an earlier answer, which the page has pushed into its data layer; left out"
        notes.append(Note("timestamp", "stale_answer", said))
    for field, names in RESPELLED.items():
        _take(event, field, names)
    for field, names in OF_SERVERS.items():
        if facts.source == BROWSER:
            event = {name: value for name, value in event.items() if name not in names}
        else:
            _take(event, field, names)
    client_id = next(filter(is_said, (model.get(name) for name in CLIENT_IDS)), None)
    client_id = client_id or facts.cookies.get(CLIENT_COOKIE) or model.get(TEMPORARY_ID)
    if is_said(client_id):
        event["client_id"] = client_id
    _put_cookies(event, model.get("common_cookie"), notes)
    read_enhanced(event, notes)
    _put_currency(event, notes)
    strict_consent(event, notes)
    return _with_person(event, notes)


def _name(model: Mapping[str, Any], notes: list[Note]) -> Any:
    name: Any = DEFAULT_NAME
    for one in EVENT_NAMES:
        said = model.get(one)
        if isinstance(said, str | int | float) and not isinstance(said, bool) and said != "":
            name = said
            break
        if is_said(said):
            notes.append(Note(one, "wrong_type", f"{one} is not a name (text); left out"))
    if isinstance(name, str) and name.endswith(OF_THE_APP) and len(name) > len(OF_THE_APP):
        name = name.removesuffix(OF_THE_APP)
        notes.append(Note("event", "renamed", f"the name ended in {OF_THE_APP}, as Stape's app writes it"))
    return name


def _take(event: dict[str, Any], field: str, names: Iterable[str]) -> None:
    """Fill a field from its other names, where it says nothing."""
    if is_said(event.get(field)):
        return
    for name in names:
        if is_said(event.get(name)) and not isinstance(event[name], dict | list):
            event[field] = event.pop(name)
            return


def _put_cookies(event: dict[str, Any], common: Any, notes: list[Note]) -> None:
    """The cookies that the tag has read, beneath those that somebody has named himself."""
    if isinstance(common, dict):
        own = event.get("cookie")
        if isinstance(own, dict) or not is_said(own):
            event["cookie"] = {**common, **(own or {})}
    elif is_said(common):
        notes.append(Note("common_cookie", "wrong_type", "common_cookie is not an object; left out"))


def _put_currency(event: dict[str, Any], notes: list[Note]) -> None:
    """The currency that all items say, where the event says none. The value is never made of them: what they cost
    together is not what was paid."""
    shop = event.get("ecommerce")
    group = shop if isinstance(shop, dict) else {}
    if is_said(event.get("currency")) or is_said(group.get("currency")) or not (group or shop is None):
        return
    items = group.get("items") or event.get("items")
    said = {one["currency"] for one in items if _has_currency(one)} if isinstance(items, list) else set()
    if len(said) == 1:
        event["ecommerce"] = {**group, "currency": said.pop()}
        notes.append(Note("ecommerce.currency", "of_items", "the event says no currency; that of its items is used"))
    elif said:
        notes.append(Note("ecommerce.currency", "missing", "the event says no currency, and its items say several"))


def _has_currency(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("currency"), str) and bool(item["currency"])


def _with_person(event: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """The event with `user_data`, of what a data layer says at its top in Stape's spellings. Where it has one already,
    that says who it is: other spellings of Stape's are left out, and those that every door knows are left to the
    host."""
    if event.get("user_data"):
        strange = [name for name in event if name in ONLY_STAPES]
        notes += [Note(name, "unread", f"{name} is left out: user_data says who it is") for name in strange]
        return {name: value for name, value in event.items() if name not in strange}
    person = {field: value for field, names in PERSON.items() if (value := _first_word(event, names)) is not None}
    if not person:
        return event
    for field, names in BESIDE.items():
        if field not in person and (value := _first_word(event, names)) is not None:
            person[field] = value
            if names == ("name",):
                notes.append(Note("name", "first_name", "name is taken for the first name, as Stape's client does"))
    taken = {name for names in PERSON.values() for name in names}
    taken |= {name for field, names in BESIDE.items() if field in person for name in names if _is_word(event.get(name))}
    kept = {name: value for name, value in event.items() if name not in taken}
    address = {field: value for field, value in person.items() if field in OF_ADDRESS}
    who = {field: value for field, value in person.items() if field not in OF_ADDRESS}
    kept["user_data"] = {**who, "address": address} if address else who
    return kept


def _first_word(event: dict[str, Any], names: Iterable[str]) -> Any:
    return next((event[name] for name in names if _is_word(event.get(name))), None)


def _is_word(value: Any) -> bool:
    """Whether a value says something, and is none that holds others."""
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
