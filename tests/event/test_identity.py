"""Who an event is about: every row of Meta's normalisation rules, and what no input may do."""

from __future__ import annotations

import hashlib
import string
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.hashing import Found, arrived_hash
from tagserver.event.identity import Identity
from tagserver.event.normalise import (
    Unusable,
    birth_date_text,
    city_text,
    email_text,
    name_case_text,
    name_text,
    postal_text,
    state_text,
    trimmed_text,
)
from tagserver.event.phone import NO_COUNTRY, phone_digits
from tagserver.event.placeholder import EMPTY_HASH
from tagserver.event.places import country_code, region_code

HASH = "0a1b" * 16


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def address(**fields: Any) -> Identity:
    return Identity({"user_data": {"address": fields}})


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        (" Erika@Example.COM ", "erika@example.com"),
        ("a.b+c@gmail.com", "a.b+c@gmail.com"),
        ("jörg@müller.example", "jörg@müller.example"),
        ("a@b", None),
        ("a@.com", None),
        ("a@b@c.com", None),
        ("a b@c.com", None),
        ("@c.com", None),
        ("a@b.com\u200b", None),
    ],
)
def test_email(sent: str, canonical: str | None) -> None:
    """Trimmed, lower case, nothing folded; what cannot be an address is left out."""
    hashes, faults = Identity({"user_data": {"email": sent}}).email
    assert hashes == ((sha256(canonical),) if canonical else ())
    assert bool(faults) is (canonical is None)


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
    ],
)
def test_phone(sent: str, country: str | None, digits: str | None) -> None:
    """Digits with the calling code; a trunk zero goes, except where it belongs to the number."""
    if digits is None:
        with pytest.raises(Unusable):
            phone_digits(sent, country)
    else:
        assert phone_digits(sent, country)[0] == digits


@pytest.mark.parametrize("word", ["undefined", "NULL", "NaN", "[object Object]", "(not set)", "none", "{{ x }}"])
def test_what_is_written_for_a_missing_value_has_no_hash(word: str) -> None:
    """Nor has its hash, in any field that a tag may set."""
    for sent in (word, sha256(word), sha256(word.lower())):
        if sent == sha256("{{ x }}"):
            continue
        said = {"email": sent, "external_id": sent, "gender": sent, "date_of_birth": sent}
        places = dict.fromkeys(("city", "region", "postal_code", "country", "street"), sent)
        person = Identity({"user_data": {**said, "address": places}, "user_id": word})
        views = [person.email, person.external_id_hashes, person.gender, person.birth_date(), person.city]
        views += [person.region, person.postal_code, person.country_hash, person.hashed("street", str.lower)]
        for hashes, faults in views:
            assert hashes == ()
            assert faults
        assert person.identifiers() == ()


def test_null_is_a_name() -> None:
    """And so is its hash; `undefined` is none."""
    for sent in ("Null", sha256("null")):
        assert address(last_name=sent).last_name == ((sha256("null"),), ())
    assert address(last_name="Null").plain("last_name") == "Null"
    for sent in ("undefined", sha256("undefined")):
        assert address(last_name=sent).last_name[0] == ()
        assert address(last_name=sent).plain("last_name") is None


@pytest.mark.parametrize(
    ("external", "user", "ids", "faulty"),
    [
        (4711.0, None, ("4711",), False),
        (4711, None, ("4711",), False),
        (4711.5, None, ("4711.5",), False),
        ([4711.0, "4711", "b"], None, ("4711", "b"), False),
        ({"id": "kd-17"}, "u", ("u",), True),
        (True, "u", ("u",), True),
        ([{"id": 1}, "a"], "u", ("a",), True),
        ("undefined", "u", ("u",), True),
        ("", "u", ("u",), False),
        (None, "undefined", (), True),
    ],
)
def test_an_external_id_of_any_type(external: Any, user: Any, ids: tuple[str, ...], faulty: bool) -> None:
    """Numbers are text; what is no id is named, and the visitor's `user_id` beneath it counts."""
    person = Identity({"user_data": {"external_id": external}, "user_id": user})
    assert person.external_ids == ids
    assert bool(person.external_id_faults) == faulty
    hashes, faults = person.external_id_hashes
    assert (hashes, bool(faults)) == (tuple(map(sha256, ids)), faulty)


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


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("Mary", "mary"),
        (" O'Neil-Smith ", "oneilsmith"),
        ("O’Neil", "oneil"),
        ("Valéry", "valéry"),
        ("Vale\u0301ry", "valéry"),
        ("VALÉRY", "valéry"),
        ("정", "정"),
        ("Anna Maria", "annamaria"),
        ("Jr.", "jr"),
    ],
)
def test_name(sent: str, canonical: str) -> None:
    """Lower case without punctuation and blanks; letters of any script stay as UTF-8."""
    assert name_text(sent) == canonical
    assert address(first_name=sent).first_name[0] == (sha256(canonical),)
    assert address(last_name=sent).last_name[0] == (sha256(canonical),)


@pytest.mark.parametrize(
    ("sent", "joined", "typed"),
    [
        (" O'Neil-Smith ", "ONeilSmith", "O'Neil-Smith"),
        ("van der Berg", "vanderBerg", "van der Berg"),
        ("Vale\u0301RY", "ValéRY", "ValéRY"),
        ("정", "정", "정"),
        ("'-", None, "'-"),
        ("", None, None),
        ("  ", None, None),
        ("undefined", None, None),
        (HASH, HASH, HASH),
    ],
)
def test_a_name_with_its_case(sent: str, joined: str | None, typed: str | None) -> None:
    """Without blanks and punctuation, or as it was typed; a hash and a placeholder are what they are under any rule."""
    for rule, wanted in ((name_case_text, joined), (trimmed_text, typed)):
        hashes, _ = address(last_name=sent).hashed("last_name", rule)
        assert hashes == (() if wanted is None else (wanted if wanted == HASH else sha256(wanted),))


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("San Francisco", "sanfrancisco"),
        ("St. John's", "stjohns"),
        ("Zürich", "zürich"),
        ("São Paulo", "sãopaulo"),
        ("東京", "東京"),
        ("1010 Wien", "wien"),
        ("Frankfurt (Main)", "frankfurtmain"),
    ],
)
def test_city(sent: str, canonical: str) -> None:
    """Letters alone, of any script."""
    assert city_text(sent) == canonical


@pytest.mark.parametrize(
    ("sent", "country", "canonical"),
    [
        ("California", "us", "ca"),
        ("california", None, "ca"),
        ("CA", "us", "ca"),
        ("US-CA", "us", "ca"),
        ("US-CA", None, "ca"),
        ("N.Y.", "us", "ny"),
        ("Washington, D.C.", "us", "dc"),
        ("Puerto Rico", "us", "pr"),
        ("Québec", "ca", "qc"),
        ("Ontario", None, "on"),
        ("Bayern", "de", "bayern"),
        ("Baden-Württemberg", "de", "badenwürttemberg"),
        ("Washington", "gb", "washington"),
        ("Bavaria", "us", "bavaria"),
    ],
)
def test_region(sent: str, country: str | None, canonical: str) -> None:
    """US states and Canadian provinces as codes, in no other country; everything else uncut."""
    assert state_text(sent, country) == canonical


@pytest.mark.parametrize(
    ("sent", "country", "canonical"),
    [
        ("94035", "us", "94035"),
        ("94035-1234", "us", "94035"),
        ("940351234", "us", "94035"),
        ("94035-1234", None, "94035"),
        ("94035", None, "94035"),
        ("M1 1AE", "gb", "m11ae"),
        ("m1-1ae", None, "m11ae"),
        ("10115", "de", "10115"),
        ("D-10115", "de", "d10115"),
        ("100-0001", "jp", "1000001"),
        ("１００－０００１", "jp", "1000001"),
        ("123456789", None, "123456789"),
    ],
)
def test_postal_code(sent: str, country: str | None, canonical: str) -> None:
    """Without blanks and dashes; five digits for the US, or for the shape of a ZIP+4 where no country is known."""
    assert postal_text(sent, country) == canonical


def test_postal_code_as_a_number() -> None:
    """JSON numbers are text that somebody forgot to quote."""
    assert address(postal_code=10115, country="DE").postal_code[0] == (sha256("10115"),)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("United States", "us"),
        ("US", "us"),
        ("usa", "us"),
        ("U.S.A.", "us"),
        ("United States of America", "us"),
        ("uk", "gb"),
        ("England", "gb"),
        ("AUT", "at"),
        ("Deutschland", "de"),
        ("The Netherlands", "nl"),
        ("Korea, Republic of", "kr"),
        ("Türkiye", "tr"),
        ("Curacao", "cw"),
        ("zz", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_country(sent: str, code: str | None) -> None:
    """Alpha-2, alpha-3 and names; an unknown one is not guessed from its first two letters."""
    assert country_code(sent) == code


def test_states_are_of_their_country() -> None:
    """A province is none of the US, nor the other way round."""
    assert region_code("Ontario", "us") is None
    assert region_code("Texas", "ca") is None


@pytest.mark.parametrize(
    ("sent", "letter"), [("f", "f"), (" Female ", "f"), ("M", "m"), ("male", "m"), ("weiblich", "f"), ("x", None)]
)
def test_gender(sent: str, letter: str | None) -> None:
    """`f` or `m`; what is neither is left out."""
    assert Identity({"user_data": {"gender": sent}}).gender[0] == ((sha256(letter),) if letter else ())


@pytest.mark.parametrize(
    ("sent", "month_first", "day_first"),
    [
        ("2/16/1997", "19970216", "19970216"),  # Meta's own example
        ("16.2.1997", "19970216", "19970216"),
        ("3/2/1997", "19970302", "19970203"),
        ("1997-02-16", "19970216", "19970216"),
        ("1997-02-16T10:00:00Z", "19970216", "19970216"),
        ("19970216", "19970216", "19970216"),
        ("02161997", "19970216", "19970216"),
        ("16 Feb 1997", "19970216", "19970216"),
        ("February 16th, 1997", "19970216", "19970216"),
        ("2/30/1997", None, None),
        ("16.2.97", None, None),
        ("1897-01-01", None, None),
        ("0000-00-00", None, None),
        ("yesterday", None, None),
        ("tomorrow", None, None),  # eight letters are no eight digits
    ],
)
def test_birth_date(sent: str, month_first: str | None, day_first: str | None) -> None:
    """YYYYMMDD; impossible dates are left out, and an unclear order is a setting."""
    for expected, order in ((month_first, False), (day_first, True)):
        if expected is None:
            with pytest.raises(Unusable):
                birth_date_text(sent, day_first=order)
        else:
            assert birth_date_text(sent, day_first=order) == expected


@pytest.mark.parametrize("appendix", ["", ".AQYCAQEB", ".BQ"])
@pytest.mark.parametrize("field", ["email", "phone_number"])
def test_what_arrived_hashed(field: str, appendix: str) -> None:
    """In any case, with blanks around; Meta's appendix is carried."""
    person = Identity({"user_data": {field: f" {HASH.upper()}{appendix} "}})
    found = person.email if field == "email" else person.phone()
    assert found == ((HASH + appendix,), ())


@pytest.mark.parametrize("field", ["email", "gender", "date_of_birth"])
def test_md5_and_the_hash_of_nothing_are_left_out(field: str) -> None:
    """Meta wants SHA-256, and nothing is nobody."""
    for sent in ("d41d8cd98f00b204e9800998ecf8427e", EMPTY_HASH, EMPTY_HASH.upper()):
        person = Identity({"user_data": {field: sent}})
        hashes, faults = {"email": person.email, "gender": person.gender}.get(field) or person.birth_date()
        assert hashes == ()
        assert faults


def test_google_hashes() -> None:
    """Those of e-mail and names are the same as ours; that of a phone has a plus sign in it."""
    person = Identity(
        {
            "user_data": {
                "sha256_email_address": HASH.upper(),
                "sha256_phone_number": HASH,
                "address": {"sha256_first_name": HASH, "sha256_last_name": "Erika"},
            }
        }
    )
    assert person.email == ((HASH,), ())
    assert person.first_name == ((HASH,), ())
    assert person.last_name[0] == ()
    assert person.last_name[1]
    assert person.phone()[0] == ()
    assert "plus" in person.phone()[1][0]


def test_lists_keep_their_order_without_doubles() -> None:
    """Meta takes lists for every hashed key."""
    person = Identity({"user_data": {"email": ["B@x.de", "a@x.de", " b@x.de", None, ""]}})
    assert person.email == ((sha256("b@x.de"), sha256("a@x.de")), ())


@pytest.mark.parametrize("empty", [None, "", "   ", [], [None, ""], {}])
def test_empty_counts_as_missing(empty: Any) -> None:
    """No hash of an empty text; an object is the only one worth a remark."""
    hashes, faults = Identity({"user_data": {"email": empty}}).email
    assert hashes == ()
    assert bool(faults) is (empty == {})


def test_a_list_of_addresses() -> None:
    """Its first object is the customer's."""
    person = Identity({"user_data": {"address": [None, {"city": "Köln"}, {"city": "Bonn"}]}})
    assert person.city[0] == (sha256("köln"),)


def test_external_id_is_the_user_id_when_there_is_none() -> None:
    """Never the browser's client_id."""
    assert Identity({"user_id": "U-1", "client_id": "c"}).external_ids == ("U-1",)
    assert Identity({"user_id": "U-1", "user_data": {"external_id": ["E", 7]}}).external_ids == ("E", "7")
    assert Identity({"client_id": "c"}).external_ids == ()


def test_identifiers_for_erasure() -> None:
    """By kind, and the hash without its appendix: it must be found again whoever made it."""
    data = {
        "user_data": {"email": ["A@x.de", f"{HASH}.AQYCAQEB"], "phone_number": "030 1234567"},
        "user_id": "u",
        "client_id": "c",
    }
    assert Identity(data).identifiers("de") == (
        ("email", sha256("a@x.de")),
        ("email", HASH),
        ("phone", sha256("49301234567")),
        ("user_id", "u"),
        ("client_id", "c"),
    )


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
