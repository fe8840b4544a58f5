"""What may be kept of a field, by its name and the group that it stands in.

Of names that are known the table says it; of all others `_judged`, by what the name tells. What it says of a name is
remembered, for sites push the same ones over and over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tagserver.event.click_ids import PARAMETERS
from tagserver.event.consent_fields import COOKIES, PURPOSES
from tagserver.event.consent_fields import FIELDS as CONSENT_FIELDS
from tagserver.event.known_names import ITEM_FIELDS, SHOP_FIELDS
from tagserver.event.spelling import ADDRESS_FIELDS as PARTS_OF_ADDRESS
from tagserver.event.spelling import ADDRESS_SPELLINGS, PERSON_FIELDS, PERSON_SPELLINGS
from tagserver.privacy import rules
from tagserver.privacy.rules import key_kind, query_kind
from tagserver.records.masking.shapes import NAMES

Way = Literal["made", "text", "id", "word", "address", "shape", "person", "consent"]
"""What becomes of a field's text.

- `text`: it stays, without what looks like a person's; `id`: likewise, with its long numbers;
- `word`: it stays where it is a word as programs write them; `consent`: so do codes of consent;
- `address`: it is one, and is masked part by part;
- `shape`: its shape alone;
- `person`: shapes alone, of numbers too, and of all that lies below;
- `made`: it is not taken from the data, but derived.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What becomes of the value of a key. `kind`: what the key says that it is; `below`: the table of a group or of the
    groups of a list, None: that of any group. `shown`: whether the key itself may stand; `known`: it is no stranger's
    word."""

    way: Way
    kind: str | None = None
    below: Table | None = None
    shown: bool = True
    known: bool = False


class Table(dict[str, Rule]):
    """The rules of a group: `table[key]`."""

    MOST = 4096

    def __init__(self, known: Mapping[str, Rule], otherwise: Way | None = None) -> None:
        super().__init__(known)
        self._known = known
        self._otherwise = otherwise

    def __missing__(self, key: str) -> Rule:
        rule = _judged(key, self._otherwise)
        if rule.shown:
            if len(self) >= self.MOST:
                self.clear()
                self.update(self._known)
            self[key] = rule
        return rule


_OWNER = re.compile(r"(?:user|customer|client|contact|billing|shipping|buyer|guest|visitor|account|member|recipient)")
_PERSONAL = frozenset(
    [
        *("address", "adid", "anonymousid", "author", "birthdate", "birthday", "birthyear", "city", "company", "crmid"),
        *("device", "deviceid", "dob", "gender", "hash", "hashedid", "ip", "kunde", "lat", "latitude", "lead", "lng"),
        *(
            "location",
            "login",
            "loginid",
            "lon",
            "longitude",
            "name",
            "nickname",
            "patient",
            "person",
            "plz",
            "postcode",
        ),
        *("profile", "salutation", "sessionid", "street", "subscriber", "surname", "uid", "username", "uuid", "zip"),
        *(
            "age",
            "postcode",
            "zipcode",
            "postalcode",
            "identity",
            "cid",
            "sid",
            "vid",
            "puid",
            "guid",
            "ssn",
            "signature",
        ),
    ]
)
"""Names that tell of a person or a browser, without what stands between their letters."""
_FREE_ENDS = (
    *(
        "title",
        "search",
        "searchterm",
        "term",
        "query",
        "keyword",
        "keywords",
        "comment",
        "comments",
        "message",
        "text",
    ),
    *("text", "note", "notes", "description", "subject", "body", "feedback", "review", "question", "answer", "input"),
    "label",
)
_FREE = frozenset({"q", "s", "content", "html", "reason"})
"""Names of what somebody has typed, and how they end."""
_PEOPLE = frozenset({*PERSON_FIELDS, *PERSON_SPELLINGS, *PARTS_OF_ADDRESS, *ADDRESS_SPELLINGS})
_OF_SHOPS_TOO = frozenset({"country", "region", "state"})
_FIELDS = rules.AD_FIELDS | rules.VISIT_FIELDS | rules.PERSON_FIELDS | rules.ADDRESS_FIELDS | rules.AGENT_FIELDS
_LETTERS = re.compile(r"[^a-z]+")
_LONGEST = 64


def _judged(key: str, otherwise: Way | None) -> Rule:
    """The rule of a name that nobody knows."""
    if type(key) is not str or not NAMES[key]:
        return Rule(otherwise or "shape", shown=False)
    if otherwise == "consent":
        return Rule("consent")
    kind = key_kind(key) or query_kind(key)
    if otherwise is not None:
        return Rule(otherwise, kind)
    bare = _LETTERS.sub("", key.lower())
    if (
        kind is not None
        or key in _FIELDS
        or (key in _PEOPLE and key not in _OF_SHOPS_TOO)
        or bare in _PERSONAL
        or _OWNER.match(bare)
    ):
        return Rule("person", kind)
    return Rule("shape" if bare in _FREE or bare.endswith(_FREE_ENDS) else "word")


def _rules(way: Way, *names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, Rule(way, known=way != "made"))


def _things(names: tuple[str, ...]) -> dict[str, Rule]:
    """Of a shop's fields: what ends so is an id of a thing."""
    return {name: Rule("id" if name.endswith("_id") else "text", known=True) for name in names}


PEOPLE = Table(
    {
        **_rules("person", *(name for name in sorted(_PEOPLE))),
        **{name: Rule("person", "phone", known=True) for name in ("phone_number", "phone", "ph", "phones")},
    },
    "person",
)
"""What lies below a personal field."""
CONSENT = Table(_rules("consent", *PURPOSES, "default", "update", "region", "wait_for_update"), "consent")
"""What lies below a field of consent."""
OTHERS = Table({})
"""Any other group."""
ITEMS = Table(_things(ITEM_FIELDS))
_THINGS = (
    *_things(SHOP_FIELDS).items(),
    *_rules("id", "order_id", "order_number", "product_id", "variant_id", "sku", "gtin", "ean", "content_ids").items(),
    ("items", Rule("word", below=ITEMS, known=True)),
)
SHOP = Table(dict(_THINGS))
PAGE = Table(
    {
        **_rules("shape", "title"),
        **_rules("made", "location", "host", "path", "query", "hash"),
        **_rules("address", "referrer"),
    }
)
EVENT = Table(
    {
        **dict(_THINGS),
        **_rules("text", "action_source", "method", "content_type", "content_category", "content_name", "item_type"),
        **_rules("made", "event", "event_id", "timestamp", "click", "cookie", "geo", "ip", "user_agent"),
        **_rules("made", "client", "source"),
        **dict.fromkeys(CONSENT_FIELDS, Rule("consent", below=CONSENT, known=True)),
        **dict.fromkeys(
            ("user_data", "user_id", "client_id", "session_id", "external_id"), Rule("person", below=PEOPLE, known=True)
        ),
        "page": Rule("word", below=PAGE, known=True),
        "ecommerce": Rule("word", below=SHOP, known=True),
    }
)
"""The fields of an event in its one spelling."""
SHAPES = Table(_rules("shape", *sorted(rules.AD_COOKIES), *PARAMETERS, *COOKIES, "_ga"), "shape")
"""Names with shapes: cookies, click ids, keys of a query, and what lies below a field of free text."""


def below(rule: Rule) -> Table:
    """The table of a group that is the value of a key, or of the groups in its list."""
    return rule.below or _BELOW.get(rule.way, OTHERS)


_BELOW: Mapping[Way, Table] = {"person": PEOPLE, "consent": CONSENT, "shape": SHAPES}
