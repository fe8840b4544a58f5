"""`user_data`: who it was, hashed where Meta wants hashes. Source: Meta's page on customer information parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import MISSING, Event, Group, Kind
from tagserver.plugin.identity import (
    BIRTH_DATE,
    CITY,
    COUNTRY,
    EMAIL,
    EXTERNAL_ID,
    FIRST_NAME,
    GENDER,
    LAST_NAME,
    PHONE,
    POSTAL_CODE,
    REGION,
    Found,
    Identity,
    Rule,
    birth_date_text,
    city_text,
    country_code,
    email_text,
    gender_text,
    hash_phones,
    hash_values,
    name_text,
    own_id_rule,
    postal_text,
    state_text,
)
from tagserver.plugin.table import Code, Field, Hashes, Part, RuleBy
from tagserver.plugin.values import IP, identifier, is_text
from tagserver_meta_capi.click import FAULTS, put_clicks, well_formed
from tagserver_meta_capi.settings import MetaSettings

PLAIN_KEYS = (
    *("subscription_id", "fb_login_id", "lead_id", "anon_id", "madid", "page_id", "page_scoped_user_id", "ctwa_clid"),
    *(
        "whatsapp_business_account_id",
        "ig_account_id",
        "instagram_business_account_id",
        "ig_sid",
        "partner_id",
        "partner_name",
    ),
)
"""Sent in the clear, as they are."""
_PLAIN = frozenset(PLAIN_KEYS)
PIECES = ("f5first", "f5last", "fi", "dobd", "dobm", "doby")
"""Pieces of a name and of a date of birth, which Meta's SDKs hash; sent where they came hashed, never made here."""
_PIECES = frozenset(PIECES)
BROWSER_KEYS = ("client_ip_address", "client_user_agent", "fbc", "fbp")
"""Those of a chat server or a shop's till are not the visitor's."""

_BROAD = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
"""Sets that find nobody: an event with keys of one of them alone is refused with its whole request (100/2804050)."""


MARKED = Hashes(marked=True)
"""Meta's parameter builder marks its hashes, and Meta wants the mark."""


def _folded(text: str) -> str:
    return text.strip().lower()


_OWN_IDS: Mapping[str, Rule] = {
    "hash": own_id_rule(_folded),
    "keep_case": EXTERNAL_ID,
    "raw": own_id_rule(None),
}
"""The ids as the pixel sends them: the same format everywhere, or Meta does not match them."""


def _agent(value: Any) -> str | None:
    return value[:1024] if type(value) is str and (value.isascii() or is_text(value)) else None


def _put_plain(made: Group, event: Event, given: Mapping[str, Any], settings: MetaSettings) -> None:
    said = event.data.get("user_data")
    if said and not _PLAIN.isdisjoint(said):
        for key in sorted(_PLAIN.intersection(said)):  # a set has another order in each process
            _plain(made, key, said[key])


def put_pieces(made: Group, event: Event) -> None:
    """Set the pieces that a sender at Meta's own door has hashed."""
    said = event.data.get("user_data")
    if said and not _PIECES.isdisjoint(said):
        for key in sorted(_PIECES.intersection(said)):
            value = said[key]
            _put(made, key, hash_values(_listed(value), lambda _: None, "did not come hashed"))
            if key in made and not isinstance(value, list):
                made[key] = made[key][0]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _put_given(made: Group, event: Event, given: Mapping[str, Any], settings: MetaSettings) -> None:
    for key in given:
        _set(made, key, given, event, settings)


USER_DATA = Part(
    "user_data",
    Field("em", EMAIL, MARKED),
    Field("ph", PHONE, MARKED),
    Field("fn", FIRST_NAME, MARKED),
    Field("ln", LAST_NAME, MARKED),
    Field("ct", CITY, MARKED),
    Field("st", REGION, MARKED),
    Field("zp", POSTAL_CODE, MARKED),
    Field("country", COUNTRY, MARKED),
    Field("ge", GENDER, MARKED),
    Field("db", BIRTH_DATE, MARKED),
    Code(PLAIN_KEYS, _put_plain, reads=("user_data",), clear=PLAIN_KEYS),
    Field("external_id", RuleBy("external_id", lambda settings: _OWN_IDS[settings.external_id]), MARKED),
    Field("client_ip_address", "ip", IP, clear=True),
    Field("client_user_agent", "user_agent", Kind(_agent, "is not text"), clear=True),
    Code(
        ("fbc", "fbp"),
        put_clicks,
        reads=("cookie._fbp", "cookie._fbc", "click.fbclid", "fbclid", "fbc", "fbp", "x-fb-ck-fbc", "x-fb-ck-fbp"),
        clear=("fbc", "fbp"),
        free=False,
    ),
    tag=_put_given,
)
"""What the tag's parameters set under `user_data`, by Meta's names, wins where it fits."""


def too_broad(user_data: Mapping[str, Any]) -> bool:
    """Whether Meta would refuse these keys as finding nobody."""
    if "em" in user_data or "external_id" in user_data:
        return False
    keys = user_data.keys()
    return not keys or any(keys <= broad for broad in _BROAD)


def _put(made: Group, key: str, found: Found) -> None:
    hashes, faults = found
    if hashes:
        made[key] = list(hashes)
    for fault in faults:
        made.omit(key, fault)


def _plain(made: Group, key: str, value: Any) -> None:
    if value is None or value == "":
        return
    text = identifier(value)
    if text is None or len(text) > 500:
        made.omit(key, "is not a short text")
    elif key in ("fb_login_id", "lead_id") and not (text.isascii() and text.isdigit()):
        made.omit(key, "is not a row of digits")
    elif key == "lead_id" and not 15 <= len(text) <= 17:
        made.omit("lead_id", "does not have 15 to 17 digits")
    else:
        made[key] = text


def _set(made: Group, key: str, given: Mapping[str, Any], event: Event, settings: MetaSettings) -> None:
    """One key that the tag sets itself, by the same rules."""
    value = given[key]
    if value is None or value is MISSING or value == "" or value == []:
        return
    values = value if isinstance(value, list) else [value]
    country = event.identity.country
    # A country that the tag sets beside the other keys says where its phone, region and postal code belong.
    if type(said := given.get("country")) is str:
        country = country_code(said) or country
    day_first = settings.date_order == "day_first"
    normalisers: dict[str, Callable[[str], str | None]] = {
        "em": email_text,
        "fn": name_text,
        "ln": name_text,
        "ge": gender_text,
        "db": lambda text: birth_date_text(text, day_first=day_first),
        "ct": city_text,
        "st": lambda text: state_text(text, country),
        "zp": lambda text: postal_text(text, country),
        "country": country_code,
    }
    if key == "ph":
        _put(made, key, hash_phones(values, (country or settings.default_country or "").upper() or None))
    elif key in normalisers:
        found = hash_values(values, normalisers[key], "is not usable", person_name=key in ("fn", "ln"))
        _put(made, key, found)
    elif key == "external_id":
        _put(made, key, Identity({"user_data": {"external_id": value}}).found(_OWN_IDS[settings.external_id]))
    elif key in PLAIN_KEYS:
        _plain(made, key, value)
    elif key == "client_user_agent" and type(value) is str and is_text(value) and not value.isspace():
        made[key] = value[:1024]
    elif key == "client_ip_address":
        if type(value) is str and (public := IP.read(value)):
            made[key] = public
        else:
            made.omit("client_ip_address", "is no public IP address")
    elif key in ("fbc", "fbp"):
        if text := well_formed(key, value):
            made[key] = text
        else:
            made.omit(key, FAULTS[key])
    else:
        made.omit(str(key)[:40], "is no key that Meta knows, or not of its type")
