"""Faults of vendors: refusing, silent, slow, wrong."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Vendor")
