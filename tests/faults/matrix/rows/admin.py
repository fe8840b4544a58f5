"""Attacks on the pages and addresses under `/-/`."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Admin")
