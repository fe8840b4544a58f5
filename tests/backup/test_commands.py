"""A disk is lost, as whoever is on call meets it: real servers, the commands as they are typed."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Shop
from tests.faults.process import ADMIN, Process, drained, purchase, start_sandbox, start_server, status, write_config

ORIGIN = {"origin": "https://shop.example"}


@dataclass
class Site:
    """A folder with configuration and data, and a stand-in for Meta that refuses to answer at first."""

    folder: Path
    vendor: Process
    run: Callable[..., Any]

    def control(self, **faults: Any) -> None:
        """How the vendor fails from now on."""
        httpx.post(f"{self.vendor.address}/control", json=faults, trust_env=False).raise_for_status()

    def arrived(self) -> set[str]:
        """The events that the vendor has."""
        stats = httpx.get(f"{self.vendor.address}/stats.json", trust_env=False).json()
        return {event["event_id"] for event in stats["events"]}

    def tagserver(self, *words: str, code: int = 0) -> str:
        """One command, and what it printed."""
        done = self.run(*words, environ={"TAGSERVER_ADMIN_TOKEN": ADMIN, "META_TOKEN": "t"})
        assert done.code == code, done.err + done.out
        return str(done.out + done.err)


def post(server: Process, *names: str) -> None:
    """Events that are accepted."""
    for name in names:
        answer = httpx.post(f"{server.address}/collect", json=[purchase(name)], headers=ORIGIN, trust_env=False)
        assert answer.json()["events"][0]["status"] == "accepted"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """With a vendor that answers 503."""
    shop = Shop(tmp_path)
    vendor = start_sandbox(tmp_path)
    try:
        write_config(tmp_path, vendor.address)
        made = Site(tmp_path, vendor, shop)
        made.control(status=503)
        yield made
    finally:
        vendor.stop()


def test_a_disk_is_lost_and_comes_back_from_a_backup_and_a_journal(site: Site) -> None:
    """What waited goes out when somebody says so, but for who was forgotten since; what is new goes out at once."""
    server = start_server(site.folder, "--journal", "other/journal.jsonl")
    try:
        (site.folder / "other").mkdir(exist_ok=True)
        post(server, "erika", "frank")
        said = site.tagserver("backup", "b.tar")
        assert "Inside: 2 waiting, 0 dead" in said
        assert not list((site.folder / "data").glob("*.snapshot-*"))
        assert "is there already" in site.tagserver("backup", "b.tar", code=1)
        shown = json.loads(site.tagserver("backup", "b.tar", "--force", "--json"))
        assert shown["counts"]["pending"] == 2
        post(server, "greta")
        assert "Nothing is left in the queue's files" in site.tagserver("forget", "--email", "erika@example.com")
    finally:
        server.kill()
    shutil.rmtree(site.folder / "data")
    site.control(clear=True)
    said = site.tagserver("restore", "b.tar", "--journal", "other/journal.jsonl")
    assert "2 deliveries waited then" in said
    assert "1 delivery was erased by it" in said
    assert "The server will take events in and deliver nothing" not in said
    server = start_server(site.folder, "--journal", "other/journal.jsonl")
    try:
        post(server, "new")
        drained(server)
        assert site.arrived() == {"new"}
        assert status(server)["dead_by_reason"] == {"restored": 1}  # type: ignore[comparison-overlap] # counts by name
        assert "meta: 1 delivery of a restored backup: held until" in site.tagserver("doctor", "--offline")
        assert "1 held delivery put back" in site.tagserver("restore", "--resend", "meta")
        drained(server)
        assert site.arrived() == {"new", "frank"}
        counts = status(server)
        assert counts["accepted"] == counts["delivered"] + counts["pending"] + counts["dead"] + counts["erased"]
        assert "is in use by another tagserver" in site.tagserver("restore", "b.tar", "--force", code=1)
    finally:
        server.stop()


def test_without_a_journal_it_waits_for_a_decision(site: Site) -> None:
    server = start_server(site.folder)
    try:
        post(server, "erika")
    finally:
        server.stop()
    assert "Inside: 1 waiting" in site.tagserver("backup", "b.tar"), "no server is needed"
    assert not list((site.folder / "data").glob("*-wal")), "the folder is as it was"
    site.control(clear=True)
    assert "Nothing was restored" in site.tagserver("restore", "b.tar", code=1).replace("nothing was", "Nothing was")
    (site.folder / "data" / "events").mkdir()
    said = site.tagserver("restore", "b.tar", "--force")
    assert "deliver nothing: restored from a backup" in said
    (aside,) = re.findall(r"What was there is in (\S+): remove it", said)
    assert (
        f"1 delivery accepted there waits in its queue, and may have been sent: tagserver serve --data {aside}" in said
    )
    assert "a file destination's rows: events." in said
    doctor = site.tagserver("doctor", "--offline")
    assert "server: none runs on the data folder data" in doctor
    assert "restore: a server that starts delivers nothing: restored from a backup" in doctor
    server = start_server(site.folder)
    try:
        post(server, "new")
        assert httpx.get(f"{server.address}/readyz", trust_env=False).text == "degraded"
        counts: dict[str, Any] = dict(status(server))
        assert (counts["state"], counts["pending"]) == ("paused", 1)
        assert "--without-journal" in counts["reason"]
        assert "--without-journal" in server.text()
        assert site.arrived() == set()
        assert "Delivery goes on" in site.tagserver("restore", "--without-journal")
        drained(server)
        assert site.arrived() == {"new"}
        assert "1 held delivery dropped" in site.tagserver("restore", "--drop")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "one of: FILE"),
        (("b.tar", "--resend", "meta"), "one of: FILE"),
        (("--resend", "meta", "--drop", "meta"), "one of: FILE"),
        (("--resend", "meta", "--force"), "stand alone"),
    ],
)
def test_what_makes_no_sense_is_said(words: tuple[str, ...], why: str, tmp_path: Path) -> None:
    done = Shop(tmp_path)("restore", *words)
    assert done.code == 2
    assert why in done.err


def test_a_disk_that_fills_while_a_backup_is_written(site: Site) -> None:
    """A sentence, and nothing is left."""
    server = start_server(site.folder)
    try:
        post(server, "erika")
    finally:
        server.stop()
    done = subprocess.run(
        [sys.executable, "-m", "tagserver", "backup", "b.tar"],
        cwd=site.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    assert done.returncode == 1
    assert "no backup was made" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(site.folder.glob("b.tar*"))


def test_a_journal_in_the_data_folder_is_refused(site: Site) -> None:
    assert "would be lost with it" in site.tagserver("serve", "--journal", "data/journal", code=1)
