"""Published versions: who made them, the way back, and a data folder that cannot keep them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tagserver.audit.files import FOLDER as AUDIT
from tagserver.audit.files import read_rows
from tagserver.publishing.store import Store
from tests.delivery.support import until

from .conftest import BEARER, TWO, Running, container, post, tags


async def listed(server: Running) -> dict[int, dict[str, Any]]:
    """What `/-/versions.json` says, by number."""
    shown = (await server.http.get("/-/versions.json", headers=BEARER)).json()["versions"]
    return {one["number"]: one for one in shown}


async def test_versions_and_the_way_back(server: Running) -> None:
    """The version that was gone back to serves until somebody publishes, and it is said everywhere."""
    first = (await server.status())["container"]["version"]
    container(server).write_text(TWO)
    _, said = await post(server, "reload", {"by": "anna", "note": "all events"})
    assert (said["number"], said["ended"]) == (2, None)
    shown = await listed(server)
    assert [(number, one["serves"]) for number, one in shown.items()] == [(2, True), (1, False)]
    assert (shown[2]["by"], shown[2]["note"], shown[2]["changed"]) == ("anna", "all events", ["Meta all"])
    status, said = await post(server, "rollback", {"number": 1, "by": "bert"})
    assert (status, said["version"], said["number"]) == (200, first, 1)
    assert await tags(server) == ["Meta purchase", "Meta lead"]
    assert [one["serves"] for one in (await listed(server)).values()] == [False, True]
    ready = await server.ready()
    assert (ready["status"], ready["notice"]) == ("degraded", "rolled back to version 1, until somebody publishes")
    _, said = await post(server, "reload", {"server": True})
    assert (said["number"], await tags(server)) == (1, ["Meta purchase", "Meta lead"])
    _, said = await post(server, "reload")
    assert (said["ended"], said["number"], len(await tags(server))) == (1, 3, 3)
    assert (await server.ready())["status"] == "ok"


async def test_who_published_is_on_record(server: Running) -> None:
    """With the number, and without the note: it is free text."""
    container(server).write_text(TWO)
    await post(server, "reload", {"by": "anna", "note": "for erika@example.com"})
    await post(server, "rollback", {"number": 1, "by": "bert"})
    await post(server, "reload", {"server": True})
    folder = server.data / AUDIT

    def rows() -> list[dict[str, Any]]:
        found = (dict(row.record or {}) for row in read_rows(folder))
        return [row for row in found if row["kind"] in ("published", "rollback")]

    await until(lambda: len(rows()) == 3)
    assert [(row["kind"], row["number"], row["by"]) for row in rows()] == [
        ("published", 1, "start"),
        ("published", 2, "anna"),
        ("rollback", 1, "bert"),
    ]
    assert not any("erika" in path.read_text() for path in folder.iterdir())


@pytest.mark.parametrize("content", ["", "{", "null", '{"number": 2, "newest": 2}'])
async def test_the_list_marks_what_serves_whatever_the_data_folder_says(server: Running, content: str) -> None:
    container(server).write_text(TWO)
    await post(server, "reload")
    await post(server, "rollback", {"number": 1})
    (server.data / "serving.json").write_text(content)
    answer = (await server.http.get("/-/versions.json", headers=BEARER)).json()
    assert [one["number"] for one in answer["versions"] if one["serves"]] == [1]
    assert answer["rolled_back"] is not None


async def test_two_who_publish_and_go_back_at_once(server: Running) -> None:
    """One after the other: what serves is one of the versions, whole, and the disk says the same."""
    container(server).write_text(TWO)
    await post(server, "reload")
    bodies = [("reload", {"by": "anna"}), ("rollback", {"number": 1})] * 10
    answers = await asyncio.gather(*(post(server, path, body) for path, body in bodies))
    assert {status for status, _ in answers} == {200}
    (serves,) = (number for number, one in (await listed(server)).items() if one["serves"])
    status = (await server.status())["container"]
    assert (status["number"], status["version"]) == (serves, (await listed(server))[serves]["version"])


async def test_a_data_folder_that_cannot_be_written_keeps_nobody_from_publishing(server: Running) -> None:
    """It is said in the answer and by /readyz that a restart would serve what served before."""
    versions = server.data / "versions"
    versions.rename(server.data / "aside")
    versions.write_text("a file where the folder was")
    container(server).write_text(TWO)
    status, said = await post(server, "reload")
    assert (status, said["ok"], len(await tags(server))) == (200, True, 3)
    ready = await server.ready()
    assert ready["status"] == "degraded"
    for sentence in (said["detail"], ready["notice"]):
        assert "could not be kept" in sentence
        assert "a restart would serve what served before" in sentence
    assert [one["serves"] for one in (await listed(server)).values()] == [True], "what serves, not what a start would"
    versions.unlink()
    (server.data / "aside").rename(versions)
    _, said = await post(server, "reload")
    assert "could not be kept" not in said["detail"]
    assert [one["serves"] for one in (await listed(server)).values()] == [True, False]


async def test_a_version_that_could_not_be_kept_is_kept_later_by_itself(server: Running) -> None:
    """Once there is room, and without an act of anybody."""
    versions = server.data / "versions"
    versions.rename(server.data / "aside")
    versions.write_text("a file where the folder was")
    container(server).write_text(TWO)
    await post(server, "reload")
    await server.runtime.publisher.keep_again()
    assert "could not be kept" in (await server.ready())["notice"]
    versions.unlink()
    (server.data / "aside").rename(versions)
    await server.runtime.publisher.keep_again()
    assert "notice" not in (await server.ready())
    assert [one["serves"] for one in (await listed(server)).values()] == [True, False]
    state = Store(server.data).state()
    assert state is not None
    assert state.serves == server.runtime.publisher.now.serving.number


@pytest.mark.parametrize("body", [{"number": 99}, {"number": "1"}, {}, [1], {"number": 1, "x": 2}])
async def test_a_way_back_that_is_none(server: Running, body: Any) -> None:
    status, _ = await post(server, "rollback", body)
    assert status in (400, 409)
    assert len(await tags(server)) == 2
