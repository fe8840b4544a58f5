"""The id of an event that came without one: one function for every door and file, so that the copies of one order meet
whichever door they come by.

A sender's own id goes first, byte for byte, and never comes here. What is made here follows from ids that the shop, the
payment service or the platform has given out, and that each of them tells alike.
"""

from __future__ import annotations

import math
import re

from tagserver.event.placeholder import is_placeholder
from tagserver.system.text import is_text

OF_ORDER = "purchase_"
"""How the id of a purchase begins that is made of its order, here as in a page: `purchase_undefined` is of no order."""
GLOBAL_ID = "gid://"
"""How Shopify's global ids begin, which name the same order as their digits do."""

_global_id = re.compile(r"gid://[a-z0-9-]{1,50}/[A-Za-z]{1,50}/([0-9]{1,30})(?:\?.{0,200})?").fullmatch

BY_ORDER = frozenset({"purchase", "subscribe"})
BY_INVOICE = frozenset({"renewal", "change", "invoice"})
BY_SUBSCRIPTION = frozenset({"start_trial", "cancel"})
BY_PERIOD = frozenset({"upgrade", "cancel_at_period_end"})
"""What can happen to a subscription more than once: told apart by price and period."""


def plain_id(value: object) -> str | None:
    """A value that may be an id, as text: trimmed, and a number in plain digits (123.0 → `"123"`). None for all else,
    and for nothing."""
    if type(value) is str:
        return (value.strip() or None) if is_text(value) else None
    if type(value) is int and abs(value) < 10**40:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def order_id(value: object) -> str | None:
    """The id of an order, as every copy of it is compared: text or number, trimmed; of a global id its digits
    (`gid://shopify/Order/450` → `450`). None when it is none, or stands for a missing one (`undefined`)."""
    text = _identifier(value)
    if text is None or not text.startswith(GLOBAL_ID):
        return text
    found = _global_id(text)
    return text if found is None else found[1]


def event_id_for(
    name: str,
    order: object = None,
    *,
    refund: object = None,
    invoice: object = None,
    subscription: object = None,
    price: object = None,
    period: object = None,
    message: object = None,
) -> str | None:
    """The id of an event of this name by the ids that its door has of it; None when they do not tell it from others, so
    that one has to be minted.

    `order`, `refund`, `invoice`, `subscription`, `price`: the ids of the shop or its payment service; `period`: when
    that of a subscription began; `message`: the id that the sender has given to the message, which counts where those
    are missing: another door may know the order, and knows no message.
    """
    if name in BY_PERIOD:
        parts = [order_id(subscription), order_id(price), _identifier(period)]
        found = None if None in parts else "_".join([one for one in parts if one is not None])
    elif name in BY_ORDER:
        found = order_id(order)
    elif name in BY_INVOICE:
        found = order_id(invoice)
    elif name in BY_SUBSCRIPTION:
        found = order_id(subscription)
    else:
        found = order_id(refund) if name == "refund" else None
    return _identifier(message) if found is None else f"{name}_{found}"


def _identifier(value: object) -> str | None:
    """As `plugin.plain.identifier` says, which has its own for the way of each event."""
    text = plain_id(value)
    return None if text is None or is_placeholder(text) else text
