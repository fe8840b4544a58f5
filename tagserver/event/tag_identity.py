"""Who an event is about, where a tag may say it under the vendor's own names.

who = Who(event, {"em": "crm@x.example"}, {"em": "email", "ct": "address.city"})
who.of("em").email   # of what the tag says
who.of("ct").city    # of what the event says
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Event
from tagserver.event.identity import Identity


class Who:
    """The identities of one event: its own, and the one that the tag's values make. Both go by the same rules.

    `given`: what the tag says, by the vendor's names. `places`: the vendor's name → where an event's `user_data` holds
    the same (`email`, `address.city`). Other names in `given` are not looked at.
    """

    def __init__(self, event: Event, given: Mapping[str, Any], places: Mapping[str, str]) -> None:
        self._event = event.identity
        self._said = frozenset(given.keys() & places.keys())
        self._tag = self._of_the_tag(given, places) if self._said else self._event

    def of(self, name: str) -> Identity:
        """The identity that a field of the vendor's is taken from: the tag's where it says that field."""
        return self._tag if name in self._said else self._event

    def _of_the_tag(self, given: Mapping[str, Any], places: Mapping[str, str]) -> Identity:
        """What the tag says; its country counts for telephone and region, and the event's where it names none."""
        address: dict[str, Any] = {}
        person: dict[str, Any] = {"address": address}
        if self._event.country is not None:
            address["country"] = self._event.country
        for name in self._said:
            group, _, field = places[name].rpartition(".")
            (address if group == "address" else person)[field] = given[name]
        return Identity({"user_data": person})
