"""A server that is started on a disk without a byte left: it delivers, answers, says so, and takes in again by
itself."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.small_disk import fill, make_room, small_disk
from tests.warm import tagserver

from .process import ADMIN, Process

SERVER = """
collect: {origins: ["https://shop.example"]}
queue: {min_free: 20MiB}
"""
CONTAINER = """
destinations: {rows: {type: file, path: "PATH"}}
tags: [{name: Rows, destination: rows, triggers: [all]}]
"""
ORIGIN = {"origin": "https://shop.example"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The disk of the data folder; rows go to another one."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "server.yaml").write_text(SERVER)
    (tmp_path / "config" / "container.yaml").write_text(CONTAINER.replace("PATH", str(tmp_path / "rows")))
    with small_disk(tmp_path / "disk", 64) as made:
        yield made


def start(disk: Path, environ: dict[str, str] | None = None) -> Process:
    """A server with its data on that disk."""
    return Process(
        *["serve", "--port", "0", "--data", str(disk / "data")],
        cwd=disk.parent,
        pattern=r"listens on (http://127\.0\.0\.1:\d+)",
        environ={"TAGSERVER_ADMIN_TOKEN": ADMIN} if environ is None else environ,
    )


def command(disk: Path, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command that asks the server of the data folder."""
    known = {"TAGSERVER_ADMIN_TOKEN": ADMIN} if environ is None else environ
    return tagserver(*words, "--data", str(disk / "data"), cwd=disk.parent, env=known)


def post(server: Process, event_id: str) -> httpx.Response:
    event = {"event": "lead", "event_id": event_id}
    return httpx.post(f"{server.address}/collect", json=event, headers=ORIGIN, trust_env=False)


def get(server: Process, path: str, token: str = ADMIN) -> httpx.Response:
    return httpx.get(f"{server.address}{path}", headers={"authorization": f"Bearer {token}"}, trust_env=False)


def counts(server: Process, token: str = ADMIN) -> Any:
    return get(server, "/-/status.json", token).json()["destinations"]["rows"]


def until(asked: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def test_a_restart_on_a_full_disk(disk: Path) -> None:
    """After a kill and after a stop, with everything but the queue unwritten."""
    rows = disk.parent / "rows"
    rows.write_text("a file stands in the way")
    killed = start(disk)
    assert [post(killed, f"e-{number}").status_code for number in range(5)] == [202] * 5
    killed.kill()
    for name in ("admin-token", "address"):
        (disk / "data" / name).unlink(missing_ok=True)
    rows.unlink()
    fill(disk)

    server = start(disk)
    refused = post(server, "refused")
    assert (refused.status_code, refused.headers["retry-after"] != "") == (503, True)
    assert "disk" in refused.json()["problems"][0]["message"]
    assert get(server, "/healthz").status_code == 200
    ready = get(server, "/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["reason"]) == (503, "unavailable", "outbox")
    assert "disk" in ready.json()["detail"]
    until(lambda: counts(server)["delivered"] == 5)
    assert sum(len(file.read_text().splitlines()) for file in rows.glob("dt=*/*.jsonl")) == 5
    listed = command(disk, "dead", "list")
    assert (listed.returncode, listed.stderr) == (0, ""), "commands find it, though there is no room for its address"
    fill(disk)
    assert server.stop() == 0
    assert "Traceback" not in server.text()

    fill(disk)
    again = start(disk)
    try:
        assert (counts(again)["accepted"], counts(again)["delivered"], counts(again)["pending"]) == (5, 5, 0)
        assert post(again, "refused").status_code == 503
        make_room(disk)
        until(lambda: get(again, "/readyz").status_code == 200)
        assert post(again, "refused").status_code == 202
        until(lambda: "notice" not in get(again, "/readyz").json())
    finally:
        assert again.stop() == 0
    assert "Traceback" not in again.text()


def without_reserve(disk: Path) -> None:
    """Nothing at all is left of what was kept back."""
    (disk / "data" / "outbox.db.ballast").unlink()
    fill(disk)


def test_the_token_of_before_goes_on(disk: Path) -> None:
    """A server without a token of its environment makes one at each start: where there is no room for it, the one that
    lies there goes on; where none does, the log says how to come in, and it is written when there is room."""
    path = disk / "data" / "admin-token"
    start(disk, {}).stop()
    before = path.read_text().strip()
    without_reserve(disk)
    second = start(disk, {})
    assert get(second, "/-/status.json", before).status_code == 200
    assert command(disk, "dead", "list", environ={}).returncode == 0
    second.stop()
    path.unlink()
    fill(disk)
    third = start(disk, {})
    try:
        assert "TAGSERVER_ADMIN_TOKEN" in third.text()
        assert "the admin token cannot be written: " in third.text()
        assert get(third, "/readyz").text == "unavailable"
        make_room(disk)
        until(path.exists)
        assert get(third, "/-/status.json", path.read_text().strip()).status_code == 200
    finally:
        third.stop()


def test_a_first_start_says_what_it_needs(disk: Path) -> None:
    """There is nothing to go on with: exit 1, one sentence."""
    fill(disk)
    done = command(disk, "serve", "--port", "0")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "make room, then start again" in done.stderr
    assert "Traceback" not in done.stderr
