"""`user_data` for a system of one's own: hashed, in the clear, or not at all."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.placeholder import EMPTY_HASH
from tagserver.plugin import Omitted
from tagserver.plugin.fields import Group, is_missing
from tagserver.plugin.own_user_data import UserData, own_user_data
from tagserver.testing import make_event

from .anything import any_json

PERSON = {
    "email": " Erika@Example.com ",
    "phone_number": "030 1234567",
    "address": {
        "first_name": "Erika",
        "last_name": "O'Neil",
        "city": "Berlin",
        "country": "germany",
        "street": "Am Ufer 1",
    },
    "external_id": 7,
    "gender": "f",
    "date_of_birth": "1990-01-02",
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def made_of(
    person: Any, given: Any = None, how: UserData = "hash", country: str | None = None
) -> tuple[dict[str, Any], list[Omitted]]:
    omitted: list[Omitted] = []
    made = Group("data.user_data", omitted)
    own_user_data(make_event({"user_data": person}), given, how, country, made)
    return made, omitted


def test_hashed() -> None:
    """Under Google's names; places stay in the clear, and what a hash would not hide is left out."""
    made, omitted = made_of(PERSON)
    assert made == {
        "sha256_email_address": [sha256("erika@example.com")],
        "sha256_phone_number": [sha256("+49301234567")],
        "address": {
            "sha256_first_name": [sha256("erika")],
            "sha256_last_name": [sha256("o'neil")],
            "sha256_street": [sha256("am ufer 1")],
            "city": "Berlin",
            "country": "DE",
        },
        "external_id": "7",
    }
    assert [one.field for one in omitted] == ["data.user_data.date_of_birth", "data.user_data.gender"]


def test_in_the_clear() -> None:
    """As it came, without what is empty and without the blanks around it."""
    made, omitted = made_of({"email": " A ", "phone_number": "", "address": {"city": None}}, how="plain")
    assert made == {"email": "A"}
    assert omitted == []


def test_left_out_is_said() -> None:
    made, omitted = made_of(PERSON, how="leave_out")
    assert made == {}
    assert omitted == [Omitted("data.user_data", "the setting user_data leaves it out")]


def test_nobody_leaves_no_trace() -> None:
    for how in ("hash", "plain", "leave_out"):
        assert made_of({}, how=how) == ({}, [])  # type: ignore[arg-type]  # (texts of the table)


def test_what_the_tag_sets_wins() -> None:
    made, _ = made_of({"email": "a@b.example"}, {"email": "c@d.example"})
    assert made == {"sha256_email_address": [sha256("c@d.example")]}


@pytest.mark.parametrize("country", [None, "DE"])
@given(person=st.fixed_dictionaries({}, optional=dict.fromkeys([*PERSON, "sha256_email_address"], any_json)) | any_json)
def test_no_value_raises(country: str | None, person: Any) -> None:
    """And no hash of nothing comes out."""
    for how in ("hash", "plain"):
        made, _ = made_of(person, person, how, country)  # type: ignore[arg-type]  # (texts of the table)
        text = msgspec.json.encode(made).decode()
        assert how == "plain" or EMPTY_HASH not in text
        assert not any(map(is_missing, made.values()))
