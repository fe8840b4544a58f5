"""The rows of a table as events of a data layer: one row each, or one for all rows of an order that has a line for each
of its items. Only one order is in memory at a time.

A file is read twice. First each column is looked through, because one cell does not tell how amounts are written; then
the events are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from hashlib import blake2b
from typing import Any, NamedTuple

from tagserver.event.order_ids import event_id_for
from tagserver.event.placeholder import is_placeholder
from tagserver.inbound.files.columns import EVENT, EVENT_ID, ITEM, ORDER, Column, Columns
from tagserver.inbound.files.dates import Order, read_time
from tagserver.inbound.files.dialect import Row, Table
from tagserver.inbound.files.faults import BadCell, BadFile, RefusedRow
from tagserver.inbound.files.numbers import MANGLED, Evidence, Mark, is_mangled, read_number

MOST_ITEMS = 500
PAID = frozenset({"paid", "succeeded", "completed", "complete", "processing", "partiallyrefunded"})
"""Words of shops and payment services for money that has come."""
POSTCODE = {"de": 5, "us": 5, "fr": 5, "it": 5, "es": 5, "germany": 5, "deutschland": 5, "unitedstates": 5}
"""Country → digits of a postal code, whose zeros at the front a spreadsheet takes away."""
_TOWN, _LAND = "user_data.address.postal_code", "user_data.address.country"


class Choices(NamedTuple):
    """What the sender has said about the whole file. `always`: field → value of each event whose row has none of its
    own; `zone`: of times without one."""

    always: Mapping[str, str] = {}
    zone: tzinfo = UTC
    dates: Order | None = None
    decimal: Mark | None = None


class Survey(NamedTuple):
    """`marks`: index of a column of amounts → its decimal mark; `events`: how many rows or orders there are."""

    marks: Mapping[int, Mark]
    events: int


class FileEvent(NamedTuple):
    """`number`: of the event in the file, from 0; `line`: its first; `rows`: the cells of all its rows; `raw`: as a
    page would push it."""

    number: int
    line: int
    rows: Sequence[Sequence[str]]
    raw: dict[str, Any]


def survey(table: Table, columns: Columns, choices: Choices) -> Survey:
    """The first reading. Raises BadFile."""
    evidence = {one.at: Evidence(one.name) for one in columns.read if one.kind == "number"}
    events = 0
    for rows in _orders(table.rows, columns):
        events += 1
        for row in rows:
            for index, found in evidence.items():
                if index < len(row.cells):
                    found.add(row.cells[index], row.line)
    stated = choices.decimal
    return Survey({index: stated or found.mark(table.separator) for index, found in evidence.items()}, events)


def require_name(columns: Columns, choices: Choices) -> None:
    """Raises BadFile where nothing says what happened."""
    if EVENT not in choices.always and all(one.field != EVENT for one in columns.read):
        raise BadFile("no column says what happened: name it, --set event=purchase, or map one, --map COLUMN=event")


def events_of(
    table: Table, columns: Columns, found: Survey, choices: Choices, *, start: int = 0
) -> Iterator[FileEvent | RefusedRow]:
    """The second reading, from event number `start` on. Raises BadFile."""
    for number, rows in enumerate(_orders(table.rows, columns)):
        if number < start:
            continue
        cells = [row.cells for row in rows]
        try:
            yield FileEvent(number, rows[0].line, cells, _event(rows, columns, found, choices, len(table.header)))
        except _BadRow as bad:
            yield RefusedRow(number, bad.line, bad.column, bad.reason, cells)


class _BadRow(Exception):
    def __init__(self, line: int, column: str, reason: str) -> None:
        super().__init__(reason)
        self.line, self.column, self.reason = line, column, reason


def _orders(rows: Iterable[Row], columns: Columns) -> Iterator[list[Row]]:
    """The rows of each event: those that follow one another with the same order."""
    group, waiting = columns.group, list[Row]()
    for row in rows:
        if waiting and group is not None and _at(row, group) and _at(row, group) == _at(waiting[0], group):
            if len(waiting) <= MOST_ITEMS:  # one more than are taken, by which it is refused
                waiting.append(row)
            continue
        if waiting:
            yield waiting
        waiting = [row]
    if waiting:
        yield waiting


def _at(row: Row, index: int) -> str:
    return row.cells[index] if index < len(row.cells) else ""


def _event(rows: Sequence[Row], columns: Columns, found: Survey, choices: Choices, width: int) -> dict[str, Any]:
    for row in rows:
        if len(row.cells) != width:
            raise _BadRow(row.line, "", f"has {len(row.cells)} cells, and the header has {width}")
    if len(rows) > MOST_ITEMS:
        raise _BadRow(rows[0].line, "", f"an order has more than {MOST_ITEMS} items")
    fields: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    for row in rows:
        item: dict[str, Any] = {}
        for column in columns.read:
            text = row.cells[column.at]
            if not text:
                continue
            value = _value(row, column, text, found, choices)
            if column.field.startswith(ITEM):
                item[column.field.removeprefix(ITEM)] = value
            elif column.several:
                fields[column.field] = [*fields.get(column.field, ()), value]
            elif row is rows[0]:
                fields[column.field] = value
            elif fields.setdefault(column.field, value) != value:
                raise _BadRow(row.line, column.name, "differs from the first row of the same order")
        if item:
            items.append(item)
    for field, text in choices.always.items():
        fields.setdefault(field, text)
    if items:
        fields["ecommerce.items"] = items
    return _with_id(rows[0], fields)


def _value(row: Row, column: Column, text: str, found: Survey, choices: Choices) -> Any:
    """One cell as its column's kind. Raises _BadRow."""
    try:
        if column.kind == "number":
            return read_number(text, found.marks[column.at])
        if column.kind == "time":
            made = read_time(text, choices.zone, choices.dates)
            return made if column.field == "timestamp" else made // 1000
        if is_mangled(text):
            raise BadCell(MANGLED)
        if column.kind == "status" and "".join(filter(str.isalpha, text.lower())) not in PAID:
            raise BadCell("is not paid, by its status; leave that column out to send all")
    except BadCell as bad:
        raise _BadRow(row.line, column.name, str(bad)) from None
    return text


def _with_id(row: Row, fields: dict[str, Any]) -> dict[str, Any]:
    """The event, with the id that every copy of it has: of what the shop calls it, else of all that its row says."""
    name, order = fields.get(EVENT), fields.get(ORDER)
    if not name:
        raise _BadRow(row.line, "", "says no event's name")
    refund = fields.pop("refund_id", None)
    fields.pop("status", None)
    if _TOWN in fields:
        digits = POSTCODE.get("".join(filter(str.isalpha, str(fields.get(_LAND, "")).lower())), 0)
        if fields[_TOWN].isdigit() and 3 <= len(fields[_TOWN]) < digits:
            fields[_TOWN] = fields[_TOWN].zfill(digits)
    own = fields.pop(EVENT_ID, None)
    if own is None or is_placeholder(own):
        own = event_id_for(name, order, refund=refund, message=row_id(fields))
    raw: dict[str, Any] = {"event_id": own}
    for path, value in fields.items():
        *above, last = path.split(".")
        group = raw
        for key in above:
            group = group.setdefault(key, {})
        group[last] = value
    return raw


def row_id(content: Any) -> str:
    """The id of an event that has none, nor an order: of what it says, so that a file may be sent again."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"row_{blake2b(text.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"
