"""The page Configuration: what serves, the draft, what publishing would change, and the two acts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tagserver.server.pages.configuration import MOST_LINES
from tests.server.conftest import BEARER, CONTAINER, ENVIRON, SERVER, TWO, Running, Start, container, tags

HTML = {**BEARER, "accept": "text/html"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
MARKUP = "<script>alert(1)</script>"
SECRET = "sentinel-4711-of-somebody"
BROKEN = CONTAINER.replace("triggers: [lead]", "triggers: [leads]")


async def page(server: Running, path: str = "configuration", status: int = 200) -> str:
    answer = await server.http.get(f"/-/{path}", headers=HTML)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")
    return answer.text


async def told(server: Running, path: str = "configuration.json") -> dict[str, Any]:
    answer = await server.http.get(f"/-/{path}", headers=BEARER)
    assert answer.status_code == 200
    shown: dict[str, Any] = answer.json()
    return shown


async def submit(server: Running, path: str, **fields: str) -> tuple[int, str]:
    answer = await server.http.post(f"/-/{path}", content=urlencode(fields), headers=FORM)
    return answer.status_code, answer.headers.get("location", "") or answer.text


async def test_the_draft_is_what_serves(server: Running) -> None:
    """Nothing waits, so there is nothing to publish."""
    shown = await told(server)
    assert shown["serves"]["number"] == 1
    assert (shown["serves"]["by"], shown["serves"]["tags"], shown["serves"]["destinations"]) == ("start", 2, 1)
    assert (shown["draft"]["differs"], shown["draft"]["publishable"], shown["draft"]["problems"]) == (False, True, [])
    assert (shown["plan"]["changes"], shown["unread"]) == ([], "")
    assert [one["number"] for one in shown["versions"]] == [1]
    html = await page(server)
    assert "the same" in html
    assert "<button>Publish</button>" not in html


async def test_what_publishing_would_change(start: Start) -> None:
    """By name, and for the events of the test cases; then somebody publishes, with a note."""
    server: Running = await start(server=f"{SERVER}reload: manual")
    (container(server).parent / "all.test.yaml").write_text("- {name: one, event: {event: purchase}, expect: {}}\n")
    container(server).write_text(TWO)
    shown = await told(server)
    assert shown["draft"]["differs"]
    assert [(one["sign"], one["what"], one["name"]) for one in shown["plan"]["changes"]] == [("+", "tag", "Meta all")]
    assert shown["plan"]["cases"] == 1
    assert [(one["tag"], one["before"]) for one in shown["plan"]["effects"]] == [("Meta all", "no such tag")]
    html = await page(server)
    assert "<button>Publish</button>" in html
    assert await submit(server, "configuration/publish", note="all of it") == (303, "/-/configuration")
    assert await tags(server) == ["Meta purchase", "Meta all", "Meta lead"]
    newest = (await told(server))["versions"][0]
    assert (newest["number"], newest["by"], newest["note"], newest["serves"]) == (2, "admin", "all of it", True)


async def test_a_draft_with_errors(server: Running) -> None:
    """The page works, has each problem at its line, and publishing says why not and changes nothing."""
    container(server).write_text(BROKEN)
    shown = await told(server)
    assert not shown["draft"]["publishable"]
    (problem,) = shown["draft"]["problems"]
    (file,) = shown["draft"]["files"]
    assert [line["number"] for line in file["lines"] if line["problems"]] == [problem["line"]]
    assert file["lines"][problem["line"] - 1]["problems"] == [problem]
    html = await page(server)
    assert "cannot be published" in html
    assert f'id="container.yaml-{problem["line"]}"' in html
    assert html.count(problem["code"]) >= 2
    status, said = await submit(server, "configuration/publish", note="")
    assert (status, "Nothing was published" in said) == (409, True)
    assert await tags(server) == ["Meta purchase", "Meta lead"]


@pytest.mark.parametrize("text", ["tags: [\n", "\x00", "", "\xff\xfe", "a: &a [*a]", "# only\n" * 3])
async def test_a_draft_that_is_no_yaml(server: Running, text: str) -> None:
    """It is shown all the same."""
    container(server).write_bytes(text.encode("latin-1"))
    shown = await told(server)
    assert shown["draft"]["problems"] or not shown["draft"]["differs"] or shown["plan"]["changes"]
    assert "container.yaml" in await page(server)


async def test_a_folder_without_files(server: Running) -> None:
    """Somebody has moved it: the page says what serves, and what is missing."""
    container(server).unlink()
    assert "There is no file" in await page(server)
    container(server).parent.joinpath("server.yaml").unlink()
    shown = await told(server)
    assert (shown["draft"]["files"], shown["draft"]["server"]["names"]) == ([], [])


async def test_no_secret_is_shown(start: Start) -> None:
    """Neither one that somebody has typed into a file, nor one of the environment, nor a value of server.yaml; in no
    page, no `.json`, no problem, no plan and no version."""
    server: Running = await start(server=f"{SERVER}reload: manual")
    literal = CONTAINER.replace('"${env:META_TOKEN}"', SECRET) + f"# it was {SECRET}, {ENVIRON['META_TOKEN']}\n"
    container(server).write_text(literal + f"variables: {{x: {{constant: {SECRET}}}}}\n")
    texts = [
        await page(server),
        (await server.http.get("/-/configuration.json", headers=BEARER)).text,
        (await submit(server, "configuration/publish", note=""))[1],
        await page(server, "configuration/versions/1"),
    ]
    for text in texts:
        assert SECRET not in text
        assert not [one for one in (*ENVIRON.values(), "contract, 2026-03", "64KiB") if one in text]
    assert "E201" in texts[0]
    assert "${env:META_TOKEN}" in texts[3]
    assert "collect.keys.backend.secret" in texts[0]


async def test_stored_markup_does_nothing(start: Start) -> None:
    """In names, comments, notes and names of those who publish."""
    server: Running = await start(server=f"{SERVER}reload: manual")
    container(server).write_text(TWO.replace("Meta all", MARKUP) + f"# {MARKUP}\n")
    assert (await submit(server, "configuration/publish", note=MARKUP))[0] == 303
    await server.http.post("/-/rollback", json={"number": 1, "by": MARKUP, "note": MARKUP}, headers=BEARER)
    for path in ("configuration", "configuration/versions/2", "configuration/versions/1"):
        text = await page(server, path)
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text or path.endswith("1")


async def test_the_way_back(start: Start) -> None:
    """Each version says what it changed; one goes back from the page that says what that means."""
    server: Running = await start(server=f"{SERVER}reload: manual")
    container(server).write_text(TWO)
    await submit(server, "configuration/publish", note="more")
    second = await told(server, "configuration/versions/2.json")
    assert (second["before"], second["serves"], second["note"]) == (1, True, "more")
    assert [one["name"] for one in second["changes"]] == ["Meta all"]
    (difference,) = second["differences"]
    assert [line for line in difference["lines"] if line.startswith("+")] == [
        "+  - {name: Meta all, destination: meta, triggers: [all]}"
    ]
    html = await page(server, "configuration/versions/1")
    assert "until somebody" in html
    assert (await submit(server, "configuration/versions/1/rollback", note="too much"))[0] == 303
    assert await tags(server) == ["Meta purchase", "Meta lead"]
    serves = (await told(server))["serves"]
    assert (serves["number"], serves["rolled_back"]["by"], serves["rolled_back"]["note"]) == (1, "admin", "too much")
    assert "rolled back" in await page(server)
    # The draft is what it was, so that publishing ends the rollback.
    assert (await submit(server, "configuration/publish", note=""))[0] == 303
    assert (await told(server))["serves"]["number"] == 3


@pytest.mark.parametrize("number", ["0", "7", "x", "-1", "1e3", "9" * 40, "%D9%A1", "1%2F2"])
async def test_a_version_that_there_is_not(server: Running, number: str) -> None:
    """A page that says so; going back to it changes nothing."""
    await page(server, f"configuration/versions/{number}", 404)
    answer = await server.http.get(f"/-/configuration/versions/{number}.json", headers=BEARER)
    assert answer.status_code == 404
    status, _ = await submit(server, f"configuration/versions/{number}/rollback", note="")
    assert status in (404, 409)
    assert (await told(server))["serves"]["number"] == 1


async def test_a_version_that_does_not_suit_today(start: Start) -> None:
    """It is refused on its own page, with the problems."""
    server: Running = await start(server=f"{SERVER}reload: manual")
    container(server).write_text(TWO)
    await submit(server, "configuration/publish", note="")
    path = server.data / "versions" / "000001.json"
    path.write_bytes(path.read_bytes().replace(b'"files":{', b'"files":{"other.yaml":"dGFnczogWw==",'))
    status, said = await submit(server, "configuration/versions/1/rollback", note="")
    assert (status, "Nothing was changed" in said) == (409, True)
    assert (await told(server))["serves"]["number"] == 2


async def test_a_long_file_is_cut(start: Start) -> None:
    """What is shown of it is bounded, and so is each line; problems beyond are in the list."""
    long = CONTAINER + "# comment\n" * (MOST_LINES + 500) + f"# {'x' * 5000}\nwrong: 1\n"
    server: Running = await start(server=f"{SERVER}reload: manual")
    container(server).write_text(long)
    shown = await told(server)
    (file,) = shown["draft"]["files"]
    assert (len(file["lines"]), file["left_out"]) == (MOST_LINES, len(long.splitlines()) - MOST_LINES)
    assert [one["line"] for one in shown["draft"]["problems"]] == [len(long.splitlines())]
    assert len(await page(server)) < 1 << 20


async def test_what_waits_for_a_restart(server: Running) -> None:
    """A setting that counts from the next start on."""
    (container(server).parent / "server.yaml").write_text(SERVER.replace("min_free: 1MiB", "min_free: 2MiB"))
    await server.http.post("/-/reload", json={"server": True}, headers=BEARER)
    assert "queue.min_free" in (await told(server))["serves"]["awaits_a_start"]
    assert "waits for a restart" in await page(server)


@pytest.mark.parametrize("path", ["configuration/publish", "configuration/versions/1/rollback"])
async def test_a_form_that_is_none(server: Running, path: str) -> None:
    """Too long, or no form at all."""
    answer = await server.http.post(f"/-/{path}", content=b"note=" + b"x" * 100_000, headers=FORM)
    assert answer.status_code == 413
    answer = await server.http.post(f"/-/{path}", content="note=ä".encode(), headers=FORM)
    assert answer.status_code == 400
