"""The rows of a destination's table: what each says of some fields of a vendor's payload. Authors import these from
`tagserver.plugin`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tagserver.event.event import Event
from tagserver.event.identity import Identity
from tagserver.event.identity_rules import BIRTH_DATE as BIRTH_DATE_MONTH_FIRST
from tagserver.event.identity_rules import BIRTH_DATE_DAY_FIRST, Rule, phone_plus_rule, phone_rule
from tagserver.plugin.fields import DATA, HASH_LENGTH, Group, Kind, cut_hashes
from tagserver.plugin.item_plan import ItemFields

Write = Callable[[Group, Event, Mapping[str, Any], Any], None]
"""The same in a plugin's own code; the last are the settings."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """The kind of a field that holds SHA-256 and nothing else: a list, or the first alone (`single`). `marked`: what a
    vendor's own library has appended to a hash stays."""

    single: bool = False
    marked: bool = False

    def of(self, hashes: tuple[str, ...]) -> list[str] | str:
        """What the field holds for some hashes, of which there is one at least."""
        return hashes[0][:HASH_LENGTH] if self.single else list(hashes) if self.marked else cut_hashes(hashes)


HASHES, HASH = Hashes(), Hashes(single=True)


@dataclass(frozen=True, slots=True)
class RuleBy:
    """A rule that the settings decide (`default_country`). `place`: where `user_data` has the field."""

    place: str
    under: Callable[[Any], Rule]


@dataclass(frozen=True, slots=True)
class Clear:
    """Something of the person in the clear. `place`: where `user_data` has it (`address.city`)."""

    place: str
    read: Callable[[Identity], Any]


@dataclass(frozen=True, slots=True)
class From:
    """A value that is worked out from some `paths` of an event."""

    read: Callable[[Event], Any]
    paths: tuple[str, ...]


PHONE = RuleBy("phone_number", lambda settings: phone_rule(settings.default_country))
"""Telephone numbers as bare digits; the setting `default_country` is that of numbers which name none."""
PHONE_PLUS = RuleBy("phone_number", lambda settings: phone_plus_rule(settings.default_country))
"""The same with the plus sign."""
BIRTH_DATE = RuleBy(
    "date_of_birth",
    lambda settings: BIRTH_DATE_DAY_FIRST if settings.date_order == "day_first" else BIRTH_DATE_MONTH_FIRST,
)
"""The date of birth as YYYYMMDD, read as the setting `date_order` says (`month_first`, `day_first`)."""
COUNTRY_CODE = Clear("address.country", lambda who: who.country)
"""The country's two letters in lower case, in the clear."""


def in_clear(field: str, normalise: Callable[[str], str | None] | None = None) -> Clear:
    """A field of the person in the clear, in a form of the vendor's; what came hashed is left out. `field`: a name such
    as `email`, `first_name`, `city`."""
    place = field if field in ("email", "gender", "date_of_birth") else f"address.{field}"
    return Clear(place, lambda who: who.plain(field, normalise))


Source = Rule | RuleBy | Clear | From | str | tuple[str, ...] | None
KindBy = Callable[[Any], Kind]
"""The kind of a field that the settings decide (`strip_query`)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the vendor's.

    `source`: a rule of `tagserver.plugin.identity`, a path of the event, several of which the first counts that says
    something, or None for what a tag alone sets. `clear`: it holds the person in the clear. `first`: of what the tag
    and the event say the first counts that fits; otherwise the tag's alone, where it says something. `path`: where
    it stands below the part, if not by its name. `note`: the source in words, for people.
    """

    name: str
    source: Source = None
    kind: Kind | Hashes | KindBy = DATA
    clear: bool = False
    first: bool = False
    path: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """The event's value; where it has none and the setting `value_from_items` says so, what its items add up to."""

    name: str
    kind: Kind
    note: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """The event's items, see `put_items`, or a tag's alone where they are not `of_event`. `first`: a tag's own stand in
    their place, also where none of them fits; otherwise they come after them."""

    name: str
    fields: ItemFields
    needed: str | tuple[str, ...] | None = None
    own: ItemFields | None = None
    unsaid: Mapping[str, Any] | None = None
    first: bool = False
    of_event: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Fields that no table can say. `reads`: paths of the event; `hashed` and `clear`: paths below the part; `kinds`:
    how a tag's own values of them are read, where the part reads them; `free`: whether they may hold free text."""

    names: tuple[str, ...]
    write: Write
    reads: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] | None = None
    free: bool = True
    note: str = ""


Row = Field | Value | Items | Code


def names_of(row: Row) -> tuple[str, ...]:
    return row.names if isinstance(row, Code) else (row.name,)


_COUNTRY = "user_data.address.country"
_PLACES = {
    "email": ("user_data.email", "user_data.sha256_email_address"),
    "phone_number": (
        "user_data.phone_number",
        "user_data.sha256_phone_number",
        "user_data.sha256_phone_digits",
        _COUNTRY,
    ),
    "external_id": ("user_data.external_id", "user_id"),
    **{
        f"address.{name}": (f"user_data.address.{name}", f"user_data.address.sha256_{name}")
        for name in ("first_name", "last_name", "street")
    },
    **{f"address.{name}": (f"user_data.address.{name}", _COUNTRY) for name in ("region", "postal_code")},
}
"""Place of a field of the person → what of an event says it, where that is more than the place itself."""


def hashed_of(row: Row) -> Iterable[str]:
    if isinstance(row, Code):
        return row.hashed
    return (row.path or row.name,) if isinstance(row, Field) and isinstance(row.kind, Hashes) else ()


def clear_of(row: Row) -> Iterable[str]:
    if isinstance(row, Code):
        return row.clear
    return (row.path or row.name,) if isinstance(row, Field) and row.clear else ()


def free_of(row: Row) -> Iterable[str]:
    if isinstance(row, Code):
        return row.names if row.free else ()
    if isinstance(row, Items):
        kinds: Iterable[object] = [kind for _, kind in row.fields.values()]
    else:
        kinds = [row.kind]
    closed = all(isinstance(kind, Hashes) or (isinstance(kind, Kind) and not kind.free) for kind in kinds)
    path = row.path if isinstance(row, Field) else ""
    return () if closed else (path or row.name,)


def reads_of(row: Row) -> Iterable[str]:
    if isinstance(row, Code):
        return row.reads
    if isinstance(row, Items):
        return ("ecommerce.items",) if row.of_event else ()
    if isinstance(row, Value):
        return ("ecommerce.value", "ecommerce.items")
    source = row.source
    if isinstance(source, From):
        return source.paths
    if isinstance(source, Rule | RuleBy | Clear):
        return _PLACES.get(source.place, (f"user_data.{source.place}",))
    return () if source is None else (source,) if isinstance(source, str) else source


def source_text(row: Row) -> str:
    """Where the event has a row's fields, for people."""
    if row.note:
        return row.note
    if isinstance(row, Value):
        return "`ecommerce.value`; else the sum of the items, with `value_from_items`"
    source = row.source if isinstance(row, Field) else None
    if isinstance(source, Rule | RuleBy | Clear):
        place = f"`user_data.{source.place}`"
        return f"{place}, else `user_id`" if source.place == "external_id" else place
    if isinstance(source, tuple):
        return ", else ".join(f"`{path}`" for path in source)
    return ", ".join(f"`{path}`" for path in reads_of(row)) or "a tag alone"


def way_text(row: Row) -> str:
    """How a row's fields are sent, for people."""
    if hashed_of(row):
        return "hashed"
    return "in the clear" if clear_of(row) else ""


def fault_text(row: Row) -> str:
    """What is said of a value that does not fit and is left out, for people; empty where that is not one sentence."""
    if isinstance(row, Items | Code):
        return ""
    if isinstance(row, Field) and isinstance(row.source, Rule) and isinstance(row.kind, Hashes):
        return getattr(row.source, "fault", "")
    return row.kind.fault if isinstance(row.kind, Kind) else ""
