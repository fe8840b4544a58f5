"""Events of another shape in our own door: a key at their top says which client reads them into a data layer's fields.

So whatever a page has beside its data layer, a pixel for example, needs no address and no queue of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from tagserver.event.event import Facts, Note
from tagserver.inbound.clients.datalayer import Refused
from tagserver.plugin.client import Client, Refuse, RequestFacts
from tagserver.plugin.fault import PluginCode, PluginFailed

NOTHING: Mapping[str, str] = MappingProxyType({})
LONGEST = 200
"""Characters of a sentence in a client's own words."""


class ReaderFailed(Refused):
    """The client's code failed: `client` is its type, `how` says nothing of the event."""

    def __init__(self, event_id: str | None, note: Note, client: str, how: str) -> None:
        super().__init__(event_id, note)
        self.client = client
        self.how = how


class EventReader:
    """Reads the events that have `key`. `client`: None where it cannot be set up; `named`: whether `clients:` names it.
    `most`: bytes that an event may be made into."""

    def __init__(self, kind: str, key: str, client: Client | None, *, named: bool, most: int) -> None:
        self.type = kind
        self._key = key
        self._client = client
        self._named = named
        self._most = most

    def read(self, raw: dict[str, Any], facts: Facts) -> dict[str, Any]:
        """The event in the fields of a data layer, as plain data. Raises Refused."""
        event_id = raw.get("event_id")
        event_id = event_id if type(event_id) is str else None
        if not self._named:
            fix = f'server.yaml, which does not say "clients: {{{self.type}: {{}}}}"'
            raise Refused(event_id, Note(self._key, f"{self.type}_off", f"{self._key} is read by a client of {fix}"))
        client = self._client
        if client is None:
            message = f"the client {self.type} cannot be used now; tagserver check says why"
            raise Refused(event_id, Note(self._key, "no_plugin", message))
        try:
            with PluginCode(client, "event", Refuse):
                found = client.event(raw, RequestFacts(facts.source, facts.received, NOTHING, "", NOTHING))
                text = _encode(found)  # so it is plain data, and nobody else's
        except Refuse as refusal:
            code = refusal.code if refusal.code in client.refuses else "client"
            raise Refused(event_id, Note(self._key, code, str(refusal)[:LONGEST])) from None
        except PluginFailed as failed:
            message = f"the client {self.type} fails at this event"
            raise ReaderFailed(event_id, Note(self._key, "client_failed", message), self.type, str(failed)) from failed
        if len(text) > self._most:
            raise Refused(event_id, Note(self._key, "too_large", f"it becomes larger than {self._most} bytes"))
        data: Any = msgspec.json.decode(text)
        if type(data) is not dict:
            how = "event gives something that is no object"
            note = Note(self._key, "client_failed", f"the client {self.type} fails at this event")
            raise ReaderFailed(event_id, note, self.type, how)
        return data


_encode = msgspec.json.Encoder().encode
