"""One row from one event: flat columns, and a few that hold lists and maps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tagserver.plugin import Event, Mode, Omitted
from tagserver_file.plain import clean_address, is_text, plain
from tagserver_file.settings import FileSettings
from tagserver_file.user import build_user_data

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,40})?|\.\d{1,40})\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
TEXTS = ("client_id", "user_id", "session_id", "page_title", "transaction_id", "source")
FIXED = frozenset({"event_id", "received_at", "timestamp", "restricted", "source"})
"""Columns that a tag cannot set."""
COLUMNS = (
    *("event_id", "event", "timestamp", "received_at", "source", "restricted"),
    *("client_id", "user_id", "session_id", "page_location", "page_referrer", "page_title"),
    *("transaction_id", "value", "currency", "ip", "user_agent"),
    *("items", "user_data", "params", "campaign", "click_ids"),
)
UTM = ("source", "medium", "campaign", "term", "content", "id")
_SHOP = frozenset({"transaction_id", "value", "currency", "items"})


def rfc3339(moment: int) -> str:
    """Milliseconds since 1970 as `2026-09-21T14:13:20.000Z`."""
    return (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def build_row(
    event: Event,
    name: str,
    given: Mapping[Any, Any],
    settings: FileSettings,
    mode: Mode,
    omitted: list[Omitted],
) -> dict[str, Any]:
    """The row, without columns that are empty. `given`: what the tag sets; names of columns set these, everything
    else stands in `params`."""
    shop, page, facts = event.ecommerce, event.data.get("page") or {}, event.facts
    said: dict[str, Any] = {
        "client_id": event.data.get("client_id"),
        "user_id": event.data.get("user_id"),
        "session_id": event.data.get("session_id"),
        "page_location": page.get("location"),
        "page_referrer": page.get("referrer"),
        "page_title": page.get("title"),
        **{key: shop.get(key) for key in _SHOP},
        "ip": facts.ip if settings.ip else None,
        "user_agent": facts.user_agent if settings.user_agent else None,
        "campaign": {key: value for key in UTM if (value := event.page.query.get(f"utm_{key}"))},
        "click_ids": dict(event.clicks),
        "source": event.source,
    }
    for key in given.keys() & FIXED:
        omitted.append(Omitted(str(key), "a tag cannot change it"))
    said |= {key: value for key, value in given.items() if key in said and key not in FIXED}
    if mode == "restrict":
        for key in ("ip", "user_agent", "click_ids"):
            if said.pop(key, None):
                omitted.append(Omitted(key, "consent restricts"))
    row: dict[str, Any] = {
        "event_id": event.event_id,
        "event": name,
        "timestamp": rfc3339(event.time),
        "received_at": rfc3339(event.received),
    }
    if mode == "restrict":
        row["restricted"] = True
    for key, value in said.items():
        _set(row, key, value, settings, omitted)
    if mode == "restrict":
        if event.user_data or given.get("user_data"):
            omitted.append(Omitted("user_data", "consent restricts"))
    elif person := build_user_data(
        event, given.get("user_data"), settings.user_data, settings.default_country, omitted
    ):
        row["user_data"] = person
    if params := _params(event, shop, given, settings, mode, omitted):
        row["params"] = params
    return {key: row[key] for key in COLUMNS if key in row}


def _set(row: dict[str, Any], key: str, value: Any, settings: FileSettings, omitted: list[Omitted]) -> None:
    value = plain(value)
    if value is None:
        return
    kept: Any = value
    why = "is not text"
    if key in ("page_location", "page_referrer"):
        kept, why = clean_address(value, settings.stripped), "is no http or https address"
    elif key == "value":
        kept, why = _number(value), "is not a plain number"
    elif key == "currency":
        text = value.strip().upper() if isinstance(value, str) else ""
        kept, why = text if _CURRENCY.match(text) else None, "is not three letters of ISO 4217"
    elif key in ("campaign", "click_ids"):
        kept, why = value if isinstance(value, dict) else None, "is not a map"
    elif key == "items":
        kept, why = value if isinstance(value, list) else None, "is not a list"
    elif isinstance(value, int) and not isinstance(value, bool):
        kept = str(value)
    elif not isinstance(value, str):
        kept = None
    if kept is None:
        omitted.append(Omitted(key, why))
    else:
        row[key] = kept


def _params(
    event: Event,
    shop: Mapping[Any, Any],
    given: Mapping[Any, Any],
    settings: FileSettings,
    mode: Mode,
    omitted: list[Omitted],
) -> dict[str, Any]:
    """What has no column: the rest of the ecommerce, the paths of the settings, the tag's other parameters."""
    said: dict[Any, Any] = {key: value for key, value in shop.items() if key not in _SHOP}
    for path in settings.params:
        if mode == "restrict" and path.partition(".")[0] in ("ip", "user_agent", "click", "cookie", "header"):
            omitted.append(Omitted(f"params.{path}", "consent restricts"))
        else:
            said[path] = dict(event.clicks) if path == "click" else event.get(path)
    group = given.get("params")
    if isinstance(group, Mapping):
        said |= group
    elif group is not None:
        omitted.append(Omitted("params", "is not a map"))
    said |= {key: value for key, value in given.items() if key not in COLUMNS and key != "event_name"}
    made: dict[str, Any] = plain(said) or {}
    for path in ("page.location", "page.referrer"):
        if path in made:
            _set(made, path.replace(".", "_"), made.pop(path), settings, omitted)
    return made


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if abs(value) < 1e15 else None
    if isinstance(value, str) and _NUMBER.match(text := value.strip()):
        made = float(text)
        return int(text) if made.is_integer() and "." not in text else made
    return None


def first_text(*values: Any) -> str:
    """The first of some values that is a text and not empty."""
    return next((value for value in values if isinstance(value, str) and value), "")


def valid(event: Event, name: str) -> bool:
    """Whether a file can hold the event's name and id."""
    return is_text(name) and is_text(event.event_id)
