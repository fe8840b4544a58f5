"""Reload under a running server: built aside, swapped whole, and tested first if asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tagserver.runtime.running import contents, watch
from tests.delivery.support import until
from tests.fake_time import FakeTime

from .conftest import BEARER, CONTAINER, ENVIRON, SERVER, TWO, Running, Start, container, post, purchase, tags

BROKEN = "tags: [{nmae: x}]\n"


async def watched(condition: Callable[[], bool]) -> None:
    """Wait until the server has looked at the files by itself, and taken what was to be taken."""
    deadline = asyncio.get_running_loop().time() + 20
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)


async def test_a_good_edit_serves_at_once(server: Running) -> None:
    container(server).write_text(TWO)
    status, said = await post(server, "reload")
    assert (status, said["ok"]) == (200, True)
    assert await tags(server) == ["Meta purchase", "Meta all", "Meta lead"]


async def test_a_destination_that_is_renamed_keeps_what_was_queued(start: Start) -> None:
    """Its new entry names the old one; what waited there goes to the vendor under its own counts."""
    keys = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
    server: Running = await start(environ=keys)
    await server.collect(purchase())
    renamed = CONTAINER.replace("  meta:\n", "  facebook:\n    aliases: [meta]\n")
    container(server).write_text(renamed.replace("destination: meta", "destination: facebook"))
    keys["META_TOKEN"] = ENVIRON["META_TOKEN"]
    assert (await post(server, "reload"))[0] == 200
    assert (await server.drained())["unique"] == 1
    shown = (await server.status())["destinations"]
    assert (shown["meta"]["delivered"], shown["meta"]["state"]) == (1, "ok")


async def test_a_broken_edit_changes_nothing_but_what_is_shown(server: Running) -> None:
    before = (await server.status())["container"]["version"]
    container(server).write_text(BROKEN)
    status, said = await post(server, "reload")
    assert (status, said["ok"], said["version"]) == (409, False, before)
    assert any("nmae" in problem["message"] for problem in said["problems"])
    ready = await server.http.get("/readyz")
    assert (ready.status_code, ready.text) == (200, "degraded")
    assert (await server.collect(purchase())).status_code == 202
    container(server).write_text(CONTAINER)
    assert (await post(server, "reload"))[0] == 200
    assert (await server.ready())["status"] == "ok"


async def test_no_event_is_lost_while_reloads_go_on(server: Running) -> None:
    """A hundred reloads beside a hundred events: all are taken, each once."""

    async def reload() -> None:
        for number in range(50):
            container(server).write_text(TWO if number % 2 else CONTAINER)
            await post(server, "reload")

    async def send() -> list[int]:
        return [(await server.collect(purchase(f"p-{number}"))).status_code for number in range(100)]

    _, codes = await asyncio.gather(reload(), send())
    assert codes == [202] * 100
    stats = await server.drained()
    assert stats["unique"] >= 100
    counts = (await server.status())["destinations"]["meta"]
    assert counts["accepted"] == counts["delivered"] + counts["dead"]


MANUAL = SERVER + "reload: manual\n"


async def test_under_manual_an_edit_waits_and_it_is_said(start: Start) -> None:
    one: Running = await start(server=MANUAL)
    container(one).write_text(TWO)
    await watched(lambda: one.runtime.publisher.now.differs)
    ready = await one.ready()
    assert ready["status"] == "ok"
    assert "`tagserver plan` shows it, `tagserver reload` publishes" in ready["notice"]
    assert len(await tags(one)) == 2
    await post(one, "reload")
    assert len(await tags(one)) == 3
    assert "notice" not in (await one.ready())


async def test_under_manual_server_yaml_is_taken_by_itself(start: Start) -> None:
    """It is operations', and publishes nothing of marketing's."""
    one: Running = await start(server=MANUAL)
    container(one).write_text(TWO)
    (container(one).parent / "server.yaml").write_text(MANUAL.replace("shop.example", "new.example"))
    await watched(lambda: "https://new.example" in one.runtime.server.collect.origins)
    assert len(await tags(one)) == 2


@pytest.mark.parametrize(
    "body",
    [[], 7, {"note": 1}, {"by": ""}, {"by": "x" * 101}, {"note": "x" * 2001}, {"server": "yes"}, {"unknown": 1}],
)
async def test_an_order_that_is_none(server: Running, body: Any) -> None:
    container(server).write_text(TWO)
    answer = await server.http.post("/-/reload", json=body, headers=BEARER)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "bad_order")
    assert len(await tags(server)) == 2


CASES = "- {name: purchases are sent, event: {event: purchase}, expect: {skip: {Meta lead: no_trigger}}}\n"


async def test_tests_must_pass_first(start: Start) -> None:
    one: Running = await start(server=SERVER + "reload: require_tests\n")
    folder = container(one).parent
    (folder / "shop.test.yaml").write_text(CASES)
    assert (await post(one, "reload"))[0] == 200
    container(one).write_text(CONTAINER.replace("triggers: [lead]", "triggers: [purchase]"))
    status, said = await post(one, "reload")
    assert status == 409
    assert [problem["code"] for problem in said["problems"]] == ["T401"]
    assert "purchases are sent" in said["problems"][0]["message"]


async def reported(folder: Path, looks: list[Callable[[], object]]) -> list[str]:
    """What the files say at each report, while one thing after another happens to them between two looks."""
    found: list[str] = []

    async def changed() -> None:
        found.append("".join(path.read_text() for path in sorted(folder.rglob("*.yaml"))))

    async def sleep(seconds: float) -> None:
        if not looks:
            await asyncio.Event().wait()
        await asyncio.sleep(0.02)  # the file system's clock is coarse
        looks.pop(0)()

    time = FakeTime()
    time.sleeper = sleep
    watching = asyncio.create_task(watch(folder, contents(folder), changed, time))
    await until(lambda: not looks)
    await asyncio.sleep(0.05)
    watching.cancel()
    return found


def nothing() -> None:
    """A look at which nothing has happened."""


async def test_a_change_is_reported_once_it_is_still(tmp_path: Path) -> None:
    """An editor writes a file in pieces: only what has not changed for a whole look is taken."""
    file = tmp_path / "a.yaml"
    file.write_text("1")
    writes = [lambda text=text: file.write_text(text) for text in ("12", "123")]
    assert await reported(tmp_path, [nothing, *writes, nothing, nothing, lambda: file.write_text("4"), nothing]) == [
        "123",
        "4",
    ]


async def test_what_counts_is_what_the_files_say(tmp_path: Path) -> None:
    """Not their times, nor that a deployment wrote them anew; a case that changes counts."""
    file, case = tmp_path / "a.yaml", tmp_path / "a.test.yaml"
    file.write_text("1")
    case.write_text("2")

    def anew() -> None:
        made = tmp_path / "new"
        made.write_text("1")
        made.replace(file)

    looks = [file.touch, nothing, anew, nothing, lambda: case.write_text("3"), nothing]
    assert await reported(tmp_path, looks) == ["31"]


async def test_a_file_that_can_be_read_again_has_changed(tmp_path: Path) -> None:
    """Only its rights are different, not its time, its size or its number."""
    file = tmp_path / "a.yaml"
    file.write_text("1")
    file.chmod(0o000)
    if os.access(file, os.R_OK):
        pytest.skip("root reads everything")
    assert await reported(tmp_path, [nothing, lambda: file.chmod(0o644), nothing]) == ["1"]


async def test_a_broken_edit_is_named_in_the_log(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Each problem with its place."""
    container(server).write_text(BROKEN)
    await post(server, "reload")
    said = [record.getMessage() for record in caplog.records if record.name == "tagserver"]
    assert any(one.startswith("container.yaml:1: ") and "nmae" in one for one in said)


async def test_what_stands_still_after_an_edit_is_named_in_the_log_once(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """As at a start: the edit serves, and a destination of it does not."""

    def said() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]

    container(server).write_text(CONTAINER.replace("META_TOKEN", "ANOTHER_TOKEN"))
    assert (await post(server, "reload"))[0] == 200
    (named,) = said()
    assert named.startswith("destination meta is paused: ")
    assert "(container.yaml:" in named
    assert "ANOTHER_TOKEN" in named
    container(server).write_text(TWO.replace("META_TOKEN", "ANOTHER_TOKEN"))
    assert (await post(server, "reload"))[0] == 200
    assert said() == [named]


async def test_a_deployment_that_writes_the_files_is_taken_by_itself(start: Start) -> None:
    """Without anybody's order, also when it comes right after the start."""
    one: Running = await start()
    container(one).write_text(TWO)
    await watched(lambda: len(one.runtime.container.tags) == 3)


@pytest.mark.parametrize(
    ("path", "body"), [("reload", None), ("dead.json", {"action": "retry", "destination": "meta"})]
)
async def test_who_reloads_or_retries_need_not_wait_for_what_a_vendor_asked(start: Start, path: str, body: Any) -> None:
    """It asked for a quarter of an hour, and was mended after a minute."""
    down = True

    async def events(request: Request) -> Response:
        if b'"bad"' in await request.body():
            return JSONResponse({"error": {"code": 100, "message": "no"}}, 400)
        return (
            Response(status_code=503, headers={"retry-after": "900"}) if down else JSONResponse({"events_received": 1})
        )

    vendor = Starlette(routes=[Route("/{path:path}", events, methods=["POST"])])
    server: Running = await start(vendor=vendor)
    counts = server.runtime.outbox.counts
    await server.collect(purchase("bad"))
    await until(lambda: counts()["meta"].dead == 1)
    await server.collect(purchase("good"))
    await until(lambda: server.runtime.status.state("meta")[0] == "retrying")
    down = False
    await post(server, path, body)
    await until(lambda: counts()["meta"].delivered == 1)
