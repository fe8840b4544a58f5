"""Who an event is about, where a tag may say it under a vendor's names."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin.identity import Who, sha256_hex
from tagserver.testing import make_event

from .anything import any_json

PLACES = {"em": "email", "ph": "phone_number", "ct": "address.city", "st": "address.region", "cc": "address.country"}
PERSON = {
    "email": "page@x.example",
    "phone_number": "030 1234567",
    "address": {"city": "Bonn", "region": "California", "country": "DE"},
}


def who(**said: Any) -> Who:
    return Who(make_event({"user_data": PERSON}), said, PLACES)


def test_what_the_tag_does_not_say_is_the_events() -> None:
    made = who(em=" Crm@X.example ", other="x")
    assert made.of("em").email[0] == (sha256_hex("crm@x.example"),)
    assert made.of("ct").city[0] == (sha256_hex("bonn"),)


def test_a_value_of_the_tag_goes_by_the_rules_of_an_event() -> None:
    assert who(em="nobody").of("em").email[1] != ()
    assert who(ct="St. John's").of("ct").city[0] == (sha256_hex("stjohns"),)


def test_the_country_is_the_events_until_the_tag_names_one() -> None:
    assert who(ph="030 7654321").of("ph").phone_plus()[0] == (sha256_hex("+49307654321"),)
    made = who(ph="0844 412 4653", cc="GB", st="California")
    assert made.of("ph").phone_plus()[0] == (sha256_hex("+448444124653"),)
    assert made.of("st").region[0] == (sha256_hex("california"),)


def test_who_says_nothing_shares_the_events_hashes() -> None:
    """They are made once for all destinations."""
    event = make_event({"user_data": PERSON})
    assert Who(event, {}, PLACES).of("em") is event.identity


@given(st.dictionaries(st.sampled_from([*PLACES, "other"]), any_json))
def test_no_value_raises(said: dict[str, Any]) -> None:
    made = who(**said)
    for name in PLACES:
        identity = made.of(name)
        assert identity.email
        assert identity.phone("DE")
        assert identity.region is not None
