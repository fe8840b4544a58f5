"""What is written down about a decision. No identifier, no address, no value of an event: tag, reason, and what the
visitor had said, by purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from tagserver.audit.chain import Record
from tagserver.config.model import Tag
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import PURPOSES
from tagserver.event.person_keys import person_hash
from tagserver.pipeline.route import Routing

_encode = msgspec.json.Encoder().encode
EACH = frozenset({"send", "restrict", "error"})
"""Decisions that have a row each; what was blocked or skipped is counted."""
STATES = 4096
"""Consent states that are remembered, and kinds of rows."""
LONGEST_STATE = 4096
"""Bytes of a state, with the raw signals that it holds, beyond which it is not remembered: nobody else has the same."""

_Same = tuple[str, str, str, str, str, str]
"""The names of tag and destination, decision, reason, state and container of rows that differ in event and time
alone."""


class Decided(msgspec.Struct, frozen=True, gc=False):
    """One event, as short as it can wait for the audit's thread. `received` in ms; `what`: tag, decision, reason."""

    received: int
    event_id: str
    consent: ConsentState
    container: str
    what: tuple[tuple[Tag, str, str], ...]

    @classmethod
    def of(cls, container: str, routing: Routing) -> Decided:
        """From what was decided under a version of the container."""
        event, what = routing.event, []
        for one in routing.decisions:
            what.append((one.tag, one.decision, one.reason))
        return cls(event.facts.received, event.event_id, routing.consent, container, tuple(what))


def event_key(event_id: str, install_key: bytes) -> str:
    """An event_id as the audit knows it: 16 hex digits that only this installation can make. It may be made of an order
    or a person."""
    return _short(person_hash("audit", install_key), event_id)


def _short(begun: blake2b, event_id: str) -> str:
    keyed = begun.copy()
    keyed.update(event_id.encode(errors="surrogatepass"))
    return keyed.digest()[:8].hex()


class Recorder:
    """Turns what was decided into records, in the order of its coming. A consent state is written out before the first
    row that names it, anew in each file."""

    def __init__(self, install_key: bytes) -> None:
        self._event_key = person_hash("audit", install_key)
        self._rows: dict[_Same, tuple[dict[str, Any], bytes]] = {}
        self._known: dict[int, tuple[ConsentState, str, dict[str, Any]]] = {}
        self._written: set[str] = set()

    def new_file(self) -> None:
        """States are written out again."""
        self._written.clear()

    def records(self, decided: list[Decided]) -> Iterator[Record]:
        """The rows of some events: one for each delivery, and one for all of the same kind that were not sent."""
        counted: dict[_Same, dict[str, Any]] = {}
        for one in decided:
            if not one.what:
                continue  # its state would count as written
            name, state = self._state(one.consent)
            key = ""
            for tag, decision, reason in one.what:
                same = tag.name, tag.destination.name, decision, reason, name, one.container
                row, text = self._rows.get(same) or self._row(tag, same)
                if state is not None:
                    yield {"t": one.received, **state}
                    state = None
                if decision in EACH:
                    key = key or _short(self._event_key, one.event_id)
                    yield b'"t":%d,"kind":"decision","event":"%s",%s' % (one.received, key.encode(), text)
                    continue
                if (count := counted.get(same)) is None:
                    counted[same] = {"t": one.received, "kind": "count", "count": 1, "until": one.received, **row}
                else:
                    count["count"] += 1
                    count["until"] = max(count["until"], one.received)
        yield from counted.values()

    def _row(self, tag: Tag, same: _Same) -> tuple[dict[str, Any], bytes]:
        """What all rows of one kind have in common, and its JSON without the brace in front."""
        name, destination, decision, reason, state, container = same
        if len(self._rows) >= STATES:
            self._rows.clear()
        row = {
            "tag": name,
            "destination": destination,
            "decision": decision,
            "reason": reason,
            "needs": sorted(tag.needs.purposes),
            "state": state,
            "container": container,
        }
        made = self._rows[same] = row, _encode(row)[1:]
        return made

    def _state(self, state: ConsentState) -> tuple[str, dict[str, Any] | None]:
        """The name of a state, and its record if it is not in this file yet."""
        known = self._known.get(id(state))
        if known is None or known[0] is not state:
            if len(self._known) >= STATES:
                self._known.clear()
            record = state_record(state)
            encoded = _encode(record)
            name = hashlib.sha256(encoded).hexdigest()[:16]
            known = (state, name, {"kind": "state", "state": name, **record})
            if len(encoded) + len(_raw(state)) <= LONGEST_STATE:
                self._known[id(state)] = known
        _, name, record = known
        if name in self._written:
            return name, None
        self._written.add(name)
        return name, record


def state_record(state: ConsentState) -> dict[str, Any]:
    """What a visitor had said: each purpose with its kind and sources; of the raw signals a hash."""
    purposes = {name: state.purpose(name) for name in PURPOSES}
    shown = state.as_dict()
    return {
        "proof": state.proof,
        "purposes": {name: [one.state, one.kind, list(one.sources)] for name, one in purposes.items()},
        "raw_sha256": hashlib.sha256(_raw(state)).hexdigest(),
        **{name: said for name, said in shown.items() if name not in ("purposes", "proof")},
    }


def _raw(state: ConsentState) -> bytes:
    """The raw signals that decided."""
    purposes = {name: state.purpose(name) for name in PURPOSES}
    return _encode([[name, [str(one) for one in purpose.raw]] for name, purpose in purposes.items() if purpose.raw])
