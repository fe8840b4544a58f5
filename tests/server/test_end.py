"""The end of a server: readiness goes first, then the door, then the process."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..faults.process import SERVER, Process, purchase, start_sandbox, start_server, write_config
from .conftest import ENVIRON, Running, Start
from .conftest import SERVER as HERE
from .conftest import purchase as sent_purchase

SMALL = HERE.replace("min_free: 1MiB", "min_free: 1MiB, max_size: 1MiB")
ORIGIN = {"origin": "https://shop.example"}


async def test_a_server_that_closes_sends_requests_away(server: Running) -> None:
    """Readable by a page of the shop, and over a connection that is not used again."""
    server.runtime.draining = True
    assert (await server.http.get("/readyz")).status_code == 503
    assert (await server.collect(sent_purchase())).status_code == 202, "the load balancer may not have left yet"
    server.runtime.closing = True
    answer = await server.collect(sent_purchase("another"))
    assert answer.status_code == 503
    assert answer.json()["problems"][0]["code"] == "try_later"
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("2", "close")
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Process]:
    """A process that takes events for a while after SIGTERM."""
    vendor = start_sandbox(tmp_path)
    write_config(tmp_path, vendor.address)
    (tmp_path / "config" / "server.yaml").write_text(SERVER + "shutdown: {pre_stop: 60s}\n")
    process = start_server(tmp_path)
    yield process
    process.popen.kill()
    process.popen.wait(10)
    vendor.stop()


def test_after_sigterm_events_are_taken_until_the_load_balancer_has_left(serving: Process) -> None:
    """A second signal does not wait for that, and the end is a clean one."""
    with httpx.Client(base_url=serving.address, headers=ORIGIN, trust_env=False) as http:
        assert http.get("/readyz").status_code == 200
        serving.popen.send_signal(signal.SIGTERM)
        until = time.monotonic() + 10
        while http.get("/readyz").status_code == 200:
            assert time.monotonic() < until
        assert http.post("/collect", json=purchase("late")).json()["events"][0]["status"] == "accepted"
    serving.popen.send_signal(signal.SIGTERM)
    assert serving.popen.wait(30) == 0
    assert "Traceback" not in serving.text()


async def test_a_queue_that_fills_up_is_said_before_it_is_full(start: Start) -> None:
    """Still ready, but somebody should look why nothing is delivered."""
    keys = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
    server = await start(SMALL, environ=keys)  # without its token the destination is paused, and keeps everything
    number = 0
    while "full" not in (answer := (await server.ready())).get("notice", ""):
        number += 1
        assert (await server.collect([sent_purchase(f"e{number}-{n}") for n in range(20)])).status_code == 202
    assert (answer["ready"], answer["status"]) == (True, "degraded")
