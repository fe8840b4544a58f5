"""User data of any kind in any field: nothing raises, everything is a hash, and no remark repeats a value."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.hashing import Found, arrived_hash
from tagserver.event.identity import Identity
from tagserver.event.normalise import (
    Unusable,
    city_text,
    email_text,
    name_case_text,
    name_text,
    trimmed_text,
)
from tagserver.event.placeholder import EMPTY_HASH

from .hashes import HASH

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**50)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=80)
    | st.sampled_from([HASH, EMPTY_HASH, "+49 170 1234567", "030 1234567", "a@b.de", "\ud800@b.de", "1/2/1990", "US"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "email",
    "phone_number",
    "sha256_email_address",
    "sha256_phone_number",
    "sha256_phone_digits",
    "gender",
    "date_of_birth",
    "external_id",
]
ADDRESS = ["first_name", "last_name", "sha256_first_name", "city", "region", "postal_code", "country"]


def views(person: Identity) -> list[Found]:
    """Every view of a person."""
    return [
        *(person.email, person.phone(), person.phone("de"), person.first_name, person.last_name, person.city),
        *(person.region, person.postal_code, person.country_hash, person.gender, person.birth_date()),
        person.birth_date(day_first=True),
    ]


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(ADDRESS, json_values)) | json_values,
    json_values,
)
def test_nothing_raises_and_everything_is_a_hash(user: dict[str, Any], where: Any, ident: Any) -> None:
    """Whatever stands in whatever field."""
    person = Identity({"user_data": {**user, "address": where}, "user_id": ident, "client_id": ident})
    for hashes, faults in views(person):
        assert len(set(hashes)) == len(hashes)
        for one in hashes:
            assert arrived_hash(one) == one
            assert not one.startswith(EMPTY_HASH)
        assert all(isinstance(fault, str) and fault for fault in faults)
    for _, text in person.identifiers():
        text.encode()


def test_an_integer_too_long_to_be_written_out() -> None:
    """Python refuses to make text of it; it is left out like everything that is no text."""
    person = Identity({"user_data": {"email": 10**5000, "phone_number": [10**5000]}, "user_id": 10**5000})
    assert person.email == ((), ("is not text",))
    assert person.phone() == ((), ("is not text",))
    assert person.identifiers() == ()


@given(json_values)
def test_any_user_data(value: Any) -> None:
    """The group itself may be anything."""
    assert all(isinstance(hashes, tuple) for hashes, _ in views(Identity({"user_data": value})))


@given(st.text(max_size=30))
def test_canonical_forms_are_stable(text: str) -> None:
    """A canonical text is its own canonical form: two systems in a row hash the same."""
    for normalise in (email_text, name_text, name_case_text, trimmed_text, city_text):
        try:
            once = normalise(text)
        except Unusable:
            continue
        assert normalise(once) == once


@given(st.text(string.ascii_letters + string.digits, min_size=6, max_size=20))
def test_remarks_never_repeat_a_value(secret: str) -> None:
    """They reach logs and web pages."""
    marked = f"zq{secret}qz"
    user = dict.fromkeys(FIELDS, marked) | {"address": dict.fromkeys(ADDRESS, marked)}
    for _, faults in views(Identity({"user_data": user})):
        assert not any(marked.lower() in fault.lower() for fault in faults)
