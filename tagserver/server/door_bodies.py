"""What the body of a request at a client's address holds, as its client reads it: events in the form of `/collect`, and
beside them what is none.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from tagserver.config.collect import CollectConfig
from tagserver.erasure.erasure import MOST, DataSubject
from tagserver.event.cookies import read_cookies
from tagserver.event.event import BROWSER, Note
from tagserver.inbound.notes import bounded
from tagserver.ingest.body import BadBody, split
from tagserver.plugin.client import (
    Client,
    Forget,
    InboundRequest,
    Incoming,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    Result,
)
from tagserver.plugin.fault import PluginCode

MOST_ORDERS = 100
"""Of a person whom a platform asks to be forgotten."""
MOST_NOTES = 100
"""Of one request that are looked at, of which fewer are told."""
OF_NOBODY = frozenset({"authorization", "cookie"})
"""Headers that no client hands on."""
_EVENTS = b'{"events":['
_encode = msgspec.json.Encoder().encode


class Held(NamedTuple):
    """What a body holds: all of it in order, events and what is none; the events in the form and within the limits of
    `/collect`; and what the client has left out."""

    listed: list[Any]
    parts: tuple[list[Any], Any, Any]
    notes: tuple[Note, ...]
    forget: tuple[DataSubject, tuple[str, ...]] | None
    answer: Callable[[list[Result]], Reply] | None


def read_held(client: Client, body: bytes, request: InboundRequest, source: str, limits: CollectConfig) -> Held:
    """What a body holds. Events are written out and read again: so they are plain data, and nobody else's. Raises
    PluginFailed, Refuse and BadBody."""
    most = min(limits.max_events, client.limits.events or limits.max_events)
    with PluginCode(client, "heard", Refuse):
        heard = [*map(str, client.heard(source))]
    heard = [*client.headers, *heard]
    headers = {name: request.headers[name] for name in heard if name in request.headers and name not in OF_NOBODY}
    cookies = _cookies(client.cookies, request) if source == BROWSER and client.cookies else {}
    facts = RequestFacts(
        *(source, request.received, request.params, request.query, headers, request.method, cookies),
        request.doubted,
    )
    with PluginCode(client, "events", Refuse):
        found = client.events(body, facts)
        incoming = found if isinstance(found, Incoming) else Incoming(list(islice(found, most + 1)))
        listed = list(islice(incoming.events, most + 1))
        events = [each for each in listed if not isinstance(each, Passed)]
        text = _written(events, incoming, limits.max_merged)
        notes = bounded([note for note in islice(incoming.notes, MOST_NOTES) if isinstance(note, Note)])
        _encode(notes)  # what cannot be written cannot be answered
        forget = _person(incoming.forget)
    if len(listed) > most:
        raise BadBody(413, "too_many_events", f"more than {most} events in one request")
    if text is None:
        raise BadBody(413, "too_large", f"the request makes more than {limits.max_merged} bytes of events")
    return Held(listed, split(text, limits), notes, forget, incoming.answer)


def _written(events: list[Any], incoming: Incoming, most: int) -> bytes | None:
    """What a request holds as `/collect` would get it; None where that is larger than `most` bytes, of which no more is
    written than that and one event: what its events share stands in each of them."""
    rest = _encode({"ctx": incoming.ctx, "sent": incoming.sent})
    texts, left = [], most - len(rest) - len(_EVENTS)
    for event in events:
        texts.append(_encode(event))
        if (left := left - len(texts[-1]) - 1) < 0:
            return None
    return b"".join((_EVENTS, b",".join(texts), b"],", rest[1:]))


def _cookies(names: tuple[str, ...], request: InboundRequest) -> dict[str, str]:
    """Those of a page's cookies that a client has listed."""
    found = read_cookies(request.headers.get("cookie", ""))
    return {name: found[name] for name in names if name in found}


def _person(forget: Forget | None) -> tuple[DataSubject, tuple[str, ...]] | None:
    """Whom a client wants forgotten, and of which orders, within bounds. Raises TypeError for what is none."""
    if forget is None:
        return None
    if not isinstance(forget, Forget):
        raise TypeError("forget is no Forget")
    known: dict[str, tuple[str, ...]] = {}
    for kind in Forget.__struct_fields__:
        most = MOST_ORDERS if kind == "order" else MOST
        known[kind] = tuple(text for text in islice(getattr(forget, kind), most) if type(text) is str and text)
    orders = known.pop("order")
    return DataSubject(**known), orders
