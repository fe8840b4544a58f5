"""What is set for one pixel (dataset)."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault, country_fault


def _pixel(value: str) -> str | None:
    return None if value.isascii() and value.isdigit() else "a pixel id is a row of digits"


def _version(value: str) -> str | None:
    return None if re.fullmatch(r"v\d{1,3}\.\d", value) else 'write it like "v26.0"'


def _agent(value: str) -> str | None:
    if len(value) >= 23 or sum(one.isalpha() for one in value) < 2:
        return "a partner agent has less than 23 characters, two letters among them"
    return None


@dataclass(frozen=True, kw_only=True)
class MetaSettings:
    """The settings of a `meta_capi` destination."""

    pixel_id: str = setting("The pixel's (dataset's) id, from Events Manager.", identity=True, check=_pixel)
    access_token: Secret = setting(
        "A token of a system user, or one generated in Events Manager. Sent as a header only."
    )
    app_secret: Secret | None = setting(
        "The app's secret: each request is then signed with appsecret_proof.", default=None
    )
    api_url: str = setting(
        "Where the Graph API is.", default="https://graph.facebook.com", identity=True, check=api_url_fault
    )
    api_version: str = setting("The version of the Graph API.", default="v26.0", check=_version)
    test_event_code: str | None = setting(
        "Shows events under Test events at Meta. They count all the same.", default=None, test=True
    )
    sender_test_code: bool = setting(
        "Pass on the test_event_code that a sender at Meta's own door (clients.meta) says. They count all the same.",
        default=False,
    )
    partner_agent: str | None = setting("Your platform's name for Meta's statistics.", default=None, check=_agent)
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    date_order: Literal["month_first", "day_first"] = setting(
        "How an unclear date of birth such as 2/3/1990 is read.", default="month_first", per_tag=True
    )
    external_id: Literal["hash", "keep_case", "raw"] = setting(
        "hash: trimmed, lower case, hashed. keep_case: hashed as it is. raw: sent as it is. "
        "It must be what the pixel does.",
        default="hash",
        per_tag=True,
    )
    search_results: bool = setting("Send view_search_results as Search too.", default=False, per_tag=True)
    value_from_items: bool = setting(
        "Add up price times quantity where an event has items and no value.", default=False, per_tag=True
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
    core_setup: bool = setting(
        "For sites in a sensitive category: standard events only, no custom data beyond value and currency, "
        "addresses cut to their origin.",
        default=False,
    )
