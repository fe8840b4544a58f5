"""What the developer of a page could mend in an event, though it was taken: said in the answer, for `data-debug`.

It is about the event as it was sent, and is the same whatever was decided: an answer must not tell a visitor's consent.
Names are compared with Google's, which are public; not with those of the configuration. A name that
a trigger asks for is the site's own, and no misspelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tagserver.config.model import Container
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import NOTHING
from tagserver.event.event import BROWSER, Event, Note
from tagserver.event.known_names import KNOWN_EVENTS
from tagserver.event.likeness import Alike
from tagserver.inbound.clients.datalayer import CLIENT
from tagserver.pipeline.route import Routing
from tagserver.plugin.plain import CURRENCIES, currency_code, number

LONGEST_NAME = 40
"""As long as Google takes names; longer ones are not looked at, nor remembered."""
ORDER = "ecommerce.transaction_id"
MOST_UNREADABLE = 5
NO_SIGNAL = Note(
    "consent",
    "no_signal",
    "no signal of consent came with it (Consent Mode, TCF, GPP, a consent tool's cookie), and where consent is needed "
    "it is sent to nobody: that a tag or a pixel ran in the page is no signal",
)
"""Of what a vendor's script was told: a page with a data layer has a developer who has read of consent."""
_NUMBERS = frozenset({int, float})
_ALIKE = Alike(sorted(KNOWN_EVENTS))


def advise(container: Container, routing: Routing) -> tuple[Note, ...]:
    """The notes on one event, but for places that it has a note on already. A few look-ups: a name is compared once,
    and then remembered."""
    event = routing.event
    name, shop = event.name, event.data.get("ecommerce")
    notes: list[Note] = []
    like = None if name in KNOWN_EVENTS or len(name) > LONGEST_NAME else meant(name)
    if like is not None and not _asked_for(container, name):
        message = f'is it meant to be "{like}"? Names are compared letter by letter'
        notes.append(Note("event", "like_another", message))
    if shop or name == "purchase":
        said = shop or NOTHING
        value: Any = said.get("value")
        currency = said.get("currency")
        # As mostly: `number` and `currency_code` take these as they stand.
        sound = type(value) in _NUMBERS and -1e15 < value < 1e15 and type(currency) is str and currency in CURRENCIES
        if not (sound and said.get("transaction_id")):
            notes += _money(event, said)
    if event.client != CLIENT and event.facts.source == BROWSER and _says_nothing(routing.consent):
        notes.append(NO_SIGNAL)
    if routing.consent.problems:
        notes += _unreadable(event, routing.consent)
    if not notes:
        return ()
    told = {note.path for note in event.notes}
    return tuple(note for note in notes if note.path not in told)


def _says_nothing(consent: ConsentState) -> bool:
    """Whether nobody has said anything of consent, with the event or in a cookie."""
    return not (consent.purposes or consent.sale_opt_out or consent.gdpr_applies is not None or consent.problems)


def _asked_for(container: Container, name: str) -> bool:
    """Whether a trigger names it, and does not only take events of every name."""
    return any(trigger.wants(name) and not trigger.wants("\0") for trigger in container.triggers.values())


@lru_cache(1024)
def meant(name: str) -> str | None:
    """The known name that was meant: written in another way (`AddToCart`), or misspelt (`begin_chekout`), or None."""
    return _ALIKE.like(name)


def _money(event: Event, shop: Mapping[str, Any]) -> list[Note]:
    """A value and a currency that no vendor can read, and what a purchase lacks."""
    value, currency, order = shop.get("value"), shop.get("currency"), shop.get("transaction_id")
    notes = []
    is_purchase = event.name == "purchase"
    if _is_said(value) and number(value) is None:
        notes.append(
            Note("ecommerce.value", "bad_value", "ecommerce.value is no number: write 1299.90, without separators")
        )
    elif is_purchase and not _is_said(value):
        notes.append(Note("ecommerce.value", "no_value", "a purchase without a value is refused by most vendors"))
    if _is_said(currency) and currency_code(currency) is None:
        notes.append(
            Note("ecommerce.currency", "bad_currency", "ecommerce.currency is no code of ISO 4217, such as EUR")
        )
    elif is_purchase and not _is_said(currency):
        notes.append(
            Note("ecommerce.currency", "no_currency", "a purchase without a currency is refused by most vendors")
        )
    if is_purchase and not any(map(_is_said, (order, shop.get("order_id"), event.data.get("order_id")))):
        notes.append(
            Note(ORDER, "no_transaction_id", "without transaction_id the same order counts again whenever it is sent")
        )
    return notes


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
