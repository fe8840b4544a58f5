"""The pages of doors, played as a newcomer would: in the folder that `init` makes, beside a server that runs, with curl
and openssl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.process import ADMIN, Process
from tests.processes import ends_with_parent
from tests.warm import tagserver

from .pages import ROOT, Block, blocks
from .world import DESTINATIONS, TAGS, file_of, load

DOORS = ROOT / "config" / "doors"
LOCAL = "http://127.0.0.1:8080"


FIRST = {
    "shopify": "purchase_450789469",
    "woocommerce": "purchase_727",
    "stripe": "purchase_ORD-1118",
    "webhooks": "deal_4711_won",
    "pixel": "purchase_1001",
    "segment": "purchase_1001",
    "meta": "purchase_1001",
    "stape": "purchase_1001",
    "ga4": "purchase_1001",
}
"""The event of each page."""
SERVERS = [
    block
    for page in sorted(DOORS.glob("*.md"))
    for block in blocks(page, language="yaml")
    if "server" in str(file_of(block))
]


@pytest.mark.parametrize("block", SERVERS, ids=str)
def test_configurations_compile(block: Block) -> None:
    """Each `server.yaml` that a page of doors shows, with a secret in each variable."""
    environ = dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", block.text), "whsec_" + "A" * 43 + "=")
    container = DESTINATIONS + "triggers: {purchase: {event: purchase}}\n" + TAGS
    loaded = load({"server.yaml": block.text, "container.yaml": container}, environ=environ)
    assert [str(problem) for problem in loaded.problems] == []


def test_pages_of_doors_call_their_senders_differently() -> None:
    """Whoever follows two pages would be warned of their own configuration."""
    names: dict[str, set[str]] = {}
    for block in SERVERS:
        environ = dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", block.text), "whsec_" + "A" * 43 + "=")
        server = load({"server.yaml": block.text, "container.yaml": "tags: []"}, environ=environ).server
        assert server is not None
        for sender in [
            *server.collect.keys,
            *(name for one in server.clients.by_type.values() for name in one.sources),
        ]:
            names.setdefault(sender, set()).add(block.page.name)
    assert len(names) > 10
    assert {name: pages for name, pages in names.items() if len(pages) > 1} == {}


@pytest.mark.parametrize(
    ("written", "hint"),
    [("true", "write pixel: {}"), ("{enabled: true}", "there is nothing to set here: remove it")],
    ids=["true", "enabled"],
)
def test_a_client_without_settings_says_how_it_is_written(written: str, hint: str) -> None:
    """Both are what people try first."""
    (problem,) = load({"server.yaml": f"clients: {{pixel: {written}}}", "container.yaml": "tags: []"}).problems
    assert problem.hint == hint


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("[G_ABC123DEF4]", 1),
        ("[G-ABC123DEF4, UA-12345-1]", 2),
        ("[g-abc123def4]", 1),
        ("[GTM-ABC123]", 1),
        ("[123456789]", 1),
        ('["1:123:android:abc", "GT-ABC1", G-ABC123DEF4]', None),
    ],
)
def test_an_id_that_no_hit_can_have_is_a_mistake(given: str, place: int | None) -> None:
    """All hits would be refused, and no page shows the answer."""
    written = f"clients: {{ga4: {{measurement_ids: {given}}}}}"
    found = [str(one) for one in load({"server.yaml": written, "container.yaml": "tags: []"}).problems]
    assert len(found) == (place is not None)
    assert all(f"no hit has the id at place {place}" in one for one in found)


@pytest.mark.parametrize(("name", "event_id"), FIRST.items(), ids=list(FIRST))
def test_from_nothing_to_the_first_order(name: str, event_id: str, tmp_path: Path) -> None:
    """The order arrives as the page shows, is explained, and is a copy when it comes again."""
    page = DOORS / f"{name}.md"
    shown = list(blocks(page))
    request = next(block for block in shown if block.language == "sh")
    answer = next(block for block in shown if block.language == "json")
    secret = re.search(r"export (\w+)=(\S+)`", page.read_text("utf-8"))
    assert secret is not None or name in ("pixel", "stape", "ga4")
    environ = {"PATH": os.environ["PATH"], "TAGSERVER_ADMIN_TOKEN": ADMIN}
    environ |= {secret[1]: secret[2]} if secret else {}

    def run(*words: str) -> str:
        done = tagserver(*words, cwd=tmp_path, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("init")
    with (tmp_path / "config" / "server.yaml").open("a") as server_yaml:
        server_yaml.write(next(block.text for block in shown if file_of(block) == "server.yaml"))
    assert "No problems" in run("check")
    server = Process("serve", "--port", "0", cwd=tmp_path, pattern=r"listens on (\S+),", environ=environ)
    try:
        wanted = json.loads(answer.text)
        found = json.loads(_posted(request, server.address, tmp_path, environ))
        again = json.loads(_posted(request, server.address, tmp_path, environ))
        if name in ("meta", "ga4"):  # whose senders know no such word
            assert again == found == wanted
        elif name == "stape":  # whose answer is of when it was, and of nothing else
            assert found.keys() == again.keys() == wanted.keys()
        else:
            assert found == wanted
            assert again["events"][0]["status"] == "duplicate"
        until = time.monotonic() + 10
        said = ("✔ Archive purchases", "accepted", "duplicate")
        while True:
            told = tagserver("explain", event_id, cwd=tmp_path, env=environ).stdout
            if all(one in told for one in said):
                break
            assert time.monotonic() < until, "records follow the answer, and soon"
            time.sleep(0.05)
    finally:
        assert server.stop() == 0


def _posted(block: Block, address: str, folder: Path, environ: dict[str, str]) -> str:
    """What the commands of a block print."""
    shell = shutil.which("bash")
    assert shell is not None
    command = [shell, "-eu", "-c", block.text.replace("curl ", "curl -sS ").replace(LOCAL, address.rstrip("/"))]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, preexec_fn=ends_with_parent()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_doors_stand_side_by_side() -> None:
    """Each page of a door is in the table of all; only cookies are none, and are named below it."""
    page = (DOORS / "README.md").read_text("utf-8")
    table = page.partition("## Side by side")[2]
    linked = set(re.findall(r"^\| \[[^]]+\]\(([a-z0-9]+\.md)", table, re.MULTILINE))
    assert linked | {"cookies.md"} == {one.name for one in DOORS.glob("*.md")} - {"README.md"}
    assert "](cookies.md)" in table
