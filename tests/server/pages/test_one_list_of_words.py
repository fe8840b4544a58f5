"""What a record says is said in one place, `records.words` (and the reasons of the queue, of which it is made): no
template, module of the browser or other file has a list of its own, which would say something else one day."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tagserver.queue.moves import ERASED_FOR
from tagserver.records.query import DECISIONS, STATUSES
from tagserver.records.words import tables
from tagserver.records.words.tables import NOT_SENT, OUTCOMES, STATUS, VERDICTS
from tests.server.conftest import BEARER, ENVIRON, Running, Start, purchase
from tests.server.pages.support import get

ROOT = Path(str(files("tagserver")))
SOURCES = {ROOT / "records" / "words" / "tables.py", ROOT / "records" / "words" / "sentences.py"}
SOURCES |= {ROOT / "queue" / "moves.py", ROOT / "queue" / "dead_letters.py"}


def sentences() -> list[str]:
    """Those of the tables that nobody writes by chance: several words."""
    every = [one.text for table in (STATUS, OUTCOMES) for one in table.values()]
    every += [one.word for table in (STATUS, VERDICTS, OUTCOMES) for one in table.values()]
    every += [*NOT_SENT.values(), *ERASED_FOR.values(), *tables.GIVEN_UP.values(), *tables.SAID_BY.values()]
    every += [one.text for one in tables.DECISIONS.values()]
    every += [tables.REFUSED_REQUEST, tables.NAMELESS]
    return sorted({one.rstrip(".:") for one in every if " " in one})


def texts(path: Path) -> Iterator[str]:
    """The texts of a file: of Python its constants without docstrings, of others all without comments."""
    source = path.read_text()
    if path.suffix != ".py":
        yield re.sub(r"(?s)\{#.*?#\}|/\*.*?\*/|(?m:^\s*//.*$)", "", source)
        return
    tree = ast.parse(source)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def shown_by() -> list[Path]:
    """Everything that can show a record."""
    folders = [ROOT / name for name in ("records", "explain", "server", "cli")]
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".py", ".js", ".html") and path not in SOURCES
    )


def test_no_sentence_stands_a_second_time() -> None:
    """Short ones only where they stand alone: within a sentence anybody may write them."""
    known = sentences()
    assert len(known) > 40
    found = {
        (path.relative_to(ROOT).as_posix(), one)
        for path in shown_by()
        for text in texts(path)
        for one in known
        if text == one or (one in text if one.count(" ") > 3 else f'"{one}"' in text or f"'{one}'" in text)
    }
    assert found == set()


NAMES = {*VERDICTS, *STATUSES, *DECISIONS, *OUTCOMES}
PROTOCOL = {"pending", "paused"}
"""What a module of the browser may name: what a row begins with, and the state of its own button."""


@pytest.mark.parametrize("name", ["preview.js", "preview_rows.js"])
def test_modules_of_the_browser_have_no_list_of_their_own(name: str) -> None:
    """They count on with verdicts that they are told, and take their HTML from the page."""
    (text,) = texts(ROOT / "server" / "static" / name)
    quoted = set(re.findall(r"'([a-z_]+)'", text)) | set(re.findall(r"\bverdict=([a-z_]+)", text))
    keys = set(re.findall(r"\b([a-z_]+)\s*[:=](?!=)", text.replace("const ", "").replace("let ", "")))
    assert (quoted | keys) & NAMES <= PROTOCOL


def test_templates_have_no_list_of_their_own() -> None:
    """No mapping of a decision, an answer, an outcome or a verdict to a badge."""
    found = {
        (path.name, word)
        for path in (ROOT / "server" / "templates").glob("*.html")
        for (text,) in [tuple(texts(path))]
        for word in re.findall(r'"([a-z_]+)": "(?:ok|warning|bad|paused|muted)"', text)
        if word in {"accepted", "duplicate", "held", "rejected", "send", "restrict", "block", "skip", "dead", "pending"}
    }
    assert found == set()


PAUSED = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}


async def tried_again(start: Start) -> Running:
    """A server with a purchase that a vendor which is down was asked for."""
    server: Running = await start()
    await server.vendor.post("/control", json={"status": 503})
    await server.collect(purchase())
    return server


async def attempted(server: Running) -> dict[str, Any]:
    """The summary, once there was an attempt."""
    for _ in range(200):
        events = (await server.http.get("/-/events.json", headers=BEARER)).json()["events"]
        if events and events[0]["verdicts"].get("again"):
            return dict(events[0])
        await asyncio.sleep(0.02)
    raise AssertionError(events)


async def test_lists_and_pages_have_one_verdict(start: Start) -> None:
    """On its way in one and tried again in the other was how it had been."""
    server = await tried_again(start)
    listed = await attempted(server)
    assert listed["deliveries"] == {"pending": 1}
    (record,) = (await server.http.get("/-/events/purchase_T-1.json", headers=BEARER)).json()["records"]
    assert record["verdicts"] == listed["verdicts"] == {"again": 1, "skip": 1}
    sent = next(tag for tag in record["tags"] if tag["decision"] == "send")
    assert (sent["verdict"], sent["told"]["word"]) == ("again", "tried again")
    for path in ("/-/preview", "/-/events/purchase_T-1"):
        shown = (await get(server, path)).text.partition("Keyboard")[0 if "events" in path else 2]
        assert "tried again" in shown, path
