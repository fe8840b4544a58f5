"""The pages of destinations: states with remedies, what waits, dead letters with the vendor's words; and their forms,
which do the same as the addresses for machines, and stand in the audit as those do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tagserver.audit.files import FOLDER, read_rows
from tagserver.queue.dead_letters import REASONS
from tagserver.server.pages.destinations import LETTERS, Destinations
from tests.server.conftest import BEARER, CONTAINER, Running, Start, post, purchase
from tests.server.pages.support import BROWSER, Parsed, get, json_of, submit

META = "/-/destinations/meta"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def died(server: Running) -> Running:
    """A server with three deliveries that the vendor has refused."""
    await server.vendor.post("/control", json={"bad_ids": ["bad-1", "bad-2", "bad-3"]})
    await server.collect([purchase("good"), *(purchase(f"bad-{n}") for n in (1, 2, 3))])
    await server.drained()
    return server


def noted(server: Running, kind: str) -> list[dict[str, Any]]:
    """What the audit has of a kind, after the server has closed it."""
    server.runtime.audit.close()
    return [row.record for row in read_rows(server.data / FOLDER) if row.record and row.record["kind"] == kind]


async def letters(server: Running, **chosen: str) -> int:
    """How many dead letters there are."""
    answer = await server.http.get("/-/dead.json", params={"limit": "1", **chosen}, headers=BEARER)
    total: int = answer.json()["total"]
    return total


async def test_all_of_them(died: Running) -> None:
    """As `status.json` has them, and with what to do."""
    await post(died, "pause.json", {"destination": "meta", "by": "anna"})
    (told,) = (await json_of(died, "/-/destinations.json"))["destinations"]
    status = (await died.status())["destinations"]["meta"]
    assert {key: value for key, value in told.items() if key not in ("name", "remedy")} == status
    shown = await get(died, "/-/destinations")
    assert told["remedy"] in shown.text
    assert "‖ paused" in shown.text
    assert any(one.get("href") == "/-/destinations/meta#dead" for one in shown.all("a"))


async def test_without_any(start: Start) -> None:
    """An empty page says what would be there, and how it comes there."""
    server: Running = await start(container="destinations: {}\n")
    for path in ("/-/", "/-/destinations"):
        assert "No destination is configured." in (await get(server, path)).text
    assert "there is" not in (await get(server, META, 404)).text


async def test_one_that_is_well(server: Running) -> None:
    shown, told = await get(server, META), await json_of(server, f"{META}.json")
    assert "✔ ok" in shown.text
    assert "Nothing waits." in shown.text
    assert "None." in shown.text
    assert (told["destination"]["state"], told["letters"], told["next"]) == ("ok", [], None)
    assert told["limits"]["events"] == 1000
    assert told["waiting"] == {"looked": 0, "tried": 0, "attempts": 0, "unknown": 0, "next_s": None}


async def test_why_letters_lie_there(died: Running) -> None:
    """By reason with its advice, by tag and code with the vendor's words, and each of them."""
    told = await json_of(died, f"{META}.json")
    (reason,) = told["dead"]["reasons"]
    (group,) = reason["groups"]
    assert (reason["reason"], reason["count"], reason["advice"]) == ("rejected", 3, REASONS["rejected"].advice)
    assert (group["tag"], group["count"], group["code"]) == ("Meta purchase", 3, "100/2804007")
    assert "armed as bad" in group["message"]
    assert {one["event_id"] for one in told["letters"]} == {"bad-1", "bad-2", "bad-3"}
    text = (await get(died, META)).text
    for words in (REASONS["rejected"].advice, "100/2804007", group["message"], "bad-2"):
        assert words in text


async def test_what_waits_is_told_with_its_attempts(start: Start) -> None:
    """And when its vendor is asked next."""
    down = Starlette(routes=[Route("/{path:path}", lambda _: JSONResponse({}, 503), methods=["POST"])])
    server: Running = await start(vendor=down)
    await server.collect(purchase())
    for _ in range(200):
        told = await json_of(server, f"{META}.json")
        if told["waiting"]["tried"] and told["destination"]["state"] != "ok":
            break
    assert (told["destination"]["state"], told["waiting"]["looked"], told["waiting"]["tried"]) == ("retrying", 1, 1)
    assert told["waiting"]["next_s"] > 0
    text = (await get(server, META)).text
    assert "1 of the 1 were tried before" in text
    assert told["destination"]["remedy"] in text


async def test_letters_are_paged(server: Running) -> None:
    """The newest first, by links that hold still."""
    ids = [f"bad-{n:02}" for n in range(LETTERS + 5)]
    await server.vendor.post("/control", json={"bad_ids": ids})
    await server.collect([*(purchase(one) for one in ids), purchase("good")])
    await server.drained()
    first = await json_of(server, f"{META}.json")
    second = await json_of(server, f"{META}.json?after={quote(first['next'])}")
    assert (len(first["letters"]), len(second["letters"]), second["next"]) == (LETTERS, 5, None)
    assert {one["event_id"] for one in (*first["letters"], *second["letters"])} == set(ids)
    (older,) = [str(one["href"]) for one in (await get(server, META)).all("a") if "after=" in str(one.get("href"))]
    page = await get(server, older.partition("#")[0])
    assert second["letters"][0]["event_id"] in page.text
    assert (await server.http.get(f"{META}?after=x", headers=BROWSER)).status_code == 400


async def test_letters_of_one_reason(died: Running) -> None:
    """A reason that there is not chooses nothing."""
    assert len((await json_of(died, f"{META}.json?reason=rejected"))["letters"]) == 3
    assert (await json_of(died, f"{META}.json?reason=expired"))["letters"] == []
    assert (await json_of(died, f"{META}.json?reason=<b>"))["chosen"]["reason"] == ""


# ── what is stored is text


async def test_what_a_vendor_says_is_text(start: Start) -> None:
    """So is an event's id and a destination's name."""

    async def refuse(request: Request) -> JSONResponse:
        error = {"message": MARKUP, "code": 100, "error_subcode": 2804008, "error_user_msg": MARKUP}
        return JSONResponse({"error": error}, 400)

    vendor = Starlette(
        routes=[
            Route("/stats.json", lambda _: JSONResponse({})),
            Route("/{path:path}", refuse, methods=["POST"]),
        ]
    )
    name = "a <b>/ü.json?#&'"
    text = CONTAINER.replace("  meta:", f'  "{name}":').replace("meta,", f'"{name}",')
    server: Running = await start(vendor=vendor, container=text.replace("Meta purchase", "<i>tag</i>"))
    await server.collect(purchase(f"e {MARKUP}"))
    await server.drained()
    path = f"/-/destinations/{quote(name)}"
    page = await server.http.get(path, headers=BROWSER)
    assert page.status_code == 200
    shown = Parsed(page.text)
    assert [name for name, _ in shown.tags if name in ("img", "i", "b")] == []
    assert MARKUP in shown.text
    assert {one["action"] for one in shown.all("form")} >= {
        f"{path}/{do}" for do in ("pause", "resume", "retry", "drop")
    }
    asked = await submit(server, f"{path}/drop")
    assert MARKUP not in asked.text
    assert name in Parsed(asked.text).text


# ── forms


async def test_pause_and_resume(server: Running) -> None:
    """With term and note, under the name of whoever is logged in; then what would be found, then on."""
    answer = await submit(server, f"{META}/pause", **{"for": "2h", "note": "ticket 4711"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{META}?done=pause")
    told = (await json_of(server, f"{META}.json"))["destination"]
    assert (told["pause"]["by"], told["pause"]["note"]) == ("admin", "ticket 4711")
    assert told["pause"]["until"] - told["pause"]["since"] == 7_200_000
    await server.collect(purchase())
    page = await get(server, f"{META}?done=pause")
    assert "1 delivery waits." in page.text
    assert "Its share of the queue" in page.text
    asked = await submit(server, f"{META}/resume")
    assert (asked.status_code, "1 delivery waits." in asked.text) == (200, True)
    assert (await json_of(server, f"{META}.json"))["destination"]["pause"] is not None
    answer = await submit(server, f"{META}/resume", sure="yes")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{META}?done=resume")
    assert (await json_of(server, f"{META}.json"))["destination"]["pause"] is None
    assert [(row["by"], row["note"]) for row in noted(server, "paused")] == [("admin", "ticket 4711")]
    assert [row["by"] for row in noted(server, "resumed")] == ["admin"]


async def test_its_vendor_is_asked_now(server: Running) -> None:
    """Of one that nobody has paused there is nothing to be sure of."""
    assert (await submit(server, f"{META}/resume")).headers["location"] == f"{META}?done=resume"
    assert "its vendor is asked at once" in (await get(server, f"{META}?done=resume")).text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"for": "two hours"}, "no time to pause for"),
        ({"for": "0s"}, "no time to pause for"),
        ({"for": "400d"}, "no time to pause for"),
        ({"note": "x" * 501}, "500 characters"),
    ],
)
async def test_a_form_that_cannot_be_meant(server: Running, fields: dict[str, str], says: str) -> None:
    """A page with the fix and the way back; nothing was changed."""
    answer = await submit(server, f"{META}/pause", **fields)
    assert answer.status_code == 400
    assert says in Parsed(answer.text).text
    assert (await json_of(server, f"{META}.json"))["destination"]["pause"] is None


@pytest.mark.parametrize("action", ["pause", "resume", "retry", "drop"])
async def test_of_one_that_there_is_not(server: Running, action: str) -> None:
    answer = await submit(server, f"/-/destinations/<b>nobody/{action}")
    assert answer.status_code in (400, 404)
    assert "<b>nobody" not in answer.text
    assert "nobody" in answer.text


@pytest.mark.parametrize(("fields", "count"), [({}, 3), ({"reason": "rejected"}, 3), ({"reason": "expired"}, 0)])
async def test_retry(died: Running, fields: dict[str, str], count: int) -> None:
    """All, or those of a reason; on record as an order of machines is."""
    await died.vendor.post("/control", json={"bad_ids": []})
    answer = await submit(died, f"{META}/retry", **fields)
    assert answer.status_code == 303
    page = await get(died, answer.headers["location"].partition("#")[0])
    put_back = "1 dead letter" if count == 1 else f"{count} dead letters" if count else "0 dead letters"
    assert f"{put_back} put back into the queue" in page.text
    await died.drained()
    assert await letters(died) == 3 - count
    (row,) = noted(died, "dead")
    assert (row["action"], row["by"], row["count"], row["choice"]["destinations"]) == (
        "retry",
        "admin",
        count,
        ["meta"],
    )


async def test_retry_one(died: Running) -> None:
    first, *_ = (await json_of(died, f"{META}.json"))["letters"]
    await died.vendor.post("/control", json={"bad_ids": []})
    assert (await submit(died, f"{META}/retry", id=first["id"])).status_code == 303
    await died.drained()
    left = (await json_of(died, f"{META}.json"))["letters"]
    assert first["id"] not in {one["id"] for one in left}
    assert len(left) == 2


async def test_drop_asks_first(died: Running) -> None:
    """It says how many; what dies meanwhile is not among them."""
    asked = await submit(died, f"{META}/drop", reason="rejected")
    shown = Parsed(asked.text)
    assert (asked.status_code, shown.headings[0][1]) == (200, "Remove 3 dead letters?")
    assert await letters(died) == 3
    await died.vendor.post("/control", json={"bad_ids": ["bad-4"]})
    await died.collect([purchase("bad-4"), purchase("good-2")])
    await died.drained()
    fields = {str(one["name"]): one["value"] for one in shown.all("input") if one["name"] != "form_token"}
    answer = await submit(died, f"{META}/drop", **fields)
    assert answer.headers["location"] == f"{META}?done=drop&count=3#dead"
    assert "3 dead letters removed for good" in (await get(died, f"{META}?done=drop&count=3")).text
    assert await letters(died) == 1
    (row,) = noted(died, "dead")
    assert (row["action"], row["by"], row["count"]) == ("drop", "admin", 3)


async def test_drop_one(died: Running) -> None:
    first, *_ = (await json_of(died, f"{META}.json"))["letters"]
    asked = Parsed((await submit(died, f"{META}/drop", id=first["id"])).text)
    assert asked.headings[0][1] == "Remove 1 dead letter?"
    fields = {str(one["name"]): one["value"] for one in asked.all("input")}
    await submit(died, f"{META}/drop", **fields)
    assert await letters(died) == 2


@pytest.mark.parametrize("query", ["done=retry&count=<b>", "done=<b>&count=1", "done=retry&count=٣", "done=drop&x=1"])
async def test_what_an_address_claims_is_numbers_alone(server: Running, query: str) -> None:
    """A link of somebody else's says nothing in our name but a number."""
    shown = await get(server, f"{META}?{query}")
    assert not shown.all("b")
    assert "removed for good" not in shown.text or "0 dead letters removed" in shown.text


# ── who may


async def test_who_may_only_look_sees_no_button(died: Running) -> None:
    """And everything else."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": META,
        "path_params": {"name": "meta"},
        "headers": [],
        "query_string": b"",
        "tagserver.role": "view",
    }
    page = Parsed(bytes((await Destinations(died.runtime).one(Request(scope))).body).decode())
    assert [one["action"] for one in page.all("form")] == ["/-/logout"]
    assert "100/2804007" in page.text
    assert "bad-1" in page.text
