"""From a folder of YAML to something that can serve: today's files when they are sound, else the last ones that
were."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tagserver.container import last_good, versions
from tagserver.container.compile import Loaded, compile_container, version_of
from tagserver.container.model import Container
from tagserver.container.problems import FAILED_CASE, Problem, Problems
from tagserver.container.server import ServerConfig
from tagserver.container.source import read_texts
from tagserver.preview import casebook
from tagserver.registry import Registry
from tagserver.secret_file import read_secret_file

log = logging.getLogger("tagserver")


class NoConfiguration(Exception):
    """No sound configuration, today's or earlier. `problems` are today's."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems, and no earlier configuration to serve")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is served. `degraded`: today's files have errors, and an earlier version is served in their place;
    `problems` are then today's. `rolled_back_to`: the number of the version that somebody went back to."""

    container: Container
    server: ServerConfig
    problems: tuple[Problem, ...]
    degraded: bool
    rolled_back_to: int | None = None


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; `#` begins a comment line, `export ` and quotes around a value are taken off. It holds
    secrets, and is read as they are (`read_secret_file`). Raises OSError, ValueError."""
    environ: dict[str, str] = {}
    for number, line in enumerate(read_secret_file(str(path)).splitlines(), 1):
        text = line.strip().removeprefix("export ").lstrip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ValueError(f"{path}:{number}: write NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        environ[name.strip()] = value
    return environ


@dataclass(frozen=True, slots=True)
class ConfigurationFolder:
    """Where the configuration is read from, as often as wanted.

    `environ` is the process's; an `env_file` is read again each time and wins, so that a new token needs no restart.
    `data` keeps the last good version; None keeps nothing (`check`, `try`).
    """

    folder: Path
    registry: Registry
    environ: Mapping[str, str]
    env_file: Path | None = None
    data: Path | None = None
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def environment(self) -> dict[str, str]:
        """All variables. Raises OSError or ValueError for an unreadable env file."""
        return {**self.environ, **(read_env_file(self.env_file) if self.env_file else {})}

    def compile(self) -> Loaded:
        """Today's files: a container, or None with all their problems."""
        return self.compile_texts(read_texts(self.folder))

    def compile_texts(self, texts: Mapping[str, bytes]) -> Loaded:
        """Other files under this environment: an earlier version, another revision."""
        return compile_container(
            texts,
            registry=self.registry,
            environ=self.environment(),
            read_file=partial(read_secret_file, private=self.data),
            today=datetime.fromtimestamp(self.clock() / 1000, UTC).date(),
        )

    def load(self, *, strict: bool = False) -> Configuration:
        """What to serve. Raises NoConfiguration when nothing is sound, or, if `strict`, when today's files are not."""
        texts = read_texts(self.folder)
        if self.data is not None and (back := self._rolled_back(version_of(texts))) is not None:
            return back
        today = self.compile_texts(texts)
        if today.container is not None and today.server is not None:
            if (failed := self._failed_cases(today.container, today.server)) is not None:
                return self._earlier(failed, strict=strict)
            if self.data is not None:
                self._keep(texts, today.container.version, self.data)
            return Configuration(today.container, today.server, today.problems, degraded=False)
        return self._earlier(today.problems, strict=strict)

    def _keep(self, texts: Mapping[str, bytes], version: str, data: Path) -> None:
        """For a later start, and for the way back. A folder that is full or gone keeps nobody from a sound edit, least
        of all the one that mends something."""
        try:
            last_good.keep(texts, data)
            versions.keep(texts, version, self.clock(), data)
        except OSError as error:
            log.error("container %s serves, and could not be kept in %s: %s", version, data, error.strerror)

    def _earlier(self, problems: tuple[Problem, ...], *, strict: bool) -> Configuration:
        kept = last_good.load(self.data) if self.data is not None and not strict else None
        if kept is not None:
            earlier = self.compile_texts(kept)
            if earlier.container is not None and earlier.server is not None:
                return Configuration(earlier.container, earlier.server, problems, degraded=True)
        raise NoConfiguration(problems)

    def _rolled_back(self, present: str) -> Configuration | None:
        """The version that somebody went back to, while the files are those it stands in for."""
        assert self.data is not None
        found = versions.pinned(present, self.data)
        texts = versions.texts_of(found.number, self.data) if found is not None else None
        if found is None or texts is None:
            return None
        back = self.compile_texts(texts)
        if back.container is None or back.server is None:
            return None
        return Configuration(back.container, back.server, back.problems, degraded=False, rolled_back_to=found.number)

    def _failed_cases(self, container: Container, server: ServerConfig) -> tuple[Problem, ...] | None:
        """What the folder's own tests say against it, where `reload: require_tests` asks for them."""
        if server.reload != "require_tests":
            return None
        problems = Problems()
        cases = casebook.read_cases(casebook.read_test_files(self.folder), container, problems)
        report = casebook.run(cases, container, server)
        found = [
            Problem("error", FAILED_CASE, case.place, case.name, f"{case.name}: {'; '.join(wrong)}")
            for case, wrong in report.failures
        ]
        return (*problems.sorted(), *found) or None

    def roll_back(self, number: int) -> Configuration | None:
        """Go back to a version that was served, until the files change; None when it is not kept or not sound."""
        if self.data is None or versions.texts_of(number, self.data) is None:
            return None
        versions.pin(number, version_of(read_texts(self.folder)), self.data)
        return self._rolled_back(version_of(read_texts(self.folder)))


def process_environ() -> dict[str, str]:
    """The environment of this process."""
    return dict(os.environ)
