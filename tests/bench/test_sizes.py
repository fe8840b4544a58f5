"""The numbers of the page about sizes are of the size that things have: bytes are counted anew, times are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench import stored

PAGE = Path(__file__).parents[2] / "config" / "operate" / "sizing.md"
TEXT = PAGE.read_text("utf-8")
DESTINATIONS = {
    found[1]: [int(cell.replace(",", "")) for cell in found[2].split("|")]
    for found in re.finditer(r"^\| `(\w+)` \|((?: [\d,]+ \|){2} [\d,]+) \|$", TEXT, re.MULTILINE)
}


def of_the_page(what: str) -> float:
    """The number behind some words."""
    found = re.search(rf"^\| {re.escape(what)} \| ([\d,.]+) bytes", TEXT, re.MULTILINE)
    assert found is not None, what
    return float(found[1].replace(",", ""))


def near(counted: float) -> object:
    """A payload grows by a field now and then; the page must not be wrong by half."""
    return pytest.approx(counted, rel=0.3)


@pytest.mark.parametrize("name", ["meta", "linkedin"])
async def test_a_delivery(name: str) -> None:
    one = await stored.of_destination(name, 100)
    assert DESTINATIONS[name] == [near(one.payload), near(one.row), near(one.letter)]


async def test_keys_and_tombstones() -> None:
    assert of_the_page("a key of a repeat or of an order (a purchase has both)") == near(await stored.of_key(5000))
    assert of_the_page("a tombstone: an identifier and a purpose") == near(await stored.of_tombstone(5000))


def test_the_audit(tmp_path: Path) -> None:
    whole, index = stored.of_audit(("meta",), 1000, tmp_path)
    assert of_the_page("audit: a delivery, where each event goes to one destination") == near(whole)
    assert index == pytest.approx(3, rel=0.05)
