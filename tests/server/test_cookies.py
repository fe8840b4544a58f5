"""First-party cookies of `/collect`'s answers, from a whole server: for pages alone, on a 202 alone, and what they hold
goes nowhere by itself."""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tagserver.pipeline.route import route
from tagserver.testing import make_event
from tests.destinations.nine import configuration, one_event
from tests.docs.pages import ROOT, blocks

from .conftest import BEARER, SERVER, Running, Start

PAGE = "https://www.shop.co.uk"
HOST = {"origin": PAGE, "host": "tags.shop.co.uk"}
COOKIES = SERVER.replace("https://shop.example", PAGE) + "records: {level: full}\ncookies: {}\n"
CONSENT = {"ad_storage": "granted", "analytics_storage": "granted"}
VISITOR = "0b2f6f0e-3a4c-4a3e-9d55-0c1a2b3c4d5e"


def view(**fields: Any) -> dict[str, Any]:
    """A page view with consent, as t.js sends it from a page without a pixel."""
    event = {"event": "page_view", "event_id": "v-1", "page": {"location": f"{PAGE}/"}, "consent": CONSENT} | fields
    return {"v": 1, "ctx": {"pixel": False}, "events": [event]}


async def set_by(server: Running, body: Any, **headers: str) -> list[str]:
    """The names of the cookies that an answer sets."""
    answer = await server.http.post("/collect", json=body, headers=HOST | headers)
    return [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]


async def recorded(server: Running, event_id: str) -> Any:
    """The answer with its record, which is written a little later."""
    for _ in range(200):
        answer = await server.http.get(f"/-/events/{event_id}.json", headers=BEARER)
        if answer.status_code == 200:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(f"{event_id} did not come on record")


async def test_a_page_gets_cookies_and_a_server_none(start: Start) -> None:
    server = await start(server=COOKIES)
    assert await set_by(server, view()) == ["_fbp", "ts_id"]
    assert await set_by(server, view(), authorization="Bearer backend-key") == []
    assert await set_by(server, view(), origin="https://shop.example") == []  # 403


async def test_nothing_is_set_unless_the_configuration_says_so(start: Start) -> None:
    server = await start(server=COOKIES.replace("cookies: {}\n", ""))
    assert await set_by(server, view()) == []


async def test_what_is_refused_sets_none(start: Start) -> None:
    """No event, and no server that could have stored it."""
    server = await start(server=COOKIES)
    assert await set_by(server, {"ctx": {"pixel": False}, "events": [view()["events"][0] | {"event": None}]}) == []
    server.runtime.closing = True
    assert await set_by(server, view()) == []


async def test_a_large_request_sets_them_too(start: Start) -> None:
    server = await start(server=COOKIES)
    many = view()
    many["events"] += [{"event": "scroll", "note": "x" * 9000} for _ in range(6)]
    assert await set_by(server, many) == ["_fbp", "ts_id"]


async def test_a_refusal_deletes_them(start: Start) -> None:
    server = await start(server=COOKIES)
    denied = view(event="consent", consent=dict.fromkeys(CONSENT, "denied"))
    jar = f"_fbp=fb.2.1700000000000.99; ts_id={VISITOR}"
    assert await set_by(server, denied, cookie=jar) == ["_fbp", "_fbp", "ts_id", "ts_id"]


async def test_what_the_page_says_of_its_pixel_is_no_part_of_the_event(start: Start) -> None:
    """Nor is a field of that name taken from an event that has one."""
    server = await start(server=COOKIES)
    await set_by(server, view())
    await set_by(server, view(event_id="v-2", pixel="own"))
    shown = [(await recorded(server, f"v-{n}")).json() for n in (1, 2)]
    assert "pixel" not in shown[0]["records"][0]["event"]
    assert "pixel" in shown[1]["records"][0]["event"]


async def test_the_visitors_id_is_in_no_log_and_no_record(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = await start(server=COOKIES + "log: {events: true}\n")
    await set_by(server, view(), cookie=f"ts_id={VISITOR}")
    shown = await recorded(server, "v-1")
    assert VISITOR not in shown.text + caplog.text
    assert all(VISITOR.encode() not in file.read_bytes() for file in server.data.rglob("*") if file.is_file())


def test_no_destination_reads_the_visitors_id(tmp_path: Path) -> None:
    """All nine fire, and none of their payloads holds it; the event does."""
    container = configuration(tmp_path).compile().container
    assert container is not None
    event = make_event(one_event()["event"] | {"cookie": {"ts_id": VISITOR, "_fbp": "fb.1.1700000000000.99"}})
    assert event.cookies["ts_id"] == VISITOR
    bodies = [one.body for one in route(container, event).decisions if one.body]
    assert len(bodies) == 9
    assert all(VISITOR.encode() not in body for body in bodies)
    assert any(b"fb.1.1700000000000.99" in body for body in bodies)  # they do read cookies


async def test_the_page_is_true(start: Start) -> None:
    """Its configuration serves, and what it posts gets what it shows, but for what is made anew each time."""
    page = ROOT / "config" / "doors" / "cookies.md"
    (config,), (posted,), (shown,) = (list(blocks(page, language=one)) for one in ("yaml", "sh", "text"))
    server = await start(server=config.text + "queue: {min_free: 1MiB}\n", container="destinations: {}")
    curl = shlex.split(posted.text.partition("|")[0])
    headers = dict(curl[at + 1].split(": ") for at, word in enumerate(curl) if word == "-H")
    answer = await server.http.post("/collect", content=curl[-1], headers=headers)
    assert answer.status_code == 202
    lines = [f"set-cookie: {line}" for line in answer.headers.get_list("set-cookie")]
    assert [_without_chance(line) for line in lines] == [_without_chance(line) for line in shown.text.splitlines()]


def _without_chance(line: str) -> str:
    return re.sub(r"(?<=_fbp=fb\.2\.)[0-9.]+|\b\d{10,13}\b|[0-9a-f]{8}-[0-9a-f-]{27}", "*", line)
