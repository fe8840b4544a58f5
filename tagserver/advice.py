"""What the developer of a page could mend in an event, though it was taken: said in the answer, for `data-debug`.

It is about the event as it was sent, and is the same whatever was decided: an answer must not tell a visitor's consent.
Names are compared with those that Google recommends, which are public; not with those of the configuration. A name that
a trigger asks for is the site's own, and no misspelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tagserver.consent.state import ConsentState
from tagserver.container.model import Container
from tagserver.event import Event, Note
from tagserver.kit.plain import currency_code, number
from tagserver.pipeline import Routing

NAMES = frozenset(
    {
        "add_payment_info",
        "add_shipping_info",
        "add_to_cart",
        "add_to_wishlist",
        "begin_checkout",
        "close_convert_lead",
        "close_unconvert_lead",
        "disqualify_lead",
        "earn_virtual_currency",
        "generate_lead",
        "join_group",
        "level_end",
        "level_start",
        "level_up",
        "login",
        "page_view",
        "post_score",
        "purchase",
        "qualify_lead",
        "refund",
        "remove_from_cart",
        "search",
        "select_content",
        "select_item",
        "select_promotion",
        "share",
        "sign_up",
        "spend_virtual_currency",
        "tutorial_begin",
        "tutorial_complete",
        "unlock_achievement",
        "view_cart",
        "view_item",
        "view_item_list",
        "view_promotion",
        "working_lead",
    }
)
"""Google's recommended events, and `page_view`. Source: Google Analytics, recommended events."""
LONGEST_NAME = 40
"""As long as Google takes names; longer ones are not looked at, nor remembered."""
TELLING = 6
"""Letters that a word needs before one wrong letter in it is a slip: `view_card` may be an event of its own."""
ORDER = "ecommerce.transaction_id"
MOST_UNREADABLE = 5
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")


def advise(container: Container, routing: Routing) -> tuple[Note, ...]:
    """The notes on one event, but for places that it has a note on already. A few look-ups, 1 us, and 3 with money: a
    name is compared once, and then remembered."""
    event = routing.event
    notes: list[Note] = []
    like = None if event.name in NAMES or len(event.name) > LONGEST_NAME else meant(event.name)
    if like is not None and not _asked_for(container, event.name):
        message = f'is it meant to be "{like}"? Names are compared letter by letter'
        notes.append(Note("event", "like_another", message))
    if event.name == "purchase" or event.ecommerce:
        notes += _money(event)
    if routing.consent.problems:
        notes += _unreadable(event, routing.consent)
    told = {note.path for note in event.notes}
    return tuple(note for note in notes if note.path not in told)


def _asked_for(container: Container, name: str) -> bool:
    """Whether a trigger names it, and does not only take events of every name."""
    return any(trigger.wants(name) and not trigger.wants("\0") for trigger in container.triggers.values())


@lru_cache(1024)
def meant(name: str) -> str | None:
    """The recommended name that was meant: written in another way (`AddToCart`), or with one slip in a long word
    (`begin_chekout`). None for every other name."""
    words = [word.lower() for word in _WORD.findall(name)]
    flat = "".join(words)
    for known in sorted(NAMES - {name}):
        wanted = known.split("_")
        if flat == "".join(wanted):
            return known
        if len(words) == len(wanted):
            pairs = [pair for pair in zip(words, wanted, strict=True) if pair[0] != pair[1]]
            if len(pairs) == 1 and _slipped(*pairs[0]):
                return known
    return None


def _slipped(word: str, wanted: str) -> bool:
    """Whether a word is another one with one letter missing, doubled, wrong, or two changed about. What goes on behind
    the whole word is no slip: `purchased`, `refunds`."""
    if len(wanted) < TELLING or word.startswith(wanted) or abs(len(word) - len(wanted)) > 1:
        return False
    start = 0
    while start < min(len(word), len(wanted)) and word[start] == wanted[start]:
        start += 1
    left, right = word[start:], wanted[start:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]


def _money(event: Event) -> Iterator[Note]:
    """A value and a currency that no vendor can read, and what a purchase lacks."""
    shop = event.ecommerce
    value, currency = shop.get("value"), shop.get("currency")
    is_purchase = event.name == "purchase"
    if _is_said(value) and number(value) is None:
        yield Note("ecommerce.value", "bad_value", "ecommerce.value is no number: write 1299.90, without separators")
    elif is_purchase and not _is_said(value):
        yield Note("ecommerce.value", "no_value", "a purchase without a value is refused by most vendors")
    if _is_said(currency) and currency_code(currency) is None:
        yield Note("ecommerce.currency", "bad_currency", "ecommerce.currency is no code of ISO 4217, such as EUR")
    elif is_purchase and not _is_said(currency):
        yield Note("ecommerce.currency", "no_currency", "a purchase without a currency is refused by most vendors")
    orders = (shop.get("transaction_id"), shop.get("order_id"), event.data.get("order_id"))
    if is_purchase and not any(map(_is_said, orders)):
        yield Note(ORDER, "no_transaction_id", "without transaction_id the same order counts again whenever it is sent")


def _is_said(value: Any) -> bool:
    return value is not None and value != ""


def _unreadable(event: Event, consent: ConsentState) -> Iterator[Note]:
    """What the event itself says of consent, in a way that cannot be read. A string that is well-formed, and too old,
    is the visitor's and not the developer's."""
    evidence = consent.evidence
    too_old = evidence.why_not if evidence.tc is not None else None
    places: list[str] = []
    for problem in consent.problems:
        place, _, why = problem.partition(":")
        if place.partition(".")[0] in event.data and why != too_old and place not in places:
            places.append(place)
    for place in places[:MOST_UNREADABLE]:
        yield Note(place, "unreadable_consent", f"{place} cannot be read as consent")
