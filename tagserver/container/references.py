"""`${env:NAME}` and `${file:/path}`: values that stand outside the configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tagserver.container.problems import Place, Problems, did_you_mean

_REFERENCE = re.compile(r"\$\{(env|file):([^}]*)\}")
_WHOLE = re.compile(r"\$\{(env|file):([^}]*)\}\Z")


@dataclass(frozen=True, slots=True)
class Outside:
    """The world outside the files: environment variables, secret files, and the variables that anybody may read.
    `read_file` gives a file's text within a limited time, or raises OSError or ValueError."""

    environ: Mapping[str, str]
    read_file: Callable[[str], str]
    listed: frozenset[str] = frozenset()

    def secret(self, text: str, place: Place, path: str, problems: Problems) -> tuple[str, str | None] | None:
        """The value of a secret field and why it is missing, if it is (then the value is empty). None after an
        error."""
        found = _WHOLE.match(text)
        if not found:
            problems.add(
                "E201", place, path, f"literal secret in {path}", "put it in the environment and write ${env:NAME}"
            )
            return None
        value, why = self._look_up(found[1], found[2])
        if why is not None:
            sleeper = "its key does not work" if path.startswith("collect.") else "its destination is paused"
            problems.add("P210", place, path, f"{path}: {why}", f"{sleeper} until it is there")
        return value or "", why

    def text(
        self, text: str, place: Place, path: str, problems: Problems, *, free: bool, braces: str = "{{"
    ) -> tuple[str, str | None] | None:
        """A text with its references filled in, and why one of them is missing, if so. None after an error.

        `free`: any variable may be read (`server.yaml`); otherwise only the listed ones, and no files. `braces`: what
        is written for two braces in what is filled in.
        """
        missing: str | None = None
        made = []
        at = 0
        for found in _REFERENCE.finditer(text):
            made.append(text[at : found.start()])
            at = found.end()
            source, name = found[1], found[2]
            if not free and (source == "file" or name not in self.listed):
                hint = did_you_mean(name, self.listed) or f"list {name} under environment: in server.yaml"
                if source == "file":
                    hint = "files are read in secret fields and in server.yaml"
                problems.add("E202", place, path, f"${{{source}:{name}}} may not be read here", hint)
                return None
            value, why = self._look_up(source, name)
            missing = missing or why
            made.append((value or "").replace("{{", braces))
        made.append(text[at:])
        return "".join(made), missing

    def _look_up(self, source: str, name: str) -> tuple[str | None, str | None]:
        if source == "env":
            value = self.environ.get(name)
            return (value, None) if value else (None, f"the environment variable {name} is not set")
        try:
            value = self.read_file(name).strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            return None, f"the file {name} cannot be read ({reason})"
        return (value, None) if value else (None, f"the file {name} is empty")


def has_reference(text: str) -> bool:
    """Whether a text holds `${env:…}` or `${file:…}`."""
    return _REFERENCE.search(text) is not None
