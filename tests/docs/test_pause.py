"""The page on pausing, played beside a server that runs."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.process import ADMIN, start_server, write_config
from tests.warm import tagserver

from .pages import OPERATE, blocks
from .world import needs_a_server, played, says

ENVIRON = {"PATH": os.environ["PATH"], "META_TOKEN": "token-of-the-page", "TAGSERVER_ADMIN_TOKEN": ADMIN}


def test_it_prints_what_is_shown(tmp_path: Path) -> None:
    """Each command of the page ends well."""
    (page,) = (page for page in OPERATE if page.name == "pause.md")
    write_config(tmp_path, "http://127.0.0.1:1")
    server = start_server(tmp_path)
    commands = []
    try:
        for block in blocks(page, language="console"):
            assert needs_a_server(block)
            for words, expected in played(block):
                commands.append(words[0])
                done = tagserver(*words, cwd=tmp_path, env=ENVIRON)
                assert done.returncode == 0, done.stdout + done.stderr
                assert says(done.stdout, expected), f"{block}: {' '.join(words)}\n{done.stdout}"
    finally:
        server.stop()
    assert commands[0] == "pause"
    assert commands[-1] == "resume"
