"""The life of a subscription as Stripe tells it: a trial begins, more is booked, its end is foreseen, it ends. The
money is told by sessions and invoices.

What was before a change is in `previous_attributes`, those fields alone that are others now.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from tagserver.plugin.inbound import Passed, event_id_for, minor_units
from tagserver_webhooks.billing import Envelope, Found, metadata_of, moment, reference, without_visit
from tagserver_webhooks.carried import laid_over
from tagserver_webhooks.reading import Part, filled

MOST_ITEMS = 100
_YEARS = {"day": Fraction(1, 365), "week": Fraction(7, 365), "month": Fraction(1, 12), "year": Fraction(1)}


class Booked(NamedTuple):
    """What is booked. `price`: the id of the first price, with its number where that is not one; `yearly`: what all
    costs in a year in minor units, None where that cannot be told (by steps, or by use); `began`: when the period did,
    in ms."""

    price: str | None
    product: str | None
    interval: str | None
    quantity: float | None
    currency: str | None
    yearly: Fraction | None
    amount: int | None
    began: int | None


def created(one: Envelope) -> Iterator[Found]:
    """Only a trial: what begins with money is told by its session, or invoice."""
    known = one.thing.id("id")
    event_id = event_id_for("start_trial", subscription=known)
    if one.thing.word("status") != "trialing":
        yield Passed("elsewhere", "no trial: its session of Checkout or its invoice tells of the money", event_id)
        return
    yield _event(one, "start_trial", event_id, booked(one.thing))


def updated(one: Envelope) -> Iterator[Found]:
    """More is booked, or its end is foreseen, or both; all other changes are passed over."""
    thing, before = one.thing, one.before
    now, known = booked(thing), thing.id("id")
    found: list[Found] = []
    if isinstance(before.held.get("items"), dict):
        then = booked(before)
        same = then.currency in (None, now.currency)
        if same and now.yearly is not None and then.yearly is not None and now.yearly > then.yearly:
            event_id = event_id_for("upgrade", subscription=known, price=now.price, period=now.began)
            made = _event(one, "upgrade", event_id, now)
            previous = minor_units(then.amount, now.currency)
            found.append(laid_over(made, {"subscription": filled({"previous_amount": previous})}))
    if _ends(thing) and ("cancel_at_period_end" in before.held or "cancel_at" in before.held) and not _ended(before):
        event_id = event_id_for("cancel_at_period_end", subscription=known, price=now.price, period=now.began)
        found.append(_event(one, "cancel_at_period_end", event_id, now))
    yield from found or [Passed("no_change", "nothing of it is an upgrade, or foresees the end")]


def deleted(one: Envelope) -> Iterator[Found]:
    """It has ended, by whoever's will."""
    event_id = event_id_for("cancel", subscription=one.thing.id("id"))
    made = _event(one, "cancel", event_id, booked(one.thing))
    yield laid_over(made, {"action_source": "system_generated"})


def booked(thing: Part) -> Booked:
    """What is booked in a subscription, or was in the fields that have changed."""
    rows = [*thing.part("items").rows("data", MOST_ITEMS)]
    if not rows:
        return Booked(None, None, None, None, None, None, None, moment(thing, "current_period_start"))
    first, price = rows[0], rows[0].part("price")
    quantity = first.amount("quantity")
    known = price.id("id")
    began = moment(first, "current_period_start") or moment(thing, "current_period_start")
    costs = [_cost(row) for row in rows]
    yearly = [each.yearly for each in costs if each is not None]
    amounts = [each.amount for each in costs if each is not None]
    whole = len(yearly) == len(rows) and len({row.part("price").word("currency") for row in rows}) == 1
    currency = price.text("currency")
    return Booked(
        price=known if known is None or quantity in (None, 1) else f"{known}x{quantity:g}",
        product=reference(price, "product"),
        interval=price.part("recurring").text("interval"),
        quantity=quantity,
        currency=currency.upper() if currency else None,
        yearly=sum(yearly, Fraction()) if whole else None,
        amount=sum(amounts) if whole else None,
        began=began,
    )


class _Cost(NamedTuple):
    amount: int
    yearly: Fraction


def _cost(row: Part) -> _Cost | None:
    """What one line costs each time, and in a year."""
    price = row.part("price")
    recurring = price.part("recurring")
    unit, number, every = (
        price.held.get("unit_amount"),
        row.held.get("quantity", 1),
        recurring.held.get("interval_count", 1),
    )
    length = _YEARS.get(recurring.word("interval"))
    if not all(type(one) is int and 0 <= one < 10**12 for one in (unit, number, every)) or length is None or not every:
        return None
    amount: int = unit * number
    return _Cost(amount, Fraction(amount) / (length * every))


def _ends(thing: Part) -> bool:
    return thing.held.get("cancel_at_period_end") is True or type(thing.held.get("cancel_at")) is int


def _ended(before: Part) -> bool:
    """Whether its end was foreseen before the change."""
    return before.held.get("cancel_at_period_end") is True or type(before.held.get("cancel_at")) is int


def _event(one: Envelope, name: str, event_id: str | None, now: Booked) -> dict[str, Any]:
    thing = one.thing
    details = thing.part("cancellation_details")
    about = {
        "id": thing.id("id"),
        "status": thing.text("status"),
        "price": now.price,
        "product": now.product,
        "interval": now.interval,
        "quantity": now.quantity,
        "amount": minor_units(now.amount, now.currency),
        "currency": now.currency,
        "trial_end": moment(thing, "trial_end"),
        "ends": moment(thing, "cancel_at") or moment(thing, "ended_at"),
        "reason": details.text("reason") or details.text("feedback"),
    }
    return laid_over(one.event(name, event_id, subscription=filled(about)), without_visit(metadata_of(thing)))
