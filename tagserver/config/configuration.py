"""A folder of YAML files under an environment, read and compiled as often as wanted."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tagserver.config.compile import Loaded, compile_container
from tagserver.config.references import ADMIN_TOKEN, GivenToken
from tagserver.config.yaml.folder import read_test_files, read_texts, unread_files
from tagserver.plugin.registry import Registry
from tagserver.system.files import read_secret_file
from tagserver.system.time import Time


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; `#` begins a comment line, `export ` and quotes around a value are taken off. It holds
    secrets, and is read as they are (`read_secret_file`). Raises OSError, ValueError."""
    environ: dict[str, str] = {}
    try:
        content = read_secret_file(str(path))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text") from error
    for number, line in enumerate(content.splitlines(), 1):
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
    `data` is the data folder, whose files are nobody's secrets; None where there is none (`check`, `try`).
    """

    folder: Path
    registry: Registry
    environ: Mapping[str, str]
    env_file: Path | None = None
    data: Path | None = None
    time: Time = field(default_factory=Time, compare=False)

    def environment(self) -> dict[str, str]:
        """All variables. Raises OSError or ValueError for an unreadable env file."""
        return {**self.environ, **self._from_file()}

    def admin_token(self) -> GivenToken:
        """What the variables say of the admin token. Raises as `environment`."""
        of_file = self._from_file()
        text = {**self.environ, **of_file}.get(ADMIN_TOKEN)
        return GivenToken.of(text, from_file=ADMIN_TOKEN in of_file)

    def _from_file(self) -> dict[str, str]:
        return read_env_file(self.env_file) if self.env_file else {}

    def compile(self) -> Loaded:
        """Today's files: a container, or None with all their problems."""
        return self.compile_texts(read_texts(self.folder), unread_files(self.folder))

    def compile_texts(
        self, texts: Mapping[str, bytes], unread: Collection[str] = (), *, served: bool = False
    ) -> Loaded:
        """Other files under this environment: an earlier version, another revision. `served`: they serve, or did when
        the server ended, so that a plugin that was removed since pauses its destinations and no others."""
        return compile_container(
            texts,
            registry=replace(self.registry, served=True) if served else self.registry,
            environ=self.environment(),
            read_file=partial(read_secret_file, private=self.data),
            today=datetime.fromtimestamp(self.time.now() / 1000, UTC).date(),
            unread=unread,
            tests=self._tests,
        )

    def _tests(self) -> Mapping[str, bytes]:
        """The files of today's cases; none where the folder is gone."""
        try:
            return read_test_files(self.folder)
        except OSError:
            return {}


def process_environ() -> dict[str, str]:
    """The environment of this process."""
    return dict(os.environ)
