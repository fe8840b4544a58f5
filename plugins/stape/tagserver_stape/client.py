"""`clients.stape`: the address of Stape's Data Client, as its Data Tag and its SDKs call it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import msgspec

from tagserver.plugin.inbound import (
    BROWSER,
    Client,
    ClientLimits,
    Endpoint,
    InboundRequest,
    Incoming,
    Note,
    Refuse,
    Reply,
    RequestFacts,
    Result,
    basic_user,
    bearer,
    json_body,
    looks_like_json,
    of_two_places,
    sender_of,
)
from tagserver_stape.form import read_form
from tagserver_stape.model import event_of
from tagserver_stape.names import CLIENT_COOKIE
from tagserver_stape.query import read_query

MOST_EVENTS = 1000
"""Of one list that are looked at; `collect.max_events` may allow fewer."""
MOST_SHARED = 256 << 10
"""Characters that the address may have beneath all events of a list together: a list of nothings, each with a long
address beneath it, would be as much work as the long list that nobody has sent."""
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""An image of one transparent point."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """There is nothing to set: what is sent is said in the tag."""


class Stape(Client):
    """What Stape's Data Tag, and its SDKs for servers, send to /data."""

    type: ClassVar[str] = "stape"
    api_version = 1
    Settings = NoSettings
    Source = NoSettings
    keyed = "keys"
    addresses = (Endpoint("POST", "/data"), Endpoint("GET", "/data"))
    # Of no account here; but a page that sets one asks first whether it may.
    unseen = ("x-stape-preview", "x-gtm-server-preview", "x-stape-app-version")
    cookies = (CLIENT_COOKIE,)
    browser = True
    automatic = True
    refuses = ("unknown_key", "no_secret", "bad_json", "bad_form", "bad_query", "too_large")
    limits = ClientLimits(events=MOST_EVENTS)

    def identify(self, request: InboundRequest) -> str:
        """Who shows a key, by his key; everybody else is a page, which has to have a listed origin. Where there are no
        keys, what a browser shows is meant for somebody else, such as the password of a shop that is not open yet."""
        given = request.headers.get("authorization")
        if given is None or not self.sources:
            return BROWSER
        return sender_of(self.sources, bearer(request.headers) or basic_user(request.headers))

    def events(self, body: bytes, facts: RequestFacts) -> Incoming:
        """The event of a body, or each of its list, over what the address says; or the address's alone."""
        notes: list[Note] = []
        below = read_query(facts.query, pictured=facts.method == "GET")
        held = _body(body, notes)
        several = isinstance(held, list)
        models = held[: MOST_EVENTS + 1] if isinstance(held, list) else [held]
        if several and len(models) * len(facts.query) > MOST_SHARED:
            most = f"{MOST_SHARED} characters"
            message = (
                f"with the address beneath each event the request is larger than {most}; post fewer events at a time"
            )
            raise Refuse(413, "too_large", message)
        events = [*_events(models, several, below, facts, notes)]
        reply = _picture if facts.method == "GET" else partial(_answer_of, facts.received, several)
        return Incoming(events, notes=notes, answer=reply)


def _body(body: bytes, notes: list[Note]) -> Any:
    """What a body says, by what its bytes are. Raises Refuse."""
    if not body.strip():
        return {}
    if looks_like_json(body):
        return json_body(body)
    if b"=" not in body:
        raise Refuse(400, "bad_json", "the body is neither a JSON object or list, nor a form")
    return read_form(body, notes)


def _events(
    models: list[Any], several: bool, below: Mapping[str, Any], facts: RequestFacts, notes: list[Note]
) -> Iterator[Any]:
    for at, model in enumerate(models):
        if not isinstance(model, dict):
            yield model  # the host refuses it alone, and says so
            continue
        own: list[Note] = []
        yield event_of(of_two_places(below, model), facts, own)
        notes += [Note(f"{at}.{one.path}", one.code, one.message) for one in own] if several else own


def _answer_of(received: int, several: bool, results: Sequence[Result]) -> Reply:
    """A line for each event, of a list a list: `timestamp` in seconds, and `unique_event_id`, which follows from when
    it came and from its `event_id`. No more than that: a page may push it into its data layer, and sends it again with
    its next event."""
    lines = [
        {"timestamp": received // 1000, "unique_event_id": _unique_id(received, at, one)}
        for at, one in enumerate(results)
    ]
    return _refused(results) or Reply(200, _encode(lines if several else lines[0]))


def _picture(results: Sequence[Result]) -> Reply:
    """What an image is answered."""
    return _refused(results) or Reply(200, GIF, "image/gif")


def _refused(results: Sequence[Result]) -> Reply | None:
    """The answer where none could be taken: who sends has something to mend, and is told what. None otherwise."""
    if results and all(one.status == "rejected" for one in results):
        return Reply(400, _encode({"events": results}))
    return None


def _unique_id(received: int, at: int, result: Result) -> str:
    """Milliseconds and nine digits, of which the first is no zero, as Stape's client writes it."""
    seed = hashlib.blake2b(f"{at} {result.event_id}".encode(errors="replace"), digest_size=8).digest()
    return f"{received}_{100_000_000 + int.from_bytes(seed) % 900_000_000}"
