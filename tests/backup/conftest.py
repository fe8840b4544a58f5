"""Time for the tests of backups."""

from __future__ import annotations

import pytest

from tests.delivery.support import Clock


@pytest.fixture
def clock() -> Clock:
    """Time, moved by hand."""
    return Clock()
