"""`tagserver preview` as somebody types it, beside a server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx

from tests.cli.test_pause import command
from tests.faults.process import Process, purchase


def test_a_link_is_printed_and_ended(tmp_path: Path, server: Process) -> None:
    done = command(tmp_path, "preview", "--minutes", "5")
    assert done.returncode == 0, done.stderr
    link, _, said, end, header = done.stdout.splitlines()
    found = re.fullmatch(r"https://shop\.example/\?ts_preview=([\w.-]+)", link)
    assert found
    assert re.fullmatch(r"What serves decides, until .* UTC\. Nothing is sent: what each tag would do is shown\.", said)
    assert header == f"For curl and webhooks: x-tagserver-preview: {found[1]}"
    headers = {"origin": "https://shop.example", "x-tagserver-preview": found[1]}
    answer = httpx.post(f"{server.address}/collect", json=purchase("e-1"), headers=headers, trust_env=False).json()
    assert answer["events"][0]["preview"]["tags"]
    done = command(tmp_path, *end.removeprefix("End it with: tagserver ").split())
    assert (done.returncode, done.stdout) == (0, "It has ended.\n")
    done = command(tmp_path, "preview", "--end", "nobody")
    assert done.returncode == 2
    assert "no preview session of this id runs" in done.stderr


def test_a_draft_decides_or_says_what_is_wrong_with_it(tmp_path: Path, server: Process) -> None:
    """As `check`: file, line and hint; exit 1."""
    draft = tmp_path / "draft"
    draft.mkdir()
    (draft / "container.yaml").write_bytes((tmp_path / "config" / "container.yaml").read_bytes())
    (draft / "more.yaml").write_text("tags: [{name: Another, destination: meta, triggers: [all]}]\n")
    (draft / "server.yaml").write_text("this is: [not read\n")
    done = command(tmp_path, "preview", "--draft", "draft", "--json")
    assert done.returncode == 0, done.stderr
    session = json.loads(done.stdout)["session"]
    assert (session["files"], session["send"], session["by"]) == (["container.yaml", "more.yaml"], "dry", "anna")
    (draft / "more.yaml").write_text("tags: [{name: Another, destination: mta, triggers: [all]}]\n")
    done = command(tmp_path, "preview", "--draft", "draft")
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(r"^more\.yaml:\d+: .*mta", done.stderr)
    assert done.stderr.endswith("tagserver: no session: the draft has errors\n")


def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    done = command(tmp_path, "preview")
    assert done.returncode == 3
