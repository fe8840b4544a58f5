"""Phone numbers: digits with the calling code, as people and tables write them, and what cannot be one."""

from __future__ import annotations

import phonenumbers
import pytest

from tagserver.event.identity import Identity
from tagserver.event.normalise import (
    Unusable,
)
from tagserver.event.phone import NO_COUNTRY, phone_digits

from .hashes import sha256


@pytest.mark.parametrize(
    ("sent", "country", "digits"),
    [
        ("(650)555-1212", "us", "16505551212"),  # Meta's own example
        ("+1 (650) 555-1212", None, "16505551212"),
        ("16505551212", "us", "16505551212"),
        ("650.555.1212 x12", "us", "16505551212"),
        ("650 555 1212 ext. 12", "us", "16505551212"),
        ("650 555 1212 #12", "us", "16505551212"),
        ("011 49 30 1234567", "us", "49301234567"),
        ("+44 (0)20 7946 0000", None, "442079460000"),
        ("+44 020 7946 0000", None, "442079460000"),
        ("0044 20 7946 0000", "us", "442079460000"),
        ("020 7946 0000", "gb", "442079460000"),
        ("+49 30 1234567", None, "49301234567"),
        ("(030) 1234567", "de", "49301234567"),
        ("491701234567", "de", "491701234567"),
        ("+39 06 1234567", None, "39061234567"),
        ("06 1234567", "it", "39061234567"),
        ("3912345678", "it", "393912345678"),
        ("0549 886377", "sm", "3780549886377"),
        ("9198765432", "in", "919198765432"),
        ("tel:+49-170-1234567", None, "491701234567"),
        ("٠١٧٠١٢٣٤٥٦٧", "de", "491701234567"),
        ("+４９１７０１２３４５６７", None, "491701234567"),
        ("+49\u00a0170\u20111234567", None, "491701234567"),
        ("0170 1234567", None, "1701234567"),
        ("555-1212", "us", None),
        ("123", "de", None),
        ("123456", None, None),
        ("+1234567890123456", None, None),
        ("phone", "de", None),
        ("+0", None, None),
        ("+ 000", "de", None),
    ],
)
def test_phone(sent: str, country: str | None, digits: str | None) -> None:
    """Digits with the calling code; a trunk zero goes, except where it belongs to the number."""
    if digits is None:
        with pytest.raises(Unusable):
            phone_digits(sent, country)
    else:
        assert phone_digits(sent, country)[0] == digits


@pytest.mark.parametrize(
    ("sent", "country", "why"),
    [
        ("415555267112", "us", "digits for its country"),
        ("77777777777", "fr", "digits for its country"),
        ("+33 7777777777", None, "digits for its country"),
        ("+4144668180012345", "ch", "15 digits"),
        ("+49 12", None, "fewer than 7"),
        ("+999 55512345", None, "no calling code"),
        ("+210 12345678", None, "no calling code"),
        ("4.1446681800E+10", "ch", "powers of ten"),
        ("1.4155552671e10", None, "powers of ten"),
        ("(415) 555-2671 or 2672", "us", "words between"),
        ("030 1234567 oder 0171 1234567", "de", "words between"),
        ("+49 30 1234567 / +49 171 1234567", None, "more than one"),
        ("030 1234567 / 0171 1234567", "de", "not a number of its country"),
    ],
)
def test_a_phone_that_cannot_be_one(sent: str, country: str | None, why: str) -> None:
    """Its hash would match nobody: it has none, and the reason is told without the number."""
    with pytest.raises(Unusable, match=why) as raised:
        phone_digits(sent, country)
    assert not any(part in str(raised.value) for part in sent.split() if len(part) > 3 and part.isdigit())
    person = Identity({"user_data": {"phone_number": sent}})
    assert person.phone(country)[0] == person.phone_plus(country)[0] == person.phone_plain(country)[0] == ()


@pytest.mark.parametrize(
    ("sent", "country", "digits"),
    [
        ("14155552671.0", "us", "14155552671"),
        ("+41446681800,00", None, "41446681800"),
        ("030 1234567 Durchwahl 12", "de", "49301234567"),
        ("Tel. 030 1234567 (abends)", "de", "49301234567"),
        ("(+49) 30 1234567", None, "49301234567"),
        ("+800 1234 5678", None, "80012345678"),
        ("+39 06 698 12345", None, "390669812345"),
        ("+290 23456", None, "29023456"),
    ],
)
def test_a_phone_as_people_and_tables_write_it(sent: str, country: str | None, digits: str) -> None:
    assert phone_digits(sent, country)[0] == digits


EXAMPLES = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number(region)) is not None
]


@pytest.mark.parametrize("number", EXAMPLES, ids=lambda number: str(number.country_code))
def test_a_number_of_every_country_is_one(number: phonenumbers.PhoneNumber) -> None:
    """Written with its calling code, and as people at home write it."""
    region = phonenumbers.region_code_for_number(number)
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    if len(digits) >= 7:
        assert phone_digits(f"+{digits}", None) == (digits, "")
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        assert phone_digits(national, region.lower()) == (digits, "")


def test_phone_without_country_is_kept_with_a_remark() -> None:
    """It may begin with its calling code all the same; nobody is told that it will match."""
    assert phone_digits("0170 1234567", None) == ("1701234567", NO_COUNTRY)


def test_phone_country_comes_from_the_address_first() -> None:
    """The customer's own country beats the setting."""
    person = Identity({"user_data": {"phone_number": "030 1234567", "address": {"country": "Germany"}}})
    assert person.phone("us")[0] == (sha256("49301234567"),)
