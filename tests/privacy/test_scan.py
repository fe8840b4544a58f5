"""Personal data in texts and addresses: what is found, what survives, and at what cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.privacy.detection import BETWEEN, FLAT, LONGEST, is_card, scanned, suspicious, without_emails
from tagserver.privacy.rules import SENTENCES, AddressRules, holds, key_kind, mark, names_an_id, query_kind
from tagserver.privacy.urls import clean_outgoing
from tests.fast_yaml import safe_load

FOLDER = Path(__file__).parent
TEXTS = safe_load((FOLDER / "texts.yaml").read_text("utf-8"))
ADDRESSES = safe_load((FOLDER / "addresses.yaml").read_text("utf-8"))
RULES = {
    "becomes": AddressRules(),
    "no_clicks": AddressRules(clicks=False),
    "allow": AddressRules(allow=("color", "utm_*")),
    "personal": AddressRules(personal=True),
}


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: repr(case["text"]))
def test_a_text(case: dict[str, Any]) -> None:
    found = scanned(str(case["text"]), an_id=case.get("an_id", False))
    assert found == (case.get("becomes", str(case["text"])), tuple(case.get("kinds", ())))


@pytest.mark.parametrize(
    ("case", "rule"), [(case, rule) for case in ADDRESSES for rule in RULES], ids=lambda one: str(one)[:60]
)
def test_an_address(case: dict[str, Any], rule: str) -> None:
    """Byte for byte but for what is taken out. What a rule does not change is as by default; where personal data may
    stay, as it came."""
    default = case["address"] if rule == "personal" else case.get("becomes", case["address"])
    cleaned = clean_outgoing(case["address"], RULES[rule])
    assert cleaned.address == case.get(rule, default)
    assert bool(cleaned.lost) == (cleaned.address != case["address"])
    if rule == "becomes":
        assert sorted(cleaned.lost) == sorted(case.get("lost", []))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        *((key, "email") for key in ("email", "E-Mail", "mail", "user[email]", "customer_email", "emailAddress")),
        *((key, "phone") for key in ("phone", "tel", "mobile", "billingPhone", "phone_number", "contact.phone")),
        *((key, "name") for key in ("first_name", "FirstName", "last-name", "surname")),
        *(("iban", "iban"), ("ssn", "ssn"), ("password", "password"), ("token", "token"), ("auth", "token")),
        *((key, "token") for key in ("id_token", "resetToken", "order_key", "api-key", "otp", "jwt", "client_secret")),
        *((key, None) for key in ("name", "item_name", "emailed", "method", "user_agent", "title", "valid", "address")),
        *((key, None) for key in ("key", "keyword", "session_id", "street", "tokens_used", "secretary", "otpion")),
        ("x" * 1000 + "email", None),
    ],
)
def test_a_key(key: str, kind: str | None) -> None:
    assert key_kind(key) == kind


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        *(("name", "name"), ("Name", "name"), ("customer_name", "name"), ("address", "address"), ("street", "address")),
        *(
            (key, "token")
            for key in ("key", "session_id", "sessionid", "PHPSESSID", "order_key", "reset_token", "auth")
        ),
        *(("email", "email"), ("billing_phone", "phone")),
        *((key, None) for key in ("keyword", "keys", "item_name", "username2", "utm_campaign", "page", "color", "sid")),
    ],
)
def test_a_key_of_a_query(key: str, kind: str | None) -> None:
    """There, a few more words are a person's, or let others in."""
    assert query_kind(key) == kind


@pytest.mark.parametrize("key", ["id", "item_id", "orderId", "transaction_id", "sku", "gtin13", "ean", "order_number"])
def test_a_key_of_an_id(key: str) -> None:
    assert names_an_id(key)


@pytest.mark.parametrize("key", ["card_number", "note", "valid", "paid", "number", "grid"])
def test_a_key_of_no_id(key: str) -> None:
    assert not names_an_id(key)


def test_what_a_key_cannot_mean_stays() -> None:
    """A switch, what is no number, a hash that was made on purpose, and a mark."""
    assert holds("phone", "030 1234567")
    assert not holds("phone", "yes")
    assert not holds("phone", "iPhone 15")
    assert not holds("email", "true")
    assert not holds("token", "undefined")
    assert not holds("email", "a" * 64)
    assert holds("password", "a" * 64)
    assert not holds("email", mark("email"))


def test_every_kind_has_its_sentence() -> None:
    assert {mark(kind) for kind in SENTENCES} >= {"[redacted:email]", "[redacted:phone]", "[redacted:card]"}


ALPHABET = st.sampled_from([*"a@.%402B5+- 41", "tel:", "erika@example.com", "%2540", "4111111111111111", "ä", "\ud800"])
any_text = st.text(st.characters(codec=None), max_size=200) | st.lists(ALPHABET, max_size=40).map("".join)


@given(any_text, st.booleans())
def test_a_scan_never_raises_and_twice_is_once(text: str, an_id: bool) -> None:
    clean, kinds = scanned(text, an_id=an_id)
    assert scanned(clean, an_id=an_id) == (clean, ())
    assert (clean == text) == (kinds == ())
    assert without_emails(without_emails(text)) == without_emails(text)


@given(any_text, st.sampled_from(sorted(RULES)), st.sampled_from(["https://a.example/", "https://", "/", "?", ""]))
def test_cleaning_an_address_never_raises_and_twice_is_once(text: str, rule: str, front: str) -> None:
    cleaned = clean_outgoing(front + text, RULES[rule])
    again = clean_outgoing(cleaned.address, RULES[rule])
    assert again.address == cleaned.address


@given(st.from_regex(r"[a-z]{1,20}@[a-z]{1,20}\.(com|de|example)", fullmatch=True), any_text, any_text)
def test_an_address_of_a_person_does_not_get_through(email: str, before: str, after: str) -> None:
    """Wherever it stands alone."""
    assert email not in scanned(f"{before} {email} {after}"[-LONGEST:])[0]


@given(st.integers(10**12, 10**19).map(str))
def test_a_card_is_what_luhn_says(digits: str) -> None:
    """No number is one whose last digit is another than Luhn's: of ten numbers that differ there at most one is."""
    assert sum(is_card(digits[:-1] + last) for last in "0123456789") <= 1


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "@",
        "a@",
        "a.",
        "a@a.",
        "1",
        "1 ",
        "4111 ",
        "+1",
        "+1 ",
        "%40",
        "%2540 ",
        "tel:1",
        "-",
        "[redacted:",
        "eyJ",
        "eyJabcdefgh.",
    ],
)
def test_the_work_grows_with_the_text_alone(piece: str) -> None:
    """Counted in calls of functions, ours and the interpreter's, of which each looks at a bounded piece."""

    def calls(length: int) -> int:
        text = (piece * length)[:length]
        number = 0

        def count(frame: Any, event: str, argument: Any) -> None:
            nonlocal number
            number += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            scanned(text)
        finally:
            sys.setprofile(None)
        return number

    short, long, longer = calls(1000), calls(2000), calls(4000)
    assert longer - long <= 2.2 * (long - short) + 50
    assert calls(50_000) <= calls(LONGEST + 1000) + 50, "a text is looked at no further than its cap"


def test_a_long_text_is_cut_only_when_there_is_something_to_look_for() -> None:
    plain = "a plain text " * 1000
    assert scanned(plain) == (plain, ())
    assert len(scanned(plain + " erika@example.com")[0]) == LONGEST
    across = "x" * (LONGEST - 9) + " erika@example.com"
    assert "erika" not in scanned(across)[0]


def test_json_can_be_looked_at() -> None:
    """What `suspicious` is asked for all of an event at once."""
    for case in TEXTS:
        if "becomes" in case:
            data = msgspec.json.encode({"a": [1, {"b": case["text"]}]})
            assert suspicious(data.decode("latin-1"), data.translate(FLAT, BETWEEN).decode("latin-1")), case
