"""What is set for one Snap Pixel, or one Snap App."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault, country_fault
from tagserver_snapchat.names import SNAP_EVENTS

OLDEST_DAYS = 37


def _pixel(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9-]{1,64}", value) else "a pixel id is a row of letters, digits and dashes"


def _days(value: int) -> str | None:
    return None if 1 <= value <= OLDEST_DAYS else f"write a number of days from 1 to {OLDEST_DAYS}"


def _events(value: dict[str, str]) -> str | None:
    wrong = [f"{name} → {own}" for name, own in value.items() if own not in SNAP_EVENTS]
    return f"these are no events of Snap: {', '.join(wrong)}; for your own use CUSTOM_EVENT_1 to 5" if wrong else None


@dataclass(frozen=True, kw_only=True)
class SnapchatSettings:
    """The settings of a `snapchat` destination."""

    pixel_id: str = setting(
        "The Snap Pixel's id, from Events Manager; for events of an app its Snap App ID.", identity=True, check=_pixel
    )
    access_token: Secret = setting("A Conversions API token. Snap takes it in the address of the request only.")
    api_url: str = setting("Where the API is.", default="https://tr.snapchat.com", identity=True, check=api_url_fault)
    validate: bool = setting("Have every event checked by Snap, and none recorded.", default=False, test=True)
    test_event_code: str | None = setting("Shows events in the test tool of Events Manager.", default=None, test=True)
    events: dict[str, str] = setting(
        "Your event names and the events of Snap they are, beside the built-in list.",
        default_factory=dict,
        check=_events,
        per_tag=True,
        means="events",
    )
    action_source: Literal["WEB", "MOBILE_APP", "OFFLINE"] = setting(
        "Where events happen that do not say it.", default="WEB", per_tag=True
    )
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    date_order: Literal["month_first", "day_first"] = setting(
        "How an unclear date of birth such as 2/3/1990 is read.", default="month_first", per_tag=True
    )
    value_from_items: bool = setting(
        "Add up price times quantity where an event has items and no value.", default=False, per_tag=True
    )
    limited_use: Literal["LDU", "LMU"] = setting(
        "Snap's word for limited use; its pages write both, and LDU is the one seen in use.", default="LDU"
    )
    max_age_days: int = setting(
        "Days after which an event is not sent any more; Snap takes 37 at most.", default=OLDEST_DAYS, check=_days
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
