"""The rules of one server event, as pure functions.

In: an event as it came (any JSON value) and the time in seconds. Out: the first Refusal, or None. What the
reference calls required but live calls show to be accepted when absent (`event_source_url` and
`client_user_agent` of a website event) is accepted.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

from tagserver.sandbox.answers import (
    CLICK_ID,
    CONTENTS,
    CURRENCY,
    NOT_HASHED,
    TOO_BROAD,
    TOO_OLD,
    VALUE,
    Refusal,
    invalid,
    unexpected,
)

DAY = 86_400
WINDOW = 7 * DAY
STORE_WINDOW = 62 * DAY
"""Meta, server event parameters: 62 days for `physical_store`, 7 for all else."""
AHEAD = 60
"""No upper bound is documented, yet future times are refused in practice; a minute is what senders allow."""

_action_sources = """
    email website app phone_call chat physical_store system_generated business_messaging other
"""
ACTION_SOURCES = frozenset(_action_sources.split())
EXTINFO = 16
"""Meta, app data: `extinfo` has sixteen places in a fixed order."""
EXTINFO_VERSIONS = ("a2", "i2")
EXTINFO_OS_VERSION = 4
APP_FLAGS = ("advertiser_tracking_enabled", "application_tracking_enabled")
_app_keys = """
    extinfo campaign_ids consider_views include_dwell_data include_video_data install_referrer installer_package
    receipt_data url_schemes vendor_id windows_attribution_id
"""
APP_KEYS = frozenset({*APP_FLAGS, *_app_keys.split()})
LDU_STATES = range(1000, 1014)
"""Meta, data processing options: its codes of US states."""
ACCOUNTS = {
    "ctwa_clid": frozenset({"whatsapp_business_account_id", "page_id"}),
    "page_scoped_user_id": frozenset({"page_id"}),
    "ig_sid": frozenset({"ig_account_id", "instagram_business_account_id"}),
}
"""Who wrote in a conversation, and the accounts of which Meta needs one."""

NEEDED = frozenset({"event_name", "event_time", "action_source", "user_data"})
_TYPES: dict[str, tuple[type, str]] = {
    "event_id": (str, "text"),
    "event_source_url": (str, "text"),
    "referrer_url": (str, "text"),
    "messaging_channel": (str, "text"),
    "opt_out": (bool, "true or false"),
    "data_processing_options": (list, "a list"),
    "data_processing_options_country": (int, "an integer"),
    "data_processing_options_state": (int, "an integer"),
    "custom_data": (dict, "an object"),
    "app_data": (dict, "an object"),
    "original_event_data": (dict, "an object"),
    "attribution_data": (dict, "an object"),
    "customer_segmentation": (str, "text"),
    "advanced_measurement_table": (str, "text"),
}
"""Meta, server event parameters: types of the optional fields, and with `NEEDED` all that there are. A field without a
value is to be left out, so null is refused like any other wrong type; that Meta does so is our reading."""

KNOWN = frozenset({*NEEDED, *_TYPES})

_currency = re.compile(r"[A-Za-z]{3}").fullmatch

Rule = Callable[[dict[str, Any], float], Refusal | None]


def refuse(event: object, now: float) -> Refusal | None:
    """The first rule that one event breaks."""
    if not isinstance(event, dict):
        return invalid("each event in data must be an object")
    for rule in RULES:
        refusal = rule(event, now)
        if refusal is not None:
            return refusal
    return None


def first_refusal(events: list[Any], now: float) -> Refusal | None:
    """The first bad event of a batch. One is enough: Meta, using the API: all or nothing."""
    for index, event in enumerate(events):
        refusal = refuse(event, now)
        if refusal is not None:
            return dataclasses.replace(refusal, index=index)
    return None


def _name(event: dict[str, Any], now: float) -> Refusal | None:
    name = event.get("event_name")
    if isinstance(name, str) and name.strip():
        return None
    return invalid("event_name is required and must be text")


def _action_source(event: dict[str, Any], now: float) -> Refusal | None:
    source = event.get("action_source")
    if isinstance(source, str) and source in ACTION_SOURCES:
        return None
    return invalid(f"action_source is required and must be one of {', '.join(sorted(ACTION_SOURCES))}")


def _time(event: dict[str, Any], now: float) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804003. Times ahead have no subcode in the reference."""
    time = event.get("event_time")
    if type(time) is not int:  # a bool is an int, too
        return invalid("event_time is required and must be an integer: unix time in seconds")
    window = STORE_WINDOW if event["action_source"] == "physical_store" else WINDOW
    if time < now - window:
        return invalid(f"event_time is more than {window // DAY} days ago", TOO_OLD)
    if time > now + AHEAD:
        return invalid("event_time is in the future; it is counted in seconds, not milliseconds")
    return None


def _types(event: dict[str, Any], now: float) -> Refusal | None:
    """Seen of live calls: a key that Meta does not know has the whole request refused, too."""
    if (refusal := unexpected(event, KNOWN, "an event")) is not None:
        return refusal
    for key, value in event.items():
        if key in NEEDED:
            continue
        expected, words = _TYPES[key]
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            return invalid(f"{key} must be {words}")
    options = event.get("data_processing_options", ())
    if not all(isinstance(option, str) for option in options):
        return invalid("data_processing_options must be a list of texts")
    return None


def _limited(event: dict[str, Any], now: float) -> Refusal | None:
    """Meta, data processing options: with LDU a country and a state that go together."""
    country, state = (event.get(f"data_processing_options_{name}") for name in ("country", "state"))
    if "LDU" not in event.get("data_processing_options", ()) and country is None and state is None:
        return None
    if (country, state) in ((0, 0), (1, 0)) or (country == 1 and state in LDU_STATES):
        return None
    return invalid("data_processing_options needs a country and a state that go together: 0 and 0, or 1 and a state's")


def _custom_data(event: dict[str, Any], now: float) -> Refusal | None:
    """Meta, standard and custom data parameters; error reference, code 100 subcodes 2804008 to 2804010."""
    custom = event.get("custom_data", {})
    contents = custom.get("contents", [])
    if not isinstance(contents, list) or not all(map(_is_content, contents)):
        return invalid("custom_data.contents must be a list of objects, each with an id and a quantity", CONTENTS)
    purchase = event["event_name"] == "Purchase"
    if ("value" in custom and not _number(custom["value"])) or (purchase and "value" not in custom):
        needed = "a Purchase needs custom_data.value, and it" if purchase else "custom_data.value"
        return invalid(f"{needed} must be a number", VALUE if purchase else None)
    if purchase and not _is_currency(custom.get("currency")):
        return invalid("a Purchase needs custom_data.currency, and it must have three letters", CURRENCY)
    return None


def _is_content(value: object) -> bool:
    """One entry of `contents`: an id that is not empty, numbers where they belong."""
    if not isinstance(value, dict) or not _number(value.get("quantity")) or not _number(value.get("item_price", 0)):
        return False
    item_id = value.get("id")
    return (isinstance(item_id, str) and bool(item_id)) or _number(item_id)


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _is_currency(value: object) -> bool:
    """Three letters of either case: lowercase is accepted in practice. No list of codes is consulted."""
    return isinstance(value, str) and _currency(value) is not None


def _app(event: dict[str, Any], now: float) -> Refusal | None:
    """Meta, app data parameters: required with `action_source: app`."""
    if event["action_source"] != "app":
        return None
    app = event.get("app_data")
    if app is None:
        return invalid("an app event needs app_data")
    if (refusal := unexpected(app, APP_KEYS, "app_data")) is not None:
        return refusal
    for flag in APP_FLAGS:
        # JSON true was reported to be "out of range": the flags are integers.
        if type(app.get(flag)) is not int or app[flag] not in (0, 1):
            return invalid(f"an app event needs app_data.{flag}, and it must be 0 or 1")
    info = app.get("extinfo")
    if not isinstance(info, list) or len(info) != EXTINFO or not all(isinstance(part, str) for part in info):
        return invalid(f"an app event needs app_data.extinfo with exactly {EXTINFO} texts")
    if info[0] not in EXTINFO_VERSIONS or not info[EXTINFO_OS_VERSION]:
        return invalid("app_data.extinfo needs a2 or i2 first and the system's version fifth")
    return None


def _messaging(event: dict[str, Any], now: float) -> Refusal | None:
    """Meta, conversions for business messaging. Any channel will do: no closed list is documented."""
    if event["action_source"] != "business_messaging":
        return None
    if not event.get("messaging_channel"):
        return invalid("a business_messaging event needs messaging_channel")
    user_data = event["user_data"]
    for key, accounts in ACCOUNTS.items():
        if key in user_data and user_data.keys().isdisjoint(accounts):
            return invalid(f"user_data.{key} needs one of {', '.join(sorted(accounts))} beside it")
    return None


# The rules of `user_data`: which keys identify somebody, which must be hashed, what a click id looks like. Source:
# Meta, customer information parameters, best practices, and the page on fbp and fbc.

_hashed = "em ph fn ln ge db ct st zp country f5first f5last fi dobd dobm doby"
HASHED = frozenset(_hashed.split())
"""Values must be SHA-256. `external_id` is not among them: hashing it is only recommended."""

_plain = """
    external_id client_ip_address client_user_agent fbc fbp subscription_id fb_login_id lead_id anon_id madid
    page_id page_scoped_user_id ctwa_clid whatsapp_business_account_id ig_account_id ig_sid
    instagram_business_account_id partner_id partner_name
"""
PLAIN = frozenset(_plain.split())
KNOWN_IDENTIFIERS = HASHED | PLAIN

TOO_BROAD_ALONE = tuple(
    frozenset(keys.split())
    for keys in ("ct country st zp ge client_user_agent", "db client_user_agent", "fn ge", "ln ge")
)
"""Meta best practices, since v13: an event with keys from one of these sets only is refused."""

_APPENDIX = r"(?:[A-Za-z0-9_-]{8}|A[Qgw]|B[AQg])"
"""Meta's parameter builder marks values it has touched with eight characters, formerly one of six pairs."""
_hash = re.compile(rf"[0-9a-f]{{64}}(?:\.{_APPENDIX})?").fullmatch
_fbc = re.compile(rf"fb\.[0-9]+\.[0-9]+\.[^.\s]+(?:\.{_APPENDIX})?").fullmatch

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing."""


def _user_data(event: dict[str, Any], now: float) -> Refusal | None:
    user_data = event.get("user_data")
    if not isinstance(user_data, dict):
        return invalid("user_data is required and must be an object")
    # Seen of live calls: a key that Meta does not know has the whole request refused.
    unknown = unexpected(user_data, KNOWN_IDENTIFIERS, "user_data")
    return unknown or _not_hashed(user_data) or _click_id(user_data) or _too_broad(user_data)


def _not_hashed(user_data: dict[str, Any]) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804016."""
    for key, value in user_data.items():
        if key not in HASHED:
            continue
        for one in value if isinstance(value, list) else (value,):
            if not isinstance(one, str) or not _hash(one):
                return invalid(f"user_data.{key} must be SHA-256 as 64 lowercase hex digits", NOT_HASHED)
            # Stricter than Meta, who cannot tell this hash from another: it matches nobody and means that a
            # sender hashed an empty field, which the reference says never to do.
            if one.startswith(EMPTY_HASH):
                return invalid(f"user_data.{key} is the hash of an empty text", NOT_HASHED)
    return None


def _click_id(user_data: dict[str, Any]) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804001. A malformed fbp has no documented error and passes."""
    if "fbc" not in user_data:
        return None
    fbc = user_data["fbc"]
    if isinstance(fbc, str) and _fbc(fbc):
        return None
    return invalid("user_data.fbc must look like fb.1.1700000000000.CLICKID", CLICK_ID)


def _too_broad(user_data: dict[str, Any]) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804050.

    Keys without a value do not count.
    """
    keys = {key for key, value in user_data.items() if value not in (None, "", [])}
    if not keys:
        return invalid("user_data holds no customer information", TOO_BROAD)
    if any(keys <= broad for broad in TOO_BROAD_ALONE):
        return invalid(f"user_data with only {', '.join(sorted(keys))} matches too many people", TOO_BROAD)
    return None


RULES: tuple[Rule, ...] = (_name, _action_source, _time, _user_data, _types, _limited, _custom_data, _app, _messaging)
"""In order; each may rely on what an earlier one has made sure of."""
