"""Files of past events: each fault that spreadsheets and exports have, from bytes to events."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import read_event
from tagserver.inbound.files.columns import Columns, read_columns
from tagserver.inbound.files.dialect import LONGEST_CELL, LONGEST_LINE, encoding_of, lines_of, read_table
from tagserver.inbound.files.faults import BadFile, RefusedRow
from tagserver.inbound.files.json_lines import events_of_lines
from tagserver.inbound.files.rows import MOST_ITEMS, Choices, FileEvent, events_of, require_name, survey

from ..fast_yaml import safe_load

CASES: list[dict[str, Any]] = safe_load((Path(__file__).parent / "files.yaml").read_text("utf-8"))


def choices_of(options: Mapping[str, Any]) -> Choices:
    zone = datetime.strptime(options["zone"], "%z").tzinfo if "zone" in options else None
    return Choices(options.get("always", {}), zone or UTC, options.get("dates"), options.get("decimal"))


def read(content: bytes, options: Mapping[str, Any]) -> Iterator[FileEvent | RefusedRow]:
    encoding = encoding_of(
        [content[at : at + 7] for at in range(0, len(content), 7)] if b"\0" not in content else [content]
    )

    def opened() -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")

    choices = choices_of(options)
    table = read_table(lines_of(opened()))
    columns = read_columns(table.header, options.get("map", {}))
    require_name(columns, choices)
    if table.zone:
        choices = choices._replace(zone=datetime.strptime(table.zone, "%z").tzinfo or UTC)
    found = survey(table, columns, choices)
    yield from events_of(read_table(lines_of(opened())), columns, found, choices)


def holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and holds(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted) and type(found) is type(wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_file_of_the_table(case: dict[str, Any]) -> None:
    """Events with what they should hold, and what is refused, by line and column."""
    text = case["text"].replace("LONG", "x\n" * LONGEST_CELL)
    content = text.encode(case.get("encoding", "utf-8"))
    if "error" in case:
        with pytest.raises(BadFile) as bad:
            list(read(content, case.get("options", {})))
        assert case["error"] in str(bad.value)
        return
    made = list(read(content, case.get("options", {})))
    events = [one for one in made if isinstance(one, FileEvent)]
    refused = [one for one in made if isinstance(one, RefusedRow)]
    wanted = case.get("has", [])
    assert len(events) == len(wanted), made
    for event, one in zip(events, wanted, strict=True):
        assert holds(event.raw, one), (event.raw, one)
    assert [(one.line, one.column) for one in refused] == [
        (line, column) for line, column, _ in case.get("refused", [])
    ]
    for row, (_, _, reason) in zip(refused, case.get("refused", []), strict=True):
        assert row.reason.startswith(reason)
        assert not any(len(cell) > 3 and cell in row.reason for cells in row.rows for cell in cells)


def test_every_event_of_the_table_is_taken() -> None:
    """Each is an event for the client that reads what pages push, with the id that its row was given."""
    facts = Facts("till", 1_796_100_000_000)
    taken = 0
    for case in CASES:
        if "error" in case:
            continue
        for one in read(case["text"].encode(case.get("encoding", "utf-8")), case.get("options", {})):
            if isinstance(one, FileEvent):
                event = read_event(one.raw, facts)
                assert event.event_id == one.raw["event_id"]
                assert "minted" not in {note.code for note in event.notes}
                taken += 1
    assert taken > 40


def test_the_same_row_has_the_same_id_wherever_it_stands() -> None:
    """A file may be sent again with more rows, other separators and its columns in another order."""
    first = list(read(b"event,email,city\nlead,a@example.com,Bonn\n", {}))
    second = list(read(b"city;event;email\nUlm;lead;b@example.com\nBonn;lead;a@example.com\n", {}))
    ids = [one.raw["event_id"] for one in (*first, *second) if isinstance(one, FileEvent)]
    assert ids[0] == ids[2] != ids[1]
    assert ids[0].startswith("row_")


def test_it_goes_on_where_it_stopped() -> None:
    """From an event on, which keeps its number."""
    text = "event,order_id,sku\n" + "".join(f"purchase,{n // 2},s\n" for n in range(10))
    table, choices = read_table(io.StringIO(text)), Choices()
    columns = read_columns(table.header, {})
    found = survey(table, columns, choices)
    assert found.events == 5
    rest = list(events_of(read_table(io.StringIO(text)), columns, found, choices, start=3))
    assert [(one.number, one.line) for one in rest] == [(3, 8), (4, 10)]


def test_an_order_of_too_many_items_is_refused_and_not_kept() -> None:
    text = "event,order_id,sku\n" + "purchase,1,s\n" * (MOST_ITEMS + 5) + "purchase,2,s\n"
    made = list(read(text.encode(), {}))
    assert isinstance(made[0], RefusedRow)
    assert "items" in made[0].reason
    assert isinstance(made[1], FileEvent)


def test_a_line_without_an_end_is_not_read_into_memory() -> None:
    with pytest.raises(BadFile, match="line 2 is longer"):
        list(lines_of(io.StringIO("event\n" + "x" * (LONGEST_LINE + 5))))


class Endless(io.RawIOBase):
    """So many rows, made as they are read."""

    def __init__(self, rows: int) -> None:
        self._lines = iter(b"event,order_id,value\n" if not n else b"purchase,%d,1.5\n" % n for n in range(rows + 1))

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


class Lines:
    def __init__(self, rows: int) -> None:
        self._raw = Endless(rows)

    def readline(self, size: int, /) -> str:
        return self._raw.readline().decode()


def test_memory_does_not_grow_with_rows() -> None:
    """A million rows need no more than a thousand do: what is traced here would show a few bytes for each."""
    rows = 5000
    choices = Choices()
    table = read_table(lines_of(Lines(rows)))
    columns: Columns = read_columns(table.header, {})
    tracemalloc.start()
    try:
        found = survey(table, columns, choices)
        count = sum(1 for _ in events_of(read_table(lines_of(Lines(rows))), columns, found, choices))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.events == count == rows
    assert peak < 100_000


def test_json_lines() -> None:
    """An event on each line, in any spelling; ids follow from the same function as in every door."""
    lines = [
        '\ufeff{"event_name": "purchase", "transaction_id": 7, "value": 1}\n',
        "\n",
        '{"event": "lead", "email": "a@example.com"}\n',
        '{"event": "lead", "event_id": "own"}\n',
        "{no json\n",
        "[1]\n",
        '{"event": "purchase", "action_source": "phone_call", "ecommerce": {"transaction_id": "8"}}\n',
    ]
    always = {"action_source": "physical_store", "ecommerce.currency": "EUR"}
    made = list(events_of_lines(lines, always))
    events = [one for one in made if isinstance(one, FileEvent)]
    assert [one.raw["event_id"] for one in (events[0], events[2], events[3])] == ["purchase_7", "own", "purchase_8"]
    assert events[1].raw["event_id"].startswith("row_")
    assert [one.raw["action_source"] for one in events] == ["physical_store"] * 3 + ["phone_call"]
    assert [one.raw["ecommerce"]["currency"] for one in events] == ["EUR"] * 4
    assert [(one.line, one.reason) for one in made if isinstance(one, RefusedRow)] == [
        (5, "is no JSON"),
        (6, "is no JSON object"),
    ]
    assert [one.number for one in events_of_lines(lines, always, start=4)] == [4, 5]
