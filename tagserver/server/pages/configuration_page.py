"""The page Configuration: what serves, the draft, what publishing it would change, and the versions; and the two acts,
which are the same as at `/-/reload` and `/-/rollback`."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.config.covered import Covered
from tagserver.publishing.comparison import NoComparison
from tagserver.publishing.publisher import ActResult
from tagserver.publishing.store import DIGITS, LONGEST_NOTE
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE
from tagserver.server.admin.auth import user_of
from tagserver.server.pages.configuration import draft, plan, problem, serving, version
from tagserver.server.pages.failures import NotThere
from tagserver.server.pages.posted import read_form
from tagserver.server.pages.rendering import back, page

ADDRESS = "/-/configuration"
_FORM = 4 * LONGEST_NOTE * 3
"""Bytes of a form with a note, each character of which can be four bytes, and each byte three."""


class ConfigurationPage:
    """`/-/configuration` and what lies below it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def page(self, request: Request) -> Response:
        """For people."""
        return page(request, "configuration.html", **await self._shown(), refused=None)

    async def json(self, request: Request) -> Response:
        """For machines."""
        return JSONResponse(await self._shown(), headers=SAFE)

    async def version(self, request: Request) -> Response:
        """One version, for people."""
        return page(request, "version.html", one=await self._version(request), refused=None)

    async def version_json(self, request: Request) -> Response:
        """One version, for machines."""
        return JSONResponse(await self._version(request), headers=SAFE)

    async def publish(self, request: Request) -> Response:
        """A form with a `note`: the files serve from now on."""
        form = await read_form(request, _FORM)
        done = await self._runtime.reload(user_of(request), _note(form))
        if done.ok:
            return back(ADDRESS)
        return page(request, "configuration.html", 409, **await self._shown(), refused=await self._refused(done))

    async def roll_back(self, request: Request) -> Response:
        """A form with a `note`, at the address of a version: that one serves until somebody publishes."""
        number = _number(request)
        form = await read_form(request, _FORM)
        done = await self._runtime.publisher.roll_back(number, user_of(request), _note(form))
        if done.ok:
            return back(ADDRESS)
        return page(request, "version.html", 409, one=await self._version(request), refused=await self._refused(done))

    # ── values

    async def _shown(self) -> dict[str, Any]:
        """`{"serves", "draft", "plan", "unread", "versions"}`; `unread` says why there are no draft and plan."""
        publisher = self._runtime.publisher
        listed = await asyncio.to_thread(publisher.listed)
        shown: dict[str, Any] = {"draft": None, "plan": None, "unread": ""}
        try:
            compared = await self._runtime.comparing.draft()
        except NoComparison as error:
            shown["unread"] = str(error)
        else:
            shown["draft"] = await asyncio.to_thread(draft, compared)
            shown["plan"] = await asyncio.to_thread(plan, compared)
        serves = serving(publisher.now, listed, self._runtime.loaded, publisher.awaits_a_start)
        return {"serves": serves, **shown, "versions": listed["versions"]}

    async def _version(self, request: Request) -> dict[str, Any]:
        """Raises NotThere."""
        try:
            found = await self._runtime.comparing.version(_number(request))
        except NoComparison as error:
            raise NotThere("unknown_version", "No such version", f"{error}; the newest twenty are") from None
        return await asyncio.to_thread(version, found, self._runtime.publisher.now.serving.number)

    async def _refused(self, done: ActResult) -> dict[str, Any]:
        """Why nothing was changed, without the secrets of the files that it is about."""
        try:
            covered = (await self._runtime.comparing.draft()).covered
        except NoComparison:
            texts = self._runtime.publisher.now.serving.texts
            covered = await asyncio.to_thread(Covered, self._runtime.comparing.registry, texts)
        return {"detail": covered.text(done.detail), "problems": [problem(one, covered) for one in done.problems[:50]]}


def _number(request: Request) -> int:
    """The number in the address. Raises NotThere."""
    text: str = request.path_params["number"]
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS):
        raise NotThere("unknown_version", "No such version", "a version has a number")
    return int(text)


def _note(form: dict[str, str]) -> str:
    """What the person has written for the others; the field takes no more than is kept."""
    return form.get("note", "").strip()[:LONGEST_NOTE]
