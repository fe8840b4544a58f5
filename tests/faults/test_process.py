"""Promise 1: `accepted` means on disk. A killed server, a stopped one, a second one on the same folder."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .process import ADMIN, Process, drained, purchase, start_sandbox, start_server, status, write_config

ORIGIN = {"origin": "https://shop.example"}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One process for all tests of this file."""
    process = start_sandbox(tmp_path_factory.mktemp("vendor"))
    yield process
    process.stop()


@pytest.fixture
def vendor(tmp_path: Path, stand_in: Process) -> Process:
    """A stand-in for Meta that has seen nothing yet and outlives every server, with the configuration that points to
    it."""
    httpx.post(f"{stand_in.address}/reset", trust_env=False).raise_for_status()
    write_config(tmp_path, stand_in.address)
    return stand_in


def unique_at(vendor: Process) -> int:
    stats: dict[str, int] = httpx.get(f"{vendor.address}/stats.json", trust_env=False).json()
    return stats["unique"]


async def post_until_killed(address: str, prefix: str, accepted: set[str], sent: set[str]) -> None:
    """Sixteen clients post single events until the server is gone; what was answered `accepted` is noted."""
    limits = httpx.Limits(max_connections=16)

    async def one(http: httpx.AsyncClient, client: int) -> None:
        for number in range(100_000):
            event_id = f"{prefix}-{client}-{number}"
            sent.add(event_id)
            try:
                answer = await http.post(f"{address}/collect", json=purchase(event_id), headers=ORIGIN)
            except httpx.HTTPError:
                return
            if answer.status_code == 202 and answer.json()["events"][0]["status"] == "accepted":
                accepted.add(event_id)

    async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=10) as http:
        await asyncio.gather(*(one(http, client) for client in range(16)))


def test_no_accepted_event_is_lost_when_the_server_is_killed(tmp_path: Path, vendor: Process) -> None:
    """kill -9 at random moments under load; afterwards the vendor has every event that was answered `accepted`."""
    seed = time.time_ns()
    print(f"seed {seed}")
    chance = random.Random(seed)
    accepted: set[str] = set()
    sent: set[str] = set()
    for life in range(4):
        server = start_server(tmp_path)

        async def load(server: Process = server, life: int = life) -> None:
            before, until = len(accepted), time.monotonic() + 10
            posting = asyncio.create_task(post_until_killed(server.address, f"life{life}", accepted, sent))
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            # A kill shows something only once the machine, however busy, has let events in.
            while len(accepted) < before + 30 and time.monotonic() < until:
                await asyncio.sleep(0.05)
            server.kill()
            await posting

        asyncio.run(load())
    assert len(accepted) > 100, "too little traffic for the test to mean anything"
    server = start_server(tmp_path)
    try:
        counts = drained(server)
        assert counts["accepted"] == counts["delivered"] + counts["dead"] + counts["erased"]
        assert counts["dead"] == 0
        assert len(accepted) <= unique_at(vendor) <= len(sent)
        # Each accepted id is known: repeating it changes nothing.
        for event_id in chance.sample(sorted(accepted), 30):
            answer = httpx.post(f"{server.address}/collect", json=purchase(event_id), headers=ORIGIN, trust_env=False)
            assert answer.json()["events"][0]["status"] == "duplicate"
    finally:
        server.stop()


def test_sigterm_under_load_ends_clean_and_repeats_nothing(tmp_path: Path, vendor: Process) -> None:
    """The process ends by itself with 0; with a fast vendor nothing is sent twice, before or after the restart."""
    accepted: set[str] = set()
    server = start_server(tmp_path)

    async def load() -> None:
        posting = asyncio.create_task(post_until_killed(server.address, "term", accepted, set()))
        until = time.monotonic() + 10
        await asyncio.sleep(0.7)
        while len(accepted) < 30 and time.monotonic() < until:
            await asyncio.sleep(0.05)
        server.popen.send_signal(signal.SIGTERM)
        await posting

    asyncio.run(load())
    assert server.popen.wait(30) == 0
    assert "Traceback" not in server.text()
    again = start_server(tmp_path)
    try:
        drained(again)
        stats = httpx.get(f"{vendor.address}/stats.json", trust_env=False).json()
        assert stats["unique"] == stats["arrivals"] >= len(accepted) > 20
    finally:
        again.stop()


def serve_too(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Another server beside the one that runs, until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "tagserver", "serve", "--port", "0", *words],
        cwd=folder,
        env={"META_TOKEN": "t", "PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path, vendor: Process) -> None:
    """It says who has the folder; the first one goes on."""
    server = start_server(tmp_path)
    try:
        second = serve_too(tmp_path)
        assert second.returncode == 1
        assert str(server.popen.pid) in second.stderr
        assert "Traceback" not in second.stderr
        assert httpx.get(f"{server.address}/readyz", trust_env=False).status_code == 200
    finally:
        server.stop()


def test_a_data_folder_that_is_renamed_stops_the_intake_alone(tmp_path: Path, vendor: Process) -> None:
    """Within a second nothing is accepted any more; what was is delivered; put back, it goes on. Nobody else gets the
    queue meanwhile, wherever it lies."""
    httpx.post(f"{vendor.address}/control", json={"dead_tokens": ["t"]}, trust_env=False)
    server = start_server(tmp_path)
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"

    def post(event_id: str) -> int:
        return httpx.post(
            f"{server.address}/collect", json=purchase(event_id), headers=ORIGIN, trust_env=False
        ).status_code

    def answers(code: int) -> None:
        until = time.monotonic() + 5
        while httpx.get(f"{server.address}/readyz", trust_env=False).status_code != code:
            assert time.monotonic() < until, server.text()
            time.sleep(0.02)

    try:
        assert [post(f"before-{number}") for number in range(5)] == [202] * 5
        data.rename(elsewhere)
        began = time.monotonic()
        answers(503)
        assert time.monotonic() - began < 2, "a second, on a machine that has nothing else to do"
        assert post("meanwhile") == 503
        assert str(elsewhere) in server.text(), "the log says where it is"
        second = serve_too(tmp_path, "--data", str(elsewhere))
        assert second.returncode == 1
        assert str(server.popen.pid) in second.stderr
        httpx.post(f"{vendor.address}/control", json={"dead_tokens": []}, trust_env=False)
        server.popen.send_signal(signal.SIGHUP)  # somebody has mended the token
        counts = drained(server)
        assert (counts["accepted"], counts["delivered"]) == (5, 5)
        elsewhere.rename(data)
        answers(200)
        assert post("after") == 202
        assert drained(server)["delivered"] == 6
        assert unique_at(vendor) == 6
    finally:
        assert server.stop() == 0
    assert "Traceback" not in server.text()


def test_a_dead_token_pauses_and_a_new_one_resumes(tmp_path: Path, vendor: Process) -> None:
    """Everything is kept while the token is dead; SIGHUP reads the new one, without a restart."""
    env_file = tmp_path / "secrets.env"
    env_file.write_text("META_TOKEN=dead\n")
    httpx.post(f"{vendor.address}/control", json={"dead_tokens": ["dead"]}, trust_env=False)
    server = start_server(tmp_path, "--env-file", str(env_file))
    try:
        for number in range(5):
            httpx.post(f"{server.address}/collect", json=purchase(f"t-{number}"), headers=ORIGIN, trust_env=False)
        until = time.monotonic() + 10
        while status(server)["state"] != "paused" and time.monotonic() < until:
            time.sleep(0.05)
        counts = status(server)
        assert (counts["state"], counts["pending"], counts["dead"]) == ("paused", 5, 0)
        env_file.write_text("META_TOKEN=alive\n")
        server.popen.send_signal(signal.SIGHUP)
        assert drained(server)["delivered"] == 5
        assert "dead" not in server.text().replace("dead letters", "")
    finally:
        server.stop()


def test_a_broken_file_at_start_leaves_the_last_good_one_serving(tmp_path: Path, vendor: Process) -> None:
    """A typo never takes a site down; `--strict` and a first start are the exceptions."""
    server = start_server(tmp_path)
    server.stop()
    (tmp_path / "config" / "container.yaml").write_text("tags: [{nmae: x}]\n")
    again = start_server(tmp_path)
    try:
        bearer = {"authorization": f"Bearer {ADMIN}"}
        ready = httpx.get(f"{again.address}/readyz", headers=bearer, trust_env=False)
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["problems"]
        answer = httpx.post(f"{again.address}/collect", json=purchase("late"), headers=ORIGIN, trust_env=False)
        assert answer.status_code == 202
        assert drained(again)["delivered"] == 1
    finally:
        again.stop()
    for words in (["--strict"], ["--data", "fresh"]):
        ended = subprocess.run(
            [sys.executable, "-m", "tagserver", "serve", "--port", "0", *words],
            cwd=tmp_path,
            env={
                "META_TOKEN": "t",
                "PATH": "",
                "TAGSERVER_ADMIN_TOKEN": ADMIN,
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 1
        assert "nmae" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_an_open_address_needs_a_token(tmp_path: Path, vendor: Process) -> None:
    """A server that can be reached from outside has an admin token of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "tagserver", "serve", "--host", "0.0.0.0", "--port", "0"],
        cwd=tmp_path,
        env={"META_TOKEN": "t", "PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "TAGSERVER_ADMIN_TOKEN" in ended.stderr


def test_copies_that_wait_survive_kills_and_each_order_is_sent_once(tmp_path: Path, vendor: Process) -> None:
    """kill -9 while copies come in, while they wait, and while they are released; of some the page's copy comes first.
    Every order that was answered for arrives once, under one of its ids."""
    config = tmp_path / "config" / "server.yaml"
    (tmp_path / "till.key").write_text("the-key-of-the-till")
    key = f'keys: {{till: {{secret: "${{file:{tmp_path}/till.key}}"}}}}'
    config.write_text(config.read_text().replace("collect: {", f"collect: {{{key}, "))
    bearer = {"authorization": "Bearer the-key-of-the-till"}
    orders: set[str] = set()
    waited: list[int] = []

    def post(server: Process, numbers: range, headers: dict[str, str], ids: str, wait: int = 0) -> None:
        with httpx.Client(trust_env=False, timeout=10) as http:
            for number in numbers:
                event = purchase(f"O-{number}") | {"event_id": ids.format(number)}
                body = {"events": [event], "wait": wait} if wait else event
                try:
                    answer = http.post(f"{server.address}/collect", json=body, headers=headers)
                except httpx.HTTPError:
                    return
                if answer.status_code == 202:
                    orders.add(f"O-{number}")
                    waited.append(wait)

    for life in range(3):
        server = start_server(tmp_path)
        killer = threading.Timer(0.8 + life * 0.4, server.kill)
        killer.start()
        post(server, range(life * 40, life * 40 + 30), bearer, "till-{}", wait=1)
        post(server, range(life * 40 + 20, life * 40 + 40), ORIGIN, "page-{}")
        killer.join()
    assert waited.count(1) > 20, "too little traffic for the test to mean anything"
    server = start_server(tmp_path)
    try:
        counts = drained(server)
        assert counts["accepted"] == counts["delivered"] + counts["dead"] + counts["erased"]
        assert (counts["dead"], counts["waiting"]) == (0, 0)
        stats = httpx.get(f"{vendor.address}/stats.json", trust_env=False).json()
        sent = [one["event_id"].partition("-")[2] for one in stats["events"]]
        assert len(sent) == len(set(sent))
        assert {one.removeprefix("O-") for one in orders} <= set(sent)
    finally:
        server.stop()
