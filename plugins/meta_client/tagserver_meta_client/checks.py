"""What Meta refuses a whole request for, because of one event in it: said at the door, for whoever was answered 200
would believe in a sale that never counts.

Source: Meta's pages on server event, customer information and custom data parameters, and its error reference. An event
that is here fit to be sent may have fields that are not: they are left out, and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tagserver.plugin.inbound import Refuse
from tagserver.plugin.values import currency_code, number

TOO_OLD = 2804003
NO_VALUE = 2804009
NO_CURRENCY = 2804010
TOO_BROAD = 2804050
"""Subcodes of code 100."""
DAY = 86_400
QUEUE = 4 * 3600
"""Seconds that are left for the queue of Meta's own limit: the destination sends nothing that is older."""
AHEAD = 600
"""Seconds by which a sender's clock may be ahead of ours."""
ACTION_SOURCES = (
    *("app", "business_messaging", "chat", "email", "other", "phone_call", "physical_store", "system_generated"),
    "website",
)
OF_AN_APP = ("advertiser_tracking_enabled", "application_tracking_enabled", "extinfo")
BROAD_ALONE = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
"""Keys that find nobody where there is nothing else. Source: Meta, best practices."""


class BadEvent(Refuse):
    """One event of a request, for which all of it is refused. `place`: the field, as Meta names it in
    `blame_field_specs`; `subcode`: of code 100, 0 for none."""

    def __init__(self, code: str, index: int, field: str, message: str, subcode: int = 0) -> None:
        name = f"data[{index}].{field}" if field else f"data[{index}]"
        super().__init__(400, code, f"{name} {message}")
        self.place = f"data[{index}]" + "".join(f"[{part}]" for part in field.split(".") if part)
        self.subcode = subcode


class Checked(NamedTuple):
    """What every server event has: its name, its time in seconds, where it happened, and who it was."""

    name: str
    time: int
    action_source: str
    user_data: Mapping[str, Any]
    custom_data: Mapping[str, Any]


def check(event: Any, index: int, received: int | None) -> Checked:
    """The needed fields of one event; `received` in ms, None while no time may be judged by it. Raises BadEvent."""
    if not isinstance(event, dict):
        raise BadEvent("bad_event", index, "", "is no object")
    name = event.get("event_name")
    if not isinstance(name, str) or not name.strip():
        raise BadEvent("bad_event", index, "event_name", "is required and must be text")
    source = event.get("action_source")
    if source not in ACTION_SOURCES:
        said = f"is required and must be one of {', '.join(ACTION_SOURCES)}"
        raise BadEvent("bad_event", index, "action_source", said)
    time = _time(event.get("event_time"), index, received, in_shop=source == "physical_store")
    user_data = event.get("user_data")
    if not isinstance(user_data, dict):
        raise BadEvent("bad_event", index, "user_data", "is required and must be an object", TOO_BROAD)
    known = {key for key, value in user_data.items() if _is_said(value)}
    if not known or any(known <= broad for broad in BROAD_ALONE):
        said = "finds nobody: send an e-mail address, a telephone number, an id or a click beside it"
        raise BadEvent("no_identity", index, "user_data", said, TOO_BROAD)
    custom = event.get("custom_data")
    custom_data = custom if isinstance(custom, dict) else {}
    if name == "Purchase":
        _money(custom_data, index)
    if source == "app":
        app = event.get("app_data")
        if missing := [key for key in OF_AN_APP if not isinstance(app, dict) or app.get(key) is None]:
            raise BadEvent("bad_event", index, f"app_data.{missing[0]}", "is required of an event of an app")
    if source == "business_messaging" and not event.get("messaging_channel"):
        raise BadEvent("bad_event", index, "messaging_channel", "is required of an event of a conversation")
    return Checked(name, time, source, user_data, custom_data)


def _time(value: Any, index: int, received: int | None, *, in_shop: bool) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 15:
        value = int(value)  # as forms write it
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise BadEvent("bad_event", index, "event_time", "is required and must be a unix time in whole seconds")
    if received is None:
        return value
    now, days = received // 1000, 62 if in_shop else 7
    if value > now + AHEAD:
        raise BadEvent("in_future", index, "event_time", "is in the future: it counts seconds, not milliseconds")
    if value < now - days * DAY + QUEUE:
        said = f"is more than {days} days ago, less 4 hours that are left for sending it"
        raise BadEvent("too_old", index, "event_time", said, TOO_OLD)
    return value


def _is_said(value: Any) -> bool:
    """Whether a key of `user_data` has anything: SDKs write lists, in which nothing may be."""
    if isinstance(value, list):
        return any(one not in (None, "", [], {}) for one in value)
    return value not in (None, "", {})


def _money(custom: Mapping[str, Any], index: int) -> None:
    """Read as the destination reads it, or what is received here would never be sent."""
    if number(custom.get("value")) is None:
        raise BadEvent("no_value", index, "custom_data.value", "is required of a Purchase, as a number", NO_VALUE)
    if currency_code(custom.get("currency")) is None:
        said = "is required of a Purchase: a code of ISO 4217, such as EUR"
        raise BadEvent("no_currency", index, "custom_data.currency", said, NO_CURRENCY)
