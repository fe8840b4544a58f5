"""What came of an order to retry dead letters, in sentences: for commands and pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.system.text import letters

_WHY = {
    "no_destination": "their destination is not configured",
    "tag_removed": "their tag is gone, paused, or has another destination",
    "consent": "nothing may be sent without consent",
    "restored": "a restore holds them, they may have been sent since the backup: tagserver restore --resend sends them",
}


def when_retried(done: Mapping[str, Any], *, dry_run: bool = False) -> Iterator[str]:
    """How many were put back, why others were not, and what the moved ones wait for. `done`: the answer of
    `/-/dead.json`; `dry_run`: what it would be."""
    be, were = ("would be ", "would stay") if dry_run else ("", "stay")
    yield f"{letters(done['count'])} {be}put back into the queue, {done['left']:,} left."
    if done["too_old"]:
        yield f"{letters(done['too_old'])} {were}: too old for the vendor."
    for reason, number in sorted(done["refused"].items()):
        yield f"{letters(number)} {were}: {_WHY.get(reason, 'they would be given up again')} ({reason})."
    if done["late"]:
        yield (
            f"{letters(done['late'])} of those put back came after the vendor's window for equal events: what it has "
            "already may be counted twice."
        )
    for one in done["waiting"]:
        state, reason = one["state"], one["reason"] or ""
        how = reason if reason.startswith(state) else f"{state}: {reason}".removesuffix(": ")
        yield f"{letters(one['count'])} of those {'would ' if dry_run else ''}wait: {one['destination']} is {how}."
