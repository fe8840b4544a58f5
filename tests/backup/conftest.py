"""Time for the tests of backups."""

from __future__ import annotations

import pytest

from tests.fake_time import FakeTime


@pytest.fixture
def clock() -> FakeTime:
    """Time, moved by hand."""
    return FakeTime()
