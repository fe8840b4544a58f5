"""Events that stand in the tests' code, read as text: each literal object with an `event`, and what the tests of the
data layer push. Read once, when the corpus is collected."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from .nine import GRANTED, nine, request, scenario
from .scenario import NOW, Scenario
from .tables import ROOT

FOLDERS = ("tests", "plugins")
PUSHED = (
    "test_datalayer.py",
    "test_enrich.py",
    "test_spellings.py",
    "test_identity.py",
    "test_phone.py",
    "test_places.py",
    "test_any_user_data.py",
    "test_likeness.py",
)
"""Files whose objects are pushed as they are, without a name."""
AT_ONCE = 25
LONGEST = 20_000


def pushes() -> Iterator[Scenario]:
    """Those of each file, some to a scenario: all destinations want them."""
    seen: set[str] = set()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "golden" in path.relative_to(ROOT).parts:
                continue
            found = _events(path.read_text("utf-8"), unnamed=path.name in PUSHED)
            new = (one for one in found if (text := json.dumps(one, sort_keys=True)) not in seen and not seen.add(text))  # type: ignore[func-returns-value]  # as meant
            number = 0
            while events := list(islice(new, AT_ONCE)):
                number += 1
                named = [
                    one | {"event_id": f"{one['event_id']}-{at}"} if "event_id" in one and at else one
                    for at, one in enumerate(events)
                ]
                requests = [request({"consent": GRANTED, **one}, NOW + at) for at, one in enumerate(named)]
                yield scenario(f"push/{path.relative_to(ROOT).as_posix()} {number}", requests, nine())


def _events(text: str, *, unnamed: bool) -> Iterator[dict[str, Any]]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Dict):
            continue
        try:
            value = ast.literal_eval(node)
            written = json.dumps(value, allow_nan=False)
        except (ValueError, TypeError, RecursionError, MemoryError):
            continue
        if len(written) > LONGEST or json.loads(written) != value:
            continue
        if isinstance(value.get("event"), str):
            yield value
        elif unnamed and value and "events" not in value:
            yield {"event": "purchase", "event_id": "e-1", **value}
