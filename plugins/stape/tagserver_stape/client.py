"""`clients.stape`: the address of Stape's Data Client, as its Data Tag and its SDKs call it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from tagserver.plugin.inbound import (
    BROWSER,
    Client,
    ClientLimits,
    Endpoint,
    InboundRequest,
    Incoming,
    Note,
    Refuse,
    RequestFacts,
    basic_user,
    bearer,
    json_body,
    looks_like_json,
    of_two_places,
    sender_of,
)
from tagserver_stape.answers import answer_of, picture
from tagserver_stape.form import read_form
from tagserver_stape.model import event_of
from tagserver_stape.names import CLIENT_COOKIE
from tagserver_stape.query import read_query

MOST_EVENTS = 1000
"""Of one list that are looked at; `collect.max_events` may allow fewer."""
MOST_SHARED = 256 << 10
"""Characters that the address may have beneath all events of a list together: a list of nothings, each with a long
address beneath it, would be as much work as the long list that nobody has sent."""


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
        reply = picture if facts.method == "GET" else partial(answer_of, facts.received, several)
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
