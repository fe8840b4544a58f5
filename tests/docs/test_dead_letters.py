"""The page on dead letters, played beside a server whose vendor has refused some events."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from tagserver.cli import main
from tests.faults.process import ADMIN, drained, purchase, start_sandbox, start_server, status, write_config
from tests.warm import tagserver

from .pages import OPERATE, blocks, names, rows
from .world import played, says

(PAGE,) = (page for page in OPERATE if page.name == "dead-letters.md")
ENVIRON = {"PATH": os.environ["PATH"], "TAGSERVER_ADMIN_TOKEN": ADMIN}
SHOP = {"origin": "https://shop.example"}


def run(*words: str) -> Result:
    """A command beside the server, in this process."""
    return CliRunner().invoke(main, words, env=ENVIRON)


def answered(folder: Path, word: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a terminal in which somebody types a word."""
    ours, its = pty.openpty()
    try:
        os.write(ours, word.encode() + b"\n")
        return tagserver(*words, cwd=folder, env=ENVIRON, stdin=its)
    finally:
        os.close(ours)
        os.close(its)


def test_it_prints_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom; and what the page says of slips, questions and refusals. One server for all of it."""
    monkeypatch.chdir(tmp_path)
    vendor = start_sandbox(tmp_path)
    write_config(tmp_path, vendor.address)
    container = tmp_path / "config" / "container.yaml"
    container.write_text(container.read_text().replace("name: Meta,", "name: Meta purchase,"))
    server = start_server(tmp_path)

    def refuses(*ids: str) -> None:
        """From now on the vendor refuses these, and only these."""
        httpx.post(f"{vendor.address}/control", json={"bad_ids": ids}, trust_env=False).raise_for_status()

    def happens(*ids: str) -> None:
        """Events, of which the vendor refuses all but those whose names say that they are good."""
        refuses(*(one for one in ids if not one.startswith("good")))
        events = [purchase(name) for name in ids]
        httpx.post(f"{server.address}/collect", json=events, headers=SHOP, trust_env=False).raise_for_status()
        drained(server)

    try:
        happens("good-1", "ORD-1", "ORD-2", "ORD-3", "ORD-4")
        for block in blocks(PAGE, language="console"):
            if block.text.startswith("$ tagserver dead summary --destination"):
                happens("good-2", "ORD-11", "ORD-12", "ORD-13")
            for words, expected in played(block):
                if words[1] == "retry":
                    refuses()
                done = run(*words)
                assert done.exit_code == 0, f"{block}: {' '.join(words)}\n{done.stdout}{done.stderr}"
                assert says(done.stdout, expected), f"{block}: {' '.join(words)}\n{done.stdout}"
                drained(server)
        assert status(server)["dead"] == 0
        happens("good-3", "bad-1", "bad-2", "bad-3")
        slip = run("dead", "drop", "--destination", "mta")
        assert (slip.exit_code, "did you mean 'meta'?" in slip.output) == (2, True)
        none = run("dead", "retry")
        assert (none.exit_code, "say which: --id" in none.output) == (2, True)
        when = run("dead", "list", "--since", "yesterday")
        assert (when.exit_code, "is no moment: write 2h" in when.output) == (2, True)
        assert status(server)["dead"] == 3
        no = answered(tmp_path, "n", "dead", "drop", "--reason", "rejected")
        assert (no.returncode, "Remove 3 dead letters for good?" in no.stderr, status(server)["dead"]) == (1, True, 3)
        pages = run("dead", "list", "--all", "--json")
        assert re.fullmatch(r'\{"dead": ?\[.*\], ?"total": ?3, ?"next": ?null\}\n', pages.stdout)
        refuses()
        assert run("dead", "retry", "--event-id", "bad-1", "--event-id", "bad-2").exit_code == 0
        yes = answered(tmp_path, "y", "dead", "drop", "--all")
        assert (yes.returncode, yes.stdout) == (0, "1 dead letter removed.\n")
        counts = drained(server)
        assert (counts["accepted"], counts["dead"], counts["erased"]) == (13, 0, 2)
    finally:
        server.stop()
        vendor.stop()


def test_every_option_of_a_choice_is_there() -> None:
    shown = {name for row in rows(PAGE, "## Which ones") for name in names(row[0])}
    listed = {"--destination", "--tag", "--reason", "--code", "--event-id", "--id", "--since", "--until", "--all"}
    assert shown == listed
