"""Counters of what came in and what was decided, and their Prometheus text. Labels come from the configuration
alone, so that no stranger can make new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tagserver.delivery.outbox import Counts
from tagserver.pipeline import Routing


class Meters:
    """In memory, since the start of this process; what must survive is counted by the outbox."""

    def __init__(self) -> None:
        self.events = 0
        self._decisions: Counter[tuple[str, str, str]] = Counter()
        self._refused: Counter[str] = Counter()

    def routed(self, routing: Routing) -> None:
        """One event went through the container."""
        self.events += 1
        decisions = self._decisions
        for decision in routing.decisions:
            decisions[decision.tag.name, decision.decision, decision.reason] += 1

    def refused(self, code: str) -> None:
        """One request was refused at the door; `code` is one of ours."""
        self._refused[code] += 1

    def text(self, counts: Mapping[str, Counts], states: Mapping[str, str], version: str) -> str:
        """Prometheus exposition format 0.0.4. `counts` by destination, `states` the state of each destination now."""
        lines: list[str] = []
        _metric(lines, "tagserver_info", "gauge", "The version that runs.", [({"version": version}, 1)])
        _metric(
            lines, "tagserver_events_total", "counter", "Events that went through the container.", [({}, self.events)]
        )
        _metric(
            lines,
            "tagserver_requests_refused_total",
            "counter",
            "Requests to /collect that were refused as a whole, by reason.",
            [({"reason": code}, number) for code, number in sorted(self._refused.items())],
        )
        _metric(
            lines,
            "tagserver_decisions_total",
            "counter",
            "What tags did with events whose name they want.",
            [
                ({"tag": tag, "decision": decision, "reason": reason}, number)
                for (tag, decision, reason), number in sorted(self._decisions.items())
            ],
        )
        for name, kind, help_text in _DELIVERIES:
            samples = [({"destination": to}, getattr(count, name)) for to, count in sorted(counts.items())]
            suffix = "_total" if kind == "counter" else ""
            _metric(lines, f"tagserver_deliveries_{name}{suffix}", kind, help_text, samples)
        by_reason = [
            ({"destination": to, "reason": reason}, number)
            for to, count in sorted(counts.items())
            for reason, number in sorted(count.dead_by_reason.items())
        ]
        _metric(lines, "tagserver_deliveries_dead_by_reason", "gauge", "Dead letters by reason.", by_reason)
        shown = [({"destination": to, "state": state}, 1) for to, state in sorted(states.items())]
        _metric(lines, "tagserver_destination_state", "gauge", "The state of each destination.", shown)
        return "\n".join(lines) + "\n"


_DELIVERIES = (
    ("accepted", "counter", "Deliveries that were stored, over the data folder's life."),
    ("delivered", "counter", "Deliveries that the vendor has."),
    ("pending", "gauge", "Deliveries that wait or are under way."),
    ("dead", "gauge", "Deliveries among the dead letters."),
    ("erased", "counter", "Deliveries erased by retention, request or drop."),
)


def _metric(
    lines: list[str], name: str, kind: str, help_text: str, samples: Iterable[tuple[Mapping[str, str], int]]
) -> None:
    lines.append(f"# HELP {name} {help_text}")
    lines.append(f"# TYPE {name} {kind}")
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
