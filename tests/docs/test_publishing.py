"""The guide's recipe from an edit to a rollback, played in the folder that `init` makes, beside a server that runs."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.process import ADMIN, Process
from tests.warm import tagserver

from .pages import GUIDE, Block, blocks
from .world import file_of, needs_a_server, played, says

ENVIRON = {"PATH": os.environ["PATH"], "TAGSERVER_ADMIN_TOKEN": ADMIN}


def recipe() -> list[Block]:
    """The blocks of the section."""
    text = GUIDE.read_text("utf-8")
    begin = text.index("\n## Publish\n")
    first, last = (text.count("\n", 0, at) for at in (begin, text.index("\n## ", begin + 1)))
    return [block for block in blocks(GUIDE) if first < block.line < last]


def test_from_an_edit_to_a_rollback(tmp_path: Path) -> None:
    """Every command prints what is shown, and ends well."""

    def run(*words: str) -> str:
        done = tagserver(*words, cwd=tmp_path, env=ENVIRON)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("init")
    server = Process("serve", "--port", "0", cwd=tmp_path, pattern=r"listens on (\S+),", environ=ENVIRON)
    commands = []
    try:
        for block in recipe():
            if (name := file_of(block)) is not None:
                (tmp_path / "config" / name).write_text(block.text)
            elif needs_a_server(block):
                for words, expected in played(block):
                    commands.append(words[0])
                    output = run(*words)
                    assert says(output, expected), f"{block}: {' '.join(words)}\n{output}"
    finally:
        assert server.stop() == 0
    assert commands[:4] == ["check", "test", "plan", "reload"]
    assert "rollback" in commands
