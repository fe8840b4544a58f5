"""A scenario, played: what its server answers to each request, what `try` says of each event, and what is in the queue
at the end. A record is plain JSON:

    {"problems": [those of the configuration],
     "requests": [{"status", "headers", "answer", "tried": [one for each event]}],
     "end": {"rows", "known", "urgent", "taken back", "counters", "refused", "counted", "audit"}}

`end` is None where the configuration has errors, and no server starts.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .adapter import Server
from .scenario import NOW, Request, Scenario

MEMORY = Path("/dev/shm")
"""A disk without a disk, where there is one: each server makes a queue that it flushes after each request."""
MOST = 4 << 20
"""Bytes of an unpacked body whose events are tried."""


async def record(scenario: Scenario) -> Any:
    """Everything that is asked of a scenario's server, and told by it."""
    with tempfile.TemporaryDirectory(prefix="golden-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        now = scenario.requests[0].at if scenario.requests else NOW
        server = Server(scenario.files, scenario.env, Path(folder), now)
        if not server.serves:
            return _plain({"problems": server.problems, "requests": [], "end": None})
        await server.open()
        answers = [await _asked(server, request) for request in scenario.requests]
        end = await server.close()
        made = {"problems": server.problems, "requests": answers, "end": end}
        return json.loads(server.without_chance(json.dumps(made)).replace(folder, "FOLDER"))


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


async def _asked(server: Server, request: Request) -> dict[str, Any]:
    assert request.at >= server.now, "the time of a scenario never goes back"
    server.now = request.at
    # Before it is asked, so that both see the same state; and `try` must change none.
    tried = [server.tried(event, request.headers, request.peer) for event in events(request)]
    status, headers, content = await server.ask(
        request.method, request.path, request.headers, request.body, request.peer
    )
    try:
        answer = json.loads(content)
    except ValueError:
        answer = content.decode("utf-8", "backslashreplace")
    return {"status": status, "headers": headers, "answer": answer, "tried": tried}


def events(request: Request) -> Iterator[Any]:
    """The events that a request posts to `/collect`, each with what its context says beneath it. None where the body is
    none that events can be read of."""
    if request.method != "POST" or not request.path.endswith("/collect"):
        return
    body = request.body
    try:
        if dict(request.headers).get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        said = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, OSError, EOFError, RecursionError):
        return
    if len(body) > MOST:
        return
    batch = said.get("events") if isinstance(said, dict) and "events" in said else said
    context = said.get("ctx") if isinstance(said, dict) and "events" in said else None
    for event in batch if isinstance(batch, list) else [batch]:
        yield _merged(context, event) if isinstance(context, dict) and isinstance(event, dict) else event


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is beyond a number")
    return number
