"""Records as the server makes them, of events that are asked of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.config.compile import Loaded
from tagserver.explain.cases import explain_case
from tagserver.records.container_text import container_text
from tagserver.records.making import Level, RecordMaker
from tagserver.records.view import whole

KEY = bytes(32)


def record_of(loaded: Loaded, asked: Mapping[str, Any], level: Level = "full") -> dict[str, Any]:
    """The RECORD of a question of `try`, as a page shows it."""
    container, server = loaded.container, loaded.server
    assert container is not None
    assert server is not None
    explained = explain_case(container, server, asked)
    assert explained.routing is not None
    made = RecordMaker(KEY).record(container, (None, explained.routing, (), ()), 0, level)
    assert made is not None
    return whole(made, {}, container_text(container))
