"""The data-layer client: what a page pushes, turned into an Event.

It writes every field in one spelling, keeps what it does not know, leaves out what has the wrong type, and notes
everything it did not take as it stood. Only an event without a name is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from tagserver.event.automatic import AUTOMATIC, is_automatic
from tagserver.event.consent_fields import CONSENT_MODE, FIELDS, ILLEGIBLE, NOTHING, lay_beneath, with_signals
from tagserver.event.event import BROWSER, Event, Facts, Note
from tagserver.event.ip_address import Locate, clean_ip, nowhere
from tagserver.event.order_ids import OF_ORDER, event_id_for
from tagserver.event.placeholder import SIGNS, is_placeholder
from tagserver.inbound.event_time import BEYOND_MS, OLDEST_MS, event_time
from tagserver.inbound.fields import fields_of, text_of
from tagserver.inbound.notes import bounded, missing, wrong
from tagserver.inbound.shapes.shape import NoEvent
from tagserver.inbound.shapes.table import MARKS, SHOP_MARKS, as_event, call_as_event

CLIENT = "datalayer"
PIXEL = "pixel"
"""In `ctx`: whether a pixel of Meta's runs in the page, which keeps its own cookies."""
WAIT = "wait"
"""Beside `events`: the seconds for which what a server sends waits for the page's copies of its orders."""
LONGEST_WAIT = 86400
CLOCK_ERROR_MS = 5000
"""A browser's clock may be wrong by this much before its timestamps are shifted."""


class Refused(Exception):
    """This event cannot become an Event; `notes` say why, `event_id` is what the sender called it, if anything."""

    def __init__(self, event_id: str | None, *notes: Note) -> None:
        super().__init__(notes[0].message)
        self.event_id = event_id
        self.notes = notes


class NotWhole(Exception):
    """Of a request that is taken as a whole or not at all one event is refused (`at`: its place, from 0); nothing of it
    is stored."""

    def __init__(self, at: int, refused: Refused) -> None:
        super().__init__(str(refused))
        self.at = at
        self.code = refused.notes[0].code


def refuse_whole(raws: list[Any]) -> None:
    """Raises NotWhole for what is known to be refused before anything is decided, which others might hear of."""
    for at, raw in enumerate(raws):
        if isinstance(raw, Refused):
            raise NotWhole(at, raw)


class Reader(Protocol):
    """What makes our fields of an event of another shape: see `inbound.clients.readers`."""

    type: str

    def read(self, raw: dict[str, Any], facts: Facts) -> dict[str, Any]:
        """The event in the fields of a data layer. Raises Refused."""
        ...


NO_READERS: Mapping[str, Reader] = MappingProxyType({})


class Context(msgspec.Struct, frozen=True, gc=False):
    """What counts for all events of a batch: `data` in our spelling, how far a browser's clock is off (ms), and how to
    find the region of a visitor's address. `client`: by which client it came. `notes` are of the batch, and said once;
    `left_out` is what the client could not read of it, and said with each event. `readers`: who reads an event with
    this key at its top. `pixel`: whether the page says that a pixel of Meta's runs in it; None: it does not say.
    `wait`: seconds for which a server wants its events to wait for other copies of their orders. `automatic`: whether
    what its tags make by themselves comes among its events. `whole`: whether one event that is refused refuses all."""

    data: Mapping[str, Any]
    notes: tuple[Note, ...] = ()
    shift: int = 0
    locate: Locate = nowhere
    client: str = CLIENT
    readers: Mapping[str, Reader] = NO_READERS
    left_out: tuple[Note, ...] = ()
    pixel: bool | None = None
    wait: float = 0.0
    automatic: bool = False
    whole: bool = False


NO_CONTEXT = Context({})


def read_context(
    ctx: Any,
    sent: Any,
    facts: Facts,
    locate: Locate = nowhere,
    client: str = CLIENT,
    readers: Mapping[str, Reader] = NO_READERS,
) -> Context:
    """The context of a batch from its `ctx` object and `sent` (ms since 1970 by the browser's clock)."""
    if ctx is None and sent is None:
        if locate is nowhere and client is CLIENT and not readers:
            return NO_CONTEXT
        return Context({}, (), 0, locate, client, readers)
    notes: list[Note] = []
    data: dict[str, Any] = {}
    pixel, wait = None, 0.0
    if isinstance(ctx, dict):
        data = fields_of(ctx, notes)
        if type(data.get(PIXEL)) is bool:  # about the page, and no part of its events
            pixel = data.pop(PIXEL)
        if WAIT in data and facts.source != BROWSER:  # a page could keep back everybody's orders
            wait = _wait(data.pop(WAIT), notes)
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
    return Context(data, bounded(notes), shift, locate, client, readers, pixel=pixel, wait=wait)


def _wait(value: Any, notes: list[Note]) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_WAIT:
        return float(value)
    notes.append(Note(WAIT, "wrong_type", "wait is no number of seconds up to a day; nothing waits"))
    return 0.0


def read_event(
    raw: Any, facts: Facts, context: Context = NO_CONTEXT, mint: Callable[[int], str] | None = None
) -> Event:
    """One pushed object as an Event. Raises Refused when it is no object or has no name.

    `mint(received_ms)` makes an id when the page sent none; the default is a UUID of version 7 (RFC 9562).
    """
    notes: list[Note] = []
    if not isinstance(raw, dict):
        raw = _called(raw, notes)
    client, readers = context.client, context.readers
    if readers and not readers.keys().isdisjoint(raw):
        reader = next(readers[key] for key in readers if key in raw)
        client, raw = reader.type, reader.read(raw, facts)
    elif client == CLIENT and (
        not MARKS.isdisjoint(raw) or (type(shop := raw.get("ecommerce")) is dict and not SHOP_MARKS.isdisjoint(shop))
    ):
        raw = _shaped(raw, notes)
    data = fields_of(raw, notes)
    below, beneath = context.data, NOTHING
    if "ctx" in data and type(own := data["ctx"]) is dict and not FIELDS.isdisjoint(own):
        below = with_signals(below, {name: own[name] for name in FIELDS if name in own})
    if below:
        beneath = lay_beneath(below, data)
        data = _under({key: value for key, value in below.items() if key not in FIELDS}, data)
    event_id = data.get("event_id")
    if type(event_id) is not str or not event_id or ((bare := event_id.removeprefix(OF_ORDER)) and bare[0] in SIGNS):
        event_id = _event_id(event_id, notes)
    name = data.get("event")
    if type(name) is not str or not name:
        message = "event is missing" if name is None else "event is not a name (text)"
        raise Refused(event_id, Note("event", "missing_event", message + "; nothing is known about what happened"))
    time = data.get("timestamp")
    if type(time) is int and OLDEST_MS <= time < BEYOND_MS:
        time += context.shift
    else:
        time = event_time(data, facts.received, context.shift, notes)
    if "ip_override" in data or "user_agent" in data:
        facts = _visitor(data, facts, context.locate, notes)
    if event_id is None:
        event_id = _mint(name, data, facts.received, notes, mint or uuid7)
    data["event_id"] = event_id
    if context.automatic and is_automatic(name):
        notes.insert(0, AUTOMATIC)
        return Event(name, event_id, time, data, facts, client, bounded(notes), beneath, automatic=True)
    return Event(name, event_id, time, data, facts, client, bounded(notes) if notes else (), beneath)


def _called(call: Any, notes: list[Note]) -> dict[str, Any]:
    """A call of gtag's or Matomo's that came as a list. Raises Refused."""
    try:
        made = call_as_event(call, notes)
    except NoEvent as none:
        raise Refused(None, none.note) from None
    if made is None:
        raise Refused(None, Note("", "not_an_object", "an event is a JSON object"))
    return made


def _shaped(raw: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """An event that may be in another product's shape. Raises Refused."""
    try:
        return as_event(raw, notes)
    except NoEvent as none:
        raise Refused(text_of(raw.get("event_id")), none.note) from None


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


def _event_id(value: Any, notes: list[Note]) -> str | None:
    text = text_of(value)
    if text is None:
        if value is not None and value != "":
            wrong(notes, "event_id", "text")
    elif is_placeholder(text.removeprefix(OF_ORDER)):
        missing(notes, "event_id")
        return None
    return text


def _mint(name: str, data: dict[str, Any], received: int, notes: list[Note], mint: Callable[[int], str]) -> str:
    shop = data.get("ecommerce")
    made = event_id_for(name, shop.get("transaction_id")) if shop else None
    if made is not None:
        message = "minted from the transaction_id: a pixel matches it only if it uses the same id"
        notes.append(Note("event_id", "minted", message))
        return made
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
        wrong(notes, "user_agent", "the name of a browser")
        agent = None
    country, region = locate(address)
    return msgspec.structs.replace(facts, ip=address, user_agent=agent, country=country, region=region)
