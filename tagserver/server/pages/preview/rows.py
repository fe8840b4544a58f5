"""What Preview shows: the filters of its address, its rows, and what to say where there are none."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tagserver.records.query import DECISIONS, STATUSES, VERDICTS
from tagserver.records.reader import NUMBERED
from tagserver.records.words.tables import NOT_SENT, STATUS
from tagserver.records.words.tables import VERDICTS as VERDICT_WORDS
from tagserver.server.pages.event.story import record_address

ADDRESS = "/-/preview"
SHOWN = 50
"""Rows of one page."""
FILTERS = ("name", "tag", "verdict", "decision", "status", "reason", "q", "person")
"""Those that stand in the address, and in that of the stream."""
LINKS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("All", {}),
    ("Fired", {"verdict": "fired"}),
    ("Not fired", {"verdict": "not_fired"}),
    ("Failed", {"verdict": "failed"}),
    ("Refused", {"verdict": "refused"}),
)
"""What people ask most; each in place of the others, beside name and tag."""
_ASKED = ("verdict", "decision", "status", "reason")


def filters(given: Mapping[str, str]) -> dict[str, str]:
    """Those of an address that say something."""
    return {name: text for name in FILTERS if (text := given.get(name, "").strip())}


def address(kept: Mapping[str, str], **more: str) -> str:
    """Preview with some filters; what is empty is left out."""
    query = urlencode({name: text for name, text in {**kept, **more}.items() if text})
    return f"{ADDRESS}?{query}" if query else ADDRESS


def links(kept: Mapping[str, str]) -> list[dict[str, Any]]:
    """The questions above the list."""
    beside = {name: text for name, text in kept.items() if name not in _ASKED}
    asked = {name: text for name, text in kept.items() if name in _ASKED}
    return [{"label": label, "address": address({**beside, **one}), "here": one == asked} for label, one in LINKS]


def row(summary: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
    """One line of the list."""
    number = summary["record"]
    refused = summary["status"] in ("refused", "rejected")
    return {
        "number": number,
        "id": summary["event_id"] or "",
        "at": summary["received"],
        **summary["told"],
        "status": STATUS[summary["status"]] if summary["status"] != "accepted" else None,
        "counts": [(name, VERDICT_WORDS[name], count) for name, count in summary["verdicts"].items()],
        "why": "; ".join(one["message"] for one in summary.get("problems", ())) if refused else "",
        "address": f"{address(kept, show=f'{NUMBERED}{number}')}#detail",
        "page": record_address(number),
    }


BLANK: Mapping[str, Any] = {
    **dict.fromkeys(("number", "id", "heading", "facts", "why", "address", "page"), ""),
    "at": None,
    "status": None,
    "counts": (),
}
"""The row that modules fill."""
STATES = (
    ("live", "ok", "live"),
    ("paused", "paused", "paused"),
    ("again", "warning", "connecting"),
    ("ended", "bad", "not live"),
)
"""Of the stream: name, kind of badge, word."""


def choices(tags: Iterable[str]) -> dict[str, Any]:
    """What the filters offer."""
    return {
        "tags": list(tags),
        "decisions": list(DECISIONS),
        "statuses": list(STATUSES),
        "verdicts": list(VERDICTS),
        "reasons": ["fired", *NOT_SENT],
    }


def said(kept: Mapping[str, str]) -> list[str]:
    """The filters in words."""
    spoken = {
        "name": "the event is `{}`",
        "tag": "it is about the tag `{}`",
        "verdict": "it is {}",
        "decision": "a decision is `{}`",
        "status": "it was answered with `{}`",
        "reason": "a reason is `{}`",
        "q": "its id or its order begins with `{}`",
    }
    shown = {**kept, "verdict": kept.get("verdict", "").replace("_", " ")}
    told = [text.format(shown[name]) for name, text in spoken.items() if name in kept]
    return [*told, *(["it is of the person that was searched for"] if "person" in kept else [])]


def curl(collect: str, origins: Sequence[str]) -> str:
    """A line that sends an event as a page would, which no vendor hears of: nothing is said of consent."""
    origin = next((one for one in origins if one not in ("*", "")), "")
    sent = '{"event": "page_view"}'
    who = f"-H {shlex.quote(f'Origin: {origin}')}" if origin else '-H "Authorization: Bearer $KEY"'
    if "*" in origins:
        who = "-H 'Origin: https://shop.example'"
    return f"curl {who} -d {shlex.quote(sent)} {shlex.quote(collect)}"


def refusals(summaries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Refused requests by what was wrong, the most frequent first: `{"reason", "text", "count", "address"}`."""
    found: dict[str, dict[str, Any]] = {}
    for one in summaries:
        if one["status"] != "refused":
            continue
        reason = one["reason"]
        known = found.setdefault(
            reason,
            {
                "reason": reason,
                "text": "; ".join(problem["message"] for problem in one["problems"]),
                "count": 0,
                "address": address({"status": "refused", "reason": reason}),
            },
        )
        known["count"] += one["count"]
    return sorted(found.values(), key=lambda one: -int(one["count"]))
