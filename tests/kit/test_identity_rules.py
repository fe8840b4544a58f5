"""Rules by which a person is known: shared by all destinations, and what they remember from event to event."""

from __future__ import annotations

from typing import Any

from tagserver.event.hashing import sha256_hex
from tagserver.event.identity import Identity
from tagserver.event.identity_rules import EMAIL, rule
from tagserver.plugin.table import HASH


def test_rules_are_shared_and_worked_out_once() -> None:
    """One object for the same field and form, so that a second vendor finds what the first has worked out."""
    calls: list[str] = []

    def form(text: str) -> str:
        calls.append(text)
        return text

    assert rule("first_name", form) is rule("first_name", form)
    who = Identity({"user_data": {"address": {"first_name": "Erika"}}})
    (first,), _ = who.found(rule("first_name", form))
    made: dict[str, Any] = {}
    assert who.fill(made, [("fn", rule("first_name", form), HASH.of), ("em", EMAIL, HASH.of)]) == []
    assert made == {"fn": first}
    assert calls == ["Erika"]


def test_values_that_many_share_are_remembered_for_their_country_alone() -> None:
    """A region means another in another country."""

    def hashes(country: str) -> Any:
        address = {"region": "Georgia", "country": country}
        return Identity({"user_data": {"address": address}}).region

    for _ in range(2):
        assert hashes("US") == ((sha256_hex("ga"),), ())
        assert hashes("GE") == ((sha256_hex("georgia"),), ())
