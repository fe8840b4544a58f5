"""The draft beside what serves, and one published version beside the one before, as values for people to look at.

All of it reads files and compiles, which takes a moment with a large configuration: it is done in a thread, once for
all who ask at the same time.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tagserver.config.covered import Covered
from tagserver.config.yaml.folder import read_test_files
from tagserver.config.yaml.problems import Problems
from tagserver.explain.cases import read_cases
from tagserver.explain.plan import Change, Effect, changes, effects
from tagserver.plugin.registry import Registry
from tagserver.publishing.draft import Draft
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration
from tagserver.publishing.store import Texts, Version
from tagserver.system.files import os_fault

PATIENCE = 20.0
"""Seconds after which who has asked is told that it takes too long."""
MOST_CASES = 100
"""Events of the folder's test cases that are asked about."""
LONGEST_FILE = 3000
"""Lines of a file beyond which two versions of it are not compared line by line."""


class NoComparison(Exception):
    """There is nothing to show; the text says why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The draft beside what serves. `effects`: what changes for the events of the folder's `cases`; empty where the
    draft cannot be published. `covered` shows texts of both."""

    draft: Draft
    covered: Covered
    changes: tuple[Change, ...] = ()
    effects: tuple[Effect, ...] = ()
    cases: int = 0


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a version changes in one file: lines of a unified difference, without its head. `too_long`: nobody has
    compared its lines."""

    file: str
    lines: tuple[str, ...]
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """One version: its files, and what it changes in those of the version `before` it; None where none is kept."""

    version: Version
    texts: Texts
    covered: Covered
    before: Version | None
    changes: tuple[Change, ...]
    files: tuple[FileChange, ...]


class Comparing:
    """Looks at the files of one server. `now`: what serves."""

    def __init__(self, publishing: Publishing, now: Callable[[], Configuration]) -> None:
        self._publishing = publishing
        self._now = now
        self._looking: tuple[Configuration, asyncio.Task[Comparison]] | None = None

    @property
    def registry(self) -> Registry:
        """The plugins, which know what their secret settings are."""
        return self._publishing.folder.registry

    async def draft(self) -> Comparison:
        """The draft beside what serves. Raises NoComparison."""
        now = self._now()
        known = self._looking
        if known is None or known[1].done() or known[0] is not now:
            before = known[1] if known is not None and not known[1].done() else None
            task = asyncio.create_task(self._look(now, before), name="draft beside what serves")
            known = self._looking = now, task
        done, _ = await asyncio.wait([known[1]], timeout=PATIENCE)
        if not done:
            raise NoComparison("comparing the files takes too long here: `tagserver plan` shows the same")
        return known[1].result()

    async def _look(self, now: Configuration, before: asyncio.Task[Comparison] | None) -> Comparison:
        if before is not None:  # never two at a time
            await asyncio.wait([before])
        return await asyncio.to_thread(self._compared, now)

    async def version(self, number: int) -> PublishedFiles:
        """A version that is kept. Raises NoComparison."""
        return await asyncio.to_thread(self._version, self._now(), number)

    # ── in a thread

    def _compared(self, now: Configuration) -> Comparison:
        try:
            draft = self._publishing.draft(now)
        except (OSError, ValueError) as error:
            why = os_fault(error) if isinstance(error, OSError) else str(error)
            raise NoComparison(f"the files cannot be read: {why}") from None
        registry = self._publishing.folder.registry
        covered = Covered(registry, draft.files.draft, now.serving.texts)
        if not draft.differs:
            return Comparison(draft, covered)
        found = tuple(changes(now.serving.texts, draft.files.draft, registry))
        container, server = draft.fit.container, draft.fit.server
        if container is None or server is None:
            return Comparison(draft, covered, found)
        try:
            texts = read_test_files(self._publishing.folder.folder)
        except OSError:
            texts = {}
        cases = read_cases(texts, container, Problems())[:MOST_CASES]
        effect = effects((now.container, now.server), (container, server), [case.asked for case in cases])
        return Comparison(draft, covered, found, tuple(effect), len(cases))

    def _version(self, now: Configuration, number: int) -> PublishedFiles:
        store, serving, registry = self._publishing.store, now.serving, self._publishing.folder.registry
        unkept = [serving.entry] if serving.entry is not None and not serving.kept else []
        known = [*unkept, *store.versions()]
        version = next((one for one in known if one.number == number), None)
        texts = serving.texts if number == serving.number else store.texts(number)
        if version is None or texts is None:
            raise NoComparison(f"version {number} is not kept")
        before = next((one for one in known if one.number < number), None)
        older = store.texts(before.number) if before is not None else None
        covered = Covered(registry, texts, older or {})
        if before is None or older is None:
            return PublishedFiles(version, texts, covered, None, (), ())
        changed = tuple(changes(older, texts, registry))
        return PublishedFiles(version, texts, covered, before, changed, tuple(file_changes(older, texts, covered)))


def file_changes(before: Texts, after: Texts, covered: Covered) -> Iterator[FileChange]:
    """What differs, file by file, in lines as they may be shown."""
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        old, new = (_lines(name, content, covered) for content in (one, other))
        if max(len(old), len(new)) > LONGEST_FILE:
            yield FileChange(name, (), too_long=True)
            continue
        lines = tuple(difflib.unified_diff(old, new, lineterm=""))[2:]
        yield FileChange(name, lines)


def _lines(name: str, content: bytes | None, covered: Covered) -> Sequence[str]:
    return [] if content is None else covered.lines(name, content)
