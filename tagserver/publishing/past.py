"""The container that decided something some time ago, for as long as its files are kept."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.config.model import Container
from tagserver.publishing.draft import fit, read_files
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration


class PastContainers:
    """Of one server. `now`: what serves. The last one that was asked for is remembered."""

    def __init__(self, publishing: Publishing, now: Callable[[], Configuration]) -> None:
        self._publishing = publishing
        self._now = now
        self._last: tuple[str, Container] | None = None

    def of(self, version: str | None) -> Container | None:
        """The container of this version, compiled under today's `server.yaml` and by today's plugins; None where its
        files are not kept, or suit these no more. Reads files and compiles, in the thread that asks."""
        now, last = self._now(), self._last
        if version == now.container.version:
            return now.container
        if last is not None and last[0] == version:
            return last[1]
        known = next((one for one in self._publishing.store.versions() if one.version == version), None)
        texts = None if known is None else self._publishing.store.texts(known.number)
        if texts is None or version is None:
            return None
        try:
            made = fit(self._publishing.folder, texts, read_files(self._publishing.folder.folder).server, None)
        except (OSError, ValueError):
            return None
        if made.container is not None:
            self._last = version, made.container
        return made.container
