"""The fields of an event in one spelling, each of its type, whatever a page or a backend has made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tagserver.event.cookies import read_cookies
from tagserver.event.event import Note
from tagserver.event.known_names import PAGE_TEXTS
from tagserver.event.placeholder import SIGNS, is_placeholder
from tagserver.event.spelling import FLAT_PERSON, ROOT_SPELLINGS, UNREAD
from tagserver.inbound.notes import missing, wrong
from tagserver.inbound.person import Flat, is_said, read_person

_IDS = ("client_id", "user_id", "session_id")
_TEXTS = (*_IDS, "event", "action_source")
_GROUPS = ("page", "user_data", "ecommerce", "click", "cookie")
_FILLED_BY_SERVER = frozenset({"ip", "source", "client", "geo", "header"})
_NEVER_AS_SENT = frozenset({*ROOT_SPELLINGS, *FLAT_PERSON, *_FILLED_BY_SERVER, *UNREAD})
_TEXT = frozenset({str})
_VALUE = frozenset({int, float, str, type(None)})


def fields_of(raw: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """What was sent, in one spelling. A group in it that stands as it was sent is the sender's: not to be changed."""
    data, person = (raw.copy(), []) if _stands(raw) else _respelled(raw, notes)
    if "page" in data and not _TEXT.issuperset(map(type, data["page"].values())):
        data["page"] = _texts_of("page", data["page"], PAGE_TEXTS, notes)
    if "ecommerce" in data:
        data["ecommerce"] = _ecommerce(data["ecommerce"], notes)
    if person or "user_data" in data:
        data["user_data"] = read_person(data.get("user_data", {}), person, notes)
    if "click" in data:
        data["click"] = _texts_of("click", data["click"], data["click"], notes)
    if "cookie" in data:
        data["cookie"] = _cookies(data["cookie"], notes)
    return data


def _stands(raw: Mapping[str, Any]) -> bool:
    """Whether all that is at the top of an event stands as it was sent: under names that an Event has and the server
    does not fill in, of their type, and, as it begins with no sign of one, no placeholder."""
    if not _NEVER_AS_SENT.isdisjoint(raw):
        return False
    for name in _GROUPS:
        if name in raw and type(raw[name]) is not dict:
            return False
    for name in _TEXTS:
        if name in raw:
            text = raw[name]
            if type(text) is not str or not text or (name in _IDS and text[0] in SIGNS):
                return False
    return True


def _respelled(raw: Mapping[str, Any], notes: list[Note]) -> tuple[dict[str, Any], list[Flat]]:
    """What stands at the top of an event under the names that an Event has, and what is said there of the person."""
    data: dict[str, Any] = {}
    elsewhere: list[tuple[str, tuple[str, ...], Any]] = []
    person: list[Flat] = []
    for key, value in raw.items():
        if key in ROOT_SPELLINGS:
            elsewhere.append((key, ROOT_SPELLINGS[key], value))
        elif key in FLAT_PERSON:
            if is_said(value):
                person.append((key, FLAT_PERSON[key], value))
        elif key in _TEXTS:
            text = text_of(value)
            if text is not None and key in _IDS and is_placeholder(text):
                missing(notes, key)
            elif text is not None:
                data[key] = text
            elif value is not None and value != "":
                wrong(notes, key, "text")
        elif key in _GROUPS:
            if type(value) is dict:
                data[key] = value
            elif key == "cookie" and type(value) is str:
                data[key] = read_cookies(value)
            elif value is not None:
                wrong(notes, key, "an object")
        elif key in _FILLED_BY_SERVER:
            notes.append(Note(key, "reserved", f"{key} is filled in by the server; what the event says is left out"))
        else:
            data[key] = value
            if key in UNREAD and value and type(value) is UNREAD[key][0]:
                notes.append(Note(key, "unread", f"{key} {UNREAD[key][1]}"))
    for key, target, value in elsewhere:
        _respell(data, key, target, value, notes)
    return data, person


def text_of(value: Any) -> str | None:
    """Text as it is, numbers as text; None for empty text and everything else."""
    if type(value) is str:
        return value or None
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return None


def _respell(data: dict[str, Any], key: str, target: tuple[str, ...], value: Any, notes: list[Note]) -> None:
    if len(target) == 1:
        group, name = data, target[0]
        if name in _TEXTS:
            text = text_of(value)
            if text is None:
                if value is not None and value != "":
                    wrong(notes, key, "text")
                return
            value = text
    else:
        root, name = target
        group = data[root] = dict(data.get(root, {}))
    if name not in group:
        group[name] = value
    elif group[name] != value:
        dotted = ".".join(target)
        notes.append(Note(key, "conflict", f"{key} differs from {dotted}; {dotted} is used"))


def _texts_of(root: str, group: Mapping[str, Any], names: Iterable[str], notes: list[Note]) -> Mapping[str, Any]:
    """The group with texts alone under these names; the very same where it has nothing else there."""
    made: dict[str, Any] | None = None
    for name in names:
        value = group.get(name, "")
        if type(value) is str:
            continue
        made = dict(group) if made is None else made
        text = text_of(value)
        if text is not None:
            made[name] = text
        else:
            del made[name]
            if value is not None:
                wrong(notes, f"{root}.{name}", "text")
    return group if made is None else made


def _cookies(sent: Mapping[str, Any], notes: list[Note]) -> Mapping[str, Any]:
    """A cookie is text. One that a backend's framework has decoded is written as JSON again, for it may hold what the
    visitor chose."""
    group = dict(sent)
    for name, value in group.items():
        if type(value) is dict or type(value) is list or type(value) is bool:
            group[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            notes.append(Note(f"cookie.{name}", "wrong_type", f"cookie.{name} is not text; its JSON is used"))
    return _texts_of("cookie", group, group, notes)


def _ecommerce(sent: Mapping[str, Any], notes: list[Note]) -> Mapping[str, Any]:
    """The group with values of their type; the very same where it has no others, and no order that is a placeholder."""
    order, items = sent.get("transaction_id", ""), sent.get("items")
    if (
        type(order) is str
        and not (order and order[0] in SIGNS)
        and type(sent.get("currency", "")) is str
        and type(sent.get("value")) in _VALUE
        and (type(items) is list or items is None)
    ):
        for item in items or ():
            if type(item) is not dict:
                break
        else:
            return sent
    group = dict(_texts_of("ecommerce", sent, ("transaction_id", "currency"), notes))
    order = group.get("transaction_id")
    if order is not None and is_placeholder(order):
        del group["transaction_id"]
        missing(notes, "ecommerce.transaction_id")
    if type(group.get("value")) not in _VALUE:
        del group["value"]
        wrong(notes, "ecommerce.value", "a number")
    if items is None:
        return group
    if type(items) is not list:
        del group["items"]
        wrong(notes, "ecommerce.items", "a list")
    elif not all(type(item) is dict for item in items):
        group["items"] = [item for item in items if type(item) is dict]
        for index, item in enumerate(items):
            if type(item) is not dict:
                wrong(notes, f"ecommerce.items.{index}", "an object")
    return group
