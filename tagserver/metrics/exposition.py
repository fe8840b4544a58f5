"""Prometheus' text format 0.0.4: what is written of counters, gauges and histograms."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """How often something took how long. `bounds` in seconds, upper and inclusive."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


Sample = tuple[Mapping[str, str], float]


class Page:
    """Lines of the exposition format, one metric after another."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def text(self) -> str:
        """The whole page."""
        return "\n".join(self._lines) + "\n"

    def add(self, name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> None:
        """A counter or gauge; `kind` is its type."""
        self._describe(name, kind, help_text)
        for labels, value in samples:
            self._sample(name, labels, value)

    def counter(self, name: str, help_text: str, label: str, counts: Mapping[str, int]) -> None:
        """A counter with one label."""
        self.add(name, "counter", help_text, [({label: key}, number) for key, number in sorted(counts.items())])

    def histogram(
        self, name: str, help_text: str, series: Mapping[tuple[str, ...], Histogram], labels: Sequence[str]
    ) -> None:
        """A histogram; `labels` name the parts of the keys of `series`."""
        self._describe(name, "histogram", help_text)
        for values, histogram in sorted(series.items()):
            named = dict(zip(labels, values, strict=True))
            total = 0
            for bound, count in zip((*histogram.bounds, None), histogram.counts, strict=True):
                total += count
                self._sample(f"{name}_bucket", {**named, "le": "+Inf" if bound is None else f"{bound:g}"}, total)
            self._sample(f"{name}_sum", named, round(histogram.sum, 6))
            self._sample(f"{name}_count", named, total)

    def _describe(self, name: str, kind: str, help_text: str) -> None:
        escaped = help_text.replace("\\", "\\\\").replace("\n", "\\n")
        self._lines.append(f"# HELP {name} {escaped}")
        self._lines.append(f"# TYPE {name} {kind}")

    def _sample(self, name: str, labels: Mapping[str, str], value: float) -> None:
        inside = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
        self._lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
