"""What is said of a person: trimmed, and without placeholders, whatever stands beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import Note
from tagserver.event.placeholder import is_placeholder
from tagserver.inbound.person import read_person

EDGES = ("", " ", "\n", "\t", "\x0b", "\x1c", "\x85", "\xa0", "\u2003")
INSIDE = ("Erika", "New York", "null", "{{x}}", "${x}", "undefined", "Nord\nau", "ümlaut", "(not set)", "$1", "x")

texts = st.builds("".join, st.tuples(*(st.sampled_from(one) for one in (EDGES, INSIDE, EDGES))))
places = st.dictionaries(st.sampled_from(("street", "city", "region", "postal_code", "country")), texts)


@given(places)
def test_each_text_of_an_address_is_read_as_if_it_stood_alone(sent: dict[str, str]) -> None:
    notes: list[Note] = []
    found = read_person({"address": dict(sent)}, [], notes)["address"]
    bare = {name: text.strip() for name, text in sent.items()}
    lost = [name for name, text in bare.items() if is_placeholder(text)]
    assert found == {name: text for name, text in bare.items() if name not in lost}
    assert [note.path for note in notes] == [f"user_data.address.{name}" for name in lost]


@pytest.mark.parametrize("beside", [1, None, 1.5, True, [" x "], {"a": " x "}])
def test_what_is_no_text_beside_them_changes_nothing(beside: object) -> None:
    found = read_person({"address": {"city": " Berlin ", "country": "DE", "other": beside}}, [], [])["address"]
    assert found["city"] == "Berlin"
    assert found["other"] == (["x"] if type(beside) is list else beside)


def test_an_address_that_stands_is_the_one_that_was_sent() -> None:
    sent = {"email": "a@b.example", "address": {"city": "Berlin", "street": "Ümlaut 1"}}
    assert read_person(sent, [], []) is sent
