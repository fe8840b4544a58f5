"""The corpus as it lies on disk: one compressed file for each source, one line for each scenario, with what was
answered."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .scenario import Request, Scenario

FOLDER = Path(__file__).parent / "data"
Recorded = tuple[Scenario, Any]
"""A scenario, and its record (see `replay`)."""


def files() -> list[Path]:
    """Those of the corpus."""
    return sorted(FOLDER.glob("*.jsonl.xz"))


def read(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Recorded]:
    """The scenarios of a file whose names are `wanted`."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            begin, _, rest = line.partition("\t")
            if wanted(name := json.loads(begin)):
                scenario, record = json.loads(rest)
                yield _scenario(name, scenario), record


def names(path: Path) -> list[str]:
    """Of the scenarios of a file, without reading these."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line.partition("\t")[0]) for line in lines]


def write(path: Path, recorded: Iterable[Recorded]) -> None:
    """All scenarios of a file, with their records."""
    path.parent.mkdir(exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8", preset=9) as lines:
        for scenario, record in recorded:
            lines.write(f"{json.dumps(scenario.name)}\t{json.dumps([_plain(scenario), record], sort_keys=True)}\n")


def _plain(scenario: Scenario) -> dict[str, Any]:
    requests = [asdict(one) | {"body": one.body.decode("latin-1")} for one in scenario.requests]
    return {"files": dict(scenario.files), "env": dict(scenario.env), "requests": requests}


def _scenario(name: str, plain: dict[str, Any]) -> Scenario:
    requests = (
        Request(
            **one
            | {"body": one["body"].encode("latin-1"), "headers": tuple((key, value) for key, value in one["headers"])}
        )
        for one in plain["requests"]
    )
    return Scenario(name, plain["files"], plain["env"], tuple(requests))
