"""The data-layer client: what a page pushes, turned into an Event.

It writes every field in one spelling, keeps what it does not know, leaves out what has the wrong type, and notes
everything it did not take as it stood. Only an event without a name is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tagserver.event.consent_fields import CONSENT_MODE, FIELDS, ILLEGIBLE, NOTHING, lay_beneath, with_signals
from tagserver.event.cookies import read_cookies
from tagserver.event.event import Event, Facts, Note
from tagserver.event.ip_address import Locate, clean_ip, nowhere
from tagserver.event.known_names import PAGE_TEXTS
from tagserver.event.placeholder import WHY, is_placeholder
from tagserver.event.spelling import FLAT_PERSON, ROOT_SPELLINGS, UNREAD
from tagserver.inbound.event_time import event_time
from tagserver.inbound.notes import bounded
from tagserver.inbound.person import Flat, is_said, read_person

CLIENT = "datalayer"
CLOCK_ERROR_MS = 5000
"""A browser's clock may be wrong by this much before its timestamps are shifted."""

OF_ORDER = "purchase_"
"""How the id of a purchase begins that is made of its order, here as in a page: `purchase_undefined` is of no order."""


class Refused(Exception):
    """This event cannot become an Event; `notes` say why, `event_id` is what the sender called it, if anything."""

    def __init__(self, event_id: str | None, *notes: Note) -> None:
        super().__init__(notes[0].message)
        self.event_id = event_id
        self.notes = notes


class Context(msgspec.Struct, frozen=True, gc=False):
    """What counts for all events of a batch: `data` in our spelling, how far a browser's clock is off (ms), and how to
    find the region of a visitor's address. `notes` are of the batch, and said once."""

    data: Mapping[str, Any]
    notes: tuple[Note, ...] = ()
    shift: int = 0
    locate: Locate = nowhere


NO_CONTEXT = Context({})


def read_context(ctx: Any, sent: Any, facts: Facts, locate: Locate = nowhere) -> Context:
    """The context of a batch from its `ctx` object and `sent` (ms since 1970 by the browser's clock)."""
    notes: list[Note] = []
    data: dict[str, Any] = {}
    if isinstance(ctx, dict):
        data = _normalise(ctx, notes)
        notes = [Note(f"ctx.{note.path}", note.code, note.message) for note in notes]
    elif ctx is not None:
        notes.append(Note("ctx", "wrong_type", "ctx is not an object; left out"))
        if ctx and isinstance(ctx, str | list):
            data = {CONSENT_MODE[0]: ILLEGIBLE}  # it may have held a refusal
    shift = 0
    if sent is not None and facts.source == "browser":
        if isinstance(sent, int | float) and not isinstance(sent, bool) and 1e12 <= sent < 1e13:
            error = facts.received - int(sent)
            shift = error if abs(error) > CLOCK_ERROR_MS else 0
        else:
            notes.append(Note("sent", "bad_time", "sent is not a time in milliseconds; left out"))
    return Context(data, bounded(notes), shift, locate)


def read_event(
    raw: Any, facts: Facts, context: Context = NO_CONTEXT, mint: Callable[[int], str] | None = None
) -> Event:
    """One pushed object as an Event. Raises Refused when it is no object or has no name.

    `mint(received_ms)` makes an id when the page sent none; the default is a UUID of version 7 (RFC 9562).
    """
    if not isinstance(raw, dict):
        raise Refused(None, Note("", "not_an_object", "an event is a JSON object"))
    notes: list[Note] = []
    data = _normalise(raw, notes)
    below, beneath = context.data, NOTHING
    if type(own := data.get("ctx")) is dict and not FIELDS.isdisjoint(own):
        below = with_signals(below, {name: own[name] for name in FIELDS if name in own})
    if not FIELDS.isdisjoint(below):
        beneath = lay_beneath(below, data)
        below = {key: value for key, value in below.items() if key not in FIELDS}
    if below:
        data = _under(below, data)
    event_id = _event_id(data, notes)
    name = data.get("event")
    if type(name) is not str or not name:
        message = "event is missing" if name is None else "event is not a name (text)"
        raise Refused(event_id, Note("event", "missing_event", message + "; nothing is known about what happened"))
    time = event_time(data, facts.received, context.shift, notes)
    facts = _visitor(data, facts, context.locate, notes)
    if event_id is None:
        event_id = _mint(name, data, facts.received, notes, mint or uuid7)
    data["event_id"] = event_id
    return Event(name, event_id, time, data, facts, CLIENT, bounded(notes), beneath)


# ── spelling and types
# ──────────────────────────────────────────────────────────────────────────────────────────────────

_IDS = frozenset({"client_id", "user_id", "session_id"})
_TEXTS = _IDS | {"event", "action_source"}
_GROUPS = frozenset({"page", "user_data", "ecommerce", "click", "cookie"})
_FILLED_BY_SERVER = frozenset({"ip", "source", "client", "geo", "header"})


def _normalise(raw: Mapping[str, Any], notes: list[Note]) -> dict[str, Any]:
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
            text = _text(value)
            if text is not None and key in _IDS and is_placeholder(text):
                _placeholder(notes, key)
            elif text is not None:
                data[key] = text
            elif value is not None and value != "":
                _wrong(notes, key, "text")
        elif key in _GROUPS:
            if type(value) is dict:
                data[key] = dict(value)
            elif key == "cookie" and type(value) is str:
                data[key] = dict(read_cookies(value))
            elif value is not None:
                _wrong(notes, key, "an object")
        elif key in _FILLED_BY_SERVER:
            notes.append(Note(key, "reserved", f"{key} is filled in by the server; what the event says is left out"))
        else:
            data[key] = value
            if key in UNREAD and value and type(value) is UNREAD[key][0]:
                notes.append(Note(key, "unread", f"{key} {UNREAD[key][1]}"))
    for key, target, value in elsewhere:
        _respell(data, key, target, value, notes)
    if "page" in data:
        _texts_of("page", data["page"], PAGE_TEXTS, notes)
    if "ecommerce" in data:
        _ecommerce(data["ecommerce"], notes)
    if person or "user_data" in data:
        read_person(data.setdefault("user_data", {}), person, notes)
    if "click" in data:
        _texts_of("click", data["click"], tuple(data["click"]), notes)
    if "cookie" in data:
        _cookies(data["cookie"], notes)
    return data


def _wrong(notes: list[Note], path: str, wanted: str) -> None:
    notes.append(Note(path, "wrong_type", f"{path} is not {wanted}; left out"))


def _placeholder(notes: list[Note], path: str) -> None:
    notes.append(Note(path, "placeholder", f"{path} {WHY}; taken as missing"))


def _text(value: Any) -> str | None:
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
            text = _text(value)
            if text is None:
                if value is not None and value != "":
                    _wrong(notes, key, "text")
                return
            value = text
    else:
        root, name = target
        group = data.setdefault(root, {})
    if name not in group:
        group[name] = value
    elif group[name] != value:
        dotted = ".".join(target)
        notes.append(Note(key, "conflict", f"{key} differs from {dotted}; {dotted} is used"))


def _texts_of(root: str, group: dict[str, Any], names: tuple[str, ...], notes: list[Note]) -> None:
    for name in names:
        value = group.get(name)
        if type(value) is str or (value is None and name not in group):
            continue
        text = _text(value)
        if text is not None:
            group[name] = text
        else:
            del group[name]
            if value is not None:
                _wrong(notes, f"{root}.{name}", "text")


def _cookies(group: dict[str, Any], notes: list[Note]) -> None:
    """A cookie is text. One that a backend's framework has decoded is written as JSON again, for it may hold what the
    visitor chose."""
    for name, value in group.items():
        if type(value) is dict or type(value) is list or type(value) is bool:
            group[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            notes.append(Note(f"cookie.{name}", "wrong_type", f"cookie.{name} is not text; its JSON is used"))
    _texts_of("cookie", group, tuple(group), notes)


def _ecommerce(group: dict[str, Any], notes: list[Note]) -> None:
    _texts_of("ecommerce", group, ("transaction_id", "currency"), notes)
    order = group.get("transaction_id")
    if order is not None and is_placeholder(order):
        del group["transaction_id"]
        _placeholder(notes, "ecommerce.transaction_id")
    value = group.get("value")
    if value is not None and (type(value) is bool or not isinstance(value, int | float | str)):
        del group["value"]
        _wrong(notes, "ecommerce.value", "a number")
    items = group.get("items")
    if items is None:
        return
    if not isinstance(items, list):
        del group["items"]
        _wrong(notes, "ecommerce.items", "a list")
    elif not all(type(item) is dict for item in items):
        group["items"] = [item for item in items if type(item) is dict]
        for index, item in enumerate(items):
            if type(item) is not dict:
                _wrong(notes, f"ecommerce.items.{index}", "an object")


def _under(context: Mapping[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The context beneath the event: the event wins, and groups are merged."""
    merged = dict(context)
    for key, value in data.items():
        below = merged.get(key)
        if type(below) is dict and type(value) is dict:
            merged[key] = _under(below, value)
        else:
            merged[key] = value
    return merged


# ── id, visitor
# ───────────────────────────────────────────────────────────────────────────────────────────────────


def _event_id(data: dict[str, Any], notes: list[Note]) -> str | None:
    value = data.get("event_id")
    text = _text(value)
    if text is None:
        if value is not None and value != "":
            _wrong(notes, "event_id", "text")
    elif is_placeholder(text.removeprefix(OF_ORDER)):
        _placeholder(notes, "event_id")
        return None
    return text


def _mint(name: str, data: dict[str, Any], received: int, notes: list[Note], mint: Callable[[int], str]) -> str:
    order = (data.get("ecommerce") or {}).get("transaction_id") if name == "purchase" else None
    if order:
        message = "minted from the transaction_id: a pixel matches it only if it uses the same id"
        notes.append(Note("event_id", "minted", message))
        return f"{OF_ORDER}{order}"
    notes.append(Note("event_id", "minted", "minted: a pixel cannot match it"))
    return mint(received)


def uuid7(now_ms: int) -> str:
    """A UUID of version 7: 48 bits of time in ms, the rest random (RFC 9562, section 5.7)."""
    bits = int.from_bytes(os.urandom(10))
    high = (now_ms & 0xFFFFFFFFFFFF) << 16 | 0x7000 | bits >> 68
    low = 1 << 63 | bits & 0x3FFFFFFFFFFFFFFF
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _visitor(data: dict[str, Any], facts: Facts, locate: Locate, notes: list[Note]) -> Facts:
    """The visitor's address with its region, and agent: a browser's own, a backend's word."""
    if "ip_override" not in data and "user_agent" not in data:
        return facts
    ip, agent = data.pop("ip_override", None), data.pop("user_agent", None)
    if facts.source == "browser":
        for path, value in (("ip_override", ip), ("user_agent", agent)):
            if value is not None:
                notes.append(Note(path, "ignored", f"{path} of a browser's event is ignored; the connection tells"))
        return facts
    address = clean_ip(ip)
    if ip is not None and address is None:
        notes.append(Note("ip_override", "bad_ip", "ip_override is not an IP address; left out"))
    if agent is not None and (type(agent) is not str or not agent or agent.isspace() or is_placeholder(agent)):
        _wrong(notes, "user_agent", "the name of a browser")
        agent = None
    country, region = locate(address)
    return msgspec.structs.replace(facts, ip=address, user_agent=agent, country=country, region=region)
