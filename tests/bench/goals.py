"""What is measured against what: each row of the table with what must be reached and what is aimed at. Nothing here is
asserted: a machine that is busy with other things must not fail a build."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """`text` says what is measured. `least`: what must be reached; `aim`: what is hoped for, None where there is
    no more to hope. `better`: whether more is better, or less."""

    text: str
    least: float
    aim: float | None = None
    better: Literal["more", "less"] = "more"

    def verdict(self, value: float) -> str:
        """Whether a value reaches it."""
        if self.aim is not None and self._reaches(value, self.aim):
            return "aim met"
        return "met" if self._reaches(value, self.least) else "NOT met"

    def _reaches(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.better == "more" else value <= wanted


GOALS = {
    "echo": Goal("events/s at 1 a request, of a JSON echo's", 0.40, 0.8),
    "echo20": Goal("events/s at 20 a request, of the same echo's at 1", 1.0, 2),
    "sdk": Goal("events a CPU second at 1 a request, of the SDK's", 6, 13),
    "sdk20": Goal("events a CPU second at 20 a request, of the SDK's", 15, 31),
    "batch": Goal("the same, of the SDK's that sends the 20 as one request", 1, 3),
    "node": Goal("the same, of the Node SDK's that sends the 20 as one", 1),
    "calls": Goal("calls from request to 202", 150, 80, "less"),
    "files": Goal("files that these are in", 12, 10, "less"),
    "added": Goal("each destination more, of an event to Meta alone", 0.7, 0.35, "less"),
    "open": Goal("open loop at half of saturation: p99, of the echo's", 3, 1.5, "less"),
    "outage intake": Goal("intake with a full queue, of that with an empty one", 0.90, 0.95),
    "outage memory": Goal("resident with a full queue, MB more than at rest", 20, None, "less"),
    "restart": Goal("seconds until a server with this queue is ready", 5, None, "less"),
    "drain": Goal("events/s of a drain", 20_000),
    "fill": Goal("how full the requests of a drain are", 0.90),
    "rest": Goal("resident at rest, MB", 80, None, "less"),
    "neighbour": Goal("p99 of a live vendor beside a dead one, of that alone", 1.10, None, "less"),
    "summary 5": Goal("with records: summary, 5 tags, by CPU, of off", 0.96),
    "full 5": Goal("with records: full, 5 tags, of off", 0.88),
    "summary 5, 20": Goal("summary, 5 tags, 20 a request, of off", 0.96),
    "full 5, 20": Goal("full, 5 tags, 20 a request, of off", 0.88),
    "summary 50": Goal("with records: summary, 50 tags, of off", 0.0),
    "full 50": Goal("with records: full, 50 tags, of off", 0.0),
    "summary 50, 20": Goal("summary, 50 tags, 20 a request, of off", 0.0),
    "full 50, 20": Goal("full, 50 tags, 20 a request, of off", 0.0),
    "other tag": Goal("one more tag of another event, us", 0.02, None, "less"),
    "same tag": Goal("one more tag of the same event, us", 0.5, None, "less"),
}
_HEAD = f"{'':<58}{'measured':>10}{'at least':>10}{'aim':>8}"


@dataclass
class Report:
    """The rows of a run, printed as they come."""

    lines: list[str] = field(default_factory=list)

    def row(self, name: str, value: float, beside: str = "") -> None:
        """One row. `beside`: the floor of the same run, or what the value is made of."""
        goal = GOALS[name]
        aim = "" if goal.aim is None else f"{goal.aim:,g}"
        figures = f"{goal.text:<58}{value:>10,.3f}{goal.least:>10,g}{aim:>8}"
        self._say(f"{figures}  {goal.verdict(value)}{f'; {beside}' if beside else ''}")

    def left_out(self, name: str, why: str) -> None:
        """A row that could not be measured."""
        self._say(f"{GOALS[name].text:<58}{'-':>10}{'':>18}  {why}")

    def table(self) -> None:
        """All rows of the run once more, together."""
        print("", _HEAD, *self.lines, sep="\n", flush=True)

    def _say(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)
