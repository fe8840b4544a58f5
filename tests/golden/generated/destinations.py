"""The nine destinations, with all that may be set for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.golden.generated.drawing import Draw, plain

SECRETS = {
    **{f"TOKEN_{number}": f"secret-token-{number}-abcdefghijkl" for number in range(1, 4)},
    "SIGNING_KEY": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "OLD_KEY": "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=",
    "MEASUREMENT_KEY": "mp-secret-1",
}
Table = Mapping[str, Sequence[Any]]

_STRIP: tuple[Any, ...] = ([], ["voucher", "customer"], ["utm_source", "Q"])
_COUNTRY = ("DE", "US", "GB", "CH")
_ORDER = ("month_first", "day_first")


@dataclass(frozen=True)
class Kind:
    """`needed` and `optional` settings, which of them a tag may set anew; the vendor's names of events; the purposes
    that a tag has to name if it names any."""

    needed: Table
    optional: Table
    per_tag: tuple[str, ...] = ()
    names: tuple[str, ...] = ("Purchase", "Lead", "Kauf", "{{ plan }}", "tag_{{ event }}")
    consent: tuple[str, ...] = ("ad_storage", "ad_user_data")


def _token(*names: str) -> dict[str, Sequence[str]]:
    return {name: [f"${{env:{secret}}}" for secret in ("TOKEN_1", "TOKEN_2", "TOKEN_3")] for name in names}


KINDS: Mapping[str, Kind] = {
    "meta_capi": Kind(
        {"pixel_id": ("1234567890", plain("0123456"), 987654), **_token("access_token")},
        {
            "app_secret": ("${env:TOKEN_2}",),
            "api_version": ("v25.0",),
            "test_event_code": ("TEST123",),
            "partner_agent": ("muster-1.0",),
            "default_country": _COUNTRY,
            "date_order": _ORDER,
            "external_id": ("hash", "keep_case", "raw"),
            "search_results": (True,),
            "value_from_items": (True, True, False),
            "strip_query": _STRIP,
            "core_setup": (True, False, False),
        },
        ("default_country", "date_order", "external_id", "search_results", "value_from_items", "strip_query"),
        ("Purchase", "Lead", "Kauf", "{{ plan }}", "Subscribe", "{{ stufe }}"),
    ),
    "ga4": Kind(
        {"measurement_id": ("G-ABC123DEF4", "G-ZZZZ9999"), "api_secret": ("${env:MEASUREMENT_KEY}",)},
        {
            "region": ("eu", "global"),
            "debug": (True, False),
            "debug_view": (True,),
            "send_user_data": (True, True, False),
            "send_user_id": (False,),
            "send_ip": (True, False),
            "event_id_param": ("", "ts_event_id"),
            "engagement_time_msec": (1, 100),
            "default_country": _COUNTRY,
            "params": (["plan", "form", "tief"], ["kunde"], ["new_customer", "health"]),
            "strip_query": _STRIP,
            "max_value_length": (500, 100),
            "max_item_params": (10, 0),
        },
        ("send_ip", "default_country", "params", "strip_query"),
        ("purchase", "kauf", "{{ plan }}", "_verboten", "session_start", "tag_{{ event }}"),
        ("analytics_storage",),
    ),
    "tiktok": Kind(
        {"pixel_code": ("C4ABCDEF1234",), **_token("access_token")},
        {
            "event_source": ("web", "offline", "crm"),
            "test_event_code": ("TEST1",),
            "limited_data_use": (True, False),
            "events": (
                {"purchase": "CompletePayment", "newsletter_joined": "Subscribe"},
                {"generate_lead": "SubmitForm"},
            ),
            "default_country": _COUNTRY,
            "value_from_items": (True,),
            "max_age_days": (7, 28),
            "strip_query": _STRIP,
        },
        ("events", "default_country", "value_from_items", "strip_query"),
    ),
    "pinterest": Kind(
        {"ad_account_id": ("549755885175",), **_token("access_token")},
        {
            "test": (True, False),
            "forward_unmapped": (True, True, False),
            "events": ({"refund": "custom", "contact": "contact"}, {"newsletter_joined": "lead"}),
            "action_source": ("offline", "app_ios", "web"),
            "partner_name": ("ss-muster",),
            "default_country": _COUNTRY,
            "date_order": _ORDER,
            "value_from_items": (True,),
            "max_age_days": (30, 1),
            "strip_query": _STRIP,
        },
        (
            "forward_unmapped",
            "events",
            "action_source",
            "default_country",
            "date_order",
            "value_from_items",
            "strip_query",
        ),
        ("checkout", "lead", "custom", "{{ plan }}", "page_visit"),
    ),
    "snapchat": Kind(
        {"pixel_id": ("3f1d7d6e-0000-4000-8000-000000000001", "snap-app-1"), **_token("access_token")},
        {
            "validate": (True, False),
            "test_event_code": ("T1",),
            "events": ({"refund": "CUSTOM_EVENT_1", "generate_lead": "SUBSCRIBE"},),
            "action_source": ("WEB", "MOBILE_APP", "OFFLINE"),
            "default_country": _COUNTRY,
            "date_order": _ORDER,
            "value_from_items": (True,),
            "limited_use": ("LMU", "LDU"),
            "max_age_days": (7, 37),
            "strip_query": _STRIP,
        },
        ("events", "action_source", "default_country", "date_order", "value_from_items", "strip_query"),
        ("PURCHASE", "SIGN_UP", "CUSTOM_EVENT_2", "{{ plan }}", "purchase"),
    ),
    "linkedin": Kind(
        {
            "conversions": ({"purchase": "104012", "generate_lead": "104013", "sign_up": "104014"}, {"purchase": "1"}),
            **_token("access_token"),
        },
        {
            "linkedin_version": ("202608", "202601"),
            "send_ip": (True,),
            "value_from_items": (True,),
        },
        ("send_ip", "value_from_items"),
        ("purchase", "generate_lead", "{{ plan }}"),
        ("ad_storage", "ad_user_data", "ad_personalization"),
    ),
    "reddit": Kind(
        {"pixel_id": ("a2_abc123", "t2_xyz"), **_token("access_token")},
        {
            "test_id": ("t2_test",),
            "forward_unmapped": (True, True, False),
            "events": ({"newsletter_joined": "LEAD", "refund": "CUSTOM"},),
            "action_source": ("WEBSITE", "APP", "PHYSICAL_STORE", "OTHER"),
            "partner": ("MUSTER",),
            "default_country": _COUNTRY,
            "value_from_items": (True,),
            "strip_query": _STRIP,
        },
        ("forward_unmapped", "events", "action_source", "default_country", "value_from_items", "strip_query"),
        ("PURCHASE", "LEAD", "CUSTOM", "{{ plan }}"),
    ),
    "file": Kind(
        {"path": ("rows", "daten/laden")},
        {
            "name": ("laden", "events"),
            "max_file_mb": (1, 64),
            "minutes_per_file": (1, 15),
            "compression": ("zstd", "snappy"),
            "user_data": ("hash", "plain", "leave_out"),
            "default_country": _COUNTRY,
            "ip": (True, False),
            "user_agent": (True, False),
            "params": (
                ["plan", "health.topic", "page.host"],
                ["tief.a", "kunde", "geo.country"],
                ["click.gclid", "cookie._ga"],
            ),
            "strip_query": _STRIP,
        },
        ("default_country", "params", "strip_query"),
        ("kauf", "{{ plan }}"),
        (),
    ),
    "webhook": Kind(
        {
            "url": ("https://hooks.example.com/events", "https://hooks.example.com:8443/a?b=c"),
            "secret": ("${env:SIGNING_KEY}",),
        },
        {
            "previous_secret": ("${env:OLD_KEY}",),
            "authorization": ("${env:TOKEN_1}",),
            "headers": ({"x-shop": "muster"},),
            "method": ("POST", "PUT", "PATCH"),
            "fields": (
                ["*"],
                ["page.location", "ecommerce", "ip", "click"],
                ["cookie._ga", "header.accept-language", "tief.a"],
                ["*", "user_agent"],
            ),
            "user_data": ("hash", "plain", "leave_out"),
            "default_country": _COUNTRY,
            "strip_query": _STRIP,
            "max_age_hours": (plain("0.5"), 24),
        },
        ("default_country", "strip_query"),
        ("kauf", "order.{{ event }}"),
        (),
    ),
}
"""By type. `consent`: the purposes that a tag of it has to name if it names any."""


def destination(draw: Draw, kind: str) -> dict[str, Any]:
    """One entry under `destinations`."""
    known = KINDS[kind]
    made = {"type": kind, **{name: draw.one(values) for name, values in known.needed.items()}}
    if draw.chance(0.7):
        made |= draw.fields(known.optional, 4, 1)
    if draw.chance(0.03):
        made["aliases"] = draw.one((["alt"], "früher"))
    return made


def for_tag(draw: Draw, kind: str) -> dict[str, Any]:
    """Settings that one tag has otherwise."""
    known = KINDS[kind]
    return draw.fields({name: known.optional[name] for name in known.per_tag}, 2, 1)
