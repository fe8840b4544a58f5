"""What a request makes at the address of an inbound client, as `try` asks: as it stands, from a page or with a key that
is in it; else signed as its sender would, with stand-ins for the secrets, so that a map can be tried where these are
not."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tagserver.config.clients import ConfiguredClient
from tagserver.config.server import ServerConfig
from tagserver.event.event import BROWSER, Note
from tagserver.explain.try_ import BadQuestion
from tagserver.plugin.client import Client, InboundRequest, Incoming, KeyedSource, Passed, Refuse, RequestFacts
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.system.secret import Secret

MOST = 100
"""Events of one body that are shown."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came by a door: by which client and who sends, the questions for `try` about each event, what is none of
    them and why, and what the client has left out."""

    client: str
    source: str
    asked: tuple[dict[str, Any], ...]
    passed: tuple[Passed, ...]
    notes: tuple[Note, ...]


def arrived(server: ServerConfig, address: str, body: bytes, headers: Mapping[str, str], now_ms: int) -> Arrived:
    """What a request makes at an address, which may have a query: one with a body is posted, one without is a GET where
    that is taken. `headers`: those of the sender, beside its signature. Raises BadQuestion with what the sender would
    be told."""
    path, _, query = address.partition("?")
    claims = server.clients.claims
    claimed = claims.of(path) if claims is not None else []
    for method in ("POST", "GET") if body else ("GET", "POST"):
        for one, addresses in claimed:
            params = addresses.params(method, path)
            if params is not None and one.client is not None:
                lower = {name.lower(): text for name, text in headers.items()}
                return _at(one, InboundRequest(method, path, params, query, lower, body, now_ms))
    if claimed:
        raise BadQuestion(f"{path} takes nothing like this, or its client cannot be used")
    raise BadQuestion(f"nobody has the address {path}; see clients in server.yaml")


def _at(one: ConfiguredClient, request: InboundRequest) -> Arrived:
    assert one.client is not None
    cls: type[Client] = type(one.client)
    sources = {name: _with_stand_in(source) for name, source in one.sources.items()}
    try:
        with PluginCode(cls, f"the client {one.type}", Refuse):
            client: Client = cls(one.settings, sources)
            signed, source = _identified(one.client, client, request)
            heard = (*client.headers, *client.heard(source))
            seen = {name: signed.headers[name] for name in heard if name in signed.headers}
            facts = RequestFacts(source, request.received, request.params, request.query, seen, request.method)
            found = client.events(request.body or b"", facts)
            incoming = found if isinstance(found, Incoming) else Incoming([*found])
            each = [*incoming.events][:MOST]
            events = msgspec.to_builtins([one for one in each if not isinstance(one, Passed)])
    except Refuse as refusal:
        raise BadQuestion(f"it is refused with {refusal.status} {refusal.code}: {refusal.message}") from None
    except PluginFailed as failed:
        raise BadQuestion(str(failed)) from None
    below = incoming.ctx if isinstance(incoming.ctx, dict) else {}
    handed = {name: seen[name] for name in client.headers if name in seen}
    if source == BROWSER:  # a page's are the visitor's
        handed = {name: text for name, text in request.headers.items() if name not in ("authorization", *client.unseen)}
    asked = tuple({"event": {**below, **event}, "source": source, "headers": handed} for event in events)
    passed = tuple(each_one for each_one in each if isinstance(each_one, Passed))
    return Arrived(one.type, source, asked, passed, tuple(incoming.notes))


def _identified(real: Client, client: Client, request: InboundRequest) -> tuple[InboundRequest, str]:
    """The request as it stands, where it is a page's or has a key, with who sends it; else as its sender signs it.
    Raises Refuse."""
    try:
        source = real.identify(request)
    except Refuse:
        return _signed(client, request)
    return (request, source) if source == BROWSER or source in real.sources else _signed(client, request)


def _signed(client: Client, request: InboundRequest) -> tuple[InboundRequest, str]:
    """The request as the sender signs it that the client then takes it for. Raises Refuse."""
    refusal = Refuse(404, "not_found", "there is no such sender")
    for source in client.sources.values():
        signed = client.signed(request, source)
        try:
            name = client.identify(signed)
            # Who has an origin is a page, where the client knows pages, and nobody else is.
            if name in client.sources if "origin" not in request.headers else name == BROWSER or not client.browser:
                return signed, name
        except Refuse as refused:
            refusal = refused
    raise refusal


def _with_stand_in(source: KeyedSource) -> KeyedSource:
    """The same sender with a secret that is none, in a form that every style takes."""
    made = base64.b64encode(f"a stand-in for {source.name}".encode()).decode()
    return msgspec.structs.replace(source, secrets=(Secret(f"whsec_{made}"),))
