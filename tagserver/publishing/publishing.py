"""Which version serves. The files are a draft; what was published serves, over restarts; a rollback lasts until an act.

Each function reads the folder, compiles aside, and gives what serves from now on, or raises and has changed nothing.
Of marketing's files the draft, of operations' the `server.yaml` of today is taken; where that has errors, the one that
was sound before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.version import SERVER_FILE, version_of
from tagserver.config.yaml.problems import Problem
from tagserver.explain.plan import changes
from tagserver.publishing.draft import Draft, Files, Fit, emptied, failed_cases, fit, read_files
from tagserver.publishing.serving import Configuration, NoConfiguration, Refused, Serving
from tagserver.publishing.store import SERVING, Back, State, Store, Texts, Version
from tagserver.system.files import os_fault, os_reason
from tagserver.system.time import Time

log = logging.getLogger("tagserver")

START, AUTO = "start", "auto"
"""Who published, where nobody did."""
MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Publishing:
    """Of one configuration folder and one data folder. Calls must not overlap."""

    folder: ConfigurationFolder
    store: Store
    time: Time

    # ── the start

    def start(self, *, strict: bool = False) -> Configuration:
        """What serves from the start on. Writes nothing: the data folder may be another process's. `strict`: today's
        files must be sound. Raises NoConfiguration, OSError, ValueError."""
        files, state = read_files(self.folder.folder), self.store.state()
        kept = self.store.server_file()
        if strict and (today := self._only(files, kept).wrong):
            raise NoConfiguration(today)
        if self.store.damaged:
            log.error("%s cannot be read: the newest version serves", self.store.data / SERVING)
        wrong: tuple[Problem, ...] = ()
        for number in self._candidates(state):
            texts = self.store.texts(number)
            if texts is None or state is None:
                continue
            instead_of = state.number if number != state.number else None
            serving = Serving(number, texts, files.server if kept is None else kept, state.back, instead_of)
            found = self._followed(files, serving, START)
            if found is not None:
                is_new = found.serving.entry is not None
                return found if is_new else replace(found, wrong=found.wrong or wrong)
            wrong = wrong or self._fit(files, serving).wrong
        # Whatever `reload` says: there is nothing else.
        made = self._only(files, kept)
        if state is not None:
            log.error("version %s cannot serve any more, nor any other that is kept: the files do", state.number)
        return self._published(made, files, None, START, "")

    def _candidates(self, state: State | None) -> Iterator[int]:
        """The version that should serve; should it be sound no more, those published before it, then those after."""
        if state is not None:
            known = [one.number for one in self.store.versions()]
            yield state.number
            yield from (one for one in known if one < state.number)
            yield from (one for one in reversed(known) if one > state.number)

    def _only(self, files: Files, kept_server: bytes | None) -> Fit:
        """The files, which must be sound."""
        made = fit(self.folder, files.draft, files.server, kept_server)
        if wrong := made.wrong if made.container is None else self._failed(made):
            raise NoConfiguration(wrong)
        return made

    def settle(self, now: Configuration) -> Configuration:
        """The data folder is ours: write what the start has decided."""
        with self._unharmed("what serves could not be noted"):
            self.store.take_over(self.time.now())
            if now.serving.kept:
                self.store.stand_in(now.serving.number if now.serving.stands_in_for is not None else None)
        return self._kept(now)

    # ── while it runs

    def look(self, now: Configuration) -> Configuration:
        """The files have changed. Operations' are taken where they are sound; marketing's are published where `reload`
        says so and they mean something else. Raises OSError, ValueError."""
        files, serving = read_files(self.folder.folder), now.serving
        if now.server.reload == MANUAL and files.server == serving.server and not now.degraded:
            return replace(now, differs=not _same(files.draft, serving.texts))
        found = self._followed(files, self._due(files, serving), AUTO, refused=bool(now.refused))
        return self._kept(found) if found is not None else self._goes_on(now, files)

    def renew(self, now: Configuration) -> Configuration:
        """Operations' part: `server.yaml`, the environment, secrets. Publishes nothing. Raises OSError, ValueError."""
        files = read_files(self.folder.folder)
        serving = self._due(files, now.serving)
        made = self._fit(files, serving)
        if made.container is None:
            return self._goes_on(now, files)
        return self._kept(replace(self._configuration(made, files, serving), refused=now.refused))

    def publish(self, now: Configuration, by: str, note: str) -> Configuration:
        """The files serve from now on. Files that mean what serves already are no new version. Raises Refused, OSError,
        ValueError."""
        files, serving = read_files(self.folder.folder), now.serving
        made = fit(self.folder, files.draft, files.server, serving.server)
        if wrong := made.wrong if made.container is None else self._failed(made):
            raise Refused("the files have errors", wrong)
        if serving.back is None and serving.stands_in_for is None and _same(files.draft, serving.texts):
            return self._kept(self._configuration(made, files, serving))
        return self._kept(self._published(made, files, serving, by, note))

    def roll_back(self, now: Configuration, number: int, by: str, note: str) -> Configuration:
        """An earlier version of marketing's files serves from now on. Raises Refused, OSError, ValueError."""
        files, state, serving = read_files(self.folder.folder), self.store.state(), now.serving
        newest = max(state.newest if state is not None else 0, serving.number)
        texts = serving.texts if number == serving.number else self.store.texts(number)
        if texts is None or number > newest:
            raise Refused(f"version {number} is not kept; `tagserver versions` shows those that are")
        made = fit(self.folder, texts, files.server, serving.server)
        if made.container is None or made.server is None:
            wrong = _of_version(number, made.wrong)
            raise Refused(f"version {number} does not suit today's server.yaml, environment and plugins", wrong)
        # The newest one, with the files as they were published: that is no rollback.
        usual = number == newest and (made.server.reload == MANUAL or _same(files.draft, texts))
        back = None if usual else Back(instead_of=dict(files.draft), at=self.time.now(), by=by, note=note)
        entry = serving.entry if number == serving.number and not serving.kept else None
        return self._kept(
            self._configuration(made, files, Serving(number, texts, made.server_text, back, entry=entry, kept=False))
        )

    def draft(self, now: Configuration) -> Draft:
        """What the folder holds, as `publish` would find it; changes nothing. Raises OSError, ValueError."""
        files, serving = read_files(self.folder.folder), now.serving
        made = fit(self.folder, files.draft, files.server, serving.server)
        wrong = made.wrong if made.container is None else self._failed(made)
        return Draft(files, made, wrong, not _same(files.draft, serving.texts))

    # ── parts

    def _due(self, files: Files, serving: Serving) -> Serving:
        """The version that should serve, once it can again."""
        number = serving.stands_in_for
        texts = self.store.texts(number) if number is not None else None
        if number is None or texts is None:
            return serving
        due = Serving(number, texts, serving.server, serving.back, kept=False)
        return serving if self._fit(files, due).container is None else due

    def _followed(self, files: Files, serving: Serving, by: str, *, refused: bool = False) -> Configuration | None:
        """What serves by these files: the draft, where it is to be published by itself and is sound; else the version
        that served. None when that cannot any more. `refused`: the draft had problems, which may be mended."""
        old = self._fit(files, serving)
        wrong: tuple[Problem, ...] = ()
        differs = not _same(files.draft, serving.back.instead_of if serving.back else serving.texts)
        if differs and (old.server is None or old.server.reload != MANUAL or old.wrong or refused):
            new = fit(self.folder, files.draft, files.server, serving.server)
            wrong = new.wrong if new.container is None else emptied(files, serving.texts) or self._failed(new)
            if _mode(files, old, new) != MANUAL:
                if not wrong:
                    return self._published(new, files, serving, by, "")
            elif not refused:
                wrong = ()
        return None if old.container is None else replace(self._configuration(old, files, serving), refused=wrong)

    def _fit(self, files: Files, serving: Serving) -> Fit:
        """The version that serves; of files that mean the same, today's, so that problems are shown where they are."""
        if _same(files.draft, serving.texts):
            return fit(self.folder, files.draft, files.server, serving.server, as_before=True)
        made = fit(self.folder, serving.texts, files.server, serving.server, as_before=True)
        return replace(made, wrong=_of_version(serving.number, made.wrong))

    def _failed(self, made: Fit) -> tuple[Problem, ...]:
        if made.container is None or made.server is None or made.server.reload != "require_tests":
            return ()
        return failed_cases(self.folder.folder, made.container, made.server)

    def _goes_on(self, now: Configuration, files: Files) -> Configuration:
        """What serves cannot be compiled any more; the running one does not need to be."""
        wrong = self._fit(files, now.serving).wrong
        return replace(now, wrong=wrong, unread=False, differs=not _same(files.draft, now.serving.texts))

    def _configuration(self, made: Fit, files: Files, serving: Serving) -> Configuration:
        assert made.container is not None
        assert made.server is not None
        return Configuration(
            made.container,
            made.server,
            replace(serving, server=made.server_text),
            wrong=made.wrong,
            differs=not _same(files.draft, serving.texts),
            admin_token=self.folder.admin_token(),
        )

    def _published(self, made: Fit, files: Files, serving: Serving | None, by: str, note: str) -> Configuration:
        """The draft as a new version, which is not kept yet."""
        assert made.container is not None
        state = self.store.state()
        newest = max(state.newest if state else 0, serving.number if serving else 0)
        before = (self.store.texts(newest) if newest else None) or (serving.texts if serving else None)
        changed = () if before is None else changes(before, files.draft, self.folder.registry)
        entry = Version(
            number=newest + 1,
            version=made.container.version,
            published=self.time.now(),
            by=by,
            note=note,
            changed=tuple(dict.fromkeys(one.name for one in changed)),
        )
        ended = serving.due if serving is not None and serving.back is not None else None
        return self._configuration(
            made,
            files,
            Serving(entry.number, files.draft, made.server_text, entry=entry, ended=ended, kept=False),
        )

    def _kept(self, now: Configuration) -> Configuration:
        """Written for a later start and for the way back, if it is not yet."""
        serving = now.serving
        if not now.wrong:
            with self._unharmed("server.yaml could not be kept"):
                self.store.keep_server_file(serving.server)
        if serving.kept:
            return now
        try:
            return self._written(now)
        except OSError as error:
            log.error(
                "version %s serves, and could not be kept: %s; a restart would serve what served before",
                *(serving.number, os_fault(error)),
            )
            return replace(now, serving=replace(serving, unkept=os_reason(error)))

    def keep_again(self, now: Configuration) -> Configuration:
        """The same, later. What still cannot be written was said before."""
        if now.serving.kept:
            return now
        try:
            if not now.wrong:
                self.store.keep_server_file(now.serving.server)
            kept = self._written(now)
        except OSError:
            return now
        log.info("version %s is kept now", now.serving.number)
        return kept

    def _written(self, now: Configuration) -> Configuration:
        serving = now.serving
        if serving.entry is not None:
            self.store.publish(serving.entry, serving.texts)
        if serving.entry is None or serving.back is not None:
            self.store.go_back(serving.number, serving.back)
        return replace(now, serving=replace(serving, kept=True, unkept=None))

    @contextmanager
    def _unharmed(self, what: str) -> Iterator[None]:
        """A folder that is full or gone keeps nobody from a sound edit, least of all the one that mends something."""
        try:
            yield
        except OSError as error:
            log.error("%s: %s", what, os_fault(error))


def _same(ones: Texts, others: Texts) -> bool:
    """Whether files mean the same."""
    return ones == others or version_of(ones) == version_of(others)


def _of_version(number: int, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Problems of the files of a version: they are not to be found in today's."""
    return tuple(
        one if one.place.file == SERVER_FILE else replace(one, message=f"in version {number}: {one.message}")
        for one in problems
    )


def _mode(files: Files, *fits: Fit) -> str | None:
    """What `reload` says in today's `server.yaml`, where that is sound; else in the last one that was."""
    known = [(one.server_text != files.server, one.server.reload) for one in fits if one.server is not None]
    return min(known)[1] if known else None
