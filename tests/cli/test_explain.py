"""`tagserver explain` and `tap` beside a running server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.cli.test_pause import ORIGIN, command
from tests.faults.process import ADMIN, Process, drained, purchase
from tests.processes import ends_with_parent


def collect(server: Process, event_id: str) -> None:
    answer = httpx.post(f"{server.address}/collect", json=purchase(event_id), headers=ORIGIN, trust_env=False)
    assert answer.status_code == 202


def test_an_event_is_explained_from_push_to_answer(tmp_path: Path, server: Process) -> None:
    collect(server, "e-1")
    drained(server)
    end = time.monotonic() + 20
    done = command(tmp_path, "explain", "e-1")
    while "sent, and the vendor has it" not in done.stdout and time.monotonic() < end:  # records follow a little later
        done = command(tmp_path, "explain", "e-1")
    assert done.returncode == 0, done.stderr
    assert "purchase  e-1" in done.stdout
    assert "sent, and the vendor has it" in done.stdout
    assert "answered 200 after" in done.stdout
    (record,) = json.loads(command(tmp_path, "explain", "e-1", "--json").stdout)["records"]
    assert record["event_id"] == "e-1"


def test_what_is_not_known_ends_with_1_and_says_since_when(tmp_path: Path, server: Process) -> None:
    done = command(tmp_path, "explain", "nobody/with a slash?")
    assert (done.returncode, done.stdout) == (1, "")
    assert "on record" in done.stderr


def test_tap_shows_events_as_they_come(tmp_path: Path, server: Process) -> None:
    tap = subprocess.Popen(
        [sys.executable, "-m", "tagserver", "tap", "--event", "purchase"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TAGSERVER_ADMIN_TOKEN": ADMIN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=ends_with_parent(),
    )
    try:
        assert tap.stdout is not None
        status = f"{server.address}/-/status.json"
        while not httpx.get(status, headers={"authorization": f"Bearer {ADMIN}"}, trust_env=False).json()["records"][
            "viewers"
        ]:
            assert tap.poll() is None
        collect(server, "e-9")
        assert "as they come" in tap.stdout.readline()
        lines = [tap.stdout.readline(), tap.stdout.readline()]
        assert all("e-9" in one for one in lines)
        assert "accepted" in lines[0]
        assert "delivered" in lines[1]
    finally:
        tap.terminate()
        tap.communicate(timeout=20)


def test_a_stream_does_not_hold_up_the_end(tmp_path: Path, server: Process) -> None:
    with httpx.stream(
        "GET", f"{server.address}/-/stream", headers={"authorization": f"Bearer {ADMIN}"}, trust_env=False
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        server.stop()
        assert "event: end" in list(lines)
