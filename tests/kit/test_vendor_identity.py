"""Who it was, as each vendor wants it: the samples that vendors publish, and the rules of each family."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.hashing import Found, arrived_hash
from tagserver.event.identity import Identity
from tagserver.event.identity_rules import FIELDS
from tagserver.event.normalise import (
    Unusable,
    compact_text,
    digits_text,
    email_bare_text,
    email_folded_text,
    email_gmail_alias_text,
    email_gmail_dots_text,
    email_text,
    letters_text,
    lower_text,
)
from tagserver.event.placeholder import EMPTY_HASH
from tagserver.system.text import is_text

from .anything import any_json, any_text

HASH = "0a1b" * 16
FAMILIES = {
    "A": email_text,
    "B": email_gmail_dots_text,
    "C": email_gmail_alias_text,
    "D": email_folded_text,
    "D, Reddit": email_bare_text,
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def who(**user: Any) -> Identity:
    """Somebody; fields of the address stand beside the others."""
    address = {key: user.pop(key) for key in list(user) if key in FIELDS and key not in BESIDE}
    return Identity({"user_data": {**user, "address": address}})


BESIDE = ("email", "gender", "date_of_birth")

SAMPLES: list[tuple[str, Found, str]] = [
    ("Snapchat: e-mail", who(email="Person@Example.com").email, "542d2401"),
    ("Snapchat: telephone", who(phone_number="+44 844 412 4653").phone(), "dc008fda"),
    ("Snapchat: first name, whose accent stays", who(first_name="Raphaël").first_name, "e74bb89e"),
    (
        "Reddit: one address in two spellings",
        who(email="Al.ice$+Apple@Example.Com").hashed("email", email_bare_text),
        "ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976",
    ),
    (
        "Reddit: the other spelling",
        who(email="alice@example.com").hashed("email", email_bare_text),
        "ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976",
    ),
    ("X: telephone with its plus sign", who(phone_number="+11234567890").phone_plus(), "1fa6b8d9"),
]


@pytest.mark.parametrize(("found", "begins"), [pytest.param(*row[1:], id=row[0]) for row in SAMPLES])
def test_samples_that_vendors_publish(found: Found, begins: str) -> None:
    """Each is the hash that the vendor's page shows."""
    (made,), faults = found
    assert made.startswith(begins)
    assert faults == ()


@pytest.mark.parametrize(
    ("sent", "a", "b", "c", "d", "reddit"),
    [
        (
            " Jane.Doe+News@Gmail.com ",
            "jane.doe+news@gmail.com",
            "janedoe+news@gmail.com",
            "janedoe@gmail.com",
            "janedoe@gmail.com",
            "janedoe@gmail.com",
        ),
        ("j.d@googlemail.com", "j.d@googlemail.com", *["jd@googlemail.com"] * 4),
        ("j.d+x@shop.example", *["j.d+x@shop.example"] * 3, "jd@shop.example", "jd@shop.example"),
        ("j_d-e@shop.example", *["j_d-e@shop.example"] * 4, "jde@shop.example"),
        ("j.d@mail.gmail.com", *["j.d@mail.gmail.com"] * 3, "jd@mail.gmail.com", "jd@mail.gmail.com"),
        ("+news@gmail.com", "+news@gmail.com", "+news@gmail.com", None, None, None),
        ("...@gmail.com", "...@gmail.com", None, None, None, None),
        ("nobody", None, None, None, None, None),
    ],
)
def test_the_families_of_email_rules(
    sent: str, a: str | None, b: str | None, c: str | None, d: str | None, reddit: str | None
) -> None:
    """A: trimmed, lower case. B: without Gmail's dots. C: and its suffix. D: without both for every domain."""
    person = who(email=sent)
    for family, wanted in zip(FAMILIES, (a, b, c, d, reddit), strict=True):
        hashes, faults = person.hashed("email", FAMILIES[family])
        assert hashes == ((sha256(wanted),) if wanted else ()), family
        assert bool(faults) is (wanted is None), family


@pytest.mark.parametrize(
    ("sent", "country", "digits", "plus"),
    [
        ("+44 (0)844 412 4653", None, "448444124653", "+448444124653"),
        ("0044 844 412 4653", None, "448444124653", "+448444124653"),
        ("0844 412 4653", "GB", "448444124653", "+448444124653"),
        ("1 800 555 0100", "US", "18005550100", "+18005550100"),
        ("(800) 555-0100 ext. 7", "US", "18005550100", "+18005550100"),
        ("1 800 555 0100", None, "18005550100", None),
        ("", "US", None, None),
        ("phone", "US", None, None),
    ],
)
def test_the_families_of_telephone_rules(sent: str, country: str | None, digits: str | None, plus: str | None) -> None:
    """Bare digits without 00, + and trunk zero; or with the plus sign, which nobody puts in front of a number whose
    country is unknown."""
    person = who(phone_number=sent)
    assert person.phone(country)[0] == ((sha256(digits),) if digits else ())
    assert person.phone_plus(country)[0] == ((sha256(plus),) if plus else ())
    assert person.phone_plain(country)[0] == ((plus,) if plus else ())


@pytest.mark.parametrize(
    ("field", "rule", "sent", "text"),
    [
        pytest.param("first_name", letters_text, " Anna-Maria 2 ", "annamaria", id="GA4 names lose symbols and digits"),
        pytest.param("last_name", lower_text, " O'Neil ", "o'neil", id="Pinterest and Google names keep punctuation"),
        pytest.param("first_name", compact_text, "Anna Maria", "annamaria", id="TikTok names lose their blanks"),
        pytest.param("postal_code", compact_text, "M1 1AE", "m11ae", id="TikTok postal codes"),
        pytest.param("postal_code", digits_text, "D-10115", "10115", id="Pinterest postal codes are digits"),
        pytest.param("city", lower_text, " Frankfurt am Main ", "frankfurt am main", id="Snapchat cities keep blanks"),
    ],
)
def test_address_parts_under_a_vendors_rule(
    field: str, rule: Callable[[str], str | None], sent: str, text: str
) -> None:
    """Hashed and in the clear by the same rule."""
    assert who(**{field: sent}).hashed(field, rule) == ((sha256(text),), ())
    assert who(**{field: sent}).plain(field, rule) == text


@pytest.mark.parametrize("field", FIELDS)
def test_what_arrived_hashed_has_a_hash_and_nothing_else(field: str) -> None:
    """Whatever the rule: vendors that want it in the clear do not get it."""
    person = who(**{field: f" {HASH.upper()} "})
    for rule in (lower_text, email_bare_text, digits_text):
        assert person.hashed(field, rule) == ((HASH,), ())
        assert person.plain(field, rule) is None
    assert who(phone_number=HASH).phone_plus("DE") == ((HASH,), ())
    assert who(phone_number=HASH).phone_plain("DE") == ((), ())


def test_googles_names_for_hashes() -> None:
    """gtag's spellings; its telephone hash has a plus sign, so it is for the vendors that want one."""
    person = who(sha256_phone_number=HASH, sha256_email_address=HASH)
    assert person.phone_plus() == ((HASH,), ())
    assert person.phone()[0] == ()
    for rule in FAMILIES.values():
        assert person.hashed("email", rule) == ((HASH,), ())


def test_external_ids_are_trimmed_and_nothing_else() -> None:
    """A UUID without dashes is an id and no MD5; the browser's client_id is nobody's id."""
    uuid = "0a1b" * 8
    data = {"user_data": {"external_id": [" Customer-7 ", uuid, HASH]}, "client_id": "c"}
    assert Identity(data).external_id_hashes == ((sha256("Customer-7"), sha256(uuid), HASH), ())
    assert Identity({"client_id": "c"}).external_id_hashes == ((), ())


def test_a_rule_is_asked_once() -> None:
    """However many destinations want the same view."""
    asked = []

    def rule(text: str) -> str:
        asked.append(text)
        return text

    person = who(first_name="Erika")
    assert person.hashed("first_name", rule) is person.hashed("first_name", rule)
    assert person.phone_plus("DE") is person.phone_plus("DE")
    assert person.external_id_hashes is person.external_id_hashes
    assert asked == ["Erika"]


@pytest.mark.parametrize("field", FIELDS)
@given(value=any_json)
def test_no_value_raises(field: str, value: Any) -> None:
    """Under any rule; never the hash of nothing, never half a character in the clear."""
    person = who(**{field: value}, phone_number=value, sha256_phone_number=value, external_id=value)
    found = [person.hashed(field, rule) for rule in (*FAMILIES.values(), lower_text, compact_text, letters_text)]
    found += [
        person.phone_plus(),
        person.phone_plus("DE"),
        person.external_id_hashes,
        person.hashed(field, digits_text),
    ]
    for hashes, faults in found:
        assert all(arrived_hash(one) == one and not one.startswith(EMPTY_HASH) for one in hashes)
        assert all(isinstance(fault, str) and fault for fault in faults)
    for text in (person.plain(field), person.plain(field, lower_text), *person.phone_plain("DE")[0]):
        assert text is None or (text and is_text(text))


@given(st.sampled_from(list(FAMILIES.values())), any_text.map(lambda text: f"{text}@a.example") | st.emails())
def test_rules_are_stable(rule: Callable[[str], str], text: str) -> None:
    """A canonical address is its own canonical form: two systems in a row hash the same."""
    try:
        once = rule(text)
    except Unusable:
        return
    assert rule(once) == once
