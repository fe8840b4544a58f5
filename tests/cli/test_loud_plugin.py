"""Plugins that print where machines read, and plugins that do not end: as an operator meets them, in a process."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from ..faults.process import Process
from .conftest import Shop

PLUGIN = """
import asyncio
import sys
import time
from dataclasses import dataclass

from tagserver.plugin import Built, ConsentNeeds, Destination, Limits, Request, hookimpl, setting

print("printed at import")


@dataclass(frozen=True)
class Settings:
    how: str = setting("How it does not end.", default="task")


class Loud(Destination):
    type = "loud"
    api_version = 1
    Settings = Settings
    consent = ConsentNeeds(())
    limits = Limits()
    sink = True

    def hosts(self, settings):
        return ()

    def build(self, event, parameters, settings, mode):
        print("printed by build")
        return Built({"id": event.event_id}, event.name, event.time)

    def request(self, payloads, settings):
        return Request("APPEND", "nowhere", {}, payloads[0].body)

    async def deliver(self, payloads, settings):
        print("delivering", flush=True)
        if settings.how == "thread":
            await asyncio.to_thread(time.sleep, 1000)
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                pass


@hookimpl
def register_destinations(register):
    register(Loud)
"""
CONTAINER = "destinations: {loud: {type: loud, how: HOW}}\ntags: [{name: Loud, destination: loud, triggers: [all]}]\n"
SERVER = "collect: {keys: {till: {secret: '${env:TILL_KEY}'}}}\nshutdown: {pre_stop: 0s, drain: 0s}\n"
KEY = "key-of-the-till"


@pytest.fixture
def environ(shop: Shop) -> dict[str, str]:
    """A shop with such a plugin."""
    site = shop.folder / "site"
    (site / "loud-1.0.dist-info").mkdir(parents=True)
    (site / "loud.py").write_text(PLUGIN)
    (site / "loud-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (site / "loud-1.0.dist-info" / "entry_points.txt").write_text("[tagserver]\nloud = loud\n")
    shop.write(CONTAINER.replace("HOW", "task"))
    shop.write(SERVER, "server.yaml")
    return {"PYTHONPATH": str(site), "TILL_KEY": KEY, "LANG": "C.UTF-8"}


@pytest.mark.parametrize(
    "words",
    [
        ["plugins", "--json"],
        ["plugins", "show", "loud", "--json"],
        ["check", "--json"],
        ["try", "e.json", "--json"],
        ["schema"],
    ],
)
def test_what_a_plugin_prints_does_not_come_between(shop: Shop, environ: dict[str, str], words: list[str]) -> None:
    """Standard output is for machines; it is not lost either."""
    (shop.folder / "e.json").write_text('{"event": "purchase", "event_id": "e1"}')
    done = shop(*words, environ=environ)
    assert done.json
    assert "printed at import" in done.err
    assert ("printed by build" in done.err) == (words[0] == "try")


@pytest.mark.parametrize("how", ["task", "thread"])
def test_a_plugin_that_does_not_end_keeps_no_server(shop: Shop, environ: dict[str, str], how: str) -> None:
    """What it had in hand is kept, and the exit is as any other."""
    shop.write(CONTAINER.replace("HOW", how))
    pattern = r"listens on (http://127\.0\.0\.1:\d+)"
    server = Process(*["serve", "--port", "0"], cwd=shop.folder, pattern=pattern, environ=environ)
    try:
        headers = {"authorization": f"Bearer {KEY}"}
        event = {"event": "purchase", "event_id": "e1"}
        answer = httpx.post(f"{server.address}/collect", json=event, headers=headers, trust_env=False)
        assert answer.status_code == 202
        until = time.monotonic() + 20
        while "delivering" not in server.text():
            assert time.monotonic() < until, server.text()
            time.sleep(0.02)
        assert server.stop(25) == 0
    finally:
        server.kill()
    assert "does not end" in server.text()
    assert not Path(shop.folder / "data" / "outbox.db-wal").exists(), "the queue was closed before"
