"""What is set for one web data stream."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault, country_fault
from tagserver_ga4.names import name_fault

HOSTS = {"global": "www.google-analytics.com", "eu": "region1.google-analytics.com"}


def _measurement_id(value: str) -> str | None:
    return None if re.fullmatch(r"G-[A-Z0-9]{4,20}", value) else 'a measurement id looks like "G-ABC123DEF4"'


def _engagement(value: int) -> str | None:
    return None if 0 <= value <= 86_400_000 else "write milliseconds, from 0 to a day"


def _length(value: int) -> str | None:
    return None if value in (100, 500) else "Google takes 100 characters, or 500 with Analytics 360"


def _item_params(value: int) -> str | None:
    return None if 0 <= value <= 27 else "Google takes at most 27"


def _params(value: list[str]) -> str | None:
    for name in value:
        if (why := name_fault(name)) is not None:
            return f"{name[:40]} {why}"
    return None


@dataclass(frozen=True, kw_only=True)
class Ga4Settings:
    """The settings of a `ga4` destination."""

    measurement_id: str = setting(
        "The id of the web data stream, from Admin, Data streams.", identity=True, check=_measurement_id
    )
    api_secret: Secret = setting("A secret made under the stream's Measurement Protocol API secrets.")
    region: Literal["global", "eu"] = setting("eu: Google receives the events in the European Union.", default="global")
    api_url: str | None = setting(
        "Where the Measurement Protocol is; without it the address of the region.",
        default=None,
        identity=True,
        check=api_url_fault,
    )
    debug: bool = setting(
        "Send to Google's validation server, which checks the events and records none of them.",
        default=False,
        test=True,
    )
    debug_view: bool = setting("Show the events in DebugView. They count all the same.", default=False)
    send_user_data: bool = setting(
        "Send hashed user-provided data. The feature must be on in Google Analytics, and the tags need ad_user_data.",
        default=False,
    )
    send_user_id: bool = setting("Send user_id, which joins the visits of one customer.", default=True)
    send_ip: bool = setting(
        "Send the visitor's IP address, from which Google finds the place.", default=False, per_tag=True
    )
    event_id_param: str = setting(
        "The event parameter that carries the event_id; empty: none. Google does not deduplicate by it.",
        default="event_id",
        check=lambda value: name_fault(value) if value else None,
    )
    engagement_time_msec: int | None = setting(
        "The engagement of events that name none, in milliseconds. Google counts users as active by it; 1 is usual.",
        default=None,
        check=_engagement,
    )
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    params: list[str] = setting(
        "Further fields of the event that go along under their own names.",
        default_factory=list,
        check=_params,
        per_tag=True,
        means="paths",
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
    max_value_length: int = setting(
        "Characters of a parameter's text: 100, or 500 with Analytics 360.", default=100, check=_length
    )
    max_item_params: int = setting(
        "Parameters of your own that an item may have. Google's pages say 27 in one place and 10 in another.",
        default=27,
        check=_item_params,
    )

    @property
    def base_url(self) -> str:
        """The address that requests begin with, without a slash at its end."""
        return (self.api_url or f"https://{HOSTS[self.region]}").rstrip("/")
