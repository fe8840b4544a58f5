"""The page about tags that did not fire: what `explain` prints beside a server that runs, and every reason."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.explain.try_ import REASONS
from tests.faults.process import ADMIN, SERVER, Process, drained, purchase, start_sandbox
from tests.warm import tagserver

from .pages import WHY, blocks, names, rows
from .world import file_of, played, says

ENVIRON = {"PATH": os.environ["PATH"], "TAGSERVER_ADMIN_TOKEN": ADMIN}
DENIED = {"ad_storage": "denied", "ad_user_data": "denied"}
ORIGIN = {"origin": "https://shop.example"}


def test_every_reason_is_told_with_what_helps() -> None:
    told = [names(row[1])[0] for row in rows(WHY, "## What it says, and what helps")]
    assert sorted(told) == sorted(set(REASONS) - {"fired"})


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A server with the page's configuration, to which its three purchases have come."""
    (tmp_path / "config").mkdir()
    vendor = start_sandbox(tmp_path)
    (container,) = (block for block in blocks(WHY) if file_of(block) == "container.yaml")
    token = '"${env:META_ACCESS_TOKEN}"'
    text = container.text.replace(token, f'{token}, api_url: "{vendor.address}"')
    (tmp_path / "config" / "container.yaml").write_text(text)
    (tmp_path / "config" / "server.yaml").write_text(SERVER)
    server = Process(
        *("serve", "--port", "0"),
        cwd=tmp_path,
        pattern=r"listens on (\S+),",
        environ={**ENVIRON, "META_ACCESS_TOKEN": "t"},
    )
    try:
        httpx.post(f"{vendor.address}/control", json={"bad_ids": ["purchase_ORD-3"]}, trust_env=False)
        for number, changed in enumerate(({}, {"consent": DENIED}, {}), 1):
            collected(server, f"ORD-{number}", changed)
        drained(server)
        known(server)
        yield tmp_path
    finally:
        server.stop()
        vendor.stop()


def collected(server: Process, order: str, changed: dict[str, Any]) -> None:
    """A purchase as the page tells it comes from a browser."""
    bought = {"transaction_id": order, "value": 59.9, "currency": "EUR"}
    body = {**purchase(f"purchase_{order}"), "ecommerce": bought, **changed}
    answer = httpx.post(f"{server.address}/collect", json=body, headers=ORIGIN, trust_env=False)
    assert answer.status_code == 202, answer.text


def known(server: Process) -> None:
    """Waits until the end of each delivery is on record: they are written once a second."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        query = {"limit": "10"}
        headers = {"authorization": f"Bearer {ADMIN}"}
        answer = httpx.get(f"{server.address}/-/events.json", params=query, headers=headers, trust_env=False).json()
        if len(answer["events"]) == 3 and not any(one["deliveries"].get("pending") for one in answer["events"]):
            return
        time.sleep(0.05)
    raise AssertionError("records of the purchases did not come")


def test_explain_prints_what_is_shown(folder: Path) -> None:
    commands = 0
    for block in blocks(WHY, language="console"):
        for words, expected in played(block):
            done = tagserver(*words, cwd=folder, env=ENVIRON)
            assert done.returncode == 0, done.stderr
            assert says(done.stdout, expected), f"{block}: {' '.join(words)}\n{done.stdout}"
            commands += 1
    assert commands == 3
