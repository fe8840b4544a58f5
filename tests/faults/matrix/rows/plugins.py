"""Faults of plugins: they raise, hang, leak, and return nonsense."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Plugins")
