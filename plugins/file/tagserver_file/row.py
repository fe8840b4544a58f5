"""One row from one event: flat columns, and a few that hold lists and maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind, Mode, Omitted
from tagserver.plugin.identity import own_user_data
from tagserver.plugin.values import CURRENCY, NUMBER, is_text, plain_data, rfc3339, web_address
from tagserver_file.settings import FileSettings

FIXED = frozenset({"event_id", "received_at", "timestamp", "restricted", "source"})
"""Columns that a tag cannot set."""
COLUMNS = (
    *("event_id", "event", "timestamp", "received_at", "source", "restricted"),
    *("client_id", "user_id", "session_id", "page_location", "page_referrer", "page_title"),
    *("transaction_id", "value", "currency", "ip", "user_agent"),
    *("items", "user_data", "params", "campaign", "click_ids"),
)
ADDRESSES = ("page_location", "page_referrer")
UTM = ("source", "medium", "campaign", "term", "content", "id")
_SHOP = ("transaction_id", "value", "currency", "items")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else str(value) if type(value) is int else None


_TEXT = Kind(_text, "is not text")
_MAP = Kind(lambda value: value if isinstance(value, dict) else None, "is not a map")
_LIST = Kind(lambda value: value if isinstance(value, list) else None, "is not a list")
_KINDS = {"value": NUMBER, "currency": CURRENCY, "campaign": _MAP, "click_ids": _MAP, "items": _LIST}
"""Of the columns; all others are texts."""


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
    for key in given:
        if key in FIXED:
            omitted.append(Omitted(str(key), "a tag cannot change it"))
    said |= {key: value for key, value in given.items() if key in said and key not in FIXED}
    if mode == "restrict":
        for key in ("ip", "user_agent", "click_ids"):
            if said.pop(key, None):
                omitted.append(Omitted(key, "consent restricts"))
    row = Group("", omitted)
    row |= {
        "event_id": event.event_id,
        "event": name,
        "timestamp": rfc3339(event.time),
        "received_at": rfc3339(event.received),
    }
    if mode == "restrict":
        row["restricted"] = True
    for key, value in said.items():
        row.put(key, plain_data(value), _kind(key, settings))
    if mode == "restrict":
        if event.user_data or given.get("user_data"):
            omitted.append(Omitted("user_data", "consent restricts"))
    else:
        person = Group("user_data", omitted)
        own_user_data(event, given.get("user_data"), settings.user_data, settings.default_country, person)
        if person:
            row["user_data"] = person
    if params := _params(event, shop, given, settings, mode, omitted):
        row["params"] = params
    return {key: row[key] for key in COLUMNS if key in row}


def _kind(column: str, settings: FileSettings) -> Kind:
    return web_address(settings.strip_query) if column in ADDRESSES else _KINDS.get(column, _TEXT)


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
    made = Group("params", omitted)
    made |= plain_data(said) or {}
    for path in ("page.location", "page.referrer"):
        if path in made:
            made.put(path, made.pop(path), web_address(settings.strip_query))
    return made


def first_text(*values: Any) -> str:
    """The first of some values that is a text and not empty."""
    return next((value for value in values if isinstance(value, str) and value), "")


def valid(event: Event, name: str) -> bool:
    """Whether a file can hold the event's name and id."""
    return is_text(name) and is_text(event.event_id)
