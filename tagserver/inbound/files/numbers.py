"""Amounts as people and spreadsheets write them: `1.234,56`, `1,234.56`, `1 234,56 €`. What a point or a comma means is
decided for a whole column, because `1.234` alone may be both."""

from __future__ import annotations

import re
from typing import Literal

from tagserver.inbound.files.faults import BadCell, BadFile

Mark = Literal[".", ","]

LONGEST = 40
_amount = re.compile(r"-?[0-9][0-9.,]{0,38}").fullmatch
_mangled = re.compile(r"-?[0-9](?:[.,][0-9]{1,15})?E[+-][0-9]{1,3}", re.IGNORECASE).fullmatch
_ERRORS = frozenset({"#n/a", "#name?", "#ref!", "#value!", "#div/0!", "#null!", "#num!", "#nv", "#wert!", "#bezug!"})
_DROPPED = str.maketrans("", "", " '’_€$£¥")

MANGLED = "was shortened by a spreadsheet (such as 4.91E+12), and its digits are lost: format the column as text, and \
export again"


def is_mangled(text: str) -> bool:
    """Whether a spreadsheet has written an id or a telephone number as a number, or an error of its own."""
    return _mangled(text) is not None or text.lower() in _ERRORS or (len(text) > 2 and not text.strip("#"))


class Evidence:
    """What the cells of one column say about their decimal mark."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Mark, int] = {}
        """The first line in which a mark is surely the decimal one."""
        self.unsure = 0
        """The first line of a number such as `1.234`, which may be both; 0 for none."""

    def add(self, text: str, line: int) -> None:
        """One cell. What is no number says nothing."""
        bare = text.translate(_DROPPED)
        if len(text) > LONGEST or not _amount(bare):
            return
        points, commas = bare.count("."), bare.count(",")
        if points and commas:
            self.lines.setdefault("." if bare.rfind(".") > bare.rfind(",") else ",", line)
        elif points + commas > 1:  # groups of thousands: the other one is the decimal mark
            self.lines.setdefault("," if points else ".", line)
        elif points + commas == 1:
            mark: Mark = "." if points else ","
            before, _, after = bare.lstrip("-").partition(mark)
            if len(after) == 3 and len(before) <= 3 and before != "0":
                self.unsure = self.unsure or line
            else:
                self.lines.setdefault(mark, line)

    def mark(self, separator: str) -> Mark:
        """The decimal mark of the column. Raises BadFile where its cells disagree, or nothing tells."""
        if len(self.lines) == 2:
            where = f"lines {self.lines['.']} and {self.lines[',']}"
            raise BadFile(f'the column "{self.name}" has decimal points and decimal commas ({where}): write it one way')
        for mark in self.lines:
            return mark
        if separator == "\t" and self.unsure:
            why = f'whether line {self.unsure} of the column "{self.name}" has thousands or decimals cannot be told'
            raise BadFile(f"{why}: say --decimal . or --decimal ,")
        return "," if separator == ";" else "."


def read_number(text: str, mark: Mark) -> int | float:
    """An amount with this decimal mark. Raises BadCell."""
    if is_mangled(text):
        raise BadCell(MANGLED)
    bare = text.translate(_DROPPED)
    if len(text) > LONGEST or not _amount(bare):
        raise BadCell("is no number")
    other = "," if mark == "." else "."
    whole, found, cents = bare.partition(mark)
    groups = whole.split(other)
    if other in cents or mark in cents or (found and not cents):
        raise BadCell(f"is no number with the decimal mark {mark}")
    if len(groups) > 1 and (len(groups[0].lstrip("-")) > 3 or any(len(one) != 3 for one in groups[1:])):
        raise BadCell(f"is no number with the decimal mark {mark}")
    digits = "".join(groups)
    return float(f"{digits}.{cents}") if cents.strip("0") else int(digits)
