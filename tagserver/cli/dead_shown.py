"""What `tagserver dead` prints for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.cli.output import say
from tagserver.system.text import letters, readable_time

_WHY = {
    "no_destination": "their destination is not configured",
    "tag_removed": "their tag is gone, paused, or has another destination",
    "consent": "nothing may be sent without consent",
    "restored": "a restore holds them, they may have been sent since the backup: tagserver restore --resend sends them",
}


def say_letters(found: Sequence[Mapping[str, Any]]) -> None:
    """Two lines for each."""
    for one in found:
        whose = "  ".join(one[key] for key in ("destination", "tag", "name", "event_id"))
        say(f"{one['id']:>8}  {readable_time(one['buried'])}  {whose}")
        say(f"          {_why(one)}")


def _why(letter: Mapping[str, Any]) -> str:
    """Reason, code and detail, the code once."""
    code, detail = letter["code"], letter["detail"]
    rest = detail[len(code) :].lstrip() if code and detail.startswith(code) else detail
    name = f"{letter['reason']} {code}".rstrip()
    return f"{name}: {rest}" if rest else name


def say_summary(found: Mapping[str, Any]) -> None:
    """A table, the largest group first; then what helps, once for each reason."""
    groups = found["summary"]
    if not groups:
        say("No dead letters.")
        return
    head = ("letters", "destination", "tag", "reason", "code", "oldest", "newest", "one event")
    rows = [
        (
            f"{one['count']:,}",
            *(one[key] or "-" for key in ("destination", "tag", "reason", "code")),
            readable_time(one["oldest"]),
            readable_time(one["newest"]),
            one["event_id"],
        )
        for one in groups
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head) - 1)]
    for row in (head, *rows):
        first, *middle = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        say("  ".join((first.strip().rjust(widths[0]), *middle, row[-1])))
    if found["more"]:
        say(f"And {found['more']:,} smaller groups: choose, or take --json.")
    say(f"{letters(found['total'])}.")
    for reason, sentence in {one["reason"]: one["advice"] for one in groups}.items():
        say(f"{reason}: {sentence}.")


def say_retried(done: Mapping[str, Any], *, dry_run: bool) -> None:
    """How many were put back, why others were not, and what the moved ones wait for."""
    be, were = ("would be ", "would stay") if dry_run else ("", "stay")
    say(f"{letters(done['count'])} {be}put back into the queue, {done['left']:,} left.")
    if done["too_old"]:
        say(f"{letters(done['too_old'])} {were}: too old for the vendor.")
    for reason, number in sorted(done["refused"].items()):
        say(f"{letters(number)} {were}: {_WHY.get(reason, 'they would die again')} ({reason}).")
    if done["late"]:
        say(
            f"{letters(done['late'])} of those put back came after the vendor's window for equal events: what it has "
            "already may be counted twice."
        )
    for one in done["waiting"]:
        state, reason = one["state"], one["reason"] or ""
        how = reason if reason.startswith(state) else f"{state}: {reason}".removesuffix(": ")
        say(f"{letters(one['count'])} of those {'would ' if dry_run else ''}wait: {one['destination']} is {how}.")
