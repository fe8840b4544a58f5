"""An event that could have been: what a record has masked, filled with values of nobody.

A record says of a personal value no more than `[email, 17 characters, #1]`. The same mark gets the same invented value
everywhere, of the same kind and, where it can be, as long; who it is about is always Erika Beispiel. Ids of events and
orders are pseudonymous and stay recognisable to the shop, so they get other digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256, sha512
from typing import Any
from urllib.parse import quote

_mark = re.compile(r"\[([a-z]{2,12}(?: [a-z]{1,8}){0,2})(?:, ([0-9a-z]{1,10})(?: [a-z]{1,10})?)?(?:, #([0-9]{1,9}))?\]")
_CUT = "…"
_rest = re.compile(r"…|\[[^\[\]]*\Z")
"""What is left of an address that was too long."""

PERSON: Mapping[str, str] = {
    "email": "erika.beispiel@example.com",
    "phone_number": "+493023125001",
    "first_name": "Erika",
    "last_name": "Beispiel",
    "street": "Musterweg 1",
    "city": "Musterstadt",
    "region": "Berlin",
    "postal_code": "12345",
    "country": "DE",
    "date_of_birth": "1990-01-31",
    "gender": "f",
    "user_id": "customer-1",
    "external_id": "customer-1",
    "client_id": "1234567890.1767225600",
    "session_id": "1767225600",
}
"""Fields of persons → what stands in them. The telephone number is one of those that are kept for films (Berlin, 030
23125)."""
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
COOKIES: Mapping[str, str] = {
    "_fbp": "fb.1.1767225600000.1234567890",
    "_fbc": "fb.1.1767225600000.invented1",
    "_ga": "GA1.1.1234567890.1767225600",
    "_gcl_aw": "GCL.1767225600.invented1",
}
"""Cookies whose vendors write them in a form of their own."""
_LONGEST = 100
_SHORTENED = ("transaction_id", "order_id", "order_number", "event_id")
_PERSONS = frozenset({"user_data", "user_id", "client_id", "session_id", "external_id"})


class Inventor:
    """Of one record. `cut`: whether the record does not have all of the event."""

    def __init__(self) -> None:
        self.cut = False
        self._known: dict[str, str] = {}

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a masked event, filled. Persons are looked at first, so that a value that also stands elsewhere
        is theirs there, too."""
        persons = {name: self.value(event[name], name) for name in event if name in _PERSONS}
        kept = [name for name in event if name != _CUT]
        self.cut = self.cut or len(kept) < len(event)
        return {self.text(name): persons[name] if name in persons else self.value(event[name], name) for name in kept}

    def value(self, value: Any, name: str = "") -> Any:
        """A value of a field of this name."""
        match value:
            case dict():
                kept = {key: held for key, held in value.items() if key != _CUT}
                self.cut = self.cut or len(kept) < len(value)
                return {self.text(key): self.value(held, key) for key, held in kept.items()}
            case list():
                found = [one for one in value if not (isinstance(one, str) and one.startswith(_CUT))]
                self.cut = self.cut or len(found) < len(value)
                return [self.value(one, name) for one in found]
            case "[true or false]":
                return True
            case str() if name in _SHORTENED:
                return invented_id(self.text(value, name))
            case str() if name in ("location", "referrer", "referer"):
                return self.address(value)
            case str():
                return self.text(value, name)
        return value

    def text(self, text: str, name: str = "") -> str:
        """A text with what was masked in it."""
        if text.endswith(_CUT):
            self.cut = True
            text = text.removesuffix(_CUT)
        return _mark.sub(lambda found: self._filled(found, name if found[0] == text else ""), text)

    def address(self, address: str) -> str:
        """The same of a web address."""
        filled = _mark.sub(lambda found: quote(self._filled(found, ""), safe=""), address)
        bare = _rest.sub("", filled)
        self.cut = self.cut or bare != filled
        return bare.rstrip("?&")

    def cookie(self, name: str, shape: str) -> str:
        """The value of a cookie."""
        return COOKIES.get(name) or self.text(shape)

    def _filled(self, found: re.Match[str], name: str) -> str:
        kind, what, number = found[1], found[2] or "", int(found[3] or 0)
        if number and found[0] in self._known:
            return self._known[found[0]]
        made = _of_person(name, kind) if name in PERSON else ""
        if not made or made in self._known.values():
            made = _of_kind(kind, what, number)
        if number:
            self._known[found[0]] = made
        return made


def _of_person(name: str, kind: str) -> str:
    return sha256(PERSON[name].lower().encode()).hexdigest() if kind == "hash" else PERSON[name]


def _of_kind(kind: str, what: str, number: int) -> str:
    """A value of a kind. `what`: how long it is, or what else its mark says."""
    length = min(int(what), _LONGEST) if what.isdecimal() and len(what) < 6 else 8
    match kind:
        case "email":
            return f"person{number}@example.com"
        case "phone":
            return f"+49302312{5000 + number % 1000}"
        case "hash":
            if what in ("normalised", ""):
                return sha256(f"invented {number}".encode()).hexdigest()
            return sha512(f"invented {number}".encode()).hexdigest()[:length]
        case "card":
            return "4111111111111111"
        case "iban":
            return "DE89370400440532013000"
        case "number":
            return str(number % 9 + 1) + ("234567890" * 12)[: length - 1]
        case "key":
            return f"field_{number}"
        case "placeholder":
            return "(not set)"
        case "no address" | "no host":
            return ""
    mark = str(number or "")
    return ("invented" * 13)[: max(1, length - len(mark))] + mark if length > len(mark) else "abcdefghi"[number % 9]


# ── ids

_tokens = re.compile(r"[A-Za-z0-9]+")
_LONGEST_WORD = 12
_DIGITS, _LETTERS = "9876543210", "fedcba"


def invented_id(text: str) -> str:
    """An id of the same shape: words stay, and what holds digits gets others. Equal parts stay equal, so that
    `purchase_T-1` is still of the order `T-1`."""
    return _tokens.sub(_invented_token, text)


def _invented_token(found: re.Match[str]) -> str:
    token = found[0]
    if token.isalpha() and len(token) <= _LONGEST_WORD:
        return token
    return "".join([_invented_sign(place, sign) for place, sign in enumerate(token)])


def _invented_sign(place: int, sign: str) -> str:
    if sign.isdigit():
        return _DIGITS[place % len(_DIGITS)]
    letter = _LETTERS[place % len(_LETTERS)]
    return letter.upper() if sign.isupper() else letter
