"""Several words of one kind: two spellings in one event, and the event's own above what its batch's context says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tagserver.consent.state import Kind, Reading, Signal, State

Word = tuple[State, Kind]
Spelling = tuple[str, Sequence[Reading]]
"""The name of a field, and what it says."""

_STRICTEST_FIRST: tuple[Word | None, ...] = (
    ("denied", "explicit"),
    ("denied", "default"),
    None,
    ("granted", "default"),
    ("granted", "explicit"),
)
_FORCE: Mapping[Word, int] = {
    ("denied", "explicit"): 0,
    ("granted", "explicit"): 1,
    ("denied", "default"): 2,
    ("granted", "default"): 3,
}
"""In one mouth a choice comes before a preset, and a refusal before a grant."""
_RANK = {word: rank for rank, word in enumerate(_STRICTEST_FIRST)}


def together(spellings: Sequence[Spelling]) -> list[Reading]:
    """What an event says that speaks of one kind in several spellings. Where they differ, the stricter counts purpose
    by purpose: one is granted only as far as every spelling grants it. A spelling that is silent of it does not."""
    readings = [reading for _, said in spellings for reading in said]
    if len(spellings) < 2:
        return readings
    words = [_words(said) for _, said in spellings]
    if all(one == words[0] for one in words):
        return readings
    least = {
        purpose: min(_RANK[one.get(purpose)] for one in words)
        for purpose in {purpose for one in words for purpose in one}
    }
    kept = [
        _only(reading, lambda purpose, signal: signal.state == "denied" or _rank(signal) <= least[purpose])
        for reading in readings
    ]
    (first, _), *others = spellings
    names = " and ".join(name for name, _ in others)
    return [*kept, Reading(first, problems=(f"{first}:differs from {names}, and the stricter counts",))]


def above(own: Sequence[Reading], beneath: Sequence[Reading]) -> list[Reading]:
    """An event's own words, and of those beneath them the refusals that they do not answer. A preset of the event is no
    answer to what a visitor chose."""
    words = _words(own)
    sale = all(reading.sale_opt_out is None for reading in own)
    sensitive = all(reading.sensitive_limit is None for reading in own)
    child = all(reading.known_child is None for reading in own)

    def unanswered(purpose: str, signal: Signal) -> bool:
        word = words.get(purpose)
        return signal.state == "denied" and (word is None or (word[1], signal.kind) == ("default", "explicit"))

    kept = []
    for reading in beneath:
        left = replace(
            _only(reading, unanswered),
            name=f"ctx.{reading.name}",
            problems=tuple(f"ctx.{problem}" for problem in reading.problems),
            sale_opt_out=reading.sale_opt_out if sale else None,
            sensitive_limit=reading.sensitive_limit if sensitive else None,
            known_child=reading.known_child if child else None,
        )
        kept.append(left)
    return [*own, *kept]


def _words(readings: Sequence[Reading]) -> dict[str, Word]:
    """Purpose → the word that decides it among some readings: what was chosen before what was preset, and a refusal
    before a grant."""
    found: dict[str, Word] = {}
    for reading in readings:
        for purpose, signal in reading.signals.items():
            word: Word = (signal.state, signal.kind)
            if purpose not in found or _FORCE[word] < _FORCE[found[purpose]]:
                found[purpose] = word
    return found


def _only(reading: Reading, wanted: Callable[[str, Signal], bool]) -> Reading:
    """A reading with some of its signals."""
    signals: Mapping[str, Signal] = {
        purpose: signal for purpose, signal in reading.signals.items() if wanted(purpose, signal)
    }
    return replace(reading, signals=signals)


def _rank(signal: Signal) -> int:
    return _RANK[signal.state, signal.kind]
