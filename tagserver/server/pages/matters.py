"""What is wrong, or should be known, as one list: the gravest first, each with what to do.

The sentences are those of `status.json`, `/readyz` and `tagserver doctor`; nothing is found out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from tagserver.audit.files import WHAT_TO_DO as FOR_THE_AUDIT
from tagserver.doctor.doctor import check_running_destinations
from tagserver.queue.errors import TroubleKind
from tagserver.system.text import counted, letters

Gravity = Literal["error", "warning", "note"]
_ORDER = ("error", "warning", "note")
SHOWN = 20
"""Problems of the configuration that are listed; the rest is counted."""


class Matter(msgspec.Struct, frozen=True):
    """One of them. `subject`: what it is about; `todo`: empty where `text` says it, or nothing has to be done;
    `address`: the page that shows more."""

    gravity: Gravity
    subject: str
    text: str
    todo: str = ""
    address: str = ""


def matters(
    status: Mapping[str, Any],
    conditions: Mapping[str, str],
    trouble: TroubleKind | None,
    remarks: Mapping[str, str],
) -> list[Matter]:
    """The list. `status`: the object of `status.json`; `conditions`: what degrades the server, by name; `trouble`: why
    nothing can be promised; `remarks`: what should be known though nothing is wrong, by subject."""
    found = [
        *_server(status, trouble),
        *_configuration(status["container"]),
        *(Matter("warning", _subject(name), text, _todo(name)) for name, text in conditions.items()),
        *_destinations(status),
        *_audit(status["audit"]),
        *(Matter("note", subject, text) for subject, text in remarks.items()),
    ]
    return sorted(found, key=lambda one: _ORDER.index(one.gravity))  # and as found among equals


def _server(status: Mapping[str, Any], trouble: TroubleKind | None) -> Iterator[Matter]:
    if status["ready"]:
        return
    if status["reason"] == "draining":
        yield Matter("note", "server", status["detail"], "nothing to do: what waits is kept for the next start")
    else:
        yield Matter("error", "server", status["detail"], _TROUBLES.get(trouble or "", ""))


_TROUBLES: Mapping[str, str] = {
    "files_lost": "put the data folder back in its place, or restart the server where it is",
    "storage_failed": "look at the disk of the data folder, then restart the server",
    "disk_full": "make room on the disk of the data folder; what is queued is delivered meanwhile",
    "queue_full": "see below which destination keeps what waits, or raise queue.max_size; pages send again what they "
    "could not",
    "disk_slow": "look at what else uses the disk of the data folder; pages send again what they could not",
    "crowded": "look at what else uses the disk of the data folder; pages send again what they could not",
}


def _configuration(container: Mapping[str, Any]) -> Iterator[Matter]:
    """Problems; what stops a destination is told with the destination, with the place in the files."""
    if container["degraded"]:
        yield Matter(
            "error",
            "configuration",
            f"the files have errors: version {container['number']} serves on in their place",
            "mend them, then tagserver reload",
            CONFIGURATION,
        )
    told = [one for one in container["problems"] if not (one["severity"] == "pause" and _is_of_destination(one))]
    for one in told[:SHOWN]:
        gravity: Gravity = "note" if one["severity"] == "warning" else "error"
        yield Matter(gravity, _place(one), one["message"], one["hint"], CONFIGURATION)
    if (more := len(told) - SHOWN) > 0:
        text = f"{counted(more, 'further problem')} of the configuration"
        yield Matter("note", "configuration", text, "see them with tagserver check", CONFIGURATION)


CONFIGURATION = "/-/configuration"


def _place(problem: Mapping[str, Any]) -> str:
    return f"{problem['file']}:{problem['line']}"


def _is_of_destination(problem: Mapping[str, Any]) -> bool:
    return str(problem["path"]).startswith("destinations.")


def _destinations(status: Mapping[str, Any]) -> Iterator[Matter]:
    """States as `doctor` tells them, and dead letters. One that is gone and has nothing waiting is no matter."""
    places = {
        one["path"].split(".")[1]: _place(one)
        for one in status["container"]["problems"]
        if one["severity"] == "pause" and _is_of_destination(one)
    }
    gone = {name for name, one in status["destinations"].items() if one["state"] == "disabled" and not one["pending"]}
    for finding in check_running_destinations(status):
        name = finding.matter
        if name in gone:
            continue
        gravity: Gravity = "error" if finding.level == "error" else "warning"
        if status["destinations"].get(name, {}).get("pause") is not None:
            gravity = "note"  # somebody wants it so
        place = f" ({places[name]})" if name in places and gravity == "error" else ""
        yield Matter(gravity, name, finding.message + place, finding.hint, address_of(name, status))
    for name, one in status["destinations"].items():
        if one["dead"]:
            why = ", ".join(f"{number:,} {reason}" for reason, number in one["dead_by_reason"].items())
            yield Matter(
                "warning",
                name,
                f"{letters(one['dead'])}: {why}",
                "see why, then retry them or drop them",
                f"{address_of(name, status)}#dead",
            )


def address_of(name: str, status: Mapping[str, Any]) -> str:
    """The page of a destination; empty for what is none."""
    return f"/-/destinations/{quote(name)}" if name in status["destinations"] else ""


def _audit(audit: Mapping[str, Any]) -> Iterator[Matter]:
    if audit["notice"]:
        yield Matter("warning", "audit", audit["notice"], FOR_THE_AUDIT)
    if audit["lost"]:
        text = f"{counted(audit['lost'], 'decision')} could not be written since the start, and stand as a gap"
        yield Matter("warning", "audit", text, "look at the disk of the data folder and at the log")


def _subject(condition: str) -> str:
    """What a condition is about, for people."""
    return _SUBJECTS.get(condition, condition.removeprefix("unwritten "))


_SUBJECTS: Mapping[str, str] = {
    "files_unread": "configuration",
    "stand_in": "version",
    "rollback": "version",
    "unkept": "version",
    "delivery_held": "restore",
    "queue_elsewhere": "queue",
    "queue_alone": "queue",
    "queue_damaged": "queue",
    "queue_filling": "queue",
}


def _todo(condition: str) -> str:
    """What to do about a condition whose sentence does not say it."""
    if condition.startswith("unwritten "):
        return "make room on the disk of the data folder; it is tried again by itself"
    return _TODO.get(condition, "")


_TODO: Mapping[str, str] = {
    "stand_in": "publish mended files with tagserver reload, or go back with tagserver rollback",
    "rollback": "publish the mended files with tagserver reload, which ends it",
    "unkept": "make room on the disk of the data folder; it is tried again by itself",
    "journal": "make room on the disk of the journal; until then a restore would not know of it",
    "queue_filling": "see below which destination keeps what waits, or raise queue.max_size",
}
