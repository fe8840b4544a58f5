"""Faults of clients: malformed, slow, hostile requests."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Intake")
