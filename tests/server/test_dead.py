"""Dead letters over HTTP and on the command line, with a real server and a real vendor."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..faults.process import ADMIN, Process, drained, purchase, start_sandbox, start_server, status, write_config
from ..warm import tagserver

ORIGIN = {"origin": "https://shop.example"}
BEARER = {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Process]:
    """A stand-in for Meta."""
    process = start_sandbox(tmp_path)
    write_config(tmp_path, process.address)
    yield process
    process.stop()


@pytest.fixture
def server(tmp_path: Path, vendor: Process) -> Iterator[Process]:
    """A server with three good events delivered and one bad one among the dead letters."""
    httpx.post(f"{vendor.address}/control", json={"bad_ids": ["bad"]}, trust_env=False).raise_for_status()
    process = start_server(tmp_path)
    body = [purchase("good-1"), purchase("bad"), purchase("good-2"), purchase("good-3")]
    httpx.post(f"{process.address}/collect", json=body, headers=ORIGIN, trust_env=False).raise_for_status()
    drained(process)
    yield process
    process.stop()


def command(folder: Path, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`tagserver dead …` beside the server."""
    environment = {"PATH": os.environ["PATH"]} | ({"TAGSERVER_ADMIN_TOKEN": ADMIN} if environ is None else environ)
    return tagserver("dead", *words, cwd=folder, env=environment)


def letters(server: Process, **query: Any) -> list[dict[str, Any]]:
    """`/-/dead.json`."""
    answer = httpx.get(f"{server.address}/-/dead.json", params=query, headers=BEARER, trust_env=False)
    found: list[dict[str, Any]] = answer.json()["letters"]
    return found


def test_a_dead_letter_is_listed_without_its_payload(tmp_path: Path, server: Process) -> None:
    (letter,) = letters(server)
    assert (letter["event_id"], letter["reason"], letter["destination"]) == ("bad", "rejected", "meta")
    assert "body" not in letter
    shown = command(tmp_path, "list")
    assert shown.returncode == 0
    assert "bad" in shown.stdout
    assert "1 dead letter, newest first." in shown.stdout
    assert json.loads(command(tmp_path, "list", "--json").stdout)["dead"][0]["event_id"] == "bad"
    assert letters(server, reason="expired") == []


def test_a_retry_delivers_when_the_vendor_takes_it(tmp_path: Path, server: Process, vendor: Process) -> None:
    httpx.post(f"{vendor.address}/control", json={"bad_ids": []}, trust_env=False)
    shown = command(tmp_path, "retry", "--reason", "rejected")
    assert "1 dead letter put back" in shown.stdout
    counts = drained(server)
    assert (counts["delivered"], counts["dead"], counts["erased"]) == (4, 0, 0)


def test_a_drop_counts_as_erased(tmp_path: Path, server: Process) -> None:
    assert command(tmp_path, "drop", "--event-id", "bad").returncode == 0
    counts = status(server)
    assert (counts["accepted"], counts["delivered"], counts["dead"], counts["erased"]) == (4, 3, 0, 1)


def test_without_a_choice_nothing_is_done(tmp_path: Path, server: Process) -> None:
    assert command(tmp_path, "drop").returncode == 2
    answer = httpx.post(f"{server.address}/-/dead.json", json={"action": "drop"}, headers=BEARER, trust_env=False)
    assert answer.status_code == 400
    assert len(letters(server)) == 1


def test_an_id_that_cannot_be_one_is_named(tmp_path: Path, server: Process) -> None:
    for one in ("0", "99999999999999999999"):
        done = command(tmp_path, "retry", "--id", one)
        assert (done.returncode, "--id" in done.stderr) == (2, True)
        order = {"action": "retry", "id": int(one)}
        answer = httpx.post(f"{server.address}/-/dead.json", json=order, headers=BEARER, trust_env=False)
        assert answer.status_code == 400
        assert "id" in answer.json()["problems"][0]["message"].replace("invalid", "")


@pytest.mark.parametrize("body", ["", "[]", '{"action": "eat"}', '{"action": "drop", "ids": [1]}', '{"action": 1}'])
def test_an_order_that_is_none(server: Process, body: str) -> None:
    answer = httpx.post(f"{server.address}/-/dead.json", content=body, headers=BEARER, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["message"]


def test_another_account_holds_what_was_queued(tmp_path: Path, server: Process, vendor: Process) -> None:
    """Queued for one pixel, and the file names another: held as a dead letter, not sent to the new one unasked."""
    httpx.post(f"{vendor.address}/control", json={"status": 500, "next": 1000}, trust_env=False)
    httpx.post(f"{server.address}/collect", json=purchase("late"), headers=ORIGIN, trust_env=False)
    server.stop()
    file = tmp_path / "config" / "container.yaml"
    file.write_text(file.read_text().replace('pixel_id: "1"', 'pixel_id: "2"'))
    httpx.post(f"{vendor.address}/control", json={"clear": True}, trust_env=False)
    again = start_server(tmp_path)
    try:
        until = time.monotonic() + 10
        while not letters(again, reason="destination_changed") and time.monotonic() < until:
            time.sleep(0.05)
        (letter,) = letters(again, reason="destination_changed")
        assert letter["event_id"] == "late"
        assert command(tmp_path, "retry", "--reason", "destination_changed").returncode == 0
        assert drained(again)["delivered"] == 4
    finally:
        again.stop()


def test_without_a_server_the_command_says_so(tmp_path: Path) -> None:
    shown = command(tmp_path, "list")
    assert shown.returncode == 3
    assert "no server runs" in shown.stderr


def test_a_wrong_token_is_said(tmp_path: Path, server: Process) -> None:
    shown = command(tmp_path, "list", environ={"TAGSERVER_ADMIN_TOKEN": "wrong"})
    assert shown.returncode == 1
    assert "token" in shown.stderr
