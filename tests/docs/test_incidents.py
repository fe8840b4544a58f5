"""The ten drills of the incidents page: each fault is made beside a real server, and the page's own commands end it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..faults.process import Process, start_sandbox
from .drills import DRILLS
from .incident import Incident, section, titles
from .pages import OPERATE

(INCIDENTS,) = (page for page in OPERATE if page.name == "incidents.md")


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A stand-in for Meta, for all drills."""
    process = start_sandbox(tmp_path_factory.mktemp("vendor"))
    yield process
    process.stop()


@pytest.fixture
def incident(tmp_path: Path, stand_in: Process) -> Iterator[Incident]:
    """A shop with one destination, and what was started for it is ended."""
    made = Incident(tmp_path, stand_in)
    yield made
    made.gone()


@pytest.mark.parametrize("title", list(DRILLS))
def test_drill(title: str, incident: Incident) -> None:
    """The fault shows as the page says, its commands run in its order, and afterwards all is well."""
    drill = DRILLS[title](incident)
    next(drill)
    *blocks, last = section(INCIDENTS, title)
    for block in blocks:
        drill.send(incident.run(block))  # StopIteration: the page has more blocks than the drill expects
    said = incident.run(last)
    with pytest.raises(StopIteration):
        drill.send(said)


def test_every_drill_of_the_page_is_played() -> None:
    """And stands in the table at its beginning."""
    table = INCIDENTS.read_text("utf-8").partition("\n## ")[0]
    assert titles(INCIDENTS) == list(DRILLS)
    assert all(f"| [{title.lower()}](#" in table for title in DRILLS)
