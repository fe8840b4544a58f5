"""Faults of the distributed engine."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter

chapter = Chapter("Distributed engine")

_ENGINE = "the distributed engine"

chapter.waits("N1", "server kill -9 and restart under load, ten times", _ENGINE)
chapter.waits("N2", "server down for ten minutes", _ENGINE)
chapter.waits("N3", "server paused: a partition", _ENGINE)
chapter.waits("N4", "power cut, syncing always and by default", _ENGINE)
chapter.waits("N5", "stream full", _ENGINE)
chapter.waits("N6", "stream or consumer deleted, configuration changed by hand, old server", _ENGINE)
chapter.waits("N7", "two tagserver processes, one killed", _ENGINE)
chapter.waits("N8", "20,000 delayed retries, then fresh events", _ENGINE)
chapter.waits("N9", "JetStream disabled by a full disk", _ENGINE)
