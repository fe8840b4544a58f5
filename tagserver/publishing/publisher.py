"""Publishing in a running server: one act after another, off the event loop, and what is answered, logged and put on
record of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tagserver.config.server import sentence, waiting
from tagserver.config.yaml.problems import Problem
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration, Refused
from tagserver.publishing.store import listed
from tagserver.system.files import os_fault

log = logging.getLogger("tagserver")

_SAME = {
    "published": "the files mean the same as version {}, which serves",
    "rollback": "version {} served already",
}
Take = Callable[[Configuration, bool], str]
Note = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ActResult:
    """What came of an act. `version` and `number` are those of what serves now; `ended` is the number of a rollback
    that is over by this act."""

    ok: bool
    version: str
    number: int
    problems: tuple[Problem, ...] = ()
    detail: str = ""
    ended: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        shown = {name: getattr(self, name) for name in ("ok", "version", "number", "detail", "ended")}
        return {**shown, "problems": [problem.as_dict() for problem in self.problems]}


class Publisher:
    """Holds what serves. `take` is told of each configuration that events go by from then on, and whether somebody
    asked to renew secrets; it gives what to tell them of the admin token. `note` puts on record who has published or
    rolled back what."""

    def __init__(self, publishing: Publishing, started: Configuration, take: Take, note: Note) -> None:
        self._publishing = publishing
        self._take = take
        self._note = note
        self._acting = asyncio.Lock()
        self._started = started.server
        self.now = started
        if started.serving.entry is not None:
            self._say(started, "published", started.serving.entry.by)

    @property
    def awaits_a_start(self) -> str:
        """Which settings have changed since the start and count from the next one on, in a sentence; empty: none."""
        return sentence(waiting(self._started, self.now.server))

    def listed(self) -> dict[str, Any]:
        """The object of `/-/versions.json`, by what serves here: the data folder may be full or damaged."""
        serving, kept = self.now.serving, self._publishing.store.versions()
        unkept = [serving.entry] if serving.entry is not None and not serving.kept else []
        return listed([*unkept, *kept], serving.number, serving.due, serving.back)

    async def reload(self, by: str = "admin", note: str = "") -> ActResult:
        """Publish the files."""
        return await self._act(partial(self._publishing.publish, by=by, note=note), "published", by)

    async def roll_back(self, number: int, by: str = "admin", note: str = "") -> ActResult:
        """Let an earlier version serve until somebody publishes."""
        return await self._act(partial(self._publishing.roll_back, number=number, by=by, note=note), "rollback", by)

    async def renew(self) -> ActResult:
        """Operations' part: `server.yaml`, the environment, secrets."""
        return await self._act(self._publishing.renew, "renewed", "")

    async def changed(self) -> None:
        """The files have changed."""
        await self._act(self._publishing.look, "published", "auto")

    async def keep_again(self) -> None:
        """What serves could not be kept, for want of room perhaps: try it again."""
        if self.now.serving.unkept is None:
            return
        async with self._acting:
            self.now = await asyncio.to_thread(self._publishing.keep_again, self.now)

    async def _act(self, act: Callable[[Configuration], Configuration], kind: str, by: str) -> ActResult:
        async with self._acting:
            before = self.now
            try:
                found = await asyncio.to_thread(act, before)
            except Refused as refused:
                if refused.problems and kind == "published":
                    self.now = replace(before, refused=refused.problems)
                _complain(refused.problems)
                return self._answer(False, str(refused), refused.problems)
            except (OSError, ValueError) as error:
                why = f"the configuration cannot be read: {_said(error)}"
                self.now = replace(before, unread=True)
                log.error("%s; the running one goes on", why)
                return self._answer(False, why)
            self.now, token = found, ""
            renewed = found.container is not before.container
            if renewed:
                token = self._take(found, kind == "renewed")
                _name_pauses(found.container.problems, before.container.problems)
            if found.degraded and found.problems != before.problems:
                _complain(found.problems)
            elif found.remark and not before.remark:
                log.info("%s", found.remark)
            if (said := self.awaits_a_start) and found.server != before.server:
                log.warning("%s", said)
            new, old = found.serving, before.serving
            if kind != "renewed" and not found.wrong and (before.wrong or new.server != old.server):
                log.info("server.yaml is taken as it is now")
            if (new.number, new.back) != (old.number, old.back):
                self._say(found, kind, by)
                ended = old.due if old.back is not None and old.due != new.due else None
                return self._answer(True, self._detail(token), found.problems, ended)
            if kind == "renewed":
                if not found.wrong:
                    log.info("server.yaml and secrets are renewed; version %s serves on", new.number)
                done = token if renewed else "secrets and the admin token stay as they were"
                return self._answer(not found.wrong, self._detail(done), found.problems)
            return self._answer(True, self._detail(_SAME[kind].format(new.number), token), found.problems)

    def _say(self, now: Configuration, kind: str, by: str) -> None:
        serving, version = now.serving, now.container.version
        if kind != "rollback" and serving.entry is None:
            kind, by = "published", "auto"
            log.info("version %s (container %s) can serve again, and does", serving.number, version)
        elif kind == "rollback":
            log.warning("rolled back to version %s (container %s) by %s", serving.number, version, by)
        else:
            log.info("version %s (container %s) published by %s", serving.number, version, by)
            if serving.ended is not None:
                log.warning("this ends the rollback to version %s", serving.ended)
        self._note(kind, number=serving.number, version=version, by=by)

    def _answer(
        self, ok: bool, detail: str = "", problems: tuple[Problem, ...] = (), ended: int | None = None
    ) -> ActResult:
        return ActResult(ok, self.now.container.version, self.now.serving.number, problems, detail, ended)

    def _detail(self, *sentences: str) -> str:
        """What a person who has asked should know."""
        why = self.now.serving.unkept
        said = [
            f"it could not be kept ({why}): a restart would serve what served before" if why else "",
            *sentences,
            "today's server.yaml is not taken: the one before goes on" if self.now.wrong else "",
            self.awaits_a_start,
        ]
        return "; ".join(filter(None, said))


def _said(error: OSError | ValueError) -> str:
    """Path and reason."""
    return os_fault(error) if isinstance(error, OSError) else str(error)


def _name_pauses(problems: Iterable[Problem], before: Iterable[Problem]) -> None:
    """What stands still from now on. (What stood still before was named then; a destination that is paused is a change
    of state, which is said as such.)"""
    known = {(one.path, one.message) for one in before}
    for one in problems:
        if one.severity == "pause" and not one.destination and (one.path, one.message) not in known:
            log.error("%s:%s: %s", one.place.file, one.place.line, one.message)


def _complain(problems: tuple[Problem, ...]) -> None:
    for one in problems:
        log.error("%s:%s: %s", one.place.file, one.place.line, one.message)
