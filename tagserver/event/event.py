"""The Event: one thing that happened on a site, in one spelling, with what the server knows about the request.

An Event is made once, at ingest, and is the same value for every tag. Its `event_id` is what the page sent, byte
for byte. Nothing in it changes afterwards; what is costly to derive (the parts of the page's address, click ids,
the parsed identity) is derived at first use and remembered.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from tagserver.event.address import Address, parse_address
from tagserver.event.click_ids import NAMES, click_ids, is_sound_cookie
from tagserver.event.consent_fields import NOTHING, PURPOSES
from tagserver.event.identity import Identity
from tagserver.event.normalise import email_text
from tagserver.event.shape import SHAPES, Shape
from tagserver.event.spelling import canonical, key_of

__all__ = ["BROWSER", "MISSING", "Event", "Facts", "Missing", "Note", "Reader", "reader"]

BROWSER: Final = "browser"
"""The source of all events that come without a key."""


class Missing(enum.Enum):
    """The value of a path that leads nowhere; not the same as null."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING


class Note(msgspec.Struct, frozen=True, gc=False):
    """Something about one event that its sender should know: where, a stable code, a sentence. Never the value
    itself."""

    path: str
    code: str
    message: str


NO_TEXTS: Mapping[str, str] = {}
ALL_PURPOSES = frozenset(PURPOSES)
_CLICK_FIELDS = NAMES | {"click"}


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What the server knows about the request that carried an event.

    `source` is `browser` or the name of a key; `received` in ms since 1970 UTC; `headers` have lower-case names;
    `ip` and `user_agent` are the visitor's, or None when the request does not tell (a backend's own address is not
    the visitor's). `session`: the preview session that it belongs to, empty for none.
    """

    source: str
    received: int
    headers: Mapping[str, str] = NO_TEXTS
    cookies: Mapping[str, str] = NO_TEXTS
    ip: str | None = None
    user_agent: str | None = None
    country: str | None = None
    region: str | None = None
    session: str = ""


class Derived(msgspec.Struct, gc=False):
    """What has been worked out of an event, each at its first use; an event of the same data may share it."""

    page: Address | None = None
    cookies: Mapping[str, str] | None = None
    clicks: Mapping[str, str] | None = None
    click_faults: Mapping[str, str] = NO_TEXTS
    identity: Identity | None = None
    email_domain: str | None = None
    email_known: bool = False
    shape: Shape | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened.

    `data` is the event as the page pushed it, in one spelling (read only). `time` and `facts.received` are in
    milliseconds since 1970 UTC. `client` names the inbound adapter that made it. `beneath`: what the context of its
    batch says of consent where the event speaks for itself, see `tagserver.event.consent_fields`. `granted`: the
    purposes of consent that were granted; all of them for an event that has not passed the gate. `automatic`: nobody
    has pushed it, some tag makes it by itself, see `tagserver.event.automatic`.
    """

    name: str
    event_id: str
    time: int
    data: Mapping[str, Any]
    facts: Facts
    client: str = "datalayer"
    notes: tuple[Note, ...] = ()
    beneath: Mapping[str, Any] = NOTHING
    granted: frozenset[str] = ALL_PURPOSES
    derived: Derived = msgspec.field(default_factory=Derived)
    automatic: bool = False

    def derive(self, data: Mapping[str, Any], facts: Facts | None = None, derived: Derived | None = None) -> Event:
        """The same event with other data, as some tags may have it. `derived`: what stays true of it; the rest is
        worked out of the new data."""
        return Event(
            self.name,
            self.event_id,
            self.time,
            data,
            self.facts if facts is None else facts,
            self.client,
            self.notes,
            NOTHING,
            self.granted,
            Derived() if derived is None else derived,
            self.automatic,
        )

    @property
    def received(self) -> int:
        """When the server got it, ms since 1970 UTC. The only clock that `build` may use."""
        return self.facts.received

    @property
    def source(self) -> str:
        """`browser`, or the name of the key that sent it."""
        return self.facts.source

    @property
    def user_data(self) -> Mapping[str, Any]:
        """The `user_data` group, or an empty one."""
        group: Mapping[str, Any] = self.data.get("user_data") or {}
        return group

    @property
    def ecommerce(self) -> Mapping[str, Any]:
        """The `ecommerce` group, or an empty one."""
        group: Mapping[str, Any] = self.data.get("ecommerce") or {}
        return group

    @property
    def shape(self) -> Shape:
        """The names of its fields."""
        derived = self.derived
        if derived.shape is None:
            derived.shape = SHAPES[(*self.data,)]
        return derived.shape

    @property
    def page(self) -> Address:
        """The parts of `page.location`."""
        derived = self.derived
        if derived.page is None:
            page = self.data.get("page")
            derived.page = parse_address(page.get("location") if page else None)
        return derived.page

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies of the request; beneath them those that the page or backend sent along in the event, which also count
        where one of the request holds nothing that its vendor writes."""
        derived = self.derived
        if derived.cookies is None:
            sent = self.data.get("cookie")
            cookies = self.facts.cookies
            if sent:
                ours = {name: text for name, text in cookies.items() if name not in sent or is_sound_cookie(name, text)}
                cookies = {**cookies, **sent, **ours}
            derived.cookies = cookies
        return derived.cookies

    @property
    def clicks(self) -> Mapping[str, str]:
        """Click ids by their parameter's name (`fbclid`): page address first, then cookies, then fields of the
        event; of these the first that can be one."""
        if self.derived.clicks is None:
            self.find_clicks()
        return self.derived.clicks or NO_TEXTS

    @property
    def click_faults(self) -> Mapping[str, str]:
        """What stood in the place of a click id and is none: its name, and a sentence without the value."""
        if self.derived.clicks is None:
            self.find_clicks()
        return self.derived.click_faults

    def find_clicks(self) -> None:
        """Work out both."""
        derived, data = self.derived, self.data
        landed = (derived.page or self.page).clicks
        cookies = self.cookies if derived.cookies is None else derived.cookies
        if landed or cookies or (derived.shape or self.shape)[_CLICK_FIELDS][0]:
            derived.clicks, derived.click_faults = click_ids(landed, cookies, data)
        else:
            derived.clicks = NO_TEXTS

    @property
    def identity(self) -> Identity:
        """Who it was: each identifier parsed once, and hashed at most once, for all destinations."""
        derived = self.derived
        if derived.identity is None:
            derived.identity = Identity(self.data)
        return derived.identity

    @property
    def email_domain(self) -> str | None:
        """What stands behind the @ of the first e-mail address that came in the clear, in lower case: personal as the
        address is."""
        derived = self.derived
        if not derived.email_known:
            address = self.identity.plain("email", email_text)
            derived.email_domain = None if address is None else address.rpartition("@")[2]
            derived.email_known = True
        return derived.email_domain

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path in any of its spellings, or `default` when there is none."""
        value = reader(path)(self)
        return default if value is MISSING else value

    def as_dict(self) -> dict[str, Any]:
        """The whole event as people see it in `try`: the data, and what was derived from it and from the request."""
        page = self.page
        shown: dict[str, Any] = {**self.data, "event": self.name, "event_id": self.event_id}
        shown["timestamp"] = self.time
        shown["page"] = {**(self.data.get("page") or {})}
        if page.host is not None:
            shown["page"] |= {"host": page.host, "path": page.path, "query": dict(page.query), "hash": page.hash}
        derived = {
            "client": self.client,
            "source": self.source,
            "click": dict(self.clicks),
            "cookie": dict(self.cookies),
            "geo": {k: v for k, v in (("country", self.facts.country), ("region", self.facts.region)) if v},
            "ip": self.facts.ip,
            "user_agent": self.facts.user_agent,
        }
        return {k: v for k, v in (shown | derived).items() if v is not None and v != {}}


Reader = Callable[[Event], Any]
"""Reads one value of an event, or MISSING."""


def _derived(path: tuple[str, ...]) -> Reader | None:
    """A reader for what the server derives; None when the path is plain event data."""
    match path:
        case ("event",):
            return lambda event: event.name
        case ("event_id",):
            return lambda event: event.event_id
        case ("timestamp",):
            return lambda event: event.time
        case ("client",):
            return lambda event: event.client
        case ("source",):
            return lambda event: event.facts.source
        case ("ip",):
            return lambda event: _or_missing(event.facts.ip)
        case ("user_agent",):
            return lambda event: _or_missing(event.facts.user_agent)
        case ("page", "host"):
            return lambda event: _or_missing(event.page.host)
        case ("page", "path"):
            return _path
        case ("page", "hash"):
            return lambda event: _or_missing(event.page.hash)
        case ("user_data", "email_domain"):
            return lambda event: _or_missing(event.email_domain)
        case ("page", "query", name):
            if not name.isascii():
                return lambda event: event.page.query.get(key_of(event.page.query, name), MISSING)
            return lambda event: event.page.query.get(name, MISSING)
        case ("click", name):
            return lambda event: event.clicks.get(name, MISSING)
        case ("cookie", *rest) if rest:
            cookie = ".".join(rest)
            if not cookie.isascii():
                return lambda event: event.cookies.get(key_of(event.cookies, cookie), MISSING)
            return lambda event: event.cookies.get(cookie, MISSING)
        case ("header", *rest) if rest:
            header = ".".join(rest).lower()
            return lambda event: event.facts.headers.get(header, MISSING)
        case ("geo", "country"):
            return lambda event: _or_missing(event.facts.country)
        case ("geo", "region"):
            return lambda event: _or_missing(event.facts.region)
    return None


def _path(event: Event) -> Any:
    path = (event.derived.page or event.page).path
    return MISSING if path is None else path


def _or_missing(value: Any) -> Any:
    return MISSING if value is None else value


def _walk(value: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if isinstance(value, Mapping):
            found = value.get(part, MISSING)
            value = found if found is not MISSING or part.isascii() else value.get(key_of(value, part), MISSING)
        elif isinstance(value, list) and part.isascii() and part.isdigit():
            index = int(part) if len(part) < 6 else len(value)
            value = value[index] if index < len(value) else MISSING
        else:
            return MISSING
    return value


@lru_cache(maxsize=4096)
def reader(path: str) -> Reader:
    """A function that reads `path` (any spelling) from an event; compiled once, used for every event.

    A step below something that is not an object or list gives MISSING, also below null.
    """
    parts = canonical(path)
    derived = _derived(parts)
    if derived is not None:
        return derived
    if not path.isascii():
        return lambda event: _walk(event.data, parts)
    if len(parts) == 1:
        (name,) = parts
        return lambda event: event.data.get(name, MISSING)
    if len(parts) == 2:
        root, name = parts

        def two(event: Event) -> Any:
            group = event.data.get(root)
            if type(group) is dict:
                return group.get(name, MISSING)
            return _walk(event.data, parts)

        return two
    return lambda event: _walk(event.data, parts)
