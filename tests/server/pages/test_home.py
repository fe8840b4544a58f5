"""Home: the words of `status.json` and `/readyz`, and what is wrong as one list, the gravest first."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.requests import Request

from tagserver.audit.files import WHAT_TO_DO
from tagserver.server.pages.home import Home
from tagserver.server.pages.last_hour import BUCKETS, EventHour, LastHour
from tagserver.server.pages.matters import Matter, matters
from tests.server.conftest import BEARER, CONTAINER, ENVIRON, Running, Start, post, purchase
from tests.server.pages.support import Parsed, get, json_of

WELL: dict[str, Any] = {
    "ready": True,
    "status": "ok",
    "reason": None,
    "detail": None,
    "container": {"degraded": False, "number": 3, "problems": []},
    "destinations": {},
    "failing": [],
    "audit": {"notice": None, "lost": 0},
}


def destination(state: str = "ok", **more: Any) -> dict[str, Any]:
    """An entry of `status.json`."""
    return {"state": state, "reason": None, "pause": None, "pending": 0, "dead": 0, "dead_by_reason": {}} | more


def problem(severity: str, path: str = "tags.0", line: int = 4) -> dict[str, Any]:
    """One of the configuration."""
    return {
        "severity": severity,
        "code": "W301",
        "file": "container.yaml",
        "line": line,
        "column": 1,
        "path": path,
        "message": "it is so",
        "hint": "do that",
    }


def found(conditions: dict[str, str] | None = None, trouble: Any = None, **changes: Any) -> list[Matter]:
    return matters(WELL | changes, conditions or {}, trouble, {})


async def test_all_is_well(server: Running) -> None:
    """The word of `/readyz`, the version that serves, and nothing else that needs a look."""
    await post(server, "reload", {"note": "for <b>spring</b>", "by": "anna"})
    shown, told = await get(server, "/-/"), await json_of(server, "/-/home.json")
    assert (await server.http.get("/readyz")).text == "ok" == told["status"]
    assert "✔ ok" in shown.text
    assert told["matters"] == []
    assert "Nothing." in shown.text
    assert (told["serves"]["number"], told["serves"]["version"]) == (1, server.runtime.container.version)
    assert told["serves"]["published"] > 1_700_000_000_000
    assert told["serves"]["by"] == "start"
    assert "version 1" in shown.text
    assert "UTC at a start" in shown.text


async def test_who_published_what_serves_and_why(server: Running) -> None:
    """A note is text, whatever it holds."""
    path = server.data.parent / "config" / "container.yaml"
    path.write_text(path.read_text().replace("Meta lead", "Meta leads"))
    await post(server, "reload", {"note": "for <b>spring</b>", "by": "anna"})
    page = await server.http.get("/-/", headers=BEARER)
    assert "for &lt;b&gt;spring&lt;/b&gt;" in page.text
    assert "by anna" in page.text
    assert "version 2" in Parsed(page.text).text


async def test_what_stands_still_is_said_with_what_to_do(start: Start) -> None:
    """In the words of `status.json`, with the place in the files and the page of the destination."""
    server: Running = await start(environ=ENVIRON | {"META_TOKEN": ""})
    await server.collect(purchase())
    told = await json_of(server, "/-/home.json")
    (first, *_) = told["matters"]
    assert (first["gravity"], first["subject"], first["address"]) == ("error", "meta", "/-/destinations/meta")
    reason = (await server.status())["destinations"]["meta"]["reason"]
    assert reason in first["text"]
    assert "container.yaml:" in first["text"]
    assert "tagserver reload --server" in first["todo"]
    shown = (await get(server, "/-/")).text
    assert first["todo"] in shown
    assert reason in shown


async def test_a_paused_destination_is_a_note(server: Running) -> None:
    """Somebody wants it so."""
    await post(server, "pause.json", {"destination": "meta", "note": "ticket <i>1</i>", "by": "anna"})
    (one,) = (await json_of(server, "/-/home.json"))["matters"]
    assert (one["gravity"], one["subject"]) == ("note", "meta")
    page = await server.http.get("/-/", headers=BEARER)
    assert "ticket &lt;i&gt;1&lt;/i&gt;" in page.text
    assert "‖" in page.text


async def test_files_that_cannot_serve(server: Running) -> None:
    """What is wrong, where, and that an earlier version serves on."""
    (server.data.parent / "config" / "container.yaml").write_text(CONTAINER + "tag: []\n")
    await post(server, "reload", {})
    told = await json_of(server, "/-/home.json")
    assert told["status"] == "degraded"
    assert [one["gravity"] for one in told["matters"]] == ["error", "error"]
    assert told["matters"][0]["text"] == "the files have errors: version 1 serves on in their place"
    assert re.fullmatch(r"container\.yaml:\d+", told["matters"][1]["subject"])
    shown = (await get(server, "/-/")).text
    assert "▲ degraded" in shown
    assert "2 errors below." in shown


async def test_nothing_can_be_promised(server: Running) -> None:
    await server.runtime.outbox.close()
    told = await json_of(server, "/-/home.json")
    assert (told["ready"], told["status"], told["matters"][0]["gravity"]) == (False, "unavailable", "error")
    assert "✖ unavailable" in (await get(server, "/-/")).text


async def test_names_are_text(start: Start) -> None:
    """Of destinations, on the page and in its links."""
    odd = '"<script>alert(1)</script>?&\'"'
    server: Running = await start(container=CONTAINER.replace("  meta:", f"  {odd}:").replace("meta,", f"{odd},"))
    page = await server.http.get("/-/", headers=BEARER)
    assert "<script>alert" not in page.text
    (link,) = [one["href"] for one in Parsed(page.text).all("a") if "script" in str(one["href"])]
    assert (await server.http.get(str(link), headers=BEARER)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, []),
        (
            {"ready": False, "status": "unavailable", "reason": "draining", "detail": "the server is about to end"},
            [("note", "server", "nothing to do")],
        ),
        (
            {"ready": False, "reason": "outbox", "detail": "no room", "trouble": "disk_full"},
            [("error", "server", "make room on the disk")],
        ),
        ({"destinations": {"a": destination("disabled")}}, []),
        ({"destinations": {"a": destination("disabled", pending=1)}}, [("warning", "a", "not configured")]),
        ({"destinations": {"a": destination("open", reason="503")}}, [("warning", "a", "one small request")]),
        ({"destinations": {"a": destination("failing", reason="x")}}, [("error", "a", "mended by its author")]),
        (
            {"destinations": {"a": destination(dead=3, dead_by_reason={"rejected": 2, "expired": 1})}},
            [("warning", "a", "retry them or drop them")],
        ),
        ({"failing": [{"variable": "v", "reason": "x"}]}, [("error", "variable v", "mended by its author")]),
        ({"audit": {"notice": "it is short", "lost": 0}}, [("warning", "audit", WHAT_TO_DO)]),
        ({"audit": {"notice": None, "lost": 2}}, [("warning", "audit", "look at the disk")]),
        ({"conditions": {"clock": "it is wrong: set it"}}, [("warning", "clock", "")]),
        ({"conditions": {"rollback": "rolled back"}}, [("warning", "version", "tagserver reload")]),
        ({"conditions": {"unwritten admin token": "no"}}, [("warning", "admin token", "tried again by itself")]),
        ({"conditions": {"queue_filling": "80%"}}, [("warning", "queue", "queue.max_size")]),
        (
            {"container": {"degraded": False, "number": 1, "problems": [problem("warning")]}},
            [("note", "container.yaml:4", "do that")],
        ),
        (
            {
                "container": {"degraded": False, "number": 1, "problems": [problem("pause", "destinations.a.token")]},
                "destinations": {"a": destination("paused", reason="no token")},
            },
            [("error", "a", "when the cause is mended")],
        ),
    ],
)
def test_matters(changes: dict[str, Any], says: list[tuple[str, str, str]]) -> None:
    """Gravity, subject, and what to do."""
    told = found(**changes)
    assert [(one.gravity, one.subject) for one in told] == [(gravity, subject) for gravity, subject, _ in says]
    assert all(todo in one.todo for one, (_, _, todo) in zip(told, says, strict=True))


def test_the_gravest_comes_first() -> None:
    told = found(
        {"clock": "wrong"},
        container={"degraded": True, "number": 1, "problems": [problem("warning"), problem("error")]},
        destinations={"held": destination("paused", pause={"by": "anna"}), "a": destination("failing", reason="x")},
    )
    assert [one.gravity for one in told] == ["error", "error", "error", "warning", "note", "note"]


def test_many_problems_are_counted() -> None:
    problems = [problem("warning", line=line) for line in range(30)]
    told = found(container={"degraded": False, "number": 1, "problems": problems})
    assert (len(told), told[-1].text) == (21, "10 further problems of the configuration")


# ── the last hour


async def _page_with(server: Running, hour: LastHour) -> Parsed:
    async def counted() -> LastHour:
        await asyncio.sleep(0)
        return hour

    scope = {"type": "http", "method": "GET", "path": "/-/", "headers": [], "query_string": b""}
    return Parsed(bytes((await Home(server.runtime, counted).page(Request(scope))).body).decode())


async def test_the_last_hour(server: Running) -> None:
    """By event, the most frequent first; what was not taken has no name."""
    hours = (
        EventHour("purchase", 1234, 1230, 3, 1, (0,) * (BUCKETS - 1) + (1234,)),
        EventHour(None, 7),
        EventHour("<i>view</i>", 9000, buckets=(750,) * BUCKETS),
    )
    shown = await _page_with(server, LastHour(since=1_764_500_000_000, events=hours))
    assert "The last hour, by event" in [text for _, text in shown.headings]
    text = shown.text
    assert text.index("<i>view</i>") < text.index("1,234") < text.index("not taken")
    assert not shown.all("i")
    assert len(shown.all("rect")) == 2 * BUCKETS
    assert all(float(one["y"] or 0) + float(one["height"] or 0) == 24 for one in shown.all("rect"))


async def test_an_hour_without_events_says_where_they_come_from(server: Running) -> None:
    shown = await _page_with(server, LastHour(since=1_764_500_000_000))
    assert "No event since 2025-11-30" in shown.text
    assert "/collect" in shown.text
