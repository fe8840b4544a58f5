"""A backup as a file: a tar that every `tar` can list, with a manifest as its last member; and what of a data folder it
holds, by name."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from tagserver import __version__
from tagserver.backup.hold import RESTORED_FILE

FORMAT = 1
"""Rises when a program of before would misread the file."""
LARGEST_MANIFEST = 64 << 20
PIECE = 1 << 20
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd", b"BZ": "bzip2", b"\xfd7": "xz"}


class BadBackup(Exception):
    """The file cannot be restored; the text says why. Nothing was changed."""


class Member(msgspec.Struct, frozen=True):
    """A file inside: bytes, and SHA-256 in hex."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. `schema`: the format of its queue, `time`: ms since 1970 UTC, from when on nothing
    is known. `counts`: of the queue. `members` by name."""

    format: int = FORMAT
    tagserver: str = __version__
    schema: int
    queue: str
    time: int
    counts: dict[str, int]
    members: dict[str, Member]


def write_archive(file: BinaryIO, sources: Iterable[tuple[str, Path]], time: int, about: dict[str, object]) -> Manifest:
    """Write all sources and the manifest to an open file. A source that is gone when its turn comes is left out; of one
    that grows, what was there. Raises OSError, and FileNotFoundError for the queue that `about` names."""
    members: dict[str, Member] = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in sources:
            try:
                source = path.open("rb")
            except FileNotFoundError:
                if name == about["queue"]:
                    raise
                continue
            with source:
                size = _whole_lines(source) if name.endswith(".jsonl") else os.fstat(source.fileno()).st_size
                counted = _Counted(source)
                tar.addfile(_info(name, size, time), counted)
                members[name] = Member(size, counted.hash.hexdigest())
        manifest = msgspec.convert({**about, "time": time, "members": members}, Manifest)
        text = msgspec.json.format(msgspec.json.encode(manifest))
        tar.addfile(_info(MANIFEST, len(text), time), io.BytesIO(text))
    return manifest


def _info(name: str, size: int, time: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, time // 1000
    return info


class _Counted(io.RawIOBase):
    """A source whose bytes are hashed as they go by."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        found = self._source.read(size)
        self.hash.update(found)
        return found


def _whole_lines(source: BinaryIO) -> int:
    """Bytes of a file of lines that is being written, up to the end of its last whole line."""
    end = source.seek(0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - PIECE)
        source.seek(begin)
        found = source.read(end - begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    source.seek(0)
    return end


class Archive:
    """A backup that was opened to be restored: every name, kind and size is as the manifest says. The contents are
    looked at when they are taken out. Raises BadBackup."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        begin = file.read(2)
        file.seek(0)
        if begin in _PACKED:
            raise BadBackup(f"{path} is packed ({_PACKED[begin]}): unpack it first")
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 (closed with the file, which is not ours)
            self._found = {one.name: one for one in self._listed()}
        except (tarfile.TarError, EOFError, UnicodeDecodeError, ValueError, OverflowError) as error:
            raise BadBackup(f"{path} is no backup of tagserver, or not all of it: {error}") from None
        self.manifest = self._manifest()
        self._compare()

    def _listed(self) -> Iterator[tarfile.TarInfo]:
        seen: set[str] = set()
        for one in self._tar:
            if not one.isreg() or one.issparse() or not (one.name == MANIFEST or is_known(one.name)):
                raise BadBackup(f"{self._path} holds {one.name[:60]!r}, which no backup of tagserver does")
            if one.name in seen or len(seen) > MOST:
                raise BadBackup(f"{self._path} holds {one.name[:60]!r} twice, or far too many files")
            seen.add(one.name)
            yield one

    def _manifest(self) -> Manifest:
        info = self._found.pop(MANIFEST, None)
        if info is None:
            raise BadBackup(f"{self._path} has no manifest: it is no backup of tagserver, or its end is cut off")
        if info.size > LARGEST_MANIFEST:
            raise BadBackup(f"{self._path} has a manifest of {info.size} bytes; it was altered")
        text = self._read(info, LARGEST_MANIFEST)
        try:
            said = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
            number = msgspec.json.decode(said.get("format", b"0"), type=int)
            if number > FORMAT:
                raise BadBackup(
                    f"{self._path} is of a newer tagserver (format {number}, this one knows {FORMAT}): install that one"
                )
            return msgspec.json.decode(text, type=Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise BadBackup(f"the manifest of {self._path} cannot be read: it was altered") from None

    def _compare(self) -> None:
        said = self.manifest.members
        for name in sorted({*said, *self._found}):
            if name not in self._found:
                raise BadBackup(f"{self._path} lacks {name[:60]!r}, which its manifest names")
            if name not in said:
                raise BadBackup(f"{self._path} holds {name[:60]!r}, which its manifest does not name")
            if said[name].size != self._found[name].size:
                raise BadBackup(f"{name} in {self._path} has another size than its manifest says: it was altered")
        if not is_queue(self.manifest.queue) or self.manifest.queue not in said:
            raise BadBackup(f"{self._path} holds no queue")

    @property
    def size(self) -> int:
        """Bytes of all files inside."""
        return sum(one.size for one in self._found.values())

    def take_out(self, folder: Path) -> None:
        """Write every file into a new folder, and compare it with what the manifest says. Raises BadBackup, OSError;
        then the folder is of no use."""
        folder.mkdir(mode=0o700)
        for name, info in self._found.items():
            to = folder / name
            to.parent.mkdir(mode=0o700, exist_ok=True)
            hashed = hashlib.sha256()
            with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for piece in self._pieces(info):
                    hashed.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            if hashed.hexdigest() != self.manifest.members[name].sha256:
                raise BadBackup(f"{name} in {self._path} is not as it was written: the file is damaged or was altered")

    def _read(self, info: tarfile.TarInfo, limit: int) -> bytes:
        return b"".join(self._pieces(info))[:limit]

    def _pieces(self, info: tarfile.TarInfo) -> Iterator[bytes]:
        source = self._tar.extractfile(info)
        assert source is not None  # it is a regular file
        left = info.size
        while left:
            try:
                piece = source.read(min(PIECE, left))
            except tarfile.TarError:
                piece = b""
            if not piece:
                raise BadBackup(f"{self._path} ends in the middle of {info.name}: it is not whole")
            left -= len(piece)
            yield piece


# ── what of a data folder is in a backup; all else in a file that is to be restored is refused

MANIFEST = "manifest.json"
KEY = "install-key"
_STATE = ("serving.json", "last-good.json", KEY)
_FOLDERS = {
    "versions": re.compile(r"[0-9]{1,15}\.json"),
    "audit": re.compile(r"[0-9]{1,15}\.jsonl(\.gz)?"),
    "t": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"),
}
OURS = frozenset(_FOLDERS)
"""The folders that a server makes in its data folder; any other is a destination's or somebody else's."""
_QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.(db|sqlite)")
MOST = 200_000
"""Files in one backup."""


def is_known(name: str) -> bool:
    """Whether a backup may hold a file of this name: no other has a place in a data folder. That of a restore is in the
    backup of a folder whose delivery waits for a decision."""
    folder, slash, rest = name.partition("/")
    if slash:
        pattern = _FOLDERS.get(folder)
        return pattern is not None and pattern.fullmatch(rest) is not None
    return name in (*_STATE, RESTORED_FILE) or is_queue(name)


def is_queue(name: str) -> bool:
    """Whether it is the name of a queue's file."""
    return _QUEUE.fullmatch(name) is not None


def in_folder(data: Path) -> Iterator[tuple[str, Path]]:
    """The small files of a data folder, without its queue: (name, path). What says which version serves comes before
    the versions, because it is written after them: so nothing that it names is missing. Folders are listed when they
    are reached."""
    for name in _STATE:
        if (data / name).is_file():
            yield name, data / name
    for folder in _FOLDERS:
        for path in sorted((data / folder).glob("*")):
            if is_known(f"{folder}/{path.name}") and path.is_file() and not path.is_symlink():
                yield f"{folder}/{path.name}", path
