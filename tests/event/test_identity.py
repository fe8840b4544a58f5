"""Who an event is about: how each identifier is read and hashed by Meta's rules, and which of several counts."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.event.identity import Identity
from tagserver.event.identity_rules import phone_rule
from tagserver.event.normalise import (
    Unusable,
    birth_date_text,
    name_case_text,
    name_text,
    trimmed_text,
)
from tagserver.event.placeholder import EMPTY_HASH

from .hashes import HASH, address, sha256


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


def test_hashes_of_bare_digits() -> None:
    """As Meta's SDKs make them: those are no numbers with a plus sign, and both may stand beside a number."""
    person = Identity({"user_data": {"sha256_phone_digits": [HASH.upper(), "1234"]}})
    assert person.phone() == ((HASH,), ("is said to be a SHA-256, and is none",))
    hashes, faults = person.phone_plus()
    assert hashes == ()
    assert "without the plus sign" in faults[0]
    both = Identity({"user_data": {"phone_number": "+49 30 901820", "sha256_phone_digits": HASH}})
    assert both.phone() == ((sha256("4930901820"), HASH), ())
    assert both.phone_plus()[0] == (sha256("+4930901820"),)
    assert ("phone", HASH) in both.identifiers()
    made: dict[str, Any] = {}
    assert person.fill(made, [("ph", phone_rule(None), None)]) == [("ph", "is said to be a SHA-256, and is none")]
    assert made == {"ph": [HASH]}


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
