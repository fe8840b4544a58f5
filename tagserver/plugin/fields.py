"""Fields of a payload: each value is read by its kind, and what does not fit is named and left out.

    given = Given(parameters, {"event_name"}, omitted)
    shop = Group("custom_data", omitted)
    shop.put("value", event.get("value"), NUMBER)

A missing value leaves no trace; `"many"` leaves `Omitted("custom_data.value", "is not a plain number")`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tagserver.event.click_ids import browser_fault, click_fault
from tagserver.event.event import MISSING
from tagserver.event.hashing import Found
from tagserver.event.ip_address import public_ip
from tagserver.plugin.contract import Omitted
from tagserver.plugin.plain import (
    Unlisted,
    currency_code,
    decimal_text,
    identifier,
    listed,
    number,
    sendable,
    short_text,
    whole_number,
)
from tagserver.privacy.urls import clean_address
from tagserver.system.text import is_text


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is read (None for what does not fit), and the sentence for what does not fit.

    `each`: the field is a list, and each of its values is read by itself; a single value is a list of one, and a JSON
    text of a list is that list. `commas`: of a text with commas each part is a value. `free`: what is read may be a
    text that somebody wrote, so that it may hold an e-mail address; False for numbers, codes and ids of a vendor's own
    form. `cut`: a text that is longer has so many characters, and that is named. `between`: numbers between the two, or
    the `whole` ones among them, are what they are read as, so that they need not be read.
    """

    read: Callable[[Any], Any]
    fault: str
    each: bool = False
    commas: bool = False
    free: bool = True
    cut: int | None = None
    between: tuple[float, float] | None = None
    whole: bool = False

    def faults(self, value: Any) -> bool:
        """Whether a value, or one of a list of them, does not fit."""
        try:
            values = listed(value, commas=self.commas) if self.each else [value]
        except Unlisted:
            return True
        return any(self.read(one) is None for one in values)


HASH_LENGTH = 64


def _rows(value: Any) -> list[Any] | None:
    fits = isinstance(value, list) and value and all(isinstance(one, dict) and one for one in value)
    return value if fits and sendable(value) else None


NUMBER = Kind(number, "is not a plain number", free=False, between=(-(10**15), 10**15))
COUNT = Kind(whole_number, "is not a whole number", free=False, between=(-1, 10**15), whole=True)
MONEY_TEXT = Kind(decimal_text, "is not a plain number", free=False)
CURRENCY = Kind(currency_code, "is no currency of ISO 4217", free=False)
ID = Kind(identifier, "is no id")
IDS = Kind(identifier, "is no id", each=True, commas=True)
TEXT = Kind(short_text, "is not text")
TEXTS = Kind(short_text, "is not text", each=True)
IP = Kind(public_ip, "is no public IP address", free=False)
ROWS = Kind(_rows, "is not a list of objects that JSON can hold")
DATA = Kind(lambda value: value if sendable(value) else None, "holds something that JSON cannot")


@lru_cache(maxsize=64)
def _web_address(strip: tuple[str, ...] | None) -> Kind:
    @lru_cache(maxsize=1024)
    def cleaned(text: str) -> str | None:
        return clean_address(text, strip)

    def read(value: Any) -> str | None:
        # A site has fewer pages than visitors; very long addresses are not worth their room.
        return cleaned(value) if type(value) is str and len(value) <= LONGEST else clean_address(value, strip)

    return Kind(read, "is no http or https address of a host")


LONGEST = 2048
"""Characters of an address that is remembered."""


def web_address(strip: Collection[str] | None = None) -> Kind:
    """The kind of a page's address, as `clean_address` makes it."""
    return _web_address(None if strip is None else tuple(strip))


def page_address(settings: Any) -> Kind:
    """The same by the setting `strip_query`: for a table of fields."""
    return web_address(settings.strip_query)


def click_id(name: str) -> Kind:
    """The kind of a click id by its parameter's name in lower case (`ttclid`)."""
    return Kind(lambda value: _sound(value, lambda text: click_fault(name, text)), "is no click id", free=False)


BROWSER_ID = Kind(lambda value: _sound(value, browser_fault), "is no id of a browser", free=False)


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


def cut_hashes(hashes: tuple[str, ...]) -> list[str]:
    """Hashes without what a vendor's own library has appended to them."""
    if len(hashes) == 1 and len(hashes[0]) == HASH_LENGTH:
        return [*hashes]
    return list(dict.fromkeys(one[:HASH_LENGTH] for one in hashes))


class Group(dict[str, Any]):
    """A part of a payload (`user_data`, `properties`) while it is filled; a dict when it is done.

    `name` is what its fields are called in `omitted`; empty for the payload itself.
    """

    __slots__ = ("name", "omitted")

    def __init__(self, name: str, omitted: list[Omitted]) -> None:
        self.name = name
        self.omitted = omitted

    def omit(self, key: Any, why: str) -> None:
        """Name a field that is left out."""
        self.omitted.append(Omitted(f"{self.name}.{field_label(key)}" if self.name else field_label(key), why))

    def put(self, key: Any, value: Any, kind: Kind) -> None:
        """Set a field to a value as its kind reads it. A missing value changes nothing, one that does not fit is
        named."""
        if value is None or (not value and is_missing(value)):
            return
        if type(key) is not str or not (key.isascii() or is_text(key)):
            self.omit(key, "its name is no text")
        elif kind.each:
            try:
                self._put_each(key, listed(value, commas=kind.commas), kind)
            except Unlisted as problem:
                self.omit(key, str(problem))
        elif (made := kind.read(value)) is None:
            self.omit(key, kind.fault)
        else:
            self[key] = made if kind.cut is None else self._cut(key, made, kind.cut)

    def _cut(self, key: str, made: Any, longest: int) -> Any:
        if not isinstance(made, str) or len(made) <= longest:
            return made
        self.omit(key, f"is cut to {longest} characters")
        return made[:longest]

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
            self[key] = hashes[0][:HASH_LENGTH] if single else cut_hashes(hashes)
        for fault in faults:
            self.omit(key, fault)


class Given:
    """A tag's parameters without those that have no value: `fields` by the vendor's names, the others in `rest`.

    `names`: the vendor's fields, groups among them. `empty`: those of them for which an empty list is a value. An
    `event_id` is refused: it is the same everywhere.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        names: Collection[str],
        omitted: list[Omitted],
        *,
        empty: Collection[str] = (),
    ) -> None:
        self.fields: dict[str, Any] = {}
        self.rest: dict[str, Any] = {}
        self._omitted = omitted
        for key, value in parameters.items():
            if is_missing(value) and not (value == [] and key in empty):
                continue
            if key == "event_id":
                why = "a tag cannot change it: every destination and the page have the same"
                omitted.append(Omitted("event_id", why))
            else:
                (self.fields if key in names else self.rest)[key] = value

    def text(self, key: str) -> str | None:
        """A field as text, whole numbers too; None when it is missing or something else."""
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, str) and is_text(value):
            return value
        if type(value) is int and abs(value) < 10**40:
            return str(value)
        self._omitted.append(Omitted(key, "is not text"))
        return None

    def among(self, names: Collection[str]) -> dict[str, Any]:
        """Those of the fields that have these names."""
        return {key: value for key, value in self.fields.items() if key in names} if self.fields else {}

    def group(self, key: str) -> dict[str, Any]:
        """A group's own fields, without those that have no value."""
        value = self.fields.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {name: one for name, one in value.items() if not is_missing(one)}
        self._omitted.append(Omitted(key, "is not a map"))
        return {}
