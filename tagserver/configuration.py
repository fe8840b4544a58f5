"""From a folder of YAML to something that can serve: today's files when they are sound, else the last ones that
were."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tagserver.container import last_good
from tagserver.container.compile import Loaded, compile_container
from tagserver.container.model import Container
from tagserver.container.problems import Problem
from tagserver.container.server import ServerConfig
from tagserver.container.source import read_texts
from tagserver.registry import Registry


class NoConfiguration(Exception):
    """No sound configuration, today's or earlier. `problems` are today's."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems, and no earlier configuration to serve")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is served. `degraded`: today's files have errors, and an earlier version is served in their place;
    `problems` are then today's."""

    container: Container
    server: ServerConfig
    problems: tuple[Problem, ...]
    degraded: bool


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; `#` begins a comment line, `export ` and quotes around a value are taken off. Raises
    OSError, ValueError."""
    environ: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
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

    def environment(self) -> dict[str, str]:
        """All variables. Raises OSError or ValueError for an unreadable env file."""
        return {**self.environ, **(read_env_file(self.env_file) if self.env_file else {})}

    def compile(self) -> Loaded:
        """Today's files: a container, or None with all their problems."""
        return self._compile(read_texts(self.folder))

    def _compile(self, texts: Mapping[str, bytes]) -> Loaded:
        return compile_container(
            texts, registry=self.registry, environ=self.environment(), read_file=lambda name: Path(name).read_text()
        )

    def load(self, *, strict: bool = False) -> Configuration:
        """What to serve. Raises NoConfiguration when nothing is sound, or, if `strict`, when today's files are not."""
        texts = read_texts(self.folder)
        today = self._compile(texts)
        if today.container is not None and today.server is not None:
            if self.data is not None:
                last_good.keep(texts, self.data)
            return Configuration(today.container, today.server, today.problems, degraded=False)
        kept = last_good.load(self.data) if self.data is not None and not strict else None
        if kept is not None:
            earlier = self._compile(kept)
            if earlier.container is not None and earlier.server is not None:
                return Configuration(earlier.container, earlier.server, today.problems, degraded=True)
        raise NoConfiguration(today.problems)


def process_environ() -> dict[str, str]:
    """The environment of this process."""
    return dict(os.environ)
