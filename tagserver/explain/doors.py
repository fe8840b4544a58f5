"""What a body makes at the address of an inbound client, as `try` asks: signed as its sender would, with stand-ins for
the secrets, so that a map can be tried where these are not."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tagserver.config.clients import ConfiguredClient
from tagserver.config.server import ServerConfig
from tagserver.event.event import Note
from tagserver.explain.try_ import BadQuestion
from tagserver.plugin.client import Client, InboundRequest, Incoming, KeyedSource, Passed, Refuse, RequestFacts
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.system.secret import Secret

MOST = 100
"""Events of one body that are shown."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came by a door: who sends, the questions for `try` about each event, what is none of them and why, and what
    the client has left out."""

    source: str
    asked: tuple[dict[str, Any], ...]
    passed: tuple[Passed, ...]
    notes: tuple[Note, ...]


def arrived(server: ServerConfig, path: str, body: bytes, headers: Mapping[str, str], now_ms: int) -> Arrived:
    """What a body makes that is posted to an address. `headers`: those of the sender, beside its signature. Raises
    BadQuestion with what the sender would be told."""
    claims = server.clients.claims
    claimed = claims.of(path) if claims is not None else []
    for one, addresses in claimed:
        params = addresses.params("POST", path)
        if params is not None and one.client is not None:
            lower = {name.lower(): text for name, text in headers.items()}
            request = InboundRequest("POST", path, params, "", lower, body, now_ms)
            return _at(one, request)
    if claimed:
        raise BadQuestion(f"{path} takes no POST, or its client cannot be used")
    raise BadQuestion(f"nobody has the address {path}; see clients in server.yaml")


def _at(one: ConfiguredClient, request: InboundRequest) -> Arrived:
    assert one.client is not None
    cls: type[Client] = type(one.client)
    sources = {name: _with_stand_in(source) for name, source in one.sources.items()}
    try:
        with PluginCode(cls, f"the client {one.type}", Refuse):
            client: Client = cls(one.settings, sources)
            signed, source = _signed(client, request)
            heard = (*client.headers, *client.heard(source))
            seen = {name: signed.headers[name] for name in heard if name in signed.headers}
            facts = RequestFacts(source, request.received, request.params, request.query, seen)
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
    asked = tuple({"event": {**below, **event}, "source": source, "headers": handed} for event in events)
    return Arrived(source, asked, tuple(one for one in each if isinstance(one, Passed)), tuple(incoming.notes))


def _signed(client: Client, request: InboundRequest) -> tuple[InboundRequest, str]:
    """The request as the sender signs it that the client then takes it for. Raises Refuse."""
    refusal = Refuse(404, "not_found", "there is no such sender")
    for source in client.sources.values():
        signed = client.signed(request, source)
        try:
            if (name := client.identify(signed)) in client.sources:
                return signed, name
        except Refuse as refused:
            refusal = refused
    raise refusal


def _with_stand_in(source: KeyedSource) -> KeyedSource:
    """The same sender with a secret that is none, in a form that every style takes."""
    made = base64.b64encode(f"a stand-in for {source.name}".encode()).decode()
    return msgspec.structs.replace(source, secrets=(Secret(f"whsec_{made}"),))
