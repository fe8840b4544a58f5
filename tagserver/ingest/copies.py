"""Several copies of one order: what each had with it, and what is to be said of one that was not sent.

What a later copy would have added stands in its record, for people; never in an answer, which a stranger may read who
has guessed the number of an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tagserver.event.event import BROWSER, Event, Note
from tagserver.ingest.answer import settled
from tagserver.ingest.observer import Line
from tagserver.queue.copy_marks import added, from_browser, had, is_long, other_currency, unvouched
from tagserver.queue.values import Delivery, Receipt

_EMAIL = ("email", "sha256_email_address")
_PHONE = ("phone_number", "sha256_phone_number", "sha256_phone_digits")
_BROWSER_IDS = frozenset({"_fbp", "_ttp", "_scid", "_rdt_uuid", "_ga"})

_FIRST_NOT_PAGE = Note(
    "ecommerce.transaction_id",
    "first_not_page",
    "a server's copy came first under another event_id; a pixel with this event_id counts the order again",
)
_UNTRUSTED_FIRST = Note(
    "ecommerce.value",
    "untrusted_first",
    "a browser's copy came first and says otherwise; what a key sends is not sent because of it",
)
_OTHER_CURRENCY = Note("ecommerce.currency", "other_currency", "the copy that came first is in another currency")


def carried(event: Event) -> bytes:
    """What a copy has with it, as its mark says it: see `copy_marks`."""
    user, facts = event.user_data, event.facts
    shop = event.ecommerce
    has = (
        any(map(user.get, _EMAIL)),
        any(map(user.get, _PHONE)),
        bool(user.get("address")),
        bool(user.get("external_id") or event.data.get("user_id")),
        bool(event.clicks),
        not _BROWSER_IDS.isdisjoint(event.cookies),
        facts.ip is not None,
        facts.user_agent is not None,
        bool(shop.get("items")),
    )
    kinds = sum(1 << place for place, one in enumerate(has) if one)
    return had(kinds, _code(shop.get("currency")), browser=event.source == BROWSER)


def _code(currency: Any) -> str | None:
    return currency.strip().upper() if type(currency) is str and currency.strip() else None


def is_untrusted(delivery: Delivery, receipt: Receipt) -> bool:
    """Whether a browser's copy keeps another one from being sent that a key sends and that says otherwise."""
    return bool(receipt.differs) and unvouched(receipt.first, delivery.mark)


def notes_of(made: Iterable[Delivery], receipts: Sequence[Receipt]) -> tuple[Note, ...]:
    """What is said of an event's copies in its record, each once, whatever number of tags it is for."""
    found: dict[Note, None] = {}
    more: dict[str, None] = {}
    for delivery, receipt in zip(made, receipts, strict=True):
        first, mark = receipt.first, delivery.mark
        if not receipt.duplicate or not is_long(first) or not is_long(mark):
            continue
        more |= dict.fromkeys(added(first, mark))
        if receipt.duplicate == "order" and from_browser(mark) and not from_browser(first):
            found[_FIRST_NOT_PAGE] = None
        if is_untrusted(delivery, receipt):
            found[_UNTRUSTED_FIRST] = None
        if other_currency(first, mark):
            found[_OTHER_CURRENCY] = None
    if more:
        found[Note("", "adds", f"the copy that came first had no {', '.join(more)}; this one is not sent")] = None
    return tuple(found)


def with_receipts(lines: Sequence[Line], receipts: Sequence[Receipt]) -> list[Line]:
    """The lines with what became of each delivery, and with answers that say so."""
    each = iter(receipts)
    told: list[Line] = []
    for answer, routing, made, _ in lines:
        its = tuple(next(each) for _ in made)
        told.append((answer and settled(answer, its), routing, made, its))
    return told
