"""The TC string: nothing that is cut off, flipped or contradictory is ever read as consent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.decoders.bits import Bits, Invalid
from tagserver.consent.decoders.tcf import (
    TCString,
    VendorIds,
    Vendors,
    read_tcf,
    read_vendor_ids,
    tcf_signals,
    why_not_valid,
)
from tagserver.event.consent_fields import AD_PURPOSES

from .test_strings import CASES
from .writers import (
    DAY,
    LETTERS,
    NOBODY,
    as_field,
    as_ranges,
    bits_of,
    head,
    letters,
    number,
    restrictions,
    tc_string,
)

NOW = 20_710 * DAY
"""2026-09-14; the strings of these tests are ten days older."""
OTHERS = [case["text"] for case in CASES if case["kind"] == "tcf"]
PURPOSES = range(152, 176)
"""Where the bits of the purposes stand."""

vendor_numbers = st.integers(1, 65535)
pairs = st.lists(st.tuples(vendor_numbers, vendor_numbers).map(lambda two: (min(two), max(two))), max_size=30)
vendors = st.sets(st.integers(1, 400), max_size=40).map(as_field) | pairs.map(as_ranges)
purposes = st.sets(st.integers(1, 24))


@st.composite
def strings(draw: Any, consented: st.SearchStrategy[set[int]] = purposes) -> str:
    """Any TC string that may be used now."""
    fixed = head(
        purposes=draw(consented),
        interests=draw(purposes),
        special=draw(st.sets(st.integers(1, 12))),
        purpose_one=draw(st.booleans()),
        policy=draw(st.integers(4, 63)),
    )
    entry = st.tuples(st.integers(1, 63), st.integers(0, 3), pairs)
    own = number(0, 48) + number(2, 6) + "1010"
    return tc_string(
        fixed,
        consents=draw(vendors),
        interests=draw(vendors),
        restricted=draw(st.lists(entry, max_size=3)),
        disclosed=draw(vendors),
        publisher=draw(st.none() | st.just(own)),
    )


def usable(text: str, now: int = NOW) -> TCString | None:
    """The string, if it may be used."""
    read = read_tcf(text)
    return None if isinstance(read, Invalid) or why_not_valid(read, now) is not None else read


def granted(text: str) -> set[str]:
    """What a string grants."""
    read = usable(text)
    return set() if read is None else {name for name, signal in tcf_signals(read).items() if signal.state == "granted"}


def readable(text: str) -> TCString:
    """The string, which can be read."""
    read = read_tcf(text)
    assert isinstance(read, TCString)
    return read


def vendors_of(text: str) -> Vendors:
    """Its vendors, which can be read."""
    read = readable(text).vendors
    assert isinstance(read, Vendors)
    return read


@given(consented=purposes, interests=purposes, special=st.sets(st.integers(1, 12)))
def test_purposes_are_read_as_written(consented: set[int], interests: set[int], special: set[int]) -> None:
    """Each set by itself."""
    read = readable(tc_string(head(purposes=consented, interests=interests, special=special)))
    assert (read.purposes_consent, read.purposes_li, read.special_feature_optins) == (consented, interests, special)


@given(text=strings() | st.sampled_from(OTHERS), cut=st.integers(0, 5000))
def test_a_prefix_is_invalid_or_says_the_same(text: str, cut: int) -> None:
    """Wherever a string is cut: it is not used, or nothing but zeros at its end, or a whole segment, is missing."""
    cut %= len(text)
    part = text[:cut]
    whole, read = readable(text), read_tcf(part)
    if isinstance(read, Invalid):
        return
    assert read.purposes_consent == whole.purposes_consent
    if why_not_valid(read, NOW) is None:
        lost = text[cut:].partition(".")[0]
        assert bits_of(lost).strip("0") == ""
        assert isinstance(read.vendors, Vendors)
        assert read.vendors.consents == vendors_of(text).consents
        assert read.vendors.disclosed == vendors_of(text).disclosed


@pytest.mark.parametrize("text", OTHERS)
def test_every_prefix_of_a_string_of_others(text: str) -> None:
    """One by one, from nothing to all but the last letter."""
    whole = readable(text)
    for cut in range(len(text)):
        read = read_tcf(text[:cut])
        assert isinstance(read, Invalid) or read.purposes_consent == whole.purposes_consent
        assert cut > 213 // 6 or isinstance(read, Invalid)


@given(text=strings(), purpose=st.integers(1, 24))
def test_a_flipped_purpose_changes_exactly_that_purpose(text: str, purpose: int) -> None:
    """And nothing else in the string."""
    core, *others = text.split(".")
    bits = bits_of(core)
    at = PURPOSES[purpose - 1]
    flipped = letters(bits[:at] + str(1 - int(bits[at])) + bits[at + 1 :])
    before, after = readable(text), readable(".".join([flipped, *others]))
    assert after.purposes_consent == before.purposes_consent ^ {purpose}
    shown = [{**vars(one), "purposes_consent": None, "segments": None} for one in (before, after)]
    assert shown[0] == shown[1]
    assert after.vendors == before.vendors


@given(text=strings(consented=st.just(set())), at=st.integers(0, 20_000))
def test_no_flip_beside_the_purposes_makes_a_grant(text: str, at: int) -> None:
    """Of a string that allows nothing."""
    segments = text.split(".")
    places = [(n, k) for n, segment in enumerate(segments) for k in range(6 * len(segment)) if n or k not in PURPOSES]
    n, k = places[at % len(places)]
    bits = bits_of(segments[n])
    segments[n] = letters(bits[:k] + str(1 - int(bits[k])) + bits[k + 1 :])
    assert granted(".".join(segments)) == set()


@given(text=strings(consented=st.just(set())), cut=st.integers(0, 5000), tail=st.text(LETTERS + ".", max_size=40))
def test_no_prefix_and_no_other_end_makes_a_grant(text: str, cut: int, tail: str) -> None:
    """Of a string that allows nothing; the first 30 letters hold its purposes."""
    assert granted(text[: cut % len(text)]) == set()
    assert granted(text[: max(30, cut % len(text))] + tail) == set()


@given(text=st.text(max_size=200) | st.text(LETTERS + ".", max_size=35))
def test_random_text_grants_nothing(text: str) -> None:
    """A text of less than a core's letters, or of any letters at all."""
    assert granted(text) == set()


@given(pairs=pairs, extra=vendor_numbers)
def test_ranges_hold_what_stands_in_them(pairs: list[tuple[int, int]], extra: int) -> None:
    """By comparison with the pairs, whatever their order and overlap."""
    read = vendors_of(tc_string(consents=as_ranges(pairs))).consents
    for vendor in {extra, *(end + off for pair in pairs for end in pair for off in (-1, 0, 1))}:
        assert (vendor in read) == any(first <= vendor <= last for first, last in pairs)


@given(chosen=st.sets(st.integers(1, 300)), asked=st.integers(-5, 400))
def test_a_bit_field_holds_what_is_set(chosen: set[int], asked: int) -> None:
    """And nothing beyond its end."""
    assert (asked in vendors_of(tc_string(disclosed=as_field(chosen))).disclosed) == (asked in chosen)


def test_4095_full_ranges_stay_4095_pairs() -> None:
    """The most that one set can name. A string that long is refused by its length."""
    full = as_ranges([(1, 65535)] * 4095)
    assert read_vendor_ids(Bits(letters(full), "the set")) == VendorIds(65535, ranges=((1, 65535),) * 4095)
    too_long = read_tcf(tc_string(consents=full))
    assert isinstance(too_long, Invalid)
    assert "16384" in too_long.reason


FULL = as_field([1, 3])
BROKEN = {
    "a range that starts at 0": tc_string(consents=as_ranges([(0, 9)])),
    "vendor 0": tc_string(consents=as_ranges([(0, 0)], 9)),
    "a range that ends before it starts": tc_string(consents=as_ranges([(9, 8)], 20)),
    "a range beyond MaxVendorId": tc_string(disclosed=as_ranges([(9, 21)], 20)),
    "fewer ranges than announced": tc_string(disclosed=number(9, 16) + "1" + number(2, 12) + "0" + number(4, 16)),
    "fewer bits than announced": tc_string(disclosed=number(900, 16) + "0" + "1" * 30),
    "a restriction of purpose 0": tc_string(restricted=[(0, 0, [(1, 2)])]),
    "a restriction of vendor 0": tc_string(restricted=[(1, 0, [(0, 2)])]),
    "something behind the last field": tc_string(disclosed=FULL + "0000001"),
    "something behind the core": tc_string(restricted=()).replace(".", "AAB.", 1),
    "an empty segment": tc_string() + ".",
    "a segment that is not letters": tc_string() + ".Y=",
    "the segment of disclosed vendors twice": tc_string() + ".IAAA",
    "a publisher's segment that is cut off": tc_string() + ".YAAA",
    "no vendors": letters(head()),
    "no restrictions": letters(head() + FULL + FULL),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_string_is_not_used(text: str) -> None:
    """Its purposes may be readable; its vendors are not, and so the string is not valid."""
    read = readable(text)
    assert isinstance(read.vendors, Invalid)
    assert why_not_valid(read, NOW) == read.vendors.reason


@pytest.mark.parametrize("tail", ["", "A", "AA", "AAAAAAAA"])
def test_zeros_at_the_end_say_nothing(tail: str) -> None:
    """Writers fill up to six bits, to eight, to twenty-four."""
    assert usable(tc_string(head(purposes=[1]), disclosed=FULL) + tail) is not None


def test_segments_that_are_not_known_are_skipped() -> None:
    """AllowedVendors (2) means nothing any more; others are not known yet."""
    assert usable(tc_string() + ".QAAA" + ".7") is not None


def test_segments_come_in_any_order() -> None:
    """The core first, the others as they like."""
    core, disclosed, own = tc_string(disclosed=FULL, publisher=number(0, 54)).split(".")
    assert vendors_of(f"{core}.{own}.{disclosed}") == vendors_of(f"{core}.{disclosed}.{own}")


def test_the_vendors_are_read_when_somebody_asks() -> None:
    """Not before, and once."""
    read = readable(BROKEN["no vendors"])
    assert read.publisher_cc == "DE"
    assert isinstance(read.vendors, Invalid)
    sound = readable(tc_string())
    assert sound.vendors is sound.vendors


@pytest.mark.parametrize(("version", "named"), [(1, "2020"), (3, "GPP"), (4, "4"), (0, "0")])
def test_other_versions_are_not_read(version: int, named: str) -> None:
    """Where their fields stand is not known."""
    read = read_tcf(tc_string(head(version=version)))
    assert isinstance(read, Invalid)
    assert named in read.reason


@pytest.mark.parametrize("country", ["de", "[A", "A_"])
def test_a_country_is_two_letters(country: str) -> None:
    """The values 26 to 63 are no letters."""
    assert isinstance(read_tcf(tc_string(head(country=country))), Invalid)


SINCE_DISCLOSED = 1_772_236_800_000
"""2026-02-28."""
VALIDITY = [
    ("today", tc_string(head(updated=NOW)), NOW, None),
    ("for everybody instead of for this site", tc_string(head(service_specific=False)), NOW, "is_service_specific"),
    ("policy 3", tc_string(head(policy=3)), NOW, "tcf_policy_version"),
    ("policy 4", tc_string(head(policy=4)), NOW, None),
    ("a policy to come", tc_string(head(policy=63)), NOW, None),
    ("396 days old", tc_string(head(updated=NOW - 396 * DAY)), NOW, None),
    ("a moment older", tc_string(head(updated=NOW - 396 * DAY - 100)), NOW, "396 days"),
    ("2 days ahead", tc_string(head(updated=NOW + 2 * DAY)), NOW, None),
    ("a moment more", tc_string(head(updated=NOW + 2 * DAY + 100)), NOW, "2 days"),
    ("no disclosed vendors, before", tc_string(head(updated=SINCE_DISCLOSED - 100), disclosed=None), NOW, None),
    ("no disclosed vendors, since", tc_string(head(updated=SINCE_DISCLOSED), disclosed=None), NOW, "DisclosedVendors"),
    ("no disclosed vendors, but the publisher's", tc_string(disclosed=None) + ".YAAAAAAAAAA", NOW, "DisclosedVendors"),
]


@pytest.mark.parametrize(("text", "now", "because"), [row[1:] for row in VALIDITY], ids=[row[0] for row in VALIDITY])
def test_validity(text: str, now: int, because: str | None) -> None:
    """Whether a string that can be read may be used, and why not."""
    why = why_not_valid(readable(text), now)
    assert why is None if because is None else why is not None and because in why


MEANING = [
    ([], "ddd"),
    ([1], "gdd"),
    ([1, 7], "ggd"),
    ([7], "ddd"),
    ([3, 4], "ddg"),
    ([3], "ddd"),
    ([4], "ddd"),
    ([1, 2, 3, 4, 5, 6, 8, 9, 10, 11], "gdg"),
    ([1, 3, 4, 7], "ggg"),
]


@pytest.mark.parametrize(("consented", "expected"), MEANING, ids=str)
def test_what_purposes_mean(consented: list[int], expected: str) -> None:
    """ad_storage, ad_user_data, ad_personalization: granted or denied, never unset; legitimate interest is none."""
    signals = tcf_signals(readable(tc_string(head(purposes=consented, interests=range(1, 25)))))
    assert list(signals) == list(AD_PURPOSES)
    assert "".join(signals[name].state[0] for name in AD_PURPOSES) == expected
    assert {signal.kind for signal in signals.values()} == {"explicit"}


def test_analytics_is_derived_where_the_site_wants_it() -> None:
    """From purposes 1 and 8; not otherwise."""
    for consented, state in (([1, 8], "granted"), ([1], "denied"), ([8], "denied")):
        read = readable(tc_string(head(purposes=consented)))
        assert "analytics_storage" not in tcf_signals(read)
        assert tcf_signals(read, analytics=True)["analytics_storage"].state == state


def test_purpose_one_that_was_not_asked() -> None:
    """Is denied, unless the site says that the publisher's country does not ask for it."""
    read = readable(tc_string(head(purposes=[7], purpose_one=True, country="DE")))
    states = {name: signal.state for name, signal in tcf_signals(read).items()}
    assert states == dict.fromkeys(AD_PURPOSES, "denied")
    exempt = tcf_signals(read, exempt=frozenset({"DE"}))
    assert (exempt["ad_storage"].state, exempt["ad_user_data"].state) == ("granted", "granted")
    assert exempt["ad_user_data"].raw == "P1 exempt, P7 yes"
    assert tcf_signals(read, exempt=frozenset({"FR"}))["ad_storage"].state == "denied"
    asked = readable(tc_string(head(purposes=[7], purpose_one=False, country="DE")))
    assert tcf_signals(asked, exempt=frozenset({"DE"}))["ad_storage"].state == "denied"


def test_the_writers_core_is_as_long_as_the_specification_says() -> None:
    """213 bits before the vendors; the least whole core has 259."""
    assert len(head()) == 213
    assert len(head() + NOBODY + NOBODY + restrictions(())) == 259
