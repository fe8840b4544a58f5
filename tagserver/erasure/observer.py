"""Whoever is told what persons withdraw, and what was removed for it."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.queue.values import Erased


class ErasureObserver:
    """Does nothing by itself; who wants to know overrides what is wanted. Called on the event loop; must not raise."""

    def withdrawn(self, source: str, purposes: frozenset[str], identifiers: int) -> None:
        """An event took something back: the kind of its source (`browser` or `key`), the purposes, and of how many
        identifiers."""

    def swept(self, erased: Erased) -> None:
        """So much a walk through queue and dead letters has removed."""

    def forgotten(self, identifiers: int, destinations: Mapping[str, Mapping[str, int]], held: int, by: str) -> None:
        """Somebody asked to be forgotten, by so many identifiers: what was removed of each destination, how many events
        that waited for consent, and who ordered it."""
