"""`/-/pause.json` and `/-/resume.json` on a whole server: what stands still, what goes on, and how it is shown."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.doctor.doctor import check_running_destinations
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.sandbox import create_sandbox
from tagserver.server.app import create_app
from tests.server.conftest import CONTAINER, ENVIRON, SERVER, TOKEN, Running, Start, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
META = CONTAINER[CONTAINER.index("  meta:") : CONTAINER.index("triggers:")]
OTHER = META.replace("  meta:", "  other:").replace("1234567890", "9876543210")
TWO = CONTAINER.replace("triggers:", f"{OTHER}triggers:", 1) + (
    "  - {name: Other, destination: other, triggers: [purchase]}\n"
)


async def order(server: Running, what: str, **fields: Any) -> httpx.Response:
    """Post one."""
    return await server.http.post(f"/-/{what}.json", json=fields, headers=BEARER)


async def meta(server: Running, name: str = "meta") -> dict[str, Any]:
    """Its entry of status.json."""
    shown: dict[str, Any] = (await server.status())["destinations"][name]
    return shown


async def arrivals(server: Running) -> int:
    """What the vendor has got, after whoever can send something has sent it."""
    await asyncio.sleep(0.15)
    number: int = (await server.vendor.get("/stats.json")).json()["arrivals"]
    return number


async def audit_rows(server: Running, *kinds: str) -> list[dict[str, Any]]:
    """Rows of these kinds, once one is there."""
    for _ in range(300):
        files = sorted((server.data / "audit").glob("*.jsonl"))
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        if found := [row for row in rows if row["kind"] in kinds]:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it is not on record")


async def test_nothing_is_sent_and_all_is_kept(server: Running) -> None:
    """And what is said of it: state, reason, readiness, metrics, the page, `doctor`."""
    answer = await order(server, "pause", destination="meta", note="ticket 4711", by="anna")
    assert (answer.status_code, answer.json()["destination"], answer.json()["replaced"]) == (200, "meta", None)
    assert (await server.collect(purchase())).json()["events"][0]["status"] == "accepted"
    assert await arrivals(server) == 0
    shown = await meta(server)
    assert (shown["state"], shown["pending"], shown["delivered"]) == ("paused", 1, 0)
    assert re.fullmatch(
        r"paused by anna since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, until somebody resumes it: ticket 4711",
        shown["reason"],
    )
    assert shown["pause"] == answer.json()["pause"]
    ready = (await server.http.get("/readyz", headers=BEARER)).json()
    assert ready["status"] == "ok"
    assert "meta is paused by anna" in ready["notice"]
    metrics = (await server.http.get("/-/metrics", headers=BEARER)).text
    assert 'tagserver_destination_state{destination="meta",state="paused"} 1' in metrics
    page = (await server.http.get("/-/", headers=BEARER)).text
    assert "paused by anna" in page
    (finding,) = check_running_destinations(await server.status())
    assert (finding.level, "tagserver resume meta" in finding.hint) == ("warning", True)
    answer = await order(server, "resume", destination="meta", by="bert")
    assert (answer.status_code, answer.json()["was"]["by"]) == (200, "anna")
    assert (await server.drained())["unique"] == 1
    shown = await meta(server)
    assert (shown["state"], shown["pause"], shown["delivered"]) == ("ok", None, 1)
    rows = await audit_rows(server, "paused", "resumed")
    assert [(row["kind"], row["destination"], row["by"]) for row in rows] == [
        ("paused", "meta", "anna"),
        ("resumed", "meta", "bert"),
    ]
    assert rows[0]["note"] == "ticket 4711"


async def test_others_go_on(start: Start) -> None:
    server: Running = await start(container=TWO)
    await order(server, "pause", destination="meta")
    await server.collect(purchase())
    await asyncio.sleep(0.05)
    assert await arrivals(server) == 1
    assert [(await meta(server, name))["pending"] for name in ("meta", "other")] == [1, 0]


RENAMED = CONTAINER.replace("  meta:\n", "  facebook:\n    aliases: [meta]\n").replace(
    "destination: meta", "destination: facebook"
)


@asynccontextmanager
async def serving(folder: Path, vendor: httpx.ASGITransport, container: str | None = None) -> AsyncIterator[Running]:
    """One life of a server of a folder."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (config / "server.yaml").write_text(SERVER)
    if container is not None:
        (config / "container.yaml").write_text(container)
    files = ConfigurationFolder(config, Registry.load(), ENVIRON, None, folder / "data")
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(running(files, folder / "data", transport=vendor, drain=1.0))
        clients = [
            httpx.AsyncClient(transport=transport, base_url=base)
            for transport, base in (
                (httpx.ASGITransport(create_app(runtime, TOKEN)), "http://tags.shop.example"),
                (vendor, "http://vendor.internal"),
            )
        ]
        for client in clients:
            await stack.enter_async_context(client)
        yield Running(clients[0], runtime, clients[1], folder / "data")


ACTS = [["reload"], ["restart"], ["rename", "restart"], ["restart", "rename", "rollback"]]


@pytest.mark.parametrize("acts", ACTS, ids=" ".join)
async def test_it_holds_over_everything_but_resume(tmp_path: Path, acts: list[str]) -> None:
    vendor = httpx.ASGITransport(create_sandbox())
    async with AsyncExitStack() as lives:
        server = await lives.enter_async_context(serving(tmp_path, vendor, CONTAINER))
        assert (await order(server, "pause", destination="meta", by="anna")).status_code == 200
        name = "meta"
        for number, act in enumerate(["nothing", *acts]):
            if act == "restart":
                await lives.aclose()
                server = await lives.enter_async_context(serving(tmp_path, vendor))
            elif act == "rollback":
                name = "meta"
                assert (await server.http.post("/-/rollback", json={"number": 1}, headers=BEARER)).status_code == 200
            elif act in ("rename", "reload"):
                if act == "rename":
                    name = "facebook"
                    (tmp_path / "config" / "container.yaml").write_text(RENAMED)
                assert (await server.http.post("/-/reload", headers=BEARER)).status_code == 200
            if act != "rename":  # what is queued under a name that a rollback takes away waits for that name
                await server.collect(purchase(f"purchase_{number}"))
            assert await arrivals(server) == 0
            shown = await meta(server, name)
            assert (shown["state"], shown["pause"]["by"]) == ("paused", "anna")
        assert (await order(server, "resume", destination="meta")).status_code == 200
        assert (await server.drained())["unique"] == 1 + sum(act != "rename" for act in acts)


async def test_it_ends_by_itself(server: Running) -> None:
    await order(server, "pause", destination="meta", **{"for": 1})
    await server.collect(purchase())
    shown = await meta(server)
    assert re.search(r", until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown["reason"])
    (row,) = await audit_rows(server, "resumed")
    assert row["by"] == "the end of its term"
    assert (await server.drained())["unique"] == 1
    assert (await meta(server))["pause"] is None


async def test_another_pause_takes_the_place_of_one(server: Running) -> None:
    await order(server, "pause", destination="meta", by="anna", note="first")
    answer = await order(server, "pause", destination="meta", by="bert", note="second", **{"for": 3600})
    assert answer.json()["replaced"]["note"] == "first"
    shown = (await meta(server))["pause"]
    assert (shown["by"], shown["note"], shown["until"] is not None) == ("bert", "second", True)
    assert shown["since"] == answer.json()["replaced"]["since"]


async def test_a_vendor_that_was_given_up_is_asked_at_once(server: Running) -> None:
    """`resume` is for whoever reads `paused`, whoever has paused it."""
    await server.vendor.post("/control", json={"status": 401, "next": 1})
    await server.collect(purchase())
    for _ in range(200):
        if (await meta(server))["state"] == "paused":
            break
        await asyncio.sleep(0.01)
    answer = await order(server, "resume", destination="meta")
    assert (answer.status_code, answer.json()["was"]) == (200, None)
    assert (await server.drained())["unique"] == 1


BAD = [
    ("pause", {"destination": "mteta"}, 404, 'no destination "mteta"; there are: meta'),
    ("resume", {"destination": "mteta"}, 404, 'no destination "mteta"; there are: meta'),
    ("pause", {}, 400, "destination"),
    ("pause", {"destination": 1}, 400, "destination"),
    ("pause", {"destination": "meta", "for": 0}, 400, "for"),
    ("pause", {"destination": "meta", "for": 1e12}, 400, "for"),
    ("pause", {"destination": "meta", "note": "x" * 501}, 400, "note"),
    ("pause", {"destination": "meta", "until": 1}, 400, "until"),
    ("resume", {"destination": "x" * 300}, 404, "no destination"),
]


@pytest.mark.parametrize(("what", "fields", "status", "says"), BAD)
async def test_an_order_that_is_none_changes_nothing(
    server: Running, what: str, fields: dict[str, Any], status: int, says: str
) -> None:
    answer = await order(server, what, **fields)
    assert (answer.status_code, says in answer.json()["problems"][0]["message"]) == (status, True)
    assert (await meta(server))["pause"] is None


async def test_what_is_typed_stays_one_line_without_contacts(server: Running) -> None:
    note = "call +49 170 1234567\nor erika@example.com \x1b[31m EAAB" + "x" * 30
    await order(server, "pause", destination="meta", note=note)
    reason = (await meta(server))["reason"]
    assert reason.isprintable()
    assert not re.search(r"1234567|erika|EAAB", reason)


async def test_it_says_what_waits_and_what_is_too_old(server: Running) -> None:
    """And before it goes on, what may not be sent any more."""
    await order(server, "pause", destination="meta")
    await server.collect([purchase(f"purchase_{number}") for number in range(3)])
    said = (await order(server, "pause", destination="meta", **{"for": 3600})).json()
    assert (said["outlook"]["waiting"], said["outlook"]["before"], said["outlook"]["expired"]) == (3, 0, 0)
    assert sum(said["outlook"]["by_day"].values()) == 3, "Meta takes nothing that is older than a week"
    assert said["share"]["used"] == (await meta(server))["pending_bytes"] > 3 * 500
    paused_tag = CONTAINER.replace("name: Meta purchase,", "name: Meta purchase, paused: true,")
    (server.data.parent / "config" / "container.yaml").write_text(paused_tag)
    assert (await server.http.post("/-/reload", headers=BEARER)).status_code == 200
    said = (await order(server, "resume", destination="meta", dry_run=True)).json()
    assert (said["was"]["by"], said["outlook"]["refused"]) == ("admin", {"tag_removed": 3})
    assert (await meta(server))["state"] == "paused"
    await order(server, "resume", destination="meta")
    for _ in range(200):
        if (shown := await meta(server))["dead"]:
            break
        await asyncio.sleep(0.02)
    assert shown["dead_by_reason"] == {"tag_removed": 3}


async def test_at_its_share_new_ones_die_and_it_is_said(start: Start) -> None:
    """That is something to look at, where a pause alone is not."""
    server: Running = await start(SERVER.replace("min_free: 1MiB", "min_free: 1MiB, max_size: 1MiB"), TWO)
    await order(server, "pause", destination="meta")
    for number in range(20):
        answer = await server.collect([purchase(f"purchase_{number}-{one}") for one in range(20)])
        assert {one["status"] for one in answer.json()["events"]} == {"accepted"}
        if (shown := await meta(server))["dead"]:
            break
    assert set(shown["dead_by_reason"]) == {"queue_full"}
    assert shown["accepted"] == shown["pending"] + shown["dead"]
    assert "new deliveries become dead letters (queue_full)" in shown["reason"]
    assert shown["pending_bytes"] <= 1 << 18
    ready = (await server.http.get("/readyz", headers=BEARER)).json()
    assert (ready["ready"], ready["status"]) == (True, "degraded")
    assert (await meta(server, "other"))["dead"] == 0


async def test_its_share_goes_along_with_its_name(start: Start) -> None:
    """A destination that is renamed while it is paused takes no second quarter."""
    server: Running = await start(SERVER.replace("min_free: 1MiB", "min_free: 1MiB, max_size: 1MiB"))
    await order(server, "pause", destination="meta")
    for number in range(20):
        await server.collect([purchase(f"purchase_{number}-{one}") for one in range(20)])
        if (await meta(server))["dead"]:
            break
    (server.data.parent / "config" / "container.yaml").write_text(RENAMED)
    assert (await server.http.post("/-/reload", headers=BEARER)).status_code == 200
    await server.collect([purchase(f"purchase_renamed-{one}") for one in range(3)])
    assert (await meta(server, "facebook"))["dead_by_reason"] == {"queue_full": 3}


async def test_resume_says_why_it_stands_still_all_the_same(start: Start) -> None:
    """Its token is missing: that it goes on would be no true word."""
    server: Running = await start(environ={name: value for name, value in ENVIRON.items() if name != "META_TOKEN"})
    await order(server, "pause", destination="meta", by="anna")
    shown = await meta(server)
    assert shown["reason"].startswith("paused by anna")
    assert "META_TOKEN is not set" in shown["reason"]
    said = (await order(server, "resume", destination="meta")).json()
    assert (said["was"]["by"], "META_TOKEN is not set" in said["besides"]) == ("anna", True)
    shown = await meta(server)
    assert (shown["state"], shown["pause"], "META_TOKEN" in shown["reason"]) == ("paused", None, True)


async def test_what_cannot_be_written_is_said(server: Running) -> None:
    """And has not happened."""
    await server.runtime.outbox.close()
    answer = await order(server, "pause", destination="meta")
    said = answer.json()["problems"][0]["message"]
    assert (answer.status_code, "nothing was changed, because it could not be written" in said) == (503, True)
    assert (await meta(server))["pause"] is None
