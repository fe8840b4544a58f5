"""Faults of clocks: ours and the browsers'."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Clock")
