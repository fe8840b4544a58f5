"""What is personal, and what lets others in: the one list. Everything that keeps back, takes out or warns asks here.

Of a value it is told by the name of its key (`key_kind`, and in the query of an address `query_kind`); of a field of an
event by the consent that it needs (`AD_FIELDS` and its kind). What is found in a text itself: `privacy.detection`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tagserver.event.click_ids import COOKIES, PARAMETERS
from tagserver.event.hashing import arrived_hash
from tagserver.event.placeholder import is_placeholder
from tagserver.event.spelling import path_root

# ── names of keys
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Kind = Literal["email", "phone", "card", "name", "address", "iban", "ssn", "password", "token"]

SENTENCES: dict[Kind, str] = {
    "email": "an e-mail address",
    "phone": "a telephone number",
    "card": "a payment card number",
    "name": "a person's name",
    "address": "a person's address",
    "iban": "a bank account",
    "ssn": "a social security number",
    "password": "a password",
    "token": "a key that lets others in",
}


def mark(kind: Kind) -> str:
    """What stands in the place of what was taken out."""
    return f"[redacted:{kind}]"


_KEYS: dict[str, Kind] = {
    **dict.fromkeys(("email", "mail", "emails", "emailaddress", "mailaddress"), "email"),
    **dict.fromkeys(("phone", "phonenumber", "phoneno", "tel", "telephone", "telephonenumber", "msisdn"), "phone"),
    **dict.fromkeys(("mobile", "mobilenumber", "mobilephone", "cellphone"), "phone"),
    **dict.fromkeys(("firstname", "lastname", "surname", "familyname", "givenname", "fullname"), "name"),
    **dict.fromkeys(("fname", "lname"), "name"),
    **dict.fromkeys(("ssn", "socialsecuritynumber"), "ssn"),
    "iban": "iban",
    **dict.fromkeys(("password", "passwd", "pwd"), "password"),
    **dict.fromkeys(("auth", "authorization", "otp", "jwt", "secret", "clientsecret"), "token"),
    **dict.fromkeys(("apikey", "orderkey", "accesskey", "secretkey", "authkey", "resetkey"), "token"),
    **dict.fromkeys(("phpsessid", "jsessionid", "sessid"), "token"),
    **dict.fromkeys(("cardnumber", "creditcard", "creditcardnumber", "ccnumber"), "card"),
}
_QUERY_KEYS: dict[str, Kind] = {
    "name": "name",
    **dict.fromkeys(("address", "street", "streetaddress"), "address"),
    **dict.fromkeys(("key", "sessionid"), "token"),
    **dict.fromkeys(("signature", "sig", "xamzsignature", "xgoogsignature"), "token"),
}
"""In an address alone. Elsewhere a `name` is mostly that of a thing, and a `session_id` that of a visit. Who has the
signature of an address has what it leads to: a file, an order, a changed password."""
_TOKEN = "token"  # noqa: S105 (how a key ends)
_OWNER = re.compile(r"(?:user|customer|client|contact|billing|shipping|buyer|guest|visitor|account|member|recipient)")
_LONGEST_KEY = 64
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def _kind_of(key: str) -> Kind | None:
    bare = _NO_LETTERS.sub("", key.lower())
    if (found := _KEYS.get(bare)) is not None:
        return found
    if bare.endswith(_TOKEN):
        return "token"
    owner = _OWNER.match(bare)
    return _KEYS.get(bare[owner.end() :]) if owner else None


@lru_cache(maxsize=4096)
def _query_kind_of(key: str) -> Kind | None:
    bare = _NO_LETTERS.sub("", key.lower())
    owner = _OWNER.match(bare)
    return _kind_of(key) or _QUERY_KEYS.get(bare) or (_QUERY_KEYS.get(bare[owner.end() :]) if owner else None)


def key_kind(key: str) -> Kind | None:
    """What a field of this name holds, in any case and spelling: `e-mail`, `firstName`, `user[email]`,
    `billing_phone`, `reset_token`."""
    return _kind_of(key) if len(key) <= _LONGEST_KEY else None


def query_kind(key: str) -> Kind | None:
    """The same of a key in the query of an address."""
    return _query_kind_of(key) if len(key) <= _LONGEST_KEY else None


_ID = re.compile(
    r"(?:.*[_.-])?(?:ids?|sku|gtin(?:8|12|13|14)?|ean|upc|isbn|mpn|barcode|order|order_?(?:number|no)|transaction)\Z"
    r"|.*[a-z]Ids?\Z"
)


@lru_cache(maxsize=4096)
def _names_an_id(key: str) -> bool:
    return _ID.match(key) is not None


def names_an_id(key: str) -> bool:
    """Whether a field of this name holds an identifier of a thing: there, long numbers are no payment cards."""
    return len(key) <= _LONGEST_KEY and _names_an_id(key)


_SAYS_NOTHING = frozenset({"", "0", "1", "true", "false", "yes", "no", "on", "off"})
_FEWEST_DIGITS = 6
_LONGEST_PHONE = 4096


def holds(kind: Kind, text: str) -> bool:
    """Whether the text under a key of this kind can be what the key names: `mobile: yes` is no number."""
    if text.startswith("[redacted:") or text.strip().lower() in _SAYS_NOTHING or is_placeholder(text):
        return False
    if kind in ("email", "phone", "name") and arrived_hash(text) is not None:
        return False  # made on purpose, and under the consent for it
    return kind != "phone" or sum(map(str.isdigit, text[:_LONGEST_PHONE])) >= _FEWEST_DIGITS


# ── fields of an event, of its `user_data` and of a tag's parameters, by the consent that they need
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

AD_FIELDS = frozenset(
    [
        *PARAMETERS,
        *("click", "click_id", "fbc", "fbp", "x-fb-ck-fbc", "x-fb-ck-fbp", "ScCid", "sc_click_id", "sc_cookie1"),
        *("ttp", "scid", "uuid", "madid", "idfa", "aaid", "gaid", "idfv", "anon_id", "ctwa_clid", "hashed_maids"),
        *("gclsrc", "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "GOOGLE_AID"),
    ]
)
"""What an ad network stored, or a device's id."""
VISIT_FIELDS = frozenset({"client_id", "session_id", "ga_session_id", "ecid"})
"""The site's own ids of browser and visit."""
PERSON_FIELDS = frozenset({"user_data", "user_id", "external_id"})
"""Who it was."""
ADDRESS_FIELDS = frozenset({"ip", "ip_override", "client_ip_address", "ip_address", "client_location"})
AGENT_FIELDS = frozenset({"user_agent", "client_user_agent", "client_hints", "client_device"})

AD_COOKIES = frozenset(
    [
        *(cookie for places in COOKIES.values() for cookie, _ in places),
        *("_fbp", "_fbc", "_ttp", "_scid", "_rdt_uuid", "_rdt_em", "_uetvid", "uet_vid", "_uetsid", "__kla_id"),
        *("_dm_session_attributes", "_pin_unauth", "_pinterest_ct_ua", "IDE", "_gtmeec"),
        *("_gcl_au", "_gcl_dc", "_gcl_gs"),
    ]
)
PERSON_COOKIES = frozenset({"_rdt_em", "_gtmeec"})
"""They hold hashes of e-mail addresses."""
PLAIN_HEADERS = frozenset(
    [
        *("accept", "accept-language", "content-type", "dnt", "host", "origin", "referer", "sec-gpc"),
        *("sec-ch-ua-mobile", "sec-ch-ua-platform", "save-data"),
    ]
)
"""Headers that tell neither who somebody is nor where."""

DECLARED = frozenset(
    [
        *("event", "event_id", "timestamp", "user_data", "user_id", "client_id", "session_id", "click", "cookie"),
        *("fbc", "fbp", "x-fb-ck-fbc", "x-fb-ck-fbp", "addtl_consent"),
    ]
)
"""Fields of an event that are not looked through: who it was, by declaration; and name, id and time, which are the same
everywhere."""

# ── paths
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

PRIVATE_ROOTS = frozenset({"client_id", "cookie", "header", "ip", "user_agent", "user_data", "user_id"})
"""First parts of paths whose values are never shown in an explanation."""
PERSONAL_ROOTS = PRIVATE_ROOTS | {"*", "click", "geo", "session_id"}
"""First parts of paths that tell who somebody is, or which browser: what people ask about first, and what the privacy
lock watches. `*` is the whole event."""


def is_personal(path: str) -> bool:
    """Whether a path, in any spelling, leads to what tells who somebody is."""
    return path_root(path) in PERSONAL_ROOTS


def is_private(path: str) -> bool:
    """Whether what stands at a path, in any spelling, is never shown."""
    return path_root(path) in PRIVATE_ROOTS


# ── what may stay of a web address
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

PREVIEW = "ts_preview"
"""The key of a preview link, which is nobody's business and goes from every address."""
Loss = Literal[Kind, "click", "fragment", "query", "credentials", "preview"]
"""Why something of an address is gone: personal data of a kind, a click id without consent, a key that the site's list
does not name or that is too long, the grant of a preview link."""


@dataclass(frozen=True, slots=True, eq=False)
class AddressRules:
    """What may stay; the same object for all events (`rules_of`), by which what was cleaned is remembered.

    `clicks`: click ids may stay. `allow`: the query's keys that may stay, lower case, `utm_*` for all that begin so;
    None: all but personal ones. `personal`: personal data may stay, too, and with it keys that `allow` does not name,
    and the fragment; `keys`: but for keys that name a person or let others in. `strip`: keys that go in any case, lower
    case."""

    clicks: bool = True
    allow: tuple[str, ...] | None = None
    personal: bool = False
    strip: frozenset[str] = frozenset()
    keys: bool = False

    def allows(self, key: str) -> bool:
        """Whether the site's list names a key."""
        return self.allow is not None and any(
            key.startswith(one[:-1]) if one.endswith("*") else key == one for one in self.allow
        )

    def strips(self, key: str) -> bool:
        """Whether a key goes in any case."""
        return key in self.strip or (self.keys and query_kind(key) is not None)

    @property
    def nested(self) -> AddressRules:
        """Those for addresses within an address: the site's lists are about the page's own keys."""
        return rules_of(self.clicks, None, self.personal)


NO_KEYS: frozenset[str] = frozenset()


@lru_cache(maxsize=256)
def rules_of(
    clicks: bool, allow: tuple[str, ...] | None, personal: bool, strip: frozenset[str] = NO_KEYS, keys: bool = False
) -> AddressRules:
    """The one object of some rules."""
    return AddressRules(clicks, allow, personal, strip, keys)


STRICT = rules_of(True, None, False)
"""Where nothing is said: click ids stay, and nothing personal."""
