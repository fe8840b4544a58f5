"""Google's `gcs` and `gcd`: which purpose, granted or denied, preset or chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.google import Gcd, Gcs, read_gcd, read_gcs

from .writers import LETTERS


@pytest.mark.parametrize(
    ("text", "ads", "analytics"),
    [
        ("G100", "denied", "denied"),
        ("G101", "denied", "granted"),
        ("G110", "granted", "denied"),
        ("G111", "granted", "granted"),
        ("G1--", None, None),
        ("G10-", "denied", None),
        ("G1-1", None, "granted"),
    ],
)
def test_gcs(text: str, ads: str | None, analytics: str | None) -> None:
    """The third character is ad_storage, the fourth analytics_storage; always explicit, and nothing of the others."""
    read = read_gcs(text)
    assert isinstance(read, Gcs)
    said = {name: (signal.state, signal.kind) for name, signal in read.signals().items()}
    expected = {"ad_storage": ads, "analytics_storage": analytics}
    assert said == {name: (state, "explicit") for name, state in expected.items() if state}


ANSWERS = [
    ("l", None, None),
    ("m", "denied", "explicit"),
    ("n", "granted", "explicit"),
    ("p", "denied", "default"),
    ("q", "denied", "explicit"),
    ("r", "granted", "explicit"),
    ("t", "granted", "default"),
    ("u", "denied", "explicit"),
    ("v", "granted", "explicit"),
    *((letter, None, None) for letter in "abcdefghijkoswxyz"),
]
GCD_PURPOSES = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")


@pytest.mark.parametrize(("letter", "state", "kind"), ANSWERS)
@pytest.mark.parametrize("place", range(4))
def test_gcd(letter: str, state: str | None, kind: str | None, place: int) -> None:
    """One letter at each of the four places, the others silent. Letters that are not known say nothing."""
    letters = ["l"] * 4
    letters[place] = letter
    read = read_gcd("1" + "".join(f"3{one}" for one in letters) + "5")
    assert isinstance(read, Gcd)
    said = {name: (signal.state, signal.kind) for name, signal in read.signals().items()}
    assert said == ({} if state is None else {GCD_PURPOSES[place]: (state, kind)})


@pytest.mark.parametrize("letter", "lmnpqrtuv")
def test_the_letters_are_two_answers_in_two_bits_each(letter: str) -> None:
    """01 nothing, 10 denied, 11 granted, in the low four bits of the letter's place in the alphabet."""
    words = {1: None, 2: "denied", 3: "granted"}
    read = read_gcd(f"13{letter}3l3l3l5")
    assert isinstance(read, Gcd)
    value = LETTERS.index(letter)
    assert read.letters["ad_storage"].default == words[value >> 2 & 3]
    assert read.letters["ad_storage"].update == words[value & 3]


@pytest.mark.parametrize("text", ["13r3r3r2r5", "13r3r3r2r5l1", "11r1r1r1r5", "13r3r3r2r"])
def test_what_follows_the_letters_is_not_read(text: str) -> None:
    """It differs between versions of Google's tags."""
    read = read_gcd(text)
    assert isinstance(read, Gcd)
    assert {signal.state for signal in read.signals().values()} == {"granted"}


@given(letters=st.lists(st.sampled_from("lmpqu"), min_size=4, max_size=4), cut=st.integers(0, 12))
def test_no_prefix_of_a_refusal_grants(letters: list[str], cut: int) -> None:
    """Cut off within its letters it is nothing."""
    text = "1" + "".join(f"3{one}" for one in letters) + "5l1"
    read = read_gcd(text[:cut])
    if cut < 9:
        assert isinstance(read, Invalid)
    else:
        assert isinstance(read, Gcd)
        assert not [signal for signal in read.signals().values() if signal.state == "granted"]


@given(st.text(max_size=40) | st.from_regex(r"G1[01-]{0,3}", fullmatch=True))
def test_only_a_digit_one_grants(text: str) -> None:
    """In `gcs`, whatever the text."""
    read = read_gcs(text)
    if isinstance(read, Gcs):
        granted = {name for name, signal in read.signals().items() if signal.state == "granted"}
        assert granted == {name for name, digit in zip(GCD_PURPOSES, text[2:], strict=False) if digit == "1"}
