"""Whether a vendor was accepted: by its own number, shown to the visitor, and not forbidden by the publisher."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.decoders.google import AcString, read_ac
from tagserver.consent.gate import why_not_accepted
from tagserver.consent.model.policy import VendorCheck
from tagserver.consent.state import Evidence
from tagserver.event.consent_fields import AD_PURPOSES

from .test_tcf import readable
from .writers import Restrictions, as_field, as_ranges, tc_string

BOTH = as_field([755])
FORBIDDEN: Restrictions = [(7, 0, [(700, 800)])]


@pytest.mark.parametrize(
    ("text", "purposes", "because"),
    [
        (tc_string(consents=BOTH, disclosed=BOTH), AD_PURPOSES, None),
        (tc_string(consents=as_ranges([(1, 2), (700, 800)]), disclosed=as_ranges([(755, 755)])), AD_PURPOSES, None),
        (tc_string(consents=as_field([75, 55, 754, 756]), disclosed=BOTH), AD_PURPOSES, "no consent"),
        (tc_string(interests=BOTH, disclosed=BOTH), AD_PURPOSES, "no consent"),
        (tc_string(consents=BOTH, disclosed=as_field([754, 756])), AD_PURPOSES, "not disclosed"),
        (tc_string(consents=BOTH, disclosed=None), AD_PURPOSES, "not disclosed"),
        (tc_string(consents=BOTH, disclosed=BOTH, restricted=FORBIDDEN), ["ad_user_data"], "purpose 7"),
        (tc_string(consents=BOTH, disclosed=BOTH, restricted=FORBIDDEN), ["ad_storage"], None),
        (tc_string(consents=BOTH, disclosed=BOTH, restricted=[(1, 0, [(755, 755)])]), ["ad_storage"], "purpose 1"),
        (tc_string(consents=BOTH, disclosed=BOTH, restricted=[(4, 0, [(755, 755)])]), AD_PURPOSES, "purpose 4"),
        (
            tc_string(consents=BOTH, disclosed=BOTH, restricted=[(8, 0, [(755, 755)])]),
            ["analytics_storage"],
            "purpose 8",
        ),
        (tc_string(consents=BOTH, disclosed=BOTH, restricted=[(8, 0, [(755, 755)])]), AD_PURPOSES, None),
        (tc_string(consents=BOTH, disclosed=BOTH, restricted=[(7, 0, [(1, 754), (756, 65535)])]), AD_PURPOSES, None),
        *(
            (tc_string(consents=BOTH, disclosed=BOTH, restricted=[(7, n, [(755, 755)])]), AD_PURPOSES, None)
            for n in (1, 2, 3)
        ),
    ],
)
def test_a_vendor_of_the_iabs_list(text: str, purposes: Sequence[str], because: str | None) -> None:
    """Consent, disclosure, and restrictions of type 0 on the purposes that are needed. The other types concern
    legitimate interest, which grants nothing here."""
    why = why_not_accepted(VendorCheck("gvl_id", 755), purposes, Evidence(readable(text)))
    assert why is None if because is None else why is not None and because in why


@given(consented=st.sets(st.integers(1, 60)), disclosed=st.sets(st.integers(1, 60)), vendor=st.integers(0, 70))
def test_both_bits_are_needed(consented: set[int], disclosed: set[int], vendor: int) -> None:
    """Whatever the encoding."""
    singles = [(one, one) for one in consented]
    for encoded in (as_field(consented), as_ranges(singles)):
        read = Evidence(readable(tc_string(consents=encoded, disclosed=as_field(disclosed))))
        why = why_not_accepted(VendorCheck("gvl_id", vendor), AD_PURPOSES, read)
        assert (why is None) == (vendor in consented & disclosed)


@pytest.mark.parametrize(
    ("text", "why_not", "because"),
    [
        ("1~89", None, None),
        ("2~1.89~dv.2", None, None),
        ("1~189.890.8.9", None, "no consent"),
        ("2~~dv.89", None, "no consent"),
        ("2~88~dv.89", None, "no consent"),
        ("1~", None, "no consent"),
        ("1~89", "not version 2", "not version 2"),
    ],
)
def test_a_provider_of_googles_list(text: str, why_not: str | None, because: str | None) -> None:
    """Numbers, not parts of texts; what was only shown is no consent; void without a valid TC string."""
    read = read_ac(text)
    assert isinstance(read, AcString)
    evidence = Evidence(readable(tc_string()), why_not, read)
    why = why_not_accepted(VendorCheck("ac_id", 89), AD_PURPOSES, evidence)
    assert why is None if because is None else why is not None and because in why


@given(consented=st.lists(st.integers(1, 99999), max_size=50), disclosed=st.lists(st.integers(1, 99999), max_size=50))
def test_lists_are_read_as_written(consented: list[int], disclosed: list[int]) -> None:
    """Both versions, empty lists too; and every prefix of version 2 accepts nobody that the whole does not."""
    first, second = (".".join(map(str, numbers)) for numbers in (consented, disclosed))
    assert read_ac(f"1~{first}") == AcString(1, frozenset(consented), None)
    text = f"2~{first}~dv.{second}"
    assert read_ac(text) == AcString(2, frozenset(consented), frozenset(disclosed))
    for cut in range(len(text)):
        part = read_ac(text[:cut])
        assert not isinstance(part, AcString) or part.consented == frozenset(consented)
