"""What is set for one pixel."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault, country_fault
from tagserver_reddit.names import TRACKING_TYPES


def _pixel(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9_]{1,64}", value) else "a pixel id looks like a2_abc123 or t2_abc123"


def _events(value: dict[str, str]) -> str | None:
    wrong = [f"{name} → {own}" for name, own in value.items() if own not in TRACKING_TYPES]
    return f"these are no types of Reddit: {', '.join(wrong)}; for your own use CUSTOM" if wrong else None


@dataclass(frozen=True, kw_only=True)
class RedditSettings:
    """The settings of a `reddit` destination."""

    pixel_id: str = setting("The pixel's id, from Events Manager.", identity=True, check=_pixel)
    access_token: Secret = setting("A conversion access token. Sent as a header only.")
    api_url: str = setting(
        "Where the API is.", default="https://ads-api.reddit.com", identity=True, check=api_url_fault
    )
    test_id: str | None = setting(
        "Shows events under Event testing at Reddit. Take it out before you go live.", default=None, test=True
    )
    forward_unmapped: bool = setting(
        "Send events that Reddit has no type for as CUSTOM under their own name. Otherwise they are skipped.",
        default=False,
        per_tag=True,
    )
    events: dict[str, str] = setting(
        "Your event names and Reddit's types for them, before the built-in list.",
        default_factory=dict,
        check=_events,
        per_tag=True,
        means="events",
    )
    action_source: Literal["WEBSITE", "APP", "PHYSICAL_STORE", "OTHER"] = setting(
        "Where events happen that do not say it.", default="WEBSITE", per_tag=True
    )
    partner: str | None = setting("The name that Reddit gave your platform.", default=None)
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    value_from_items: bool = setting(
        "Add up price times quantity where an event has items and no value.", default=False, per_tag=True
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
