"""What is set for one webhook."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import setting
from tagserver.plugin.inbound import EventMap, EventTest
from tagserver.plugin.values import api_url_fault

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,5})([smh])\Z")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}\Z")


def _header(value: str) -> str | None:
    return None if _HEADER.match(value) else "write the name of a header, such as x-signature"


def _statuses(value: list[str]) -> str | None:
    return None if value and all(value) else "name at least one, such as paid"


def _site(value: str) -> str | None:
    bare = value.rstrip("/")
    fine = api_url_fault(bare) is None and bare.count("/") == 2
    return None if fine else "write where the shop is, such as https://shop.example"


def tolerance_fault(value: str) -> str | None:
    """What is wrong with a tolerance, or None."""
    seconds = seconds_of(value)
    fine = seconds is not None and 1 <= seconds <= 86400
    return None if fine else "write 5m, 300s or 1h: at least a second, and at most 24h"


def seconds_of(value: str) -> float | None:
    """The seconds of `300s`, `5m` or `1h`; None for all else."""
    found = _DURATION.match(value)
    return int(found[1]) * _UNITS[found[2]] if found else None


@dataclass(frozen=True, kw_only=True)
class Shared:
    """All webhooks have settings of their own."""


@dataclass(frozen=True, kw_only=True)
class WebhookSource:
    """The settings of one webhook, beside `secret`, `consent` and `basis`. None: what the style has by default."""

    style: Literal["shopify", "stripe", "woocommerce", "standard", "hmac"] = setting(
        "Who sends, and so how it is signed. standard: as Standard Webhooks, also with svix's headers. hmac: an "
        "HMAC-SHA256 of the body in a header."
    )
    statuses: list[str] = setting(
        "shopify, woocommerce: the statuses of an order that count as paid. shopify: paid. woocommerce: processing and "
        "completed.",
        default_factory=list,
        check=_statuses,
    )
    test: Literal["refuse", "take"] | None = setting(
        "shopify, stripe: whether test orders, or events of a test mode, count; refuse if it is left out.", default=None
    )
    order_id: Literal["id", "name", "order_number", "number"] | None = setting(
        "shopify, woocommerce: what of an order is its transaction_id in the page, too; id if it is left out. shopify: "
        "id, name (#1118) or order_number. woocommerce: id or number.",
        default=None,
    )
    money: Literal["shop", "presentment"] | None = setting(
        "shopify: amounts in the shop's currency, or in the one that its customer has paid in; shop if it is left out.",
        default=None,
    )
    item_id: Literal["variant_id", "sku", "product_id"] | None = setting(
        "shopify, woocommerce: which id the products have in the catalogue. shopify: variant_id if it is left out. "
        "woocommerce: product_id.",
        default=None,
    )
    refunds: Literal["whole", "each"] | None = setting(
        "woocommerce: whole: refunds count once the order as a whole is refunded. each: each of them, whenever an "
        "order with refunds changes. whole if it is left out.",
        default=None,
    )
    site: str | None = setting(
        "shopify, woocommerce: where the shop is, such as https://shop.example, if the order does not tell.",
        default=None,
        check=_site,
    )
    subscribe: Literal["session", "invoice"] | None = setting(
        "stripe: what counts for the first payment of a subscription: the session of Checkout, or the invoice; session "
        "if it is left out.",
        default=None,
    )
    tolerance: str | None = setting(
        "stripe: by how much the time in a signature may differ from ours; 5m if it is left out.",
        default=None,
        check=tolerance_fault,
    )
    header: str | None = setting(
        "hmac: the header with the signature; x-signature if it is left out.", default=None, check=_header
    )
    form: Literal["hex", "base64", "timed"] | None = setting(
        "hmac: how the signature is written; hex if it is left out. timed: t=…,v1=… over the time and the body.",
        default=None,
    )
    prefix: str | None = setting("hmac: what stands before the signature, such as sha256=.", default=None)
    map: EventMap | None = setting(
        "standard, hmac: what of the body becomes which field of an event; without it the body is one of ours.",
        default=None,
    )
    when: EventTest | None = setting(
        "standard, hmac: conditions over the body and headers; what does not meet them is passed over.", default=None
    )
