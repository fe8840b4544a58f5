"""What the configuration folder holds now: marketing's draft, operations' `server.yaml`, and whether the cases pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tagserver.config.compile import Loaded
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.config.version import SERVER_FILE
from tagserver.config.yaml.folder import read_test_files, read_texts, unread_files
from tagserver.config.yaml.problems import FAILED_CASE, Place, Problem, Problems
from tagserver.explain.cases import read_cases, run
from tagserver.publishing.store import Texts, without_server

_GONE = Problem(
    "error",
    "E104",
    Place(SERVER_FILE, 1, 1),
    "",
    "server.yaml is gone or empty",
    "bring it back; where the defaults are meant, write {} into it",
)
"""A checkout that is under way and a save on a full disk look like this: they are no word of operations, and without
`reload: manual` the draft would be published."""


@dataclass(frozen=True, slots=True)
class Files:
    """The folder's files. `draft` are marketing's; `server` is `server.yaml`, empty where there is none."""

    draft: Texts
    server: bytes


@dataclass(frozen=True, slots=True)
class Fit:
    """Marketing's files, compiled under a `server.yaml`. `server_text` is the one that was taken: today's, or one that
    was sound before; `wrong` is then what is wrong with today's. Container and server are None when none fits."""

    container: Container | None
    server: ServerConfig | None
    problems: tuple[Problem, ...]
    server_text: bytes
    wrong: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The folder's files, and what came of compiling them. `refused`: why they would not be published; empty where
    they would. `differs`: they mean something else than what serves."""

    files: Files
    fit: Fit
    refused: tuple[Problem, ...]
    differs: bool

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is to be said of the files, in their order."""
        found = dict.fromkeys((*self.refused, *self.fit.wrong, *self.fit.problems))
        return tuple(sorted(found, key=lambda one: (one.place, one.code, one.message)))


def read_files(folder: Path) -> Files:
    """What the folder holds now. Raises OSError when it cannot be listed."""
    texts = read_texts(folder)
    return Files(without_server(texts), texts.get(SERVER_FILE, b""))


def fit(
    folder: ConfigurationFolder, texts: Texts, today: bytes, before: bytes | None, *, as_before: bool = False
) -> Fit:
    """Compile files under today's `server.yaml`; under the one `before` where today's has errors, or is gone.

    `as_before`: also where today's is sound and does not suit these files, which serve already; and a plugin that is
    gone pauses its destinations. Raises OSError and
    ValueError for an env file that cannot be read.
    """
    if before is not None and before.strip() and not today.strip():
        wrong: tuple[Problem, ...] = (_GONE,)
    else:
        loaded = _compiled(folder, texts, today, served=as_before)
        wrong = loaded.problems
        if loaded.container is not None:
            return Fit(loaded.container, loaded.server, wrong, today)
    blamed = any(one.severity == "error" and one.place.file == SERVER_FILE for one in wrong)
    if before is not None and before != today and (blamed or as_before):
        earlier = _compiled(folder, texts, before, served=as_before)
        if earlier.container is not None:
            return Fit(earlier.container, earlier.server, earlier.problems, before, wrong)
    return Fit(None, None, (), today, wrong)


def emptied(files: Files, serving: Texts) -> tuple[Problem, ...]:
    """Files without a single byte that had some in what serves: a save on a full disk, or half of one. By itself no
    server publishes that everything in them is over; a person may."""
    hint = "save it again; where nothing is to stand in it, remove it, or publish that with `tagserver reload`"
    return tuple(
        Problem("error", "E104", Place(name, 1, 1), "", "the file is empty, and was not when it was published", hint)
        for name, text in sorted(files.draft.items())
        if not text and serving.get(name)
    )


def _compiled(folder: ConfigurationFolder, texts: Mapping[str, bytes], server: bytes, *, served: bool) -> Loaded:
    files = {**texts, **({SERVER_FILE: server} if server else {})}
    return folder.compile_texts(files, unread_files(folder.folder), served=served)


def failed_cases(folder: Path, container: Container, server: ServerConfig) -> tuple[Problem, ...]:
    """What the folder's own tests say against a container."""
    problems = Problems()
    cases = read_cases(read_test_files(folder), container, problems)
    report = run(cases, container, server)
    found = [
        Problem("error", FAILED_CASE, case.place, case.name, f"{case.name}: {'; '.join(wrong)}")
        for case, wrong in report.failures
    ]
    return (*(problems.sorted() if problems.fatal else ()), *found)
