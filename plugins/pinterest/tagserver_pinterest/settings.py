"""What is set for one ad account."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault, country_fault
from tagserver_pinterest.names import DOUBTFUL_EVENTS, PINTEREST_EVENTS

OLDEST_DAYS = 7


def _account(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{1,18}", value) else "an ad account id is a row of digits"


def _days(value: int) -> str | None:
    return None if 1 <= value <= 30 else "write a number of days from 1 to 30"


def _events(value: dict[str, str]) -> str | None:
    wrong = [f"{name} → {own}" for name, own in value.items() if own not in PINTEREST_EVENTS | DOUBTFUL_EVENTS]
    return f"these are no events of Pinterest: {', '.join(wrong)}; for your own use custom" if wrong else None


@dataclass(frozen=True, kw_only=True)
class PinterestSettings:
    """The settings of a `pinterest` destination."""

    ad_account_id: str = setting("The ad account's id, a row of digits.", identity=True, check=_account)
    access_token: Secret = setting("A conversion access token. Sent as a header only.")
    api_url: str = setting("Where the API is.", default="https://api.pinterest.com", identity=True, check=api_url_fault)
    test: bool = setting("Have every event checked by Pinterest, and none recorded.", default=False, test=True)
    forward_unmapped: bool = setting(
        "Send events that Pinterest has no name for as custom, without their name. Otherwise they are skipped.",
        default=False,
        per_tag=True,
    )
    events: dict[str, str] = setting(
        "Your event names and Pinterest's for them, before the built-in list.",
        default_factory=dict,
        check=_events,
        per_tag=True,
        means="events",
    )
    action_source: Literal["web", "app_ios", "app_android", "offline"] = setting(
        "Where events happen that do not say it.", default="web", per_tag=True
    )
    partner_name: str | None = setting("The name that Pinterest gave your platform, ss-…", default=None)
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    date_order: Literal["month_first", "day_first"] = setting(
        "How an unclear date of birth such as 2/3/1990 is read.", default="month_first", per_tag=True
    )
    value_from_items: bool = setting(
        "Add up price times quantity where an event has items and no value.", default=False, per_tag=True
    )
    max_age_days: int = setting(
        "Days after which an event is not sent any more. Pinterest does not say when it refuses one.",
        default=OLDEST_DAYS,
        check=_days,
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
