"""What the guide for authors says of the host is so: its tables, its files, and a plugin against a stand-in."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tagserver import testing
from tagserver.cli import main
from tagserver.event.consent_fields import PURPOSES
from tagserver.event.event import Facts
from tagserver.outgoing.field_filter import Reads

from ..faults.process import Process
from ..processes import ends_with_parent
from .acme import install_acme
from .pages import PLUGINS, blocks, first_names, names, rows


def test_every_purpose_is_documented() -> None:
    """In the order of the code, and no others."""
    assert [names(row[0])[0] for row in rows(PLUGINS, "### Consent")] == list(PURPOSES)


REQUEST = {
    "headers": {"referer": "r", "x-other": "o"},
    "cookies": {"_fbp": "1", "other": "2"},
    "ip": "198.51.100.7",
    "user_agent": "agent",
    "country": "US",
    "region": "US-CA",
}


def facts_rows() -> list[tuple[list[str], list[str]]]:
    """The fields of `event.facts`, each with what it needs in `reads`, as the page has them."""
    found = [row for row in rows(PLUGINS, "### What build sees") if set(names(row[0])) <= set(Facts.__struct_fields__)]
    return [(names(row[0]), names(row[2])) for row in found if row[0].startswith("`") and len(names(row[0])[0]) > 1]


def test_every_fact_is_documented_and_seen_by_who_reads_it_alone() -> None:
    """In their order where they are listed, each with what makes it visible."""
    event = testing.make_event({}, **REQUEST)
    listed: dict[str, str | None] = {}
    for fields, needs in facts_rows():
        if not set(fields) & listed.keys():
            listed |= dict(zip(fields, needs or [None] * len(fields), strict=len(needs) == len(fields)))
    assert set(listed) == set(Facts.__struct_fields__)
    nothing = Reads(()).view(event).facts
    for field, needed in listed.items():
        if needed is None:
            assert getattr(nothing, field) == getattr(event.facts, field)
            continue
        path = {"header.NAME": "header.referer", "cookie.NAME": "cookie._fbp"}.get(needed, needed)
        seen = getattr(Reads((path,)).view(event).facts, field)
        assert not getattr(nothing, field), field
        assert seen == {"headers": {"referer": "r"}, "cookies": {"_fbp": "1"}}.get(field, getattr(event.facts, field))


def test_notes_are_for_who_reads_everything() -> None:
    event = testing.make_event({"event": "purchase", "user_data": {"email": "undefined"}, "event_id": "undefined"})
    assert event.notes
    assert Reads(("*",)).view(event).notes == event.notes
    assert Reads(("user_data",)).view(event).notes == ()


def test_the_files_are_where_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that `new-plugin` makes."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["new-plugin", "acme"]).exit_code == 0
    listed = first_names(PLUGINS, "## From nothing to an installed plugin")
    paths = {one for one in listed if re.fullmatch(r"\w*[./][\w./]*", one)}
    assert {"tagserver_acme/destination.py", "examples/purchase.yaml", "tests/"} <= paths
    assert [one for one in paths if not (tmp_path / "tagserver-acme" / one).exists()] == []


# ── a plugin that is run
# ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def block(language: str, first: str) -> str:
    """The last block of the page that begins with a line."""
    return [one.text for one in blocks(PLUGINS, language=language) if one.text.startswith(first + "\n")][-1]


@contextmanager
def stand_in(folder: Path) -> Iterator[tuple[int, Callable[[], str]]]:
    """The page's stand-in: its port, and what it has printed."""
    (folder / "stand_in.py").write_text(block("python", "# stand_in.py"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with (folder / "stand_in.log").open("wb") as log:
        command = [sys.executable, "stand_in.py", str(port)]
        running = subprocess.Popen(command, cwd=folder, stdout=log, preexec_fn=ends_with_parent())
    try:
        yield port, (folder / "stand_in.log").read_text
    finally:
        running.kill()
        running.wait()


def serve(folder: Path, environ: dict[str, str]) -> Process:
    """A server on a free port."""
    return Process("serve", "--port", "0", cwd=folder, pattern=r"listens on (http://127\.0\.0\.1:\d+)", environ=environ)


def until(condition: Callable[[], bool], say: Callable[[], str]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, say()
        time.sleep(0.02)


def test_a_plugin_is_run_against_a_stand_in_after_a_restart(tmp_path: Path) -> None:
    """A server that runs does not know what was installed since, says so, and goes on; a new one calls the stand-in."""
    (tmp_path / "site").mkdir()
    (tmp_path / "config").mkdir()
    config = tmp_path / "config" / "container.yaml"
    environ = {"PYTHONPATH": str(tmp_path / "site"), "ACME_TOKEN": "any-text-1", "TAGSERVER_ADMIN_TOKEN": "t" * 32}
    with stand_in(tmp_path) as (port, printed):
        config.write_text("destinations: {}\ntags: []\n")
        (tmp_path / "config" / "server.yaml").write_text(block("yaml", "# config/server.yaml"))
        server = serve(tmp_path, environ)
        try:
            install_acme(tmp_path / "site")
            config.write_text(block("yaml", "# config/container.yaml").replace("9191", str(port)))
            token = {"authorization": "Bearer " + "t" * 32}
            answer = httpx.post(f"{server.address}/-/reload", headers=token, trust_env=False)
            (problem,) = answer.json()["problems"]
            assert problem["message"] == 'no plugin has the type "acme"'
            assert problem["hint"].endswith("a server knows what was installed before its start")
        finally:
            server.stop()
        server = serve(tmp_path, environ)
        try:
            (event,) = (one.text for one in blocks(PLUGINS, language="json"))
            sent = httpx.post(
                f"{server.address}/collect",
                content=event,
                headers={"content-type": "application/json", "origin": "http://localhost"},
                trust_env=False,
            )
            assert sent.status_code == 202, sent.text
            until(lambda: "o-1" in printed(), server.text)
        finally:
            server.stop()
        line = printed().splitlines()[0]
        assert line.startswith("POST /v1/17/events ")
        assert json.loads(line.split(" ", 2)[2])["events"][0]["id"] == "o-1"
