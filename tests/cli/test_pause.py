"""`tagserver pause` and `resume` as an operator types them: beside a server, and before one is started."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tagserver.cli import main
from tagserver.queue.sqlite.ownership import FolderLock
from tests.cli.conftest import Shop
from tests.faults.process import ADMIN, Process, drained, purchase, start_sandbox, start_server, write_config
from tests.warm import tagserver

ORIGIN = {"origin": "https://shop.example"}


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Process]:
    """A stand-in for Meta."""
    process = start_sandbox(tmp_path)
    write_config(tmp_path, process.address)
    yield process
    process.stop()


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`tagserver …` in a folder, by somebody."""
    environ = {
        "PATH": os.environ["PATH"],
        "LOGNAME": "anna",
        "META_TOKEN": "meta-token-of-this-test",
        "TAGSERVER_ADMIN_TOKEN": ADMIN,
    }
    return tagserver(*words, cwd=folder, env=environ)


def seen(vendor: Process) -> int:
    """What the vendor has got."""
    number: int = httpx.get(f"{vendor.address}/stats.json", trust_env=False).json()["arrivals"]
    return number


def test_a_flood_is_kept_back_before_the_server_starts(tmp_path: Path, vendor: Process) -> None:
    """Paused with no server, held by the one that starts, over its kill, and let go by `resume`."""
    done = command(tmp_path, "pause", "meta", "--note", "flood", "--for", "2h")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No server runs on the data folder data. meta is paused until 20" in done.stdout
    server = start_server(tmp_path)
    try:
        httpx.post(f"{server.address}/collect", json=purchase("one"), headers=ORIGIN, trust_env=False)
        server.kill()
        server = start_server(tmp_path)
        httpx.post(f"{server.address}/collect", json=purchase("two"), headers=ORIGIN, trust_env=False)
        done = command(tmp_path, "pause", "meta", "--json")
        shown = json.loads(done.stdout)
        assert (shown["server"], shown["replaced"]["by"], shown["replaced"]["note"]) == (True, "anna", "flood")
        assert seen(vendor) == 0
        done = command(tmp_path, "resume", "meta", "--dry-run")
        assert (done.returncode, seen(vendor)) == (0, 0)
        assert re.fullmatch(r"meta is paused by anna since 20.* UTC\.\n2 deliveries wait\.\n", done.stdout)
        done = command(tmp_path, "resume", "meta")
        assert (done.returncode, "meta goes on" in done.stdout) == (0, True)
        assert drained(server)["delivered"] == seen(vendor) == 2
    finally:
        server.stop()
    kinds = [json.loads(line)["kind"] for line in command(tmp_path, "audit").stdout.splitlines()]
    assert [kind for kind in kinds if kind in ("paused", "resumed")] == ["paused", "paused", "resumed"]
    assert command(tmp_path, "audit", "--verify").returncode == 0


def test_what_is_not_there_is_said(shop: Shop) -> None:
    done = shop("pause", "mteta")
    assert (done.code, done.err.splitlines()[-1]) == (2, 'Error: there is no destination "mteta"; there are: meta')
    done = shop("resume", "meta")
    assert (done.code, done.out) == (0, "meta is not paused by hand.\nNothing waits now.\nNothing was changed.\n")
    shop.write("tags: [", "container.yaml")
    (shop.folder / "elsewhere").mkdir()
    done = shop("pause", "meta", "--data", "elsewhere")
    assert (done.code, "without a sound configuration none can start" in done.err) == (1, True)


def test_a_server_that_holds_the_folder_and_does_not_answer(shop: Shop) -> None:
    """It is about to start or to end: nothing is done behind its back."""
    data = shop.folder / "data"
    data.mkdir()
    lock = FolderLock(data / "outbox.db.lock")
    try:
        done = shop("pause", "meta")
    finally:
        lock.release()
    assert (done.code, "has left no address" in done.err) == (3, True)
    assert not (data / "outbox.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give folders away")
def test_the_superuser_leaves_no_files_that_the_server_cannot_use(shop: Shop) -> None:
    data = shop.folder / "data"
    data.mkdir()
    os.chown(data, 54321, 54321)
    done = shop("pause", "meta")
    assert (done.code, done.out) == (1, "")
    assert "is the user 54321's: run this as that user (sudo -u '#54321' …)" in done.err
    assert list(data.iterdir()) == []


@pytest.mark.parametrize("term", ["", "2", "h", "0h", "-1h", "1y", "1h,30m", "1h-30m", "367d", "9999999999h", "２h"])
def test_a_term_that_is_none(term: str) -> None:
    done = CliRunner().invoke(main, ["pause", "meta", "--for", term])
    assert (done.exit_code, "is no time to pause for" in done.output) == (2, True)
