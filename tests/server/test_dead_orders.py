"""`/-/dead.json` by what it is asked: choices, names that there are not, pages, sums, orders in parts, the audit."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tagserver.audit.files import FOLDER, read_rows
from tagserver.queue.dead_letters import REASONS, Choice
from tagserver.queue.values import DeadLettered, Settlement
from tests.delivery.support import delivery

from .conftest import TOKEN, Running, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
CODE = "100/2804007"


async def get(server: Running, **query: Any) -> httpx.Response:
    return await server.http.get("/-/dead.json", params=query, headers=BEARER)


async def post(server: Running, action: str, **order: Any) -> httpx.Response:
    return await server.http.post("/-/dead.json", json={"action": action, **order}, headers=BEARER)


async def message(answer: httpx.Response, code: str) -> str:
    """What a refusal says."""
    (problem,) = answer.json()["problems"]
    assert (answer.status_code, problem["code"]) == (400, code), problem
    return str(problem["message"])


@pytest.fixture
async def died(server: Running) -> Running:
    """Three purchases that the vendor has refused, and one that it has taken."""
    await server.vendor.post("/control", json={"bad_ids": ["bad-1", "bad-2", "bad-3"]})
    await server.collect([purchase(name) for name in ("good", "bad-1", "bad-2", "bad-3")])
    await server.drained()
    return server


async def test_letters_are_chosen_by_each_key_and_by_several_values(died: Running) -> None:
    for query in (
        {"destination": "meta"},
        {"tag": "Meta purchase", "reason": "rejected"},
        {"code": CODE},
        {"reason": ["rejected", "expired"], "since": "1h"},
        {"event_id": ["bad-1", "bad-2", "bad-3", "nobody's"]},
    ):
        found = (await get(died, **query)).json()
        assert (len(found["letters"]), found["total"], found["next"]) == (3, 3, None), query
        assert {one["code"] for one in found["letters"]} == {CODE}
    for query in ({"reason": "expired"}, {"tag": "Meta lead"}, {"until": "1h"}, {"event_id": "good"}):
        assert (await get(died, **query)).json() == {"letters": [], "total": 0, "next": None}, query


async def test_it_pages(died: Running) -> None:
    """With the true total; `total=no` for who follows the pages."""
    pages, query = [], {"limit": 2}
    while True:
        page = (await get(died, **query)).json()
        pages.append(([one["event_id"] for one in page["letters"]], page["total"]))
        if page["next"] is None:
            break
        query = {"limit": 2, "after": page["next"], "total": "no"}
    assert pages == [(["bad-3", "bad-2"], 3), (["bad-1"], None)]


async def test_it_sums_up(died: Running) -> None:
    (group,) = (await get(died, summary="yes")).json()["summary"]
    assert group["oldest"] <= group["newest"]
    assert {name: group[name] for name in ("destination", "tag", "reason", "code", "count", "event_id", "advice")} == {
        "destination": "meta",
        "tag": "Meta purchase",
        "reason": "rejected",
        "code": CODE,
        "count": 3,
        "event_id": "bad-3",
        "advice": REASONS["rejected"].advice,
    }
    assert (await get(died, summary="yes", since="1h", reason="expired")).json() == {
        "summary": [],
        "more": 0,
        "total": 0,
    }


@pytest.mark.parametrize(
    ("key", "name", "says"),
    [
        ("destination", "mta", "there is no destination 'mta'; did you mean 'meta'?"),
        ("tag", "Meta purchas", "did you mean 'Meta purchase'?"),
        ("tag", "Something else", "dead letters have 'Meta purchase'"),
        ("reason", "reject", "did you mean 'rejected'?"),
        ("code", "100", f"no dead letter has, or had, the vendor's code '100'; did you mean '{CODE}'?"),
        ("code", "zzz", f"dead letters have '{CODE}'"),
    ],
)
async def test_a_name_that_there_is_not_is_refused(died: Running, key: str, name: str, says: str) -> None:
    """With the one that was meant, and before anything is changed."""
    assert says in await message(await get(died, **{key: name}), "unknown_name")
    for order in ({key: name}, {key: [name]}, {key: name, "all": True}, {key: name, "dry_run": True}):
        for action in ("retry", "drop"):
            assert says in await message(await post(died, action, **order), "unknown_name")
    assert (await get(died)).json()["total"] == 3


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ({"since": "yesterday"}, "bad_choice", "since: 'yesterday' is no moment: write 2h or 3d"),
        ({"since": "2999-01-01"}, "bad_choice", "lies in the future"),
        ({"since": "1h", "until": "2h"}, "bad_choice", "since is not before until"),
        ({"since": ["1h", "2h"]}, "bad_choice", "since is given 2 times"),
        ({"tga": "x"}, "unknown_key", "there is no key 'tga'; there are id, event_id, destination"),
        ({"after": "17"}, "bad_cursor", "as it stands in `next`"),
        ({"after": "1:٣"}, "bad_cursor", "as it stands in `next`"),
        ({"summary": "1"}, "bad_choice", "summary is yes or no"),
        ({"event_id": "x" * 1001}, "bad_choice", "more than 1000 characters"),
        ({"id": ["1"] * 1001}, "bad_choice", "1001 values of id"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_cannot_be_meant_is_said(server: Running, query: dict[str, Any], code: str, says: str) -> None:
    assert says in await message(await get(server, **query), code)


@pytest.mark.parametrize("order", [{}, {"all": False}, {"destination": None}, {"after": "1:1:1:1:1"}], ids=str)
async def test_an_order_for_nothing_in_particular_is_none(died: Running, order: dict[str, Any]) -> None:
    """Nor is a list that came out empty."""
    for action in ("retry", "drop"):
        await message(await post(died, action, **order), "no_choice")
        assert "empty list" in await message(await post(died, action, tag=[]), "bad_choice")
    assert (await get(died)).json()["total"] == 3


async def test_a_retry_says_what_it_would_do_and_does_that(died: Running) -> None:
    """In parts, each a request; what dies again at once is none of its letters."""
    would = (await post(died, "retry", code=CODE, dry_run=True)).json()
    nothing = {"too_old": 0, "late": 0, "refused": {}, "waiting": []}
    assert would == {"count": 3, "left": 0, **nothing, "next": None, "dry_run": True, "begin": would["begin"]}
    assert (await get(died)).json()["total"] == 3
    done = (await post(died, "retry", code=CODE, after=would["begin"])).json()
    assert done == {"count": 3, "left": 0, **nothing, "next": None}
    await died.drained()
    assert (await get(died)).json()["total"] == 3
    await died.vendor.post("/control", json={"bad_ids": []})
    again = (await post(died, "retry", code=CODE, after=would["begin"])).json()
    assert (again["count"], (await get(died)).json()["total"]) == (0, 3)
    assert (await post(died, "retry", all=True)).json()["count"] == 3
    await died.drained()
    assert died.runtime.outbox.counts()["meta"].delivered == 4
    # The code is known, though no letter has it any more: the order may be repeated.
    assert (await post(died, "retry", code=CODE)).json()["count"] == 0


async def test_an_order_in_parts_comes_to_an_end(server: Running) -> None:
    """Interrupted between two, nothing is lost and nothing done twice."""
    await server.runtime.outbox.append([delivery(f"e{n}", destination="gone") for n in range(450)])
    await _bury(server, "gone")
    parts, after = [], None
    while True:
        order = {"all": True, "seconds": 0} | ({"after": after} if after else {})
        done = (await post(server, "drop", **order)).json()
        parts.append((done["count"], done["left"]))
        if (after := done["next"]) is None:
            break
    assert sum(count for count, _ in parts) == 450
    assert parts[-1][1] == 0
    assert [left for _, left in parts] == sorted((left for _, left in parts), reverse=True)
    assert len(parts) >= 3
    assert server.runtime.outbox.counts()["gone"].erased == 450


async def _bury(server: Running, destination: str) -> None:
    outbox = server.runtime.outbox
    while batch := await outbox.claim(destination, max_items=100, max_bytes=1 << 20):
        await outbox.settle(
            batch, Settlement(dead=[DeadLettered(row.id, "rejected", "9/9 no", "9/9") for row in batch.rows])
        )


async def test_what_would_wait_for_nobody_stays(server: Running) -> None:
    """Of a destination, or a tag, that there is not; it is said by the reason for which it would die again."""
    outbox = server.runtime.outbox
    await outbox.append([delivery("a", destination="gone"), delivery("b", destination="gone", tag="Meta lead")])
    await _bury(server, "gone")
    done = (await post(server, "retry", destination="gone")).json()
    assert (done["count"], done["left"], done["refused"]) == (0, 2, {"no_destination": 2})
    assert await outbox.count_dead(Choice()) == 2


async def test_a_destination_that_stands_still_is_named(died: Running) -> None:
    """What is put back waits for it."""
    await died.http.post("/-/pause.json", json={"destination": "meta", "note": "moving"}, headers=BEARER)
    (waiting,) = (await post(died, "retry", all=True)).json()["waiting"]
    assert (waiting["destination"], waiting["state"], waiting["count"]) == ("meta", "paused", 3)
    assert "moving" in waiting["reason"]


@pytest.mark.parametrize("seconds", [None, 0], ids=["at once", "in parts"])
async def test_nothing_of_what_was_dropped_is_left_in_the_files(server: Running, seconds: float | None) -> None:
    """Letters are dropped because they hold what nobody may have, too. As long as the order is not at its end, some of
    it may be there."""
    secret = {"transaction_id": "SENT-4711", "value": 5.0, "currency": "EUR"}
    await server.vendor.post("/control", json={"bad_ids": ["bad-1"]})
    await server.collect([purchase("bad-1", ecommerce=secret)])
    await server.drained()

    def found() -> list[str]:
        return [path.name for path in sorted(server.data.glob("outbox.db*")) if b"SENT-4711" in path.read_bytes()]

    assert found()
    done: dict[str, Any] = {"next": None}
    while (done := (await post(server, "drop", all=True, seconds=seconds, after=done["next"])).json())["next"]:
        pass
    assert found() == []


async def test_each_order_is_on_record_without_ids_of_events(died: Running) -> None:
    await post(died, "retry", reason="rejected", dry_run=True)
    await post(died, "drop", event_id=["bad-1", "bad-2"], since="1h", by="erika")
    died.runtime.audit.close()
    rows = [row.record for row in read_rows(died.data / FOLDER) if row.record and row.record["kind"] == "dead"]
    (row,) = rows
    assert (row["action"], row["by"], row["count"], row["left"]) == ("drop", "erika", 2, 0)
    assert row["choice"].keys() == {"event_ids", "since"}
    assert "bad-1" not in json.dumps(row)


async def test_what_was_done_before_the_queue_refused_is_on_record(server: Running) -> None:
    await server.runtime.outbox.append([delivery(f"e{n}", destination="gone") for n in range(450)])
    await _bury(server, "gone")
    first = (await post(server, "drop", all=True, seconds=0)).json()
    await server.runtime.outbox.close()
    answer = await post(server, "drop", all=True, after=first["next"])
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (503, "try_later")
    server.runtime.audit.close()
    rows = [row.record for row in read_rows(server.data / FOLDER) if row.record and row.record["kind"] == "dead"]
    assert [row["count"] for row in rows] == [first["count"], 0]


async def test_home_says_how_many_letters_lie_there(died: Running) -> None:
    """By reason, until somebody acts."""
    home = (await died.http.get("/-/", headers=BEARER)).text
    assert "3 dead letters: 3 rejected" in home
    await post(died, "drop", all=True)
    assert "dead letter" not in (await died.http.get("/-/", headers=BEARER)).text.partition("<footer")[0]
