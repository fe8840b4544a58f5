"""What is set for one ad account of LinkedIn."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import api_url_fault
from tagserver_linkedin.version import NEWEST_SEEN, version_fault


def _conversions(value: dict[str, str]) -> str | None:
    if not value:
        return "name at least one event with the id of its conversion rule, such as purchase: 104012"
    wrong = [name for name, rule in value.items() if not re.fullmatch(r"[0-9]{1,18}", rule)]
    return f"a conversion rule's id is a row of digits; look at {', '.join(wrong)}" if wrong else None


@dataclass(frozen=True, kw_only=True)
class LinkedInSettings:
    """The settings of a `linkedin` destination."""

    access_token: Secret = setting("A token of the Conversions API. Sent as a header only.")
    conversions: dict[str, str] = setting(
        "Your event names and the ids of the conversion rules that they count for. Other events are not sent.",
        check=_conversions,
        means="events",
    )
    linkedin_version: str = setting(
        "The version of LinkedIn's API, year and month. Each lives about a year.",
        default=NEWEST_SEEN,
        check=version_fault,
    )
    api_url: str = setting("Where the API is.", default="https://api.linkedin.com", identity=True, check=api_url_fault)
    send_ip: bool = setting(
        "Send the visitor's IPv4 address as an identifier, in the clear. LinkedIn's pages do not name it; others send "
        "it.",
        default=False,
        per_tag=True,
    )
    value_from_items: bool = setting(
        "Add up price times quantity where an event has items and no value.", default=False, per_tag=True
    )
