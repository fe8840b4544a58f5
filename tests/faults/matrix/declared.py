"""The rows of the matrix: one fault each, declared with its number, its sentence, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.matrix.world import World


@dataclass(frozen=True)
class Row:
    """One fault. `quick`: part of the short run. `root`: needs the rights of root. `waits_for`: a capability that is
    not there yet; such a row is listed, not run. `untimed`: it asks what happens, not how soon, and so may run beside
    other tests."""

    number: str
    fault: str
    run: Callable[[World], None] | None = None
    quick: bool = False
    root: bool = False
    waits_for: str = ""
    untimed: bool = False


@dataclass
class Chapter:
    """The rows of one kind of fault, in the order in which they are declared."""

    title: str
    rows: list[Row] = field(default_factory=list)

    def row(
        self, number: str, fault: str, *, quick: bool = False, root: bool = False, untimed: bool = False
    ) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
        """Declare the function below as a row."""

        def declare(run: Callable[[World], None]) -> Callable[[World], None]:
            self.rows.append(Row(number, fault, run, quick, root, untimed=untimed))
            return run

        return declare

    def waits(self, number: str, fault: str, waits_for: str) -> None:
        """Declare a row whose capability is not there yet."""
        self.rows.append(Row(number, fault, waits_for=waits_for))
