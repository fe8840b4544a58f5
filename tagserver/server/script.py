"""`/t.js` and `/t/VERSION.js`: the page's script, packed, for any page that wants it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tagserver.server.admin.compressed import IDENTITY, accepted, etag_of, is_known
from tagserver.server.kept_scripts import KeptScripts
from tagserver.server.page_script import ENDINGS, PageScript

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

    async def latest(self, request: Request) -> Response:
        """The current version, under a name that stays."""
        return self._answer(request, self._current.version, self._codings(request), _SOON)

    async def version(self, request: Request) -> Response:
        """One version, for good."""
        version = request.path_params["version"]
        if not _VERSION.match(version):
            return _unknown()
        codings = self._codings(request)
        if version == self._current.version:
            return self._answer(request, version, codings, _NEVER)
        kept = await asyncio.to_thread(self._find, version, codings)
        return _unknown() if kept is None else _script(request, version, *kept, _NEVER)

    def _find(self, version: str, codings: Sequence[str]) -> tuple[str, bytes] | None:
        try:
            return None if self._kept is None else self._kept.find(version, codings)
        except OSError as error:
            log.error("version %s of the page's script cannot be read: %s", version, error)
            return None

    def _answer(self, request: Request, version: str, codings: Sequence[str], cache: str) -> Response:
        return _script(request, version, codings[0], self._current.bodies[codings[0]], cache)

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
