"""What is set for one pixel."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault, country_fault

OLDEST_DAYS = 28


def _code(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9]{1,64}", value) else "a pixel code is a row of letters and digits"


def _days(value: int) -> str | None:
    return None if 1 <= value <= OLDEST_DAYS else f"write a number of days from 1 to {OLDEST_DAYS}"


@dataclass(frozen=True, kw_only=True)
class TikTokSettings:
    """The settings of a `tiktok` destination."""

    pixel_code: str = setting(
        "The pixel's id, from Events Manager; for offline and CRM events the id of their event set.",
        identity=True,
        check=_code,
    )
    access_token: Secret = setting("An Events API access token of the pixel. Sent as a header only.")
    api_url: str = setting(
        "Where the API is.", default="https://business-api.tiktok.com", identity=True, check=api_url_fault
    )
    event_source: Literal["web", "offline", "crm"] = setting("What kind of source the pixel code is.", default="web")
    test_event_code: str | None = setting(
        "Shows events under Test events at TikTok. Take it out before you go live.", default=None, test=True
    )
    limited_data_use: bool = setting(
        "Mark every event for limited data use, not only those that consent restricts.", default=False
    )
    events: dict[str, str] = setting(
        "Your event names and TikTok's for them, before the built-in list. They must be those of the browser's pixel.",
        default_factory=dict,
        per_tag=True,
        means="events",
    )
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    value_from_items: bool = setting(
        "Add up price times quantity where an event has items and no value.", default=False, per_tag=True
    )
    max_age_days: int = setting(
        "Days after which an event is not sent any more. TikTok attributes for 28; some of its texts say that web "
        "events of more than 7 are refused.",
        default=OLDEST_DAYS,
        check=_days,
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
