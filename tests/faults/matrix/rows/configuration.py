"""Faults of the configuration: broken, half-written, changed under load."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Configuration")
