"""`data` of a message: the event's fields that the settings name, its person, and what the tag adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Mode, Omitted
from tagserver.plugin.identity import own_user_data
from tagserver.plugin.values import DATA, is_text, plain_data, web_address
from tagserver_webhook.settings import WebhookSettings

NOT_IN_ALL = frozenset({"event", "event_id", "timestamp", "user_data", "cookie", "click", "consent"})
"""What `*` does not mean: it stands elsewhere in the message, or has a setting or a name of its own."""
PERSONAL = frozenset({"ip", "user_agent", "click", "cookie", "header"})
"""Left out beside `user_data` where consent restricts."""


def build_data(
    event: Event, given: Mapping[Any, Any], settings: WebhookSettings, mode: Mode, omitted: list[Omitted]
) -> dict[str, Any]:
    """The map for one event. `given`: what the tag sets; it wins."""
    made: dict[str, Any] = {}
    for path in settings.fields:
        if mode == "restrict" and path.partition(".")[0] in PERSONAL:
            omitted.append(Omitted(f"data.{path}", "consent restricts"))
        elif path == "*":
            for key, value in event.data.items():
                if key not in NOT_IN_ALL:
                    _put(made, (key,), value)
        else:
            value = dict(event.clicks) if path == "click" else event.get(path)
            _put(made, tuple(path.split(".")), value)
    if mode == "restrict":
        if event.user_data or given.get("user_data"):
            omitted.append(Omitted("data.user_data", "consent restricts"))
    else:
        person = Group("data.user_data", omitted)
        own_user_data(event, given.get("user_data"), settings.user_data, settings.default_country, person)
        if person:
            made["user_data"] = person
    for key, value in given.items():
        if key != "user_data":
            _set(made, key, value, omitted)
    _clean_page(made, settings, omitted)
    made["event_id"] = event.event_id
    return made


def _put(made: dict[str, Any], parts: tuple[str, ...], value: Any) -> None:
    kept = plain_data(value)
    if kept is None or not all(map(is_text, parts)):
        return
    group = made
    for part in parts[:-1]:
        inner = group.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        group = inner
    group[parts[-1]] = kept


def _set(made: dict[str, Any], key: Any, value: Any, omitted: list[Omitted]) -> None:
    if key == "event_id":
        omitted.append(Omitted("data.event_id", "a tag cannot change it: every destination and the page have the same"))
    elif not isinstance(key, str) or not is_text(key):
        omitted.append(Omitted("data", "a name that is not valid text"))
    elif (kept := plain_data(value)) is not None:
        made[key] = kept


def _clean_page(made: dict[str, Any], settings: WebhookSettings, omitted: list[Omitted]) -> None:
    said = made.get("page")
    if not isinstance(said, dict):
        return
    page = Group("data.page", omitted)
    address = web_address(settings.strip_query)
    for key, value in said.items():
        page.put(key, value, address if key in ("location", "referrer") else DATA)
    made["page"] = page
    if not page:
        del made["page"]
