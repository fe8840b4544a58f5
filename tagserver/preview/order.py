"""What somebody wants of a new preview session, made into one; or why it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from tagserver.config.collect import CollectConfig
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container
from tagserver.config.yaml.problems import Problem
from tagserver.delivery.vendor_tests import mode_of
from tagserver.plugin.vendor_test import LONGEST_CODE
from tagserver.preview.drafts import MOST_BYTES, MOST_FILES, compile_draft, marketing, widened
from tagserver.preview.session import LONGEST, SHORTEST, Draft, Send, Session
from tagserver.preview.sessions import Sessions

_WIDER = "this draft could let more leave than what serves: it can only be previewed dry"


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """`files`: a draft, name → content (base64 in JSON); none for what serves. `origin`: empty for the only one of
    `collect.origins`. `test_codes`: destination → code; under an empty name for the only destination that takes one."""

    minutes: Annotated[int, msgspec.Meta(ge=SHORTEST, le=LONGEST)] = 60
    send: Send = "dry"
    origin: Annotated[str, msgspec.Meta(max_length=300)] = ""
    test_codes: Annotated[
        dict[str, Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)]], msgspec.Meta(max_length=100)
    ] = {}
    files: Annotated[dict[str, bytes], msgspec.Meta(max_length=MOST_FILES)] | None = None
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "admin"


class Refused(Exception):
    """No session; the text says why and what to do. `problems`: those of the draft."""

    def __init__(self, sentence: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(sentence)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Serving:
    """What serves, as far as a session needs it. `server`: the text of its `server.yaml`."""

    container: Container
    collect: CollectConfig
    server: bytes


class Orders:
    """Makes sessions, one draft at a time. `folder`: under whose environment drafts are compiled; `serving` gives what
    serves now."""

    def __init__(self, sessions: Sessions, folder: ConfigurationFolder, serving: Callable[[], Serving]) -> None:
        self._sessions = sessions
        self._folder = folder
        self._serving = serving
        self._compiling = asyncio.Lock()

    async def start(self, order: Order) -> tuple[Session, tuple[Problem, ...]]:
        """The session, and the warnings of its draft. Raises Refused, TooMany."""
        serving = self._serving()
        origin = _origin(order.origin, serving.collect.origins)
        draft, container = None, serving.container
        problems: tuple[Problem, ...] = ()
        if order.files is not None:
            async with self._compiling:
                draft, problems = await asyncio.to_thread(self._draft, order.files, serving.server)
                container = draft.container
                if order.send != "dry" and (wider := await asyncio.to_thread(widened, container, serving.container)):
                    raise Refused(_WIDER, wider)
        codes = _codes(order, container)
        session = self._sessions.start(
            by=order.by, minutes=order.minutes, origin=origin, send=order.send, codes=codes, draft=draft
        )
        return session, problems

    def _draft(self, posted: Mapping[str, bytes], server: bytes) -> tuple[Draft, tuple[Problem, ...]]:
        files = marketing(posted)
        if not files:
            raise Refused(
                "the draft has no YAML file of marketing's: name the folder with destinations, triggers and tags"
            )
        if (size := sum(map(len, files.values()))) > MOST_BYTES:
            raise Refused(f"the draft's files have {size} bytes, and {MOST_BYTES} are the most")
        try:
            loaded = compile_draft(self._folder, files, server)
        except (OSError, ValueError) as error:
            raise Refused(f"the draft cannot be read under the server's environment: {error}") from None
        if loaded.container is None:
            raise Refused("the draft has errors", loaded.problems)
        return Draft(loaded.container, tuple(sorted(files))), loaded.problems


def _origin(asked: str, known: Sequence[str]) -> str:
    named = [one for one in known if one != "*"]
    if not asked:
        if len(named) == 1:
            return named[0]
        raise Refused(f"say for which shop: --origin {named[0] if named else 'https://shop.example'}")
    origin = asked.strip().rstrip("/").lower()
    scheme, sign, host = origin.partition("://")
    if scheme not in ("http", "https") or not sign or not host or any(one in host for one in "/?#@ "):
        raise Refused("an origin is a scheme and a host, such as https://shop.example")
    if origin not in named and "*" not in known:
        raise Refused(f"{origin} may not post here: choose one of collect.origins ({', '.join(named) or 'none'})")
    return origin


def _codes(order: Order, container: Container) -> dict[str, str]:
    """The test codes by destination. Raises Refused for one that its vendor would not take."""
    if order.test_codes and order.send != "test":
        raise Refused("a test code is for sessions that send tests: --send test")
    modes = {
        name: mode
        for name, one in container.destinations.items()
        if one.settings is not None and (mode := mode_of(one.plugin)) is not None
    }
    if order.send == "test" and not modes:
        raise Refused("no destination here has a test mode: preview dry, or live")
    codes = {}
    for name, code in order.test_codes.items():
        taking = [one for one, mode in modes.items() if mode.code is not None]
        if not name and len(taking) != 1:
            raise Refused(f"say whose test code it is: --test-code {taking[0] if taking else 'DESTINATION'}=CODE")
        name = name or taking[0]
        if name not in modes:
            raise Refused(f"{name} is no destination with a test mode; those are {', '.join(modes) or 'none'}")
        try:
            modes[name].settings(code, container.destinations[name].settings)
        except ValueError as bad:
            raise Refused(f"{name}: {bad}") from None
        codes[name] = code
    return codes


def listed(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems for machines."""
    return [one.as_dict() for one in problems]
