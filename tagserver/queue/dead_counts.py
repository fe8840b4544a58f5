"""How many deliveries have become dead letters since this process began, and with which code of the vendor's.

The counters of the outbox say how many lie there now, which falls when they are tried again or dropped. A rate needs
numbers that only grow: these. They become labels of a metric, so there are few codes, whatever a vendor answers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping

MOST_CODES = 20
"""Of one destination; further ones are counted as OTHER."""
OTHER = "other"
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,40}")
"""What a code looks like. Anything else is a sentence, and may have somebody's data in it."""

Burial = tuple[str, str, str]
"""Destination, reason, code."""


class Burials:
    """`add` and `committed` are called by the writer's thread; `shown` is the last committed picture and may be read
    from any thread."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, set[str]] = defaultdict(set)
        self._counted: Counter[Burial] = Counter()
        self._pending: Counter[Burial] = Counter()
        self.shown: Mapping[Burial, int] = {}

    def add(self, destination: str, reason: str, code: str) -> None:
        """One more in the present transaction. `code`: empty where no vendor has refused it."""
        self._pending[destination, reason, code and self._bounded(destination, code)] += 1

    def committed(self, ok: bool) -> None:
        """After a group: take its burials over, or forget them."""
        if ok and self._pending:
            self._counted.update(self._pending)
            self.shown = dict(self._counted)
        self._pending.clear()

    def _bounded(self, destination: str, code: str) -> str:
        codes = self._codes[destination]
        if code in codes:
            return code
        if len(codes) >= MOST_CODES or not _CODE.fullmatch(code):
            return OTHER
        codes.add(code)
        return code
