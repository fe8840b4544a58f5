"""The published versions in the data folder, and which of them serves.

`versions/NUMBER.json` holds marketing's files as they were published. `serving.json` says which number serves, and is
written last: a kill between the two leaves a file that nothing points to, which the next publication replaces.
`last-good.json` is the last sound `server.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from tagserver.config.version import SERVER_FILE, version_of
from tagserver.system.files import write_whole

FOLDER = "versions"
SERVING = "serving.json"
LAST_GOOD = "last-good.json"
OLD_PIN = "pinned.json"
KEEP = 20
DIGITS = 15
"""Of a number at most: more is no number of ours."""
LONGEST_NOTE = 2_000
"""Characters of a note."""
Number = Annotated[int, msgspec.Meta(ge=1, lt=10**DIGITS)]
Texts = Mapping[str, bytes]
"""Marketing's files: path in the folder → content."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A published version. `number` grows from 1, `version` is what the files mean, `published` in ms since 1970 UTC,
    `by` the login name of who published it, or `start` or `auto` where nobody did. `changed`: the names of tags,
    triggers, variables, destinations … that differ from the version published before it."""

    number: int
    version: str
    published: int
    by: str = ""
    note: str = ""
    changed: tuple[str, ...] = ()


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody went back to a version. `instead_of` are the files at that time: while they mean the same, the rollback
    holds."""

    instead_of: dict[str, bytes]
    at: int = 0
    by: str = ""
    note: str = ""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What `serving.json` says. `newest` is the number that was published last, `before` the one that served before,
    `stand_in` the one that serves because `number` cannot."""

    number: Number
    newest: Number
    before: Number | None = None
    stand_in: Number | None = None
    back: Back | None = None

    def __post_init__(self) -> None:
        if self.newest < max(self.number, self.stand_in or 1):
            raise ValueError("it serves what was never published")

    @property
    def serves(self) -> int:
        """The number of the version that serves."""
        return self.number if self.stand_in is None else self.stand_in


class _File(msgspec.Struct):
    """One of `versions/`. Those of 0.1 have `since`, a hash that is of no use any more, and `server.yaml` among the
    files."""

    version: str
    files: dict[str, bytes]
    published: int | None = None
    since: int = 0
    by: str = ""
    note: str = ""
    changed: tuple[str, ...] = ()

    @property
    def draft(self) -> dict[str, bytes]:
        """Marketing's files."""
        return without_server(self.files)


class _OldPin(msgspec.Struct):
    number: int
    instead_of: str


def listed(versions: Iterable[Version], serves: int | None, due: int | None, back: Back | None) -> dict[str, Any]:
    """The object of `versions --json`: the newest first, with a mark at the one that serves. `due`: the one that
    should, to which somebody went `back`."""
    return {
        "versions": [
            {**msgspec.to_builtins(one), "serves": one.number == serves, "changed": list(one.changed)}
            for one in versions
        ],
        "rolled_back": None if back is None else {"number": due, "at": back.at, "by": back.by, "note": back.note},
    }


def without_server(texts: Texts) -> dict[str, bytes]:
    """Marketing's files alone."""
    return {name: text for name, text in texts.items() if name != SERVER_FILE}


@dataclass(frozen=True, slots=True)
class Store:
    """Reads and writes them. What cannot be read counts as missing; writing raises OSError."""

    data: Path

    @property
    def damaged(self) -> bool:
        """Whether nobody can tell any more which version serves: the newest one does."""
        return (self.data / SERVING).exists() and _read(self.data / SERVING, State) is None

    def state(self) -> State | None:
        """Which version serves, or None when none was ever published."""
        known: State | None = _read(self.data / SERVING, State)
        if known is not None:
            return known
        numbers = self._numbers()
        if not numbers:
            return State(number=1, newest=1) if self._old_last_good() else None
        newest = max(numbers)
        pin = _read(self.data / OLD_PIN, _OldPin)
        if pin is None or pin.number not in numbers:
            return State(number=newest, newest=newest)
        hashes = {file.version: file for number in numbers if (file := self._file(number)) is not None}
        stood = hashes.get(pin.instead_of) or self._file(newest)
        back = Back(instead_of=stood.draft if stood is not None else {})
        return State(number=pin.number, newest=newest, back=back)

    def texts(self, number: int) -> Texts | None:
        """Marketing's files of a version, or None when it is not kept or cannot be read."""
        file = self._file(number)
        return None if file is None else file.draft

    def versions(self) -> list[Version]:
        """All that are kept, the newest first; one that cannot be read is left out."""
        state = self.state()
        found = []
        for number in sorted(self._numbers(), reverse=True):
            file = self._file(number)
            if file is None or state is None or number > state.newest:
                continue
            old = file.published is None
            found.append(
                Version(
                    number=number,
                    version=version_of(file.draft) if old else file.version,
                    published=file.since if file.published is None else file.published,
                    by=file.by,
                    note=file.note,
                    changed=file.changed,
                )
            )
        return found

    def listed(self) -> dict[str, Any]:
        """The object of `versions --json`, by what the data folder says."""
        state = self.state()
        if state is None:
            return listed(self.versions(), None, None, None)
        return listed(self.versions(), state.serves, state.number, state.back)

    def publish(self, version: Version, texts: Texts) -> None:
        """Keep a version, and let it serve from the next start on."""
        before = self.state()
        folder = self.data / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = {name: value for name, value in msgspec.to_builtins(version).items() if name != "number"}
        content = msgspec.json.encode({**facts, "files": dict(sorted(texts.items()))})
        write_whole(self._path(version.number), content)
        state = State(number=version.number, newest=version.number, before=before.serves if before else None)
        self._serve(state)
        needed = {state.number, state.before}
        for number in sorted(self._numbers(), reverse=True)[KEEP:]:
            if number not in needed:
                self._path(number).unlink(missing_ok=True)

    def go_back(self, number: int, back: Back | None) -> None:
        """Let a version that is kept serve from the next start on."""
        known = self.state()
        if known is not None:
            before = known.serves if known.serves != number else known.before
            self._serve(State(number=number, newest=known.newest, before=before, back=back))

    def stand_in(self, number: int | None) -> None:
        """Another version serves while the one that should cannot; None: it can again."""
        known = self.state()
        if known is not None and known.stand_in != number:
            self._serve(msgspec.structs.replace(known, stand_in=number))

    def _serve(self, state: State) -> None:
        write_whole(self.data / SERVING, msgspec.json.encode(state))

    def server_file(self) -> bytes | None:
        """The last sound `server.yaml`."""
        kept = _read(self.data / LAST_GOOD, dict[str, bytes])
        return None if kept is None else kept.get(SERVER_FILE, b"")

    def keep_server_file(self, content: bytes) -> None:
        """Keep it, for a start with one that has errors."""
        if self.server_file() != content or self._old_last_good():
            write_whole(self.data / LAST_GOOD, msgspec.json.encode({SERVER_FILE: content}))

    def take_over(self, now: int) -> None:
        """Write what only a data folder of 0.1 says in the form of today. Its versions are read as they are."""
        state = self.state()
        if state is None or (self.data / SERVING).exists():
            return
        if not self._numbers():
            texts = self._old_last_good()
            self.publish(Version(number=1, version=version_of(texts), published=now), texts)
        else:
            self._serve(state)
        (self.data / OLD_PIN).unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        names = [path.stem for path in (self.data / FOLDER).glob("*.json")]
        return [int(name) for name in names if name.isascii() and name.isdecimal() and len(name) <= DIGITS]

    def _path(self, number: int) -> Path:
        return self.data / FOLDER / f"{number:06}.json"

    def _file(self, number: int) -> _File | None:
        found: _File | None = _read(self._path(number), _File)
        if found is None and number == 1 and not self._numbers() and (texts := self._old_last_good()):
            return _File(version_of(texts), texts, published=0)
        return found

    def _old_last_good(self) -> dict[str, bytes]:
        """Marketing's files where 0.1 kept them: beside the last sound `server.yaml`."""
        return without_server(_read(self.data / LAST_GOOD, dict[str, bytes]) or {})


def _read(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
