"""How many live views there may be, and what one too many is told."""

from __future__ import annotations

from contextlib import ExitStack

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tagserver.server.admin.streams import EACH, MOST, StreamLimits, TooManyStreams
from tagserver.server.pages.failures import HANDLERS


def opened(limits: StreamLimits, *viewers: tuple[str, str | None]) -> str | None:
    """Open one for each, the last of which may be one too many: then what is said."""
    with ExitStack() as stack:
        for user, address in viewers[:-1]:
            stack.enter_context(limits.one(user, address))
        try:
            stack.enter_context(limits.one(*viewers[-1]))
        except TooManyStreams as many:
            return str(many)
    return None


ANNA = ("anna", "198.51.100.7")


@pytest.mark.parametrize(
    ("before", "one", "says"),
    [
        ([ANNA] * (EACH - 1), ANNA, None),
        ([ANNA] * EACH, ANNA, f"{EACH} live views of yours are open"),
        ([ANNA] * EACH, ("bert", ANNA[1]), None),
        ([ANNA] * EACH, ("anna", "198.51.100.8"), None),
        ([("anna", "2001:db8:1:2::a")] * EACH, ("anna", "2001:db8:1:2:ffff::b"), f"{EACH} live views of yours"),
        ([("anna", None)] * EACH, ("anna", None), f"{EACH} live views of yours"),
        ([(f"u{number}", "::1") for number in range(MOST - 1)], ANNA, None),
        ([(f"u{number}", "::1") for number in range(MOST)], ANNA, f"{MOST} live views are open"),
    ],
)
def test_how_many_there_may_be(before: list[tuple[str, str | None]], one: tuple[str, str | None], says: str) -> None:
    said = opened(StreamLimits(), *before, one)
    assert (said or "").startswith(says or "")
    assert (said is None) == (says is None)


def test_who_leaves_makes_room() -> None:
    """However they leave."""
    limits = StreamLimits(most=1)
    for _ in range(3):
        with limits.one(*ANNA):
            assert limits.open == 1
        with pytest.raises(ZeroDivisionError), limits.one(*ANNA):
            _ = 1 // 0
        assert limits.open == 0


async def test_one_too_many_is_answered_with_429() -> None:
    """A response counts while it is sent; also when nobody is there any more to take it."""
    limits = StreamLimits(most=1)
    seen: list[int] = []

    class Looking(PlainTextResponse):
        async def __call__(self, *args: object) -> None:
            seen.append(limits.open)
            await super().__call__(*args)  # type: ignore[arg-type]  # as they came

    async def stream(request: Request) -> ASGIApp:
        return limits.watched(Looking("ok"), *ANNA)

    app = Starlette(routes=[Route("/", stream)], exception_handlers=HANDLERS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        assert (await http.get("/")).status_code == 200
        with limits.one("bert", "::1"):
            answer = await http.get("/")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        assert answer.json()["problems"][0]["code"] == "too_many_streams"
        assert (await http.get("/")).status_code == 200
    assert (seen, limits.open) == ([1, 1], 0)
