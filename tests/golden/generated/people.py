"""Who an event is about, in all the spellings and forms in which pages and backends write it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from tests.golden.generated.drawing import Draw

NOTHING = ("undefined", "null", "NULL", "(not set)", "N/A", "none", "{{email}}", "[object Object]", "-", "NaN", "", " ")
"""What is written for a missing value."""
EMAILS = (
    "erika@example.com",
    "erika.muster@gmail.com",
    *("erika@example.com", " Erika.Muster+shop@Example.COM ", "jörg@müller.example", "o'neil@example.org"),
    *("nora.keller@gmail.com", "n.o.r.a+x@googlemail.com", "user@sub.domain.example", "用户@例子.example"),
    *("kein-at.example", "zwei@@example.com", "a@b", "a b@example.com", "@example.com", "erika@.example.com"),
    "erika@example.com\n",
    "...@gmail.com",
    "+x@example.org",
    "e" * 600 + "@example.com",
)
PHONES = (
    *("+49 30 901820", "+4930901820"),
    *("+49 30 901820", "0049 (0)30 901820", "030/901820", "+1 (415) 555-2671", "415-555-2671", "14155552671"),
    *("+44 020 7946 0000", "+44 (0)20 7946 0958", "+39 06 6982", "+41446681800", "0446681800", "+33 1 42 68 53 00"),
    *("77777777777", "4.1446681800E+10", "14155552671.0", "+1 415 555 2671 ext. 12", "030 901820 oder 030 901821"),
    *("+999 12345678", "12345", "+٤٩ ٣٠ ٩٠١٨٢٠", "tel:+49-30-901820", "+43 1 58858-0", "123456789012345678901", "++"),
    *("+8613800138000", "+5511987654321", "+972-3-123-4567", "+7 495 123-45-67", "keine"),
    *("+49 30 901820 / +49 30 901821", "+4930901820999999", "555", "5551234", "abc 030 901820", "0"),
)
FIRST = (
    "Erika",
    " erika ",
    "JÖRG",
    "Anne-Marie",
    "O'Neil",
    "Valéry",
    "李",
    "Null",
    "Nadja\u0301",
    "E.",
    "4711",
    "محمد",
)
LAST = ("Mustermann", "von der Heide", "Müller-Lüdenscheidt", "SMITH", "Null", "Ng", "Şahin", "---")
STREETS = ("Hauptstraße 5", "10 Downing St.", "221B Baker Street", "Rue de l'Église 3 bis", "Straße")
CITIES = ("Berlin", " São Paulo ", "St. John's", "Wien 1010", "München", "Zürich", "Köln (Deutz)", "東京", "???")
REGIONS = (
    "CA",
    "California",
    "Bayern",
    "BY",
    "Île-de-France",
    "Québec",
    "QC",
    "new york",
    "US-TX",
    "Wien",
    "11",
    "Washington, District of Columbia",
    "Nova Scotia",
    "California, The",
)
CODES = (
    "10115",
    "94025-1234",
    " 94025 ",
    "SW1A 1AA",
    "m1 1ae",
    "1010",
    "75001",
    "K1A 0B1",
    "1234",
    "９４０２５",
    "９４０２５‐１２３４",
    "ABC",
    "--",
)
COUNTRIES = (
    "DE",
    "de",
    "Germany",
    "Deutschland",
    "US",
    "usa",
    "United States",
    "GB",
    "CH",
    "AT",
    "FR",
    "XX",
    "Narnia",
    "",
)
BIRTHS = (
    *("1990-02-16", "16.02.1990", "2/16/1990", "2/3/1990", "16 Feb 1990", "February 16th, 1990", "19900216"),
    *(
        "16021990",
        "90-02-16",
        "1990-13-45",
        "1890-01-01",
        "0",
        "1990-02-16T00:00:00Z",
        "30.2.1990",
        "März 1990",
        "2/16/90",
        "x" * 50,
        "16 Feb 90",
        "1990 1991 2",
    ),
)
GENDERS = ("f", "M", "female", "weiblich", "Herr", "divers", "x", "W.", "2")
IDS = ("c-4711", "4711", "C-Ä-1", "5F4DCC3B5AA765D61D8327DEB882CF99", "erika@example.com", " c-9 ", "0", "x" * 600)

_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "email": (("email", "email_address", "emailAddress", "emails", "em"), EMAILS),
    "phone": (("phone_number", "phone", "phoneNumber", "phones", "phone_numbers", "ph"), PHONES),
    "birth": (("date_of_birth", "dateOfBirth", "birthday", "dob", "db"), BIRTHS),
    "gender": (("gender", "ge"), GENDERS),
    "id": (("external_id", "externalId"), IDS),
}
"""Kind → its names in `user_data`, and values."""
_ADDRESS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "first": (("first_name", "firstName", "fn"), FIRST),
    "last": (("last_name", "lastName", "ln"), LAST),
    "street": (("street",), STREETS),
    "city": (("city", "ct"), CITIES),
    "region": (("region", "state", "st"), REGIONS),
    "code": (("postal_code", "postalCode", "zip", "zip_code", "zp"), CODES),
    "country": (("country",), COUNTRIES),
}
_FLAT: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("email", "email_address", "emailAddress", "x-fb-ud-em"), EMAILS),
    **dict.fromkeys(("phone", "phone_number", "phoneNumber", "x-fb-ud-ph"), PHONES),
    **dict.fromkeys(("first_name", "firstName", "x-fb-ud-fn"), FIRST),
    **dict.fromkeys(("last_name", "lastName", "x-fb-ud-ln"), LAST),
    **dict.fromkeys(("external_id", "x-fb-ud-external_id"), IDS),
    "x-fb-ud-ge": GENDERS,
    "x-fb-ud-db": BIRTHS,
    "x-fb-ud-ct": CITIES,
    "x-fb-ud-st": REGIONS,
    "x-fb-ud-zp": CODES,
    "x-fb-ud-country": COUNTRIES,
    "em": EMAILS,
    "ph": PHONES,
}
"""Names at the top of an event."""
_OF_META: Mapping[str, tuple[Any, ...]] = {
    "subscription_id": ("sub-1", "s" * 501, 5),
    "fb_login_id": ("123456", "abc", 77),
    "lead_id": ("123456789012345", "12", "12345678901234x", 1234567890123456),
    "anon_id": ("anon-1", None),
    "madid": ("38400000-8cf0-11bd-b23e-10b96e40000d", {}),
    "page_id": ("12345", 12345),
    "page_scoped_user_id": ("777", ""),
    "ctwa_clid": ("ARAkLkA8rmlFeiCktEJQ-QTwRiyYHAFDLMNDBH0CD3qpjd0HR4irJ6LEkR7JwFF4XvnO2E4Nx0", "undefined"),
    "whatsapp_business_account_id": ("998877", True),
    "ig_account_id": ("17841400000000000", None),
    "ig_sid": ("igs-1", [1]),
    "partner_id": ("p-1", "p 2"),
    "partner_name": ("Partner GmbH", 0),
    "fbc": ("fb.1.1789900000000.IwZXgut-1", "fb.1.x", "undefined"),
    "fbp": ("fb.1.1789900000000.1098115397", "fb.2.1789900000000.undefined"),
    "idfv": ("idfv-1", 5),
    "idfa": ("00000000-0000-0000-0000-000000000000", "8A5C1B3E-0000-4000-8000-000000000001"),
    "sha256_email_address": (hashlib.sha256(b"erika@example.com").hexdigest(), "abc", "0" * 64, 7),
    "sha256_phone_number": (hashlib.sha256(b"+4930901820").hexdigest(), "+49"),
    "loyalty": ("gold", {"level": 3}),
    "email_domain": ("example.com",),
}
"""Names that only some vendors know, and one that nobody may write."""


def hashed(text: str) -> str:
    """As a careful backend hashes it."""
    return hashlib.sha256(text.strip().lower().encode()).hexdigest()


_HASHES: tuple[Callable[[str], str], ...] = (
    hashed,
    lambda text: hashed(text).upper(),
    lambda text: f"{hashed(text)}.AQ",
    lambda text: f"{hashed(text)}.AQEBAQIx",
    lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
    lambda text: hashed("") if text else "",
    lambda text: hashed("undefined") if text else "",
)
_STRANGE: tuple[Any, ...] = (None, 5, 4930901820, 49.5, True, {}, {"value": "erika@example.com"}, [], [[]], "x" * 5000)


def field(draw: Draw, values: tuple[str, ...]) -> Any:
    """One value: mostly in the clear, sometimes hashed, a list, a placeholder or of a wrong type."""
    text = draw.one(values[:6] if draw.chance(0.4) else values)
    how = draw.below(100)
    if how < 68:
        return text
    if how < 80:
        return draw.one(_HASHES)(text)
    if how < 90:
        return [text, draw.one(values), *([None, hashed(text)] if draw.chance(0.3) else [])]
    if how < 91:
        return [f"person{number}@example.com" for number in range(25)]
    return draw.one(NOTHING) if how < 95 else draw.one(_STRANGE)


def user_data(draw: Draw) -> dict[str, Any]:
    """A `user_data`, in any mixture of spellings."""
    made: dict[str, Any] = {}
    for kind in draw.some(list(_FIELDS), 4, 1):
        names, values = _FIELDS[kind]
        for name in draw.some(names, 2, 1) if draw.chance(0.15) else [draw.one(names[:2])]:
            made[name] = field(draw, values)
    if draw.chance(0.6):
        made["email"] = draw.one(EMAILS[:6])
    address = {draw.one(names): field(draw, values) for names, values in _chosen(draw)}
    if address and draw.chance(0.3):
        made |= address
    elif address:
        made["address"] = draw.weighted((8, address), (1, [address]), (1, [{}, 5]))
    if draw.chance(0.2):
        made |= draw.fields(_OF_META, 5, 1)
    if draw.chance(0.06):
        prefixed = {f"sha256_{name}": hashed("erika") for name in ("first_name", "last_name", "street")}
        made["address"] = {**prefixed, "country": "DE"}
    return made


def _chosen(draw: Draw) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [_ADDRESS[kind] for kind in draw.some(list(_ADDRESS), 6)] if draw.chance(0.6) else []


def flat(draw: Draw) -> dict[str, Any]:
    """The person at the top of an event."""
    return {name: field(draw, _FLAT[name]) for name in draw.some(list(_FLAT), 3, 1)}
