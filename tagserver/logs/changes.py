"""What has changed between two looks at a state, and what of it is said: each change once, and of what goes back and
forth one line a minute that counts.

Nothing here reads a clock or writes a line: a look comes in with its time, and what is to be said goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REPEATED = 60.0
"""Seconds in which the same change of the same subject is said once; the others are counted in the next line."""
NONE = "none"
"""The state before the first look."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a subject looks now. `mark`: what makes it another matter although the state is the same (a pause for another
    reason); the rest is for people and goes along. `status`, `code`, `said`: of a vendor's answer."""

    state: str
    reason: str = ""
    mark: str = ""
    status: int | None = None
    code: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """To be said: from `previous`, as it was said last or is known to have been, to `seen`. `lasted`: seconds of the
    state before; of all that was not well where it is well again. `unsaid`: changes in between that no line tells."""

    previous: Seen
    seen: Seen
    lasted: float
    unsaid: int = 0


@dataclass(slots=True)
class _Track:
    seen: Seen
    since: float
    well_until: float
    said_at: dict[tuple[str, str], float] = field(default_factory=dict)
    unsaid: int = 0
    last: tuple[str, str] = ("", "")


class Changes:
    """Of many subjects, by name. `well`: the states in which nobody has to do anything; a subject that is first seen so
    is not spoken of."""

    def __init__(self, *well: str) -> None:
        self._well = frozenset(well)
        self._tracks: dict[str, _Track] = {}

    @property
    def names(self) -> list[str]:
        """The subjects that were looked at."""
        return list(self._tracks)

    def look(self, name: str, seen: Seen, now: float) -> Change | None:
        """One look. What is to be said of it."""
        track = self._tracks.get(name)
        if track is None:
            self._tracks[name] = track = _Track(seen, now, now)
            return None if seen.state in self._well else self._say(track, Change(Seen(NONE), seen, 0.0), now)
        before = track.seen
        track.seen = seen
        if (before.state, before.mark) == (seen.state, seen.mark):
            return None
        if before.state in self._well:
            track.well_until = now
        began = track.well_until if seen.state in self._well else track.since
        track.since = now
        change = Change(before, seen, now - began, track.unsaid)
        pair = before.state, seen.state
        if now - track.said_at.get(pair, float("-inf")) < REPEATED:
            track.unsaid += 1
            track.last = pair
            return None
        return self._say(track, change, now)

    def settle(self, now: float) -> list[tuple[str, Change]]:
        """What has changed and was not said, and is over by now or has gone on for a minute. Called now and then, so
        that the last line about a subject does not stay wrong."""
        told = []
        for name, track in self._tracks.items():
            if track.unsaid and now - track.said_at.get(track.last, float("-inf")) >= REPEATED:
                change = Change(Seen(track.last[0]), track.seen, now - track.since, track.unsaid)
                told.append((name, self._say(track, change, now)))
        return told

    def forget(self, name: str) -> None:
        """There is no such subject any more."""
        self._tracks.pop(name, None)

    @staticmethod
    def _say(track: _Track, change: Change, now: float) -> Change:
        if change.unsaid:  # it goes back and forth: neither way is said again for a minute
            track.said_at = dict.fromkeys(track.said_at, now)
        track.said_at[change.previous.state, change.seen.state] = now
        track.unsaid = 0
        return change
