"""Fields of a payload: each value is read by its kind, and what does not fit is named and left out.

    shop = Group("custom_data", omitted)
    shop.put("value", event.get("value"), NUMBER)

A missing value leaves no trace; `"many"` leaves `Omitted("custom_data.value", "is not a plain number")`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from tagserver.event.click_ids import browser_fault, click_fault
from tagserver.event.event import MISSING
from tagserver.event.hashing import Found
from tagserver.event.ip_address import public_ip
from tagserver.plugin.destination import Omitted
from tagserver.plugin.kind import Kind
from tagserver.plugin.listed import Unlisted, listed
from tagserver.plugin.plain import (
    currency_code,
    decimal_text,
    identifier,
    number,
    sendable,
    short_text,
    whole_number,
)
from tagserver.privacy.urls import clean_address
from tagserver.system.unicode import is_text

HASH_LENGTH = 64


def _rows(value: Any) -> list[Any] | None:
    fits = isinstance(value, list) and value and all(isinstance(one, dict) and one for one in value)
    return value if fits and sendable(value) else None


NUMBER = Kind(number, "is not a plain number")
COUNT = Kind(whole_number, "is not a whole number")
MONEY_TEXT = Kind(decimal_text, "is not a plain number")
CURRENCY = Kind(currency_code, "is no currency of ISO 4217")
ID = Kind(identifier, "is no id")
IDS = Kind(identifier, "is no id", each=True, commas=True)
TEXT = Kind(short_text, "is not text")
TEXTS = Kind(short_text, "is not text", each=True)
IP = Kind(public_ip, "is no public IP address")
ROWS = Kind(_rows, "is not a list of objects that JSON can hold")
DATA = Kind(lambda value: value if sendable(value) else None, "holds something that JSON cannot")


def web_address(strip: Collection[str] | None = None) -> Kind:
    """The kind of a page's address, as `clean_address` makes it."""
    return Kind(lambda value: clean_address(value, strip), "is no http or https address of a host")


def click_id(name: str) -> Kind:
    """The kind of a click id by its parameter's name in lower case (`ttclid`)."""
    return Kind(lambda value: _sound(value, lambda text: click_fault(name, text)), "is no click id")


BROWSER_ID = Kind(lambda value: _sound(value, browser_fault), "is no id of a browser")


def _sound(value: Any, fault: Callable[[str], str | None]) -> str | None:
    text = identifier(value)
    return text if text is not None and fault(text) is None else None


def is_missing(value: Any) -> bool:
    """Whether a value counts as not there: null, MISSING, an empty text, list or map. Zero and false do not."""
    if value is None or value is MISSING:
        return True
    # The usual kinds come first: to ask whether something is a Mapping costs as much as all else of a field.
    kind = type(value)
    if kind is str or kind is list or kind is dict:
        return not value
    if kind is int or kind is float or kind is bool:
        return False
    return isinstance(value, str | list | Mapping) and not value


def field_label(key: Any) -> str:
    """A field's name for `Omitted`: short, and always text that can be shown."""
    text = str(key)[:60] if isinstance(key, str | int) else "?"
    return text if is_text(text) and text.isprintable() else "?"


class Group(dict[str, Any]):
    """A part of a payload (`user_data`, `properties`) while it is filled; a dict when it is done.

    `name` is what its fields are called in `omitted`; empty for the payload itself.
    """

    def __init__(self, name: str, omitted: list[Omitted]) -> None:
        super().__init__()
        self.name = name
        self.omitted = omitted

    def omit(self, key: Any, why: str) -> None:
        """Name a field that is left out."""
        self.omitted.append(Omitted(f"{self.name}.{field_label(key)}" if self.name else field_label(key), why))

    def put(self, key: Any, value: Any, kind: Kind) -> None:
        """Set a field to a value as its kind reads it. A missing value changes nothing, one that does not fit is
        named."""
        if is_missing(value):
            return
        if not isinstance(key, str) or not is_text(key):
            self.omit(key, "its name is no text")
        elif kind.each:
            try:
                self._put_each(key, listed(value, commas=kind.commas), kind)
            except Unlisted as problem:
                self.omit(key, str(problem))
        elif (made := kind.read(value)) is None:
            self.omit(key, kind.fault)
        else:
            self[key] = made

    def put_first(self, key: str, values: Iterable[Any], kind: Kind) -> None:
        """Set a field to the first of several values that fits, the best place first. Where one in front of it does
        not, the field is named."""
        fault = False
        for value in values:
            if is_missing(value):
                continue
            if (made := kind.read(value)) is not None:
                self[key] = made
                break
            fault = True
        if fault:
            self.omit(key, kind.fault)

    def _put_each(self, key: str, values: list[Any], kind: Kind) -> None:
        said = [value for value in values if not is_missing(value)]
        made = [fitting for value in said if (fitting := kind.read(value)) is not None]
        if made:
            self[key] = made
        if lost := len(said) - len(made):
            self.omit(key, kind.fault if len(said) == 1 else f"{lost} of {len(said)} values: {kind.fault}")

    def put_hashes(self, key: str, found: Found, *, single: bool = False) -> None:
        """Set a field to hashes of `Identity` as a list, or to the first alone (`single`); name what was wrong.

        Each is 64 digits: what a vendor's own library has appended to a hash is cut off.
        """
        hashes, faults = found
        if hashes:
            cut = list(dict.fromkeys(one[:HASH_LENGTH] for one in hashes))
            self[key] = cut[0] if single else cut
        for fault in faults:
            self.omit(key, fault)
