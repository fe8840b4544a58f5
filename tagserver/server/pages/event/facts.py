"""What was known of the request behind an event, and what its visitor allowed, by the names that people have for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.event.consent_fields import PURPOSES
from tagserver.system.text import printable_json

_TOLD = {
    "ip": "IP address",
    "country": "Country",
    "region": "Region",
    "user_agent": "Browser",
    "origin": "Origin",
    "referer": "Referer",
    "headers": "Other headers",
    "cookies": "Cookies",
}


def request_facts(request: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What was known of the request, by the names that people have for it."""
    for name, label in _TOLD.items():
        value = (request or {}).get(name)
        if not value:
            continue
        if isinstance(value, list):
            yield label, ", ".join(map(str, value))
        elif isinstance(value, dict):
            yield label, ", ".join(f"{key}: {_flat(one)}" for key, one in value.items())
        else:
            yield label, str(value)


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else printable_json(value)


def consent_words(consent: Mapping[str, Any]) -> str:
    """What was granted, in one line."""
    states = {name: one["state"] for name, one in consent["purposes"].items()}
    granted = [name for name, state in states.items() if state == "granted"]
    if not granted:
        return "nothing was granted"
    if len(granted) == len(states):
        return "everything was granted"
    return f"granted: {', '.join(f'`{name}`' for name in granted)}"


def consent_table(consent: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The table of purposes, and what stands beside it."""
    if consent is None:
        return None
    rows = []
    for name in PURPOSES:
        one = consent["purposes"].get(name) or {"state": "unset", "kind": None, "sources": [], "raw": []}
        said = [_flat(raw) for raw in one["raw"]]
        rows.append({"purpose": name, "state": one["state"], "sources": one["sources"], "said": said})
    beside = {
        "The visitor opted out of the sale of data": ", ".join(consent.get("sale_opt_out_sources") or ()),
        "The visitor is known to be a child": "yes" if consent.get("known_child") else "",
    }
    return {
        "words": consent_words(consent),
        "rows": rows,
        "beside": {name: text for name, text in beside.items() if text},
        "problems": consent.get("problems") or [],
    }
