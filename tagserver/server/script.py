"""`/t.js` and `/t/VERSION.js`: the page's script, packed, for any page that wants it, now and after upgrades.

The script is `static/t.js` without comments and blanks, under short names. `tests/browser/build.py` makes these files,
and they are part of the source: so every installation of one version serves the same bytes, which pages name by their
hash, and to install or to run needs neither a minifier nor Brotli.

A version has second files, `/t/NAME.VERSION.js`, which the script loads where it needs them (`/t/NAME.js` is the
present one). It names them by their hashes: so they belong to it, and are kept as long."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tagserver.server.admin.compressed import IDENTITY, accepted, etag_of, is_known
from tagserver.system.files import write_whole
from tagserver.system.time import Time

log = logging.getLogger("tagserver.server")

_VERSION = re.compile(r"[0-9a-f]{12}\Z")
_OPEN: Mapping[str, str] = {
    # A script may be used by every page, also with an integrity hash (which needs CORS) and under COEP.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}
_SOON = "public, max-age=300"
_NEVER = "public, max-age=31536000, immutable"
"""How long caches use it without asking; a version is what it is."""


class Scripts:
    """The endpoints. `kept`: where earlier versions lie, or None."""

    def __init__(self, current: PageScript, kept: KeptScripts | None) -> None:
        self._current = current
        self._kept = kept

    async def latest(self, request: Request, name: str = "") -> Response:
        """The current version, under a name that stays. `name`: of a second file."""
        return self._answer(request, name, self._current.files()[name], _SOON)

    async def version(self, request: Request) -> Response:
        """One version, for good. The path may name a second file of it."""
        version = request.path_params["version"]
        if not _VERSION.match(version):
            return _unknown()
        name = request.path_params.get("name", "")
        if name and name not in SECOND:
            return _unknown()
        if version == self._current.version:
            return self._answer(request, name, self._current.files()[name], _NEVER)
        kept = await asyncio.to_thread(self._find, version, self._codings(request), name)
        return _unknown() if kept is None else _script(request, version + name, *kept, _NEVER)

    def _find(self, version: str, codings: Sequence[str], name: str) -> tuple[str, bytes] | None:
        try:
            return None if self._kept is None else self._kept.find(version, codings, name)
        except OSError as error:
            log.error("version %s of the page's script cannot be read: %s", version, error)
            return None

    def _answer(self, request: Request, name: str, bodies: Mapping[str, bytes], cache: str) -> Response:
        coding = next(one for one in self._codings(request) if one in bodies)
        return _script(request, self._current.version + name, coding, bodies[coding], cache)

    @staticmethod
    def _codings(request: Request) -> Sequence[str]:
        return accepted(request.headers.get("accept-encoding", ""), ENDINGS)


def _script(request: Request, version: str, coding: str, body: bytes, cache: str) -> Response:
    etag = etag_of(version, coding)
    headers = {**_OPEN, "cache-control": cache, "etag": etag, "vary": "accept-encoding"}
    if is_known(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    if coding != IDENTITY:
        headers["content-encoding"] = coding
    return Response(body, media_type="text/javascript", headers=headers)


def _unknown() -> Response:
    return PlainTextResponse("this version is not kept here\n", 404, headers={**_OPEN, "cache-control": "no-store"})


# ── the version that belongs to this tagserver

ENDINGS = MappingProxyType({"br": ".br", "gzip": ".gz", IDENTITY: ""})
"""How each coding (RFC 9110, 8.4.1) is called at the end of a file's name; the smallest first."""
SECOND = ("more", "keep", "pixel", "preview")
_STATED_VERSION = re.compile(rb'version:"([0-9a-f]{12})"')


@dataclass(frozen=True, slots=True)
class PageScript:
    """One version. `bodies`: coding → bytes; `second`: likewise, of each second file by its name."""

    version: str
    bodies: Mapping[str, bytes]
    second: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def files(self) -> Mapping[str, Mapping[str, bytes]]:
        """The script itself under the empty name, and the second files."""
        return {"": self.bodies, **self.second}

    @property
    def integrity(self) -> str:
        """For the attribute `integrity` of a script element."""
        digest = hashlib.sha384(self.bodies[IDENTITY]).digest()
        return f"sha384-{base64.b64encode(digest).decode()}"


def shipped() -> PageScript:
    """The version that belongs to this tagserver."""
    static = files("tagserver").joinpath("static")
    bodies = {name: _built(static, name) for name in ("t", "more", "keep", "pixel")}
    found = _STATED_VERSION.search(bodies["t"][IDENTITY])
    assert found is not None, "the build writes the version into the script"
    script = bodies.pop("t")
    # As it was written: whoever looks is a developer.
    bodies["preview"] = {IDENTITY: static.joinpath("preview.js").read_bytes()}
    return PageScript(found[1].decode(), script, bodies)


def _built(static: Traversable, name: str) -> Mapping[str, bytes]:
    return {coding: static.joinpath(f"{name}.min.js{ending}").read_bytes() for coding, ending in ENDINGS.items()}


def stub() -> str:
    """What a page has inline before the script: it keeps a purchase's id and `tagserver.track` until that has come."""
    return files("tagserver").joinpath("static", "stub.js").read_text("utf-8")


# ── versions that were served before: a page that names one by its hash must find it after an upgrade

KEPT = 400 * 86_400_000
"""Milliseconds since a version was last current or asked for. Caches may hold one for a year, and then ask."""
NOTED = 86_400_000
"""That it was asked for is written down once a day."""


class KeptScripts:
    """A folder with the files of each version in each coding; the times of the script's plain ones say when each was
    last of use. All methods read or write the disk; they raise OSError."""

    def __init__(self, folder: Path, time: Time) -> None:
        self._folder = folder
        self._time = time

    def keep(self, script: PageScript) -> None:
        """This version is current: it is kept, and those go that nobody has wanted for too long."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._purge(script.version)
        # The script's plain one comes last: where it is, the others are.
        for name, bodies in reversed(list(script.files().items())):
            for coding, body in bodies.items():
                path = self._path(script.version, coding, name)
                if not path.exists():
                    write_whole(path, body)
        self._note(self._path(script.version))

    def find(self, version: str, codings: Sequence[str], name: str = "") -> tuple[str, bytes] | None:
        """The first of the codings in which a version is kept, and its bytes; None when it is not. `name`: of a second
        file of this version."""
        plain = self._path(version)
        try:
            used = plain.stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None
        if abs(self._time.now() - used) > NOTED:
            self._note(plain)
        for coding in codings:
            with contextlib.suppress(FileNotFoundError):
                return coding, self._path(version, coding, name).read_bytes()
        return None

    def _path(self, version: str, coding: str = IDENTITY, name: str = "") -> Path:
        return self._folder / f"{name}.{version}.js{ENDINGS[coding]}".removeprefix(".")

    def _note(self, plain: Path) -> None:
        now = self._time.now() * 1_000_000
        os.utime(plain, ns=(now, now))

    def _purge(self, current: str) -> None:
        """Ages are counted from the last use of any version, not from now: one start under a wrong clock must not break
        pages."""
        now = self._time.now()
        plain = (path for path in self._folder.glob("*.js") if "." not in path.stem)  # not those of second files
        used = {path.stem: path.stat().st_mtime_ns // 1_000_000 for path in plain}
        latest = max((at for at in used.values() if at <= now), default=now)
        for version, at in used.items():
            if latest - at > KEPT and version != current:
                self._path(version).unlink(missing_ok=True)  # first: without it the others do not count
                for path in (*self._folder.glob(f"{version}.js.*"), *self._folder.glob(f"*.{version}.js*")):
                    path.unlink(missing_ok=True)
