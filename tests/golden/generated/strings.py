"""Consent strings, written by their formats: TCF, GPP with sections of the United States, Google's and the rest."""

from __future__ import annotations

from collections.abc import Iterable

from tests.golden.generated.drawing import Draw

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DAY = 86_400_000
_WRITTEN = 1_788_480_000_000
"""2026-09-04, some days before the requests of a scenario."""
_COUNTS = (32, 20, 17, 16, 18, 19, 20, 20, 23, 18, 23, 18, 18, 20, 24, 18, 18, 12, 12, 12, 12)
_US = {number: (2 if number == 7 else 1, count) for number, count in enumerate(_COUNTS, 7)}
"""Number of a section → its version and how many answers of two bits it holds."""
SAMPLES = (
    *(
        "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN",
    ),
    *(
        "DBABLA~CpVWSBoEhZiQ",
        "DBABLA~CURVIGhRIVGg.YA",
        "DBABLA~BVVqAAEABCA.QA",
        "DBABLA~BVVUVVVVWVA",
        "DBABBg~BVFSWglY.YA",
    ),
    *(
        "DBABRg~BJKpUKg",
        "DBACzYGA~1YNN~CAAQAAAAAABA.QA~BAgAAABA.QA~BAgAAAAAAQA.QA",
        "DBABEYA~BQCA.AAA",
        "DBAA",
        "DBABjw~x~1YNN",
    ),
)
"""Of GPP: examples of its specification, and what the IAB's own libraries write."""


def _number(value: int, width: int) -> str:
    return f"{value:0{width}b}"


def _places(ids: Iterable[int], width: int) -> str:
    chosen = set(ids)
    return "".join("1" if place in chosen else "0" for place in range(1, width + 1))


def _word(text: str) -> str:
    return "".join(_number(ord(letter) - 65, 6) for letter in text)


def _text(bits: str) -> str:
    bits += "0" * (-len(bits) % 6)
    return "".join(_LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def _vendors(draw: Draw, ids: list[int]) -> str:
    highest = max(ids, default=0)
    if draw.chance(0.5):
        return _number(highest, 16) + "0" + _places(ids, highest)
    entries = "".join("0" + _number(one, 16) for one in ids[:-1])
    last = "1" + _number(ids[-1], 16) + _number(ids[-1], 16) if ids else ""
    return _number(highest, 16) + "1" + _number(len(ids), 12) + entries + last


def tcf(draw: Draw) -> str:
    """A TC string: mostly one that may be used, with all or some purposes and vendors."""
    day = _WRITTEN + draw.weighted((16, 0), (1, -400 * _DAY), (1, 40 * _DAY), (1, -190 * _DAY))
    purposes = draw.weighted((10, range(1, 12)), (4, draw.some(range(1, 12), 8)), (1, ()), (2, (1, 7)), (1, (3, 4, 7)))
    bits = _number(draw.weighted((30, 2), (1, 1), (1, 3)), 6) + _number(day // 100, 36) * 2
    bits += _number(300, 12) + _number(7, 12) + _number(1, 6) + _word(draw.one(("EN", "DE"))) + _number(150, 12)
    bits += _number(draw.weighted((20, 5), (2, 4), (1, 2)), 6) + draw.weighted((20, "1"), (1, "0")) + "0"
    bits += _places(draw.some((1, 2), 2), 12) + _places(purposes, 24) + _places(draw.some(range(2, 12), 5), 24)
    bits += draw.weighted((6, "0"), (1, "1")) + _word(draw.one(("DE", "FR", "AT")))
    vendors = draw.weighted((8, [10, 89, 755, 793]), (3, draw.some((10, 20, 89, 755, 793), 4)), (1, []))
    bits += _vendors(draw, vendors) + _vendors(draw, draw.some((10, 755), 2))
    if draw.chance(0.2):
        bits += _number(1, 12) + _number(draw.one((1, 2, 7)), 6) + _number(draw.one((0, 1, 2)), 2)
        bits += _number(1, 12) + "0" + _number(draw.one((10, 89, 755)), 16)
    else:
        bits += _number(0, 12)
    parts = [_text(bits)]
    if draw.chance(0.92):
        shown = draw.weighted((10, sorted({*vendors, 1000})), (1, []))
        parts.append(_text(_number(1, 3) + _vendors(draw, shown)))
    if draw.chance(0.3):
        parts.append("YAAAAAAAAAAA")
    return garbled(draw, ".".join(parts), 0.07)


def gpp(draw: Draw) -> str:
    """A GPP string, of one section that is written here, of several, or a sample."""
    if draw.chance(0.35):
        return garbled(draw, draw.one(SAMPLES), 0.2)
    numbers = draw.some(sorted([*_US, 2, 6]), 2, 1)
    sections = [_section(draw, number) for number in numbers]
    if draw.chance(0.08):
        sections = draw.one((sections[1:], [*sections, "1YNN"]))
    return garbled(draw, "~".join([_header(numbers), *sections]), 0.12)


def _section(draw: Draw, number: int) -> str:
    if number == 2:
        return tcf(draw)
    if number == 6:
        return usp(draw)
    version, count = _US[number]
    answers = [draw.weighted((3, 0), (2, 1), (5, 2), (0, 3) if draw.chance(0.95) else (2, 3)) for _ in range(count)]
    core = _text(_number(version, 6) + "".join(_number(one, 2) for one in answers))
    return core + draw.weighted((5, ""), (1, ".QA"), (1, ".YA"))


def _header(numbers: list[int]) -> str:
    last, items = 0, ""
    for number in numbers:
        items += "0" + _fibonacci(number - last)
        last = number
    return _text(_number(3, 6) + _number(1, 6) + _number(len(numbers), 12) + items)


def _fibonacci(value: int) -> str:
    weights = [1, 2]
    while weights[-1] <= value:
        weights.append(weights[-1] + weights[-2])
    bits = ["0"] * len(weights)
    for at in reversed(range(len(weights))):
        if weights[at] <= value:
            value -= weights[at]
            bits[at] = "1"
    return "".join(bits).rstrip("0") + "1"


def usp(draw: Draw) -> str:
    """A US Privacy string."""
    return draw.one(("1YNN", "1YYN", "1---", "1YN-", "1NNN", "1-YN", "1Y-N", "1yyn", "2YNN", "1YN", ""))


def gcs(draw: Draw) -> str:
    """Google's short form of Consent Mode."""
    return draw.weighted(
        (8, "G111"), (2, "G101"), (2, "G110"), (2, "G100"), (1, "G1--"), (1, "G11"), (1, "g111"), (1, "G1x1")
    )


def gcd(draw: Draw) -> str:
    """Google's form with presets and choices."""
    letters = draw.weighted(
        (6, "rrrr"), (2, "vvvv"), (2, "tttt"), (2, "pppp"), (2, "rrqr"), (2, "uvlm"), (1, "nnnn"), (1, "zrrr")
    )
    text = "1" + "".join(f"{draw.one('135')}{letter}" for letter in letters) + draw.one(("5", "l1", ""))
    return garbled(draw, text, 0.08)


def ac(draw: Draw) -> str:
    """Google's list of further providers."""
    return draw.one(("1~89.122", "2~89.122~dv.61", "1~", "2~89", "1~89..1", "2~~dv.89", "3~89", "1~0.89", "89,122"))


def garbled(draw: Draw, text: str, share: float) -> str:
    """The text; in this share of all cases cut off, doubled, or with a strange sign in it."""
    if not draw.chance(share):
        return text
    at = draw.below(len(text) + 1)
    return draw.one(
        (text[:at], text[:at] + "!" + text[at:], text + text, text.lower(), f" {text}", text + ".", "tcstring")
    )
