"""What the kit finds, and how it says so: each fault once, with the author's own line and how often it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tagserver.plugin.fault import PluginFailed


class Fault(NamedTuple):
    """`says`: a sentence, in which `{}` stands for what it was seen with (`about`): an event, a status. `at`: the
    author's line, such as `destination.py:41`."""

    says: str
    about: str = ""
    at: str = ""


def sentences(faults: Iterable[Fault]) -> list[str]:
    """One sentence for each fault: with what it was seen first, its line, and how often."""
    seen: dict[tuple[str, str], list[str]] = {}
    for says, about, at in faults:
        seen.setdefault((says, at), []).append(about)
    made = []
    for (says, at), abouts in seen.items():
        notes = [*([at] if at else []), *([f"{len(abouts)} times"] if len(abouts) > 1 else [])]
        made.append(says.replace("{}", abouts[0], 1) + (f" ({', '.join(notes)})" if notes else ""))
    return made


def raised(method: str, failed: PluginFailed, about: str = "", allowed: str = "") -> Fault:
    """An error that a method raises for something. `allowed`: what it may do in place of that."""
    says = f"{method} raises {failed.error}" + (" for {}" if about else "") + (f": {allowed}" if allowed else "")
    return Fault(says, about, failed.place)
