"""One short line for each event that is accepted and each delivery that has arrived, where `log.events` asks for them.

They are info of a logger of their own, which is switched off otherwise: who does not want them pays one question. No
line holds a value of the event, and its id and name go through the net that all lines go through.
"""

from __future__ import annotations

import logging

_log = logging.getLogger("tagserver.events")
_log.setLevel(logging.WARNING)
LONGEST = 100
"""Characters of an event's name; strangers choose it."""


def switch(on: bool) -> None:
    """Write these lines from now on, or do not. With `--log-level debug` they are written in any case."""
    _log.setLevel(logging.NOTSET if on or logging.getLogger().level <= logging.DEBUG else logging.WARNING)


def events_are_told() -> bool:
    """Whether they are written: asked before anything is gathered for them."""
    return _log.isEnabledFor(logging.INFO)


def say_accepted(event_id: str, name: str, source: str, deliveries: int) -> None:
    """An event was answered `accepted`, with so many new deliveries on disk. `source`: `browser`, or a key's name."""
    fields = {"event_id": event_id, "event": name[:LONGEST], "source": source, "deliveries": deliveries}
    _log.info("event %s was accepted", event_id, extra=fields)


def say_delivered(event_id: str, destination: str, tag: str, attempts: int) -> None:
    """A vendor has taken a delivery, at the attempt of this number, from 1."""
    fields = {"event_id": event_id, "destination": destination, "tag": tag, "attempts": attempts}
    _log.info("event %s was delivered to %s", event_id, destination, extra=fields)
