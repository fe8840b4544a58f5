"""What a record keeps of a vendor's answer."""

from __future__ import annotations

import pytest

from tagserver.delivery.attempts import Attempt, Ended
from tagserver.queue.values import Row
from tagserver.records.making import attempted

ROW = Row(1, "e-1", "Purchase", "Meta", "meta", frozenset(), (), None, 0, 0, None, "i", b"{}")


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("100/2804007", "100/2804007"),
        ("190/463", "190/463"),
        ("429", "429"),
        ("2804007123", "[number]"),
        ("+49 170 2804007", "[phone]"),
        ("of erika@example.com", "[email]"),
    ],
)
def test_a_vendors_code_is_kept_and_what_tells_of_somebody_is_not(code: str, kept: str) -> None:
    """The code and its subcode together have as many digits as a telephone number."""
    made = attempted("meta", Attempt(5, 20, [ROW], (Ended("rejected", code, "refused"),)))
    assert kept in made.outcomes[0].reason
    assert kept == code or code not in made.outcomes[0].reason
