"""Faults of the disk: full, slow, unwritable, damaged."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Disk")
