"""How long Meta answers a version of the Graph API: for the Conversions API, two years at least from its release.
Source: Meta, Graph API changelog, and Conversions API, Using the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

RELEASED: Mapping[str, date] = {
    "v18.0": date(2023, 9, 12),
    "v19.0": date(2024, 1, 23),
    "v20.0": date(2024, 5, 21),
    "v21.0": date(2024, 10, 2),
    "v22.0": date(2025, 1, 21),
    "v23.0": date(2025, 5, 29),
    "v24.0": date(2025, 10, 8),
    "v25.0": date(2026, 2, 18),
    "v26.0": date(2026, 7, 29),
}


def version_end(version: str) -> date | None:
    """The first day on which Meta may refuse a version; None for one whose release is not known here."""
    released = RELEASED.get(version)
    return released.replace(year=released.year + 2) if released else None
