"""What a shop's page has put into an order for us: ids of the visitor's browser, address and agent, click ids, what the
visitor said of consent, the id of the page's own copy. A platform's own server knows none of it.

It stands in lists of names and values (Shopify's note attributes, WooCommerce's `meta_data`) or in a map (Stripe's
`metadata`). Names count in any case, with or without the underscores by which platforms hide them from people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tagserver.plugin.inbound import Note
from tagserver.plugin.values import is_text, sendable
from tagserver_webhooks.reading import MOST_NOTES, Part

LONGEST = 4096
"""Characters of one value; a TC string of a long list of vendors has half of it."""
MOST_TEXT = 32_768
"""Bytes of all that is carried. Whoever buys may write into an order, and an event that is too large would be refused:
of refusals enough, and a platform sends nothing more."""
MOST_VALUES = 100
"""In what was said of consent at once."""
UNREADABLE = "unreadable"
"""In place of something that may have been a refusal, and that is none to be sure of: the gate denies for it."""

_COOKIES = (
    *("_fbp", "_fbc", "_ga", "_gcl_aw", "_gcl_ag", "_gcl_gb", "FPGCLAW", "FPGCLAG", "FPGCLGB", "_ttp", "_scid"),
    *("_rdt_uuid", "_uetvid", "_uetmsclkid", "_scclid"),
)
"""Those that vendors read, as they spell them."""
_CONSENT_COOKIES = (
    *("euconsent-v2", "usprivacy", "OptanonConsent", "CookieConsent", "cookieyes-consent", "_tracking_consent"),
)
"""Those in which consent tools keep what the visitor chose."""
CLICKS = (
    *("gclid", "gbraid", "wbraid", "dclid", "fbclid", "ttclid", "epik", "sccid", "li_fat_id", "rdt_cid", "msclkid"),
    *("twclid", "oppref"),
)
_SIGNALS = ("gcs", "gcd", "tcf", "gdpr_consent", "gdpr", "addtl_consent", "us_privacy", "gpp", "gpp_sid", "npa", "gpc")
_PURPOSES = (
    *("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage", "functionality_storage"),
    *("personalization_storage", "security_storage"),
)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "event_id": ("event_id",),
    "client_id": ("client_id", "ga_client_id"),
    "session_id": ("session_id", "ga_session_id"),
    "user_id": ("user_id",),
    "ip_override": ("ip", "ip_address", "client_ip", "client_ip_address", "ip_override"),
    "user_agent": ("user_agent", "client_user_agent"),
    "page.location": ("page_location", "event_source_url"),
    "page.referrer": ("page_referrer",),
    "user_data.external_id": ("external_id",),
}
"""Field of an event → the names under which it is carried."""
WHOLE = "consent"

PLACES: Mapping[str, str] = {
    **{name.lower().lstrip("_"): f"cookie.{name}" for name in (*_COOKIES, *_CONSENT_COOKIES)},
    **{name: f"click.{name}" for name in CLICKS},
    **{name: name for name in _SIGNALS},
    "tc_string": "tcf",
    "tcstring": "tcf",
    "usp": "us_privacy",
    **{f"{start}{name}": f"consent_state.{name}" for name in _PURPOSES for start in ("", "consent.", "consent_")},
    **{name: field for field, names in _FIELDS.items() for name in names},
    "consent": WHOLE,
    "consent_state": WHOLE,
}
"""Name without underscores in front, in lower case → the field of the event."""
_OF_CONSENT = frozenset({*_SIGNALS, WHOLE, *(f"cookie.{name}" for name in _CONSENT_COOKIES)})


def carried(pairs: Iterable[tuple[str, Any, object]], notes: list[Note]) -> dict[str, Any]:
    """The fields of an event that such a list holds; other names are the shop's own, and not read. `pairs`: where each
    stands in the body, its name and its value, any JSON. The first of two counts; of two that speak of consent and
    differ, nobody knows which is the visitor's, and what cannot be read of it is a refusal."""
    made: dict[str, Any] = {}
    left = MOST_TEXT
    for where, name, value in pairs:
        field = place(name)
        if field is None or value is None:
            continue
        root, _, leaf = field.partition(".")
        speaks = _speaks(field)
        size = _size(value)
        read = (
            None
            if size > left
            else _whole(value)
            if field == WHOLE
            else value
            if isinstance(value, bool) and speaks
            else _text(value)
        )
        if read is None:
            if len(notes) < MOST_NOTES:
                message = f"{where} is not a text that can be read, or too long; left out"
                notes.append(Note(where, "wrong_type", message))
            if not speaks:
                continue
            field, root, leaf, read = WHOLE, WHOLE, "", UNREADABLE
        else:
            left -= size
        if read == "" and not speaks:
            continue
        group, key = (made.setdefault(root, {}), leaf) if leaf else (made, root)
        if key not in group:
            group[key] = read
        elif speaks and group[key] != read:
            made[WHOLE] = UNREADABLE
    return made


def entries(part: Part, name: str, key: str, most: int) -> Iterator[tuple[str, Any, object]]:
    """What such a list of a body holds, for `carried`. `key`: what its entries call a name. Of more than `most` entries
    only those that speak of consent are read, and a list that is none may have held a refusal."""
    held = part.held.get(name)
    if isinstance(held, dict):  # PHP writes a list with gaps as a map
        held = [*held.values()]
    if held is None:
        return
    if not isinstance(held, list):
        part.wrong(name, "a list")
        yield part.where(name), WHOLE, UNREADABLE
        return
    if len(held) > most:
        part.note(name, "too_many", f"has more than {most} entries; of the others only consent is read")
    for at, one in enumerate(held):
        where = part.where(f"{name}.{at}")
        if isinstance(one, dict):
            if (field := place(one.get(key))) is not None and (at < most or _speaks(field)):
                yield f"{where}.value", one[key], one.get("value")
        elif isinstance(one, str | list) and one:
            part.wrong(f"{name}.{at}", "an object")
            yield where, WHOLE, UNREADABLE


def _speaks(field: str) -> bool:
    """Whether a field says something about consent."""
    return field in _OF_CONSENT or field.startswith("consent_state.")


def place(name: object) -> str | None:
    """The field of an event that a name stands for, with a dot between group and field; None for the shop's own."""
    return PLACES.get(name.strip().lower().lstrip("_")) if isinstance(name, str) and len(name) <= 64 else None


def laid_over(event: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """An event with what was carried, which counts before what the platform says itself."""
    made = dict(event)
    for key, value in over.items():
        below = made.get(key)
        made[key] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return made


def _text(value: object) -> str | None:
    """A text, or a number as one."""
    if type(value) is int and abs(value) < 10**20:
        return str(value)
    if isinstance(value, str) and len(value) <= LONGEST and is_text(value):
        return value.strip()
    return None


def _whole(value: object) -> Any:
    """All that was said of consent at once: JSON in a text, an object, or a word. What is none of these stays, and the
    gate denies for it."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "[") and len(value) <= LONGEST:
        try:
            value = json.loads(value, object_pairs_hook=_once_each)
        except (ValueError, RecursionError):
            return UNREADABLE
    if isinstance(value, dict | list):
        return value if sendable(value) and _values(value) <= MOST_VALUES else UNREADABLE
    return _text(value)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name says two things. Raises ValueError."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if made.setdefault(name, value) != value:
            raise ValueError("a name stands twice")
    return made


def _values(value: Any) -> int:
    """How many values there are in one, itself among them."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values, inner))


def _size(value: Any) -> int:
    """Bytes that a value takes, about; none for what is not taken at all."""
    if isinstance(value, dict | list) and not sendable(value):
        return 0
    return len(str(value).encode(errors="replace"))
