"""Dead letters are counted by the vendor's code, for a rate: only up, and under few names whatever a vendor says."""

from __future__ import annotations

import pytest

from tagserver.queue.dead_letters import MOST_CODES, OTHER, DeadLetterCounts


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("100", "100"),
        ("100/2804007", "100/2804007"),
        ("INVALID.ARGUMENT:user-id", "INVALID.ARGUMENT:user-id"),
        ("", ""),
        ("erika@example.com", OTHER),
        ("Invalid parameter", OTHER),
        ('"}', OTHER),
        ("é", OTHER),
        ("x" * 41, OTHER),
        ("100\n", OTHER),
    ],
)
def test_a_code_is_a_code(code: str, label: str) -> None:
    burials = DeadLetterCounts()
    burials.add("meta", "rejected", code)
    burials.committed(True)
    assert burials.shown == {("meta", "rejected", label): 1}


def test_a_vendor_cannot_make_many() -> None:
    """Of each destination for itself; those that were there before go on."""
    burials = DeadLetterCounts()
    for number in (*range(5 * MOST_CODES), 0):
        burials.add("meta", "rejected", f"e{number}")
    burials.add("tiktok", "rejected", "late")
    burials.committed(True)
    assert len(burials.shown) == MOST_CODES + 2
    assert burials.shown["meta", "rejected", OTHER] == 4 * MOST_CODES
    assert burials.shown["meta", "rejected", "e0"] == 2
    assert burials.shown["tiktok", "rejected", "late"] == 1


def test_what_was_not_committed_is_not_counted() -> None:
    burials = DeadLetterCounts()
    burials.add("meta", "rejected", "100")
    burials.committed(False)
    burials.committed(True)
    assert burials.shown == {}
