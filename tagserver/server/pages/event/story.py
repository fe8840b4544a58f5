"""One record as one story: the values that the page of an event and the right half of Preview show.

Nothing here asks a store: what a reader has found is put into the order in which people ask. Sentences are those of
`records.words`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from tagserver.config.model import Container
from tagserver.records.reader import NUMBERED, Told
from tagserver.records.today import changes_since
from tagserver.records.values import SENDS
from tagserver.records.words import sentences as words
from tagserver.records.words.tables import VERDICTS
from tagserver.server.pages.event.facts import consent_table, request_facts
from tagserver.server.pages.event.timeline import timeline
from tagserver.server.pages.glossary import GLOSSARY
from tagserver.system.text import printable_json

SECTIONS = (
    ("sent", "Tags that fired"),
    ("unsent", "Tags that did not send"),
    ("others", "Tags for other events"),
)
"""The groups of tags, in their order."""


_OTHERS = (".json", "/test.yaml", "/curl.txt")
"""How addresses end that are of no page."""


def has_page(name: str) -> bool:
    """Whether an id has a page of its own: strangers can end one as other addresses do. Its records have theirs."""
    return not name.endswith(_OTHERS)


def address_of(name: str) -> str:
    """The page of an event by its id, an order's number, or `record:N`."""
    return f"/-/events/{quote(name, safe='')}"


def record_address(number: int) -> str:
    """The page of one record."""
    return f"/-/events/{NUMBERED}{number}"


def story(told: Told, now: Container, versions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A record for `_record.html`. `now`: what serves; `versions`: those of `/-/versions.json`."""
    shown = told.shown
    tags = [_tag(told, place, versions) for place in range(len(told.record.tags))]
    status = words.status_of(shown)
    return {
        "number": told.record.number,
        "address": record_address(told.record.number),
        "by_id": address_of(shown["event_id"]) if shown["event_id"] and has_page(shown["event_id"]) else None,
        "heading": shown["told"]["heading"],
        "status": msgspec.to_builtins(status),
        "shown": shown,
        "value": words.amount(shown),
        "counts": _counts(shown),
        "timeline": list(timeline(shown)),
        "sections": [
            {"name": name, "title": title, "tags": [tag for tag in tags if tag["section"] == name]}
            for name, title in SECTIONS
        ],
        "request": dict(request_facts(shown["request"])),
        "consent": consent_table(shown["consent"]),
        "event": printable_json(shown["event"], indent=2) if shown["event"] else "",
        "raw": printable_json(shown, indent=2),
        "version": version_of(shown["container"], versions),
        "today": _today(told, now, versions),
    }


def version_of(container: str | None, versions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The newest version of a container, where it is still listed."""
    return next((one for one in versions if one["version"] == container), None) if container else None


def _counts(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of it at its tags, as badges."""
    return [
        {"verdict": name, "kind": VERDICTS[name].kind, "word": VERDICTS[name].word, "count": number}
        for name, number in summary["verdicts"].items()
    ]


# ── tags


def _tag(told: Told, place: int, versions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    decision, shown = told.record.tags[place], told.shown["tags"][place]
    asked = shown["asked"]
    unsent = "others" if asked is not None and "name" in asked else "unsent"
    return {
        **shown,
        "section": "sent" if shown["decision"] in SENDS else unsent,
        "known": {name: shown[name] in GLOSSARY for name in ("decision", "reason", "consent")},
        **shown["told"],
        "place": _place(told, decision.tag, versions),
    }


def _place(told: Told, tag: str, versions: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Where the tag stands in the files of that moment."""
    tags = told.container.tags if told.container is not None else ()
    text = next((one for one in tags if one.name == tag), None)
    if text is None or not text.file:
        return None
    version = version_of(told.record.version, versions)
    return {"file": text.file, "line": text.line, "version": version["number"] if version is not None else None}


# ── today


def _today(told: Told, now: Container, versions: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What serves now beside what served then; None for what no container decided."""
    then = told.record.version
    if not then or told.record.status == "refused":
        return None
    return {
        "same": then == now.version,
        "then": then,
        "now": now.version,
        "version": next((one for one in versions if one["serves"]), None),
        "changes": [msgspec.to_builtins(one) for one in changes_since(told.record, told.container, now)],
    }
