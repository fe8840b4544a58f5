"""The page of other products' shapes: its requests get the answers that it shows, and its table has all that is
read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tagserver.inbound.shapes import adobe, shopify, tealium, universal, walker
from tagserver.inbound.shapes.commands import MATOMO, PIWIK_PRO
from tagserver.plugin.inbound import SEGMENT_EVENTS
from tests.faults.process import ADMIN, Process
from tests.warm import tagserver

from .pages import ROOT, blocks
from .test_doors import _posted

PAGE = ROOT / "config" / "doors" / "shapes.md"
TABLE = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]


def test_each_request_gets_the_answer_that_is_shown(tmp_path: Path) -> None:
    """From nothing: `init`, `check`, `serve`; the second copy of an order is one."""
    shown = list(blocks(PAGE))
    requests = [block for block in shown if block.language == "sh"]
    answers = [block for block in shown if block.language == "json"]
    environ = {"PATH": os.environ["PATH"], "TAGSERVER_ADMIN_TOKEN": ADMIN}
    assert tagserver("init", cwd=tmp_path, env=environ).returncode == 0
    assert "No problems" in tagserver("check", cwd=tmp_path, env=environ).stdout
    server = Process("serve", "--port", "0", cwd=tmp_path, pattern=r"listens on (\S+),", environ=environ)
    try:
        for request, answer in zip(requests, answers, strict=True):
            found = json.loads(_posted(request, server.address, tmp_path, environ))
            assert found == json.loads(answer.text), str(request)
    finally:
        assert server.stop() == 0


def test_the_table_has_every_name_that_is_read() -> None:
    """And beside it, in the same row, what it becomes."""
    names = {
        **{said.lower(): rule.name for said, rule in SEGMENT_EVENTS.items() if rule.name},
        **tealium.NAMES,
        **adobe.NAMES,
        **adobe.XDM_NAMES,
        **shopify.NAMES,
        **walker.NAMES,
        **{f"ecommerce.{key}": action.name for key, action in universal.ACTIONS.items()},
        **PIWIK_PRO,
    }
    cells = [line.split("|") for line in TABLE]
    for said, name in names.items():
        rows = [row for row in cells if f"`{said}`" in row[1] + row[2] or f'["{said}"' in row[1]]
        assert any(f"`{name}`" in row[3] for row in rows), (said, name)
    for verb in MATOMO:
        assert any(f'["{verb}"' in line for line in TABLE), verb
