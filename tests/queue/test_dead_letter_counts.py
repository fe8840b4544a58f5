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
    counts = DeadLetterCounts()
    counts.add("meta", "rejected", code)
    counts.committed(True)
    assert counts.shown == {("meta", "rejected", label): 1}


def test_a_vendor_cannot_make_many() -> None:
    """Of each destination for itself; those that were there before go on."""
    counts = DeadLetterCounts()
    for number in (*range(5 * MOST_CODES), 0):
        counts.add("meta", "rejected", f"e{number}")
    counts.add("tiktok", "rejected", "late")
    counts.committed(True)
    assert len(counts.shown) == MOST_CODES + 2
    assert counts.shown["meta", "rejected", OTHER] == 4 * MOST_CODES
    assert counts.shown["meta", "rejected", "e0"] == 2
    assert counts.shown["tiktok", "rejected", "late"] == 1


def test_what_was_not_committed_is_not_counted() -> None:
    counts = DeadLetterCounts()
    counts.add("meta", "rejected", "100")
    counts.committed(False)
    counts.committed(True)
    assert counts.shown == {}
