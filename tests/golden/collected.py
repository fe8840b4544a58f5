"""Where scenarios come from, by the file of the corpus that they lie in."""

from __future__ import annotations

from collections.abc import Iterable

from .configurations import configurations
from .flows import flows
from .generated import scenarios
from .pushes import pushes
from .scenario import Scenario
from .tables import tables

SEED, COUNT = 4, 1200
"""Of what is generated."""


def collected() -> dict[str, Iterable[Scenario]]:
    """File of the corpus → its scenarios."""
    return {
        "flows": flows(),
        "tables": tables(),
        "configurations": configurations(),
        "pushes": pushes(),
        "generated": scenarios(SEED, COUNT),
    }
