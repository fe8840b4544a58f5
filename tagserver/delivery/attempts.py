"""What became of each request to a vendor, as those are told who keep records of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tagserver.delivery.outcomes import sentence
from tagserver.plugin.destination import Outcome, Response
from tagserver.queue.values import Row
from tagserver.system.time import Time

Kind = Literal["delivered", "retry", "throttled", "rejected", "paused", "split", "unknown"]
"""An outcome as plugins give it, and `unknown`: the vendor may have it, and nobody knows."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ended for a row: the kind, the vendor's or plugin's code, and a sentence without what tells of a
    person."""

    kind: Kind
    reason: str = ""
    message: str = ""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """Rows that were handed to a vendor together. `at` (ms since 1970 UTC) is when it ended, `took` how many ms it
    took. `ends`: one for each row, or a single one for all. `response`: the vendor's last answer, None without one;
    nobody has taken personal data out of it."""

    at: int
    took: int
    rows: Sequence[Row]
    ends: Sequence[Ended]
    response: Response | None = None


_DELIVERED = (Ended("delivered"),)


class Attempts:
    """Those of one batch, in their order. `made`: the ones that have ended."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._began = 0.0
        self._rows: Sequence[Row] = ()
        self.made: list[Attempt] = []

    def begin(self, rows: Sequence[Row]) -> None:
        """One begins."""
        self._rows, self._began = rows, self._time.monotonic()

    def delivered(self, response: Response | None, warning: str = "") -> None:
        """It has ended: the vendor has all of it."""
        self._end((Ended("delivered", "", warning),) if warning else _DELIVERED, response)

    def failed(self, kind: Kind, message: str, reason: str = "") -> None:
        """It has ended without an answer that says anything of a row."""
        self._end((Ended(kind, reason, message),), None)

    def answered(self, outcomes: Sequence[Outcome], response: Response | None, said: str) -> None:
        """It has ended with an outcome for each row. `said`: the vendor's words about all of them, cleaned."""
        ends = [
            Ended(one.kind, one.reason, one.warning if one.kind == "delivered" else _told(one, said))
            for one in outcomes
        ]
        self._end(ends[:1] if ends.count(ends[0]) == len(ends) else ends, response)

    def cut(self) -> None:
        """The server ends, or has failed, in the middle of one."""
        if self._rows:
            self.failed("unknown", "it was cut off; it is sent again")

    def _end(self, ends: Sequence[Ended], response: Response | None) -> None:
        took = round((self._time.monotonic() - self._began) * 1000)
        self.made.append(Attempt(self._time.now(), took, self._rows, ends, response))
        self._rows = ()


def _told(outcome: Outcome, said: str) -> str:
    """The plugin's sentence, and the vendor's words behind it where they are not in it yet."""
    told = outcome.detail or ("" if said else sentence(outcome.reason, ""))
    return f"{told} (it says: {said})".lstrip() if said and said not in told else told
