"""`clients.ga4`: hits of Google's tag in a page, and of servers by Google's Measurement Protocol."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from tagserver.plugin import setting
from tagserver.plugin.inbound import (
    BROWSER,
    UNKNOWN_KEY,
    Client,
    ClientLimits,
    Endpoint,
    InboundRequest,
    Incoming,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    Result,
    json_body,
    sender_of,
)
from tagserver_ga4_client.hits import event_of
from tagserver_ga4_client.measurement import Unreadable, events_of, messages_of
from tagserver_ga4_client.pairs import MOST_LINES, TooMuch, hits_of, pairs_of
from tagserver_ga4_client.reading import Notes

COLLECT, MEASUREMENT, DEBUG = "/g/collect", "/mp/collect", "/debug/mp/collect"
NOT_OURS = "measurement_id"
"""The code of a hit for a property that is not listed."""
TAKEN = Reply(204, b"", "text/plain")
"""Also where the tag could read an answer (`richsstsse`): an empty one with 200 has it break the connection off."""
_ID = re.compile(r"[A-Z]{1,2}-[A-Z0-9]{1,40}|[0-9]{1,4}:[0-9]{1,40}:[a-z]{1,20}:[A-Za-z0-9]{1,80}")


def _id_fault(ids: list[str]) -> str | None:
    """Why no hit could have one of these ids: all would be refused, and no page shows that."""
    for at, one in enumerate(ids):
        if _ID.fullmatch(one) is None:
            return (
                f"no hit has the id at place {at + 1}: write it as Google shows it under Admin, Data streams: "
                "G-ABC123DEF4, of an app its firebase_app_id"
            )
    return None


@dataclass(frozen=True, kw_only=True)
class Ga4ClientSettings:
    """What counts for pages and servers."""

    measurement_ids: list[str] = setting(
        "The ids of the web streams (`G-…`) or apps whose hits are taken; without it those of any.",
        default_factory=list,
        check=_id_fault,
    )


@dataclass(frozen=True, kw_only=True)
class ApiSecret:
    """A server that posts by the Measurement Protocol."""


class Ga4Client(Client):
    """Hits of gtag.js, of GTM, and of the Measurement Protocol."""

    type: ClassVar[str] = "ga4"
    api_version = 1
    Settings = Ga4ClientSettings
    Source = ApiSecret
    keyed = "api_secrets"
    addresses = (
        Endpoint("GET", COLLECT),
        Endpoint("POST", COLLECT),
        Endpoint("POST", MEASUREMENT),
        Endpoint("POST", DEBUG),
    )
    browser = True
    automatic = True
    refuses = (NOT_OURS, UNKNOWN_KEY, "no_secret", "bad_json", "too_large")
    passes = (NOT_OURS,)
    limits = ClientLimits(events=MOST_LINES)

    @classmethod
    def signed(cls, request: InboundRequest, source: Any) -> InboundRequest:
        """With the secret in the query, where Google's libraries write it."""
        if request.path == COLLECT:
            return request
        query = f"{request.query}&" if request.query else ""
        return msgspec.structs.replace(request, query=f"{query}api_secret={source.texts()[0]}")

    def greet(self, request: InboundRequest) -> Reply | None:
        """To a request that is only to be looked at: what Google would say of it. Nothing of it is kept."""
        if request.path != DEBUG or request.body is None:
            return None
        self.identify(request)
        return Reply(200, msgspec.json.encode({"validationMessages": messages_of(request.body)}))

    def identify(self, request: InboundRequest) -> str:
        """A page, by the id of its property; a server by its secret."""
        query = pairs_of(request.query)
        if request.path != COLLECT:
            source = sender_of(self.sources, query.get("api_secret"))
            self._check(query.get("measurement_id") or query.get("firebase_app_id"))
            return source
        self._check(query.get("tid"))
        return BROWSER

    def _check(self, stream: str | None) -> None:
        if not self._takes(stream):
            raise Refuse(403, NOT_OURS, "this measurement id is none of clients.ga4.measurement_ids")

    def _takes(self, stream: str | None) -> bool:
        """Whether hits of a property are taken here."""
        return not self.settings.measurement_ids or stream in self.settings.measurement_ids

    def events(self, body: bytes, facts: RequestFacts) -> Incoming:
        """The hits of a page, one for each line; the events of a server."""
        notes = Notes()
        if facts.source != BROWSER:
            return self._of_server(body, facts, notes)
        try:
            events = list(self._of_page(facts.query, body, notes))
        except TooMuch:
            message = "the query is too long for so many lines: send fewer of them at a time"
            raise Refuse(413, "too_large", message) from None
        return Incoming(events, notes=notes.all, answer=_taken)

    def _of_page(self, query: str, body: bytes, notes: Notes) -> Iterator[Mapping[str, Any] | Passed]:
        for place, hit in enumerate(hits_of(query, body)):
            if self._takes(hit.get("tid")):
                yield event_of(hit, place, notes)
            else:
                yield Passed(NOT_OURS, "a measurement id that is none of clients.ga4.measurement_ids")

    def _of_server(self, body: bytes, facts: RequestFacts, notes: Notes) -> Incoming:
        found = json_body(body)
        try:
            if not isinstance(found, dict):
                raise Unreadable("the body is not an object")
            events = events_of(found, len(body), facts.received, notes)
        except Unreadable as unreadable:
            raise Refuse(400, "bad_json", str(unreadable)) from None
        query = pairs_of(facts.query)
        if stream := query.get("measurement_id") or query.get("firebase_app_id"):
            for event in events:
                event["ga4"] = {"measurement_id": stream}
        return Incoming(events, notes=notes.all, answer=_taken)


def _taken(results: Sequence[Result]) -> Reply:
    """As Google answers, whatever has become of it."""
    return TAKEN
