"""Settings that count from a start on: whoever changes one is told, by the answer, the log and readiness."""

from __future__ import annotations

import logging

import pytest

from tagserver.config.collect import CollectConfig
from tagserver.config.queue import QueueConfig
from tagserver.config.server import AuditConfig, ServerConfig, ShutdownConfig, sentence, waiting

from .conftest import BEARER, SERVER, Running, post

STARTED = ServerConfig()


@pytest.mark.parametrize(
    ("now", "keys"),
    [
        (ServerConfig(), ()),
        (ServerConfig(shutdown=ShutdownConfig(drain=1.0), collect=CollectConfig(max_body=5)), ()),
        (ServerConfig(queue=QueueConfig(max_size=1 << 20)), ("queue.max_size",)),
        (ServerConfig(queue=QueueConfig(file="b.db", keep_dead=1.0)), ("queue.url", "queue.keep_dead")),
        (ServerConfig(audit=AuditConfig(keep=5.0)), ("audit.keep",)),
        (ServerConfig(collect=CollectConfig(max_connections=7)), ("collect.max_connections",)),
    ],
    ids=["nothing", "what counts at once", "one", "two", "audit", "connections"],
)
def test_they_are_named_as_the_file_spells_them(now: ServerConfig, keys: tuple[str, ...]) -> None:
    assert waiting(STARTED, now) == keys
    assert all(key in sentence(keys) for key in keys)
    assert bool(sentence(keys)) is bool(keys)


async def test_who_changes_one_is_told_until_it_is_as_before(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    file = server.data.parent / "config" / "server.yaml"
    file.write_text(SERVER.replace("min_free: 1MiB", "min_free: 2MiB"))
    with caplog.at_level(logging.WARNING, "tagserver"):
        said = (await post(server, "reload", {"server": True}))[1]
    wanted = "queue.min_free has changed and counts from the next start on"
    assert (said["ok"], wanted in said["detail"]) == (True, True)
    assert caplog.text.count(wanted) == 1
    ready = (await server.http.get("/readyz", headers=BEARER)).json()
    assert (ready["status"], wanted in ready["notice"]) == ("ok", True), "somebody wants it so"
    file.write_text(SERVER)
    assert wanted not in (await post(server, "reload", {"server": True}))[1]["detail"]
    assert wanted not in ((await server.http.get("/readyz", headers=BEARER)).json().get("notice") or "")
