"""Times as exports write them. A date that may be two days is refused unless somebody says which comes first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal

from tagserver.inbound.files.faults import BadCell
from tagserver.inbound.files.numbers import MANGLED, is_mangled

Order = Literal["dmy", "mdy"]

LONGEST = 40
FIRST_DAY = datetime(1899, 12, 30)
"""Day 0 of a spreadsheet, as its days are counted since 1 March 1900."""
SERIALS = range(20_000, 80_000)
"""Days of a spreadsheet that are believed: 1954 to 2119."""

_iso = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?:[T ] ?(.{4,25}))?").fullmatch
_by_day = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})[./-]([0-9]{4})(?:,? (.{4,25}))?").fullmatch
_clock = re.compile(
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6})[0-9]{0,3})?)?(?: ?([AaPp])\.?[Mm]\.?)?"
    r" ?(Z|UTC|[+-][0-9]{2}:?(?:[0-9]{2})?)?"
).fullmatch
_serial = re.compile(r"([0-9]{5})(?:[.,]([0-9]{1,12}))?").fullmatch


def read_time(text: str, zone: tzinfo, order: Order | None) -> int:
    """Ms since 1970 UTC. `zone`: of times that name none; `order`: of days and months between slashes or dashes. Raises
    BadCell."""
    if is_mangled(text):
        raise BadCell(MANGLED)
    if len(text) > LONGEST:
        raise BadCell("is no time")
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return int(text) * (1000 if len(text) == 10 else 1)
    try:
        moment = _moment(text, order)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        made = round(moment.timestamp() * 1000)
    except (OverflowError, ValueError) as error:
        raise error if isinstance(error, BadCell) else BadCell("is a day or an hour that does not exist") from None
    return made


def _moment(text: str, order: Order | None) -> datetime:
    if found := _serial(text):
        if int(found[1]) not in SERIALS:
            raise BadCell("is a number, and no time")
        return FIRST_DAY + timedelta(days=int(found[1]), seconds=round(float(f"0.{found[2] or 0}") * 86_400))
    if found := _iso(text):
        return _at(int(found[1]), int(found[2]), int(found[3]), found[4])
    if found := _by_day(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if found[2] == ".":
            order = "dmy"  # nobody writes months first with points
        if order is None:
            raise BadCell("may be two days: say whether days or months come first, --dates dmy or --dates mdy")
        day, month = (first, second) if order == "dmy" else (second, first)
        if month > 12:
            raise BadCell(f"has no such month, read as {order}: see --dates")
        return _at(year, month, day, found[5])
    raise BadCell("is no time: write 2026-12-31 23:59:59+01:00")


def _at(year: int, month: int, day: int, clock: str | None) -> datetime:
    if clock is None:
        return datetime(year, month, day)
    found = _clock(clock.strip())
    if not found:
        raise BadCell("is no time: write 2026-12-31 23:59:59+01:00")
    hour = int(found[1])
    if found[5]:
        if not 1 <= hour <= 12:
            raise BadCell("is a day or an hour that does not exist")
        hour = hour % 12 + (12 if found[5] in "pP" else 0)
    micro = int((found[4] or "0").ljust(6, "0"))
    return datetime(year, month, day, hour, int(found[2]), int(found[3] or 0), micro, _offset(found[6]))


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in ("Z", "UTC"):
        return UTC
    sign, digits = -1 if text[0] == "-" else 1, text[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
