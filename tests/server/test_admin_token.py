"""The admin token of a server that runs: renewed with the env file, or not, and then it is said why."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.config.references import ADMIN_TOKEN
from tagserver.runtime.server_files import TOKEN_FILE
from tagserver.server.app import create_app

from .conftest import ENVIRON, TOKEN, Running, Start

STATUS = "/-/status.json"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """A file of variables, empty yet."""
    path = tmp_path / "secrets.env"
    path.touch()
    return path


ALONE = {"server": True}
"""Of the body of a reload: publish nothing."""


async def renewed(running: Running, token: str, body: Any = ALONE) -> tuple[int, str]:
    """The status of a renewal that was asked for with this token, and what it says."""
    answer = await running.http.post("/-/reload", json=body, headers={"authorization": f"Bearer {token}"})
    return answer.status_code, str(answer.json().get("detail"))


async def opens(server: Running, token: str) -> bool:
    answer = await server.http.get(STATUS, headers={"authorization": f"Bearer {token}"})
    return answer.status_code == 200


@pytest.mark.parametrize("body", [ALONE, {}], ids=["the server's part", "all"])
async def test_the_token_of_the_env_file_is_renewed(
    start: Start, env_file: Path, caplog: pytest.LogCaptureFixture, body: dict[str, Any]
) -> None:
    """The old one, its cookies and its login links are of no use any more; whoever asked and the log are told."""
    env_file.write_text(f"{ADMIN_TOKEN}=the-first-token\n")
    server: Running = await start(env_file=env_file)
    cookie = (await server.http.post("/-/login", data={"token": "the-first-token"})).headers["set-cookie"]
    server.http.cookies.clear()
    env_file.write_text(f"{ADMIN_TOKEN}=the-second-token\n")
    assert await opens(server, "the-first-token")
    with caplog.at_level(logging.INFO):
        status, said = await renewed(server, "the-first-token", body)
    assert (status, "The admin token is a new one".lower() in said.lower()) == (200, True)
    assert any("the admin token is a new one" in one.getMessage() for one in caplog.records)
    assert "-token\n" not in caplog.text
    assert (await opens(server, "the-first-token"), await opens(server, "the-second-token")) == (False, True)
    answer = await server.http.get(STATUS, headers={"cookie": cookie.partition(";")[0]})
    assert answer.status_code == 401
    assert "admin token" not in (await renewed(server, "the-second-token", body))[1]


async def test_a_login_link_of_the_token_before_is_of_no_use(start: Start, env_file: Path) -> None:
    env_file.write_text(f"{ADMIN_TOKEN}=the-first-token\n")
    server: Running = await start(env_file=env_file)
    app = create_app(server.runtime, "unused")
    old = app.state.login_path()
    env_file.write_text(f"{ADMIN_TOKEN}=the-second-token\n")
    await server.runtime.renew()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tags.shop.example") as http:
        assert (await http.get(old)).status_code == 200, "the form, and no login"
        assert (await http.get(app.state.login_path())).status_code == 303


KEPT = [
    ("", "TAGSERVER_ADMIN_TOKEN is not set any more; the one before is still needed"),
    (f"{ADMIN_TOKEN}=\n", "TAGSERVER_ADMIN_TOKEN is not set any more; the one before is still needed"),
    (f"{ADMIN_TOKEN}='two words'\n", "the new TAGSERVER_ADMIN_TOKEN holds a blank"),
    (f"{ADMIN_TOKEN}=ümlaut-token\n", "the new TAGSERVER_ADMIN_TOKEN holds a blank, a line end or a sign beyond ASCII"),
]


@pytest.mark.parametrize(("text", "says"), KEPT)
async def test_a_token_that_cannot_be_taken_leaves_the_one_before(
    start: Start, env_file: Path, caplog: pytest.LogCaptureFixture, text: str, says: str
) -> None:
    """An edit must neither open the door nor lock the operator out; the log says it once, the answer each time."""
    env_file.write_text(f"{ADMIN_TOKEN}=the-first-token\n")
    server: Running = await start(env_file=env_file)
    env_file.write_text(text)
    for _ in range(2):
        status, said = await renewed(server, "the-first-token")
        assert (status, says in said) == (200, True)
    assert [says in one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == [True]
    env_file.write_text(f"{ADMIN_TOKEN}=the-second-token\n")
    await server.runtime.renew()
    assert (await opens(server, "the-first-token"), await opens(server, "the-second-token")) == (False, True)


async def test_a_variable_that_appears_takes_the_place_of_the_token_that_was_made(start: Start, env_file: Path) -> None:
    """Whose file goes: it would mislead commands."""
    server: Running = await start(env_file=env_file)
    (server.data / TOKEN_FILE).write_text(f"{TOKEN}\n")
    assert "admin token" not in (await renewed(server, TOKEN))[1]
    assert (server.data / TOKEN_FILE).exists()
    env_file.write_text(f"{ADMIN_TOKEN}=the-second-token\n")
    assert "a new one" in (await renewed(server, TOKEN))[1]
    assert (await opens(server, TOKEN), await opens(server, "the-second-token")) == (False, True)
    assert not (server.data / TOKEN_FILE).exists()


async def test_a_token_of_the_process_changes_with_the_process(start: Start, env_file: Path) -> None:
    """Whoever asks for a renewal is told; whoever publishes did not ask."""
    server: Running = await start(environ={**ENVIRON, ADMIN_TOKEN: "of-the-process"}, env_file=env_file)
    status, said = await renewed(server, "of-the-process")
    assert (status, "is of the process, and changes with a restart or by --env-file" in said) == (200, True)
    assert "admin token" not in (await renewed(server, "of-the-process", {}))[1]
    env_file.write_text(f"{ADMIN_TOKEN}=of-the-file\n")
    assert "a new one" in (await renewed(server, "of-the-process", {}))[1]
    env_file.write_text("")
    assert "a new one" in (await renewed(server, "of-the-file"))[1]
    assert await opens(server, "of-the-process")


async def test_an_env_file_that_is_gone_changes_nothing_and_is_named(start: Start, env_file: Path) -> None:
    env_file.write_text(f"{ADMIN_TOKEN}=the-first-token\n")
    server: Running = await start(env_file=env_file)
    env_file.unlink()
    status, said = await renewed(server, "the-first-token")
    assert status == 409
    assert f"{env_file}: No such file or directory" in said


async def test_what_could_not_be_renewed_is_told_apart(start: Start, env_file: Path) -> None:
    """A broken server.yaml keeps no token from being renewed."""
    env_file.write_text(f"{ADMIN_TOKEN}=the-first-token\n")
    server: Running = await start(env_file=env_file)
    (server.data.parent / "config" / "server.yaml").write_text("nonsense: 1\n")
    env_file.write_text(f"{ADMIN_TOKEN}=the-second-token\n")
    status, said = await renewed(server, "the-first-token")
    assert (status, "a new one" in said, "today's server.yaml is not taken" in said) == (409, True, True)
    assert await opens(server, "the-second-token")
