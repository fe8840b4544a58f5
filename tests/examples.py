"""The budget of a property test that takes more or fewer examples than the usual hundred."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100


def examples(number: int) -> int:
    """So many where the profile has the usual hundred, and fewer by as much as it has fewer."""
    assert settings.default is not None
    return max(1, number * settings.default.max_examples // USUAL)
