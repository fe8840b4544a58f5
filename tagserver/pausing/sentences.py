"""What becomes of what waits for a destination that is stopped or goes on, in sentences: for commands and pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.system.text import deliveries, readable_time, size

DAYS = 5
"""How many days are listed one by one."""


def when_pausing(done: Mapping[str, Any]) -> Iterator[str]:
    """What will expire, and when there is no more room. `done`: the answer of `/-/pause.json`."""
    if (seen := done.get("outlook")) is not None:
        until = done["pause"]["until"]
        yield _waiting(seen)
        if seen["expired"]:
            yield f"{deliveries(seen['expired'])} {_are(seen['expired'])} too old already (expired)."
        if until is not None and seen["looked"]:
            some = deliveries(seen["before"]) if seen["before"] else "None of them"
            verb = "expire" if seen["before"] > 1 else "expires"
            yield f"{some} {verb} before the pause ends" + (", and will not be sent." if seen["before"] else ".")
        elif seen["first"] is not None:
            yield f"The first expires on {readable_time(seen['first'])}: {_by_day(seen)}."
        elif seen["looked"] > seen["expired"]:
            yield "None of them has an age limit."
    share = done["share"]
    full = f"{size(share['used'])} of {size(share['limit'])}"
    soon = ""
    if share["full_in_s"] is not None:
        soon = f", and at the rate of the last hour ({share['per_s']:.3g} a second) full in {_time(share['full_in_s'])}"
    yield f"Its share of the queue is used to {full}{soon}. Beyond it new deliveries become dead letters (queue_full)."


def when_resuming(done: Mapping[str, Any]) -> Iterator[str]:
    """What will be sent, and what not. `done`: the answer of `/-/resume.json` to a dry run."""
    seen = done["outlook"]
    yield _waiting(seen)
    if seen["expired"]:
        doubt = (
            f"; of {seen['unknown']} of them the vendor may have a copy that it would count again"
            if seen["unknown"]
            else ""
        )
        yield f"{deliveries(seen['expired'])} {_are(seen['expired'])} too old by now: dead letters (expired){doubt}."
    refused = sum(seen["refused"].values())
    if refused:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(seen["refused"].items()))
        yield f"{deliveries(refused)} may not be sent any more: dead letters ({reasons})."


def _waiting(seen: Mapping[str, Any]) -> str:
    waits = "wait" if seen["waiting"] != 1 else "waits"
    if not seen["waiting"]:
        return "Nothing waits now."
    if seen["looked"] < seen["waiting"]:
        return f"{deliveries(seen['waiting'])} {waits}. Of the oldest {seen['looked']:,}:"
    return f"{deliveries(seen['waiting'])} {waits}."


def _by_day(seen: Mapping[str, Any]) -> str:
    days = list(seen["by_day"].items())
    later = seen["later"] + sum(number for _, number in days[DAYS:])
    said = [f"{number:,} on {day}" for day, number in days[:DAYS]]
    return ", ".join([*said, *([f"{later:,} later"] if later else [])])


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _time(seconds: int) -> str:
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit:
            return f"about {seconds // unit:,} {name}s"
    return "less than two minutes"
