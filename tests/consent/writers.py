"""Writes consent strings, for tests: the other direction of what `tagserver.consent.decoders` reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagserver.consent.decoders.us import LAYOUTS

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DAY = 86_400_000
Ranges = Sequence[tuple[int, int]]
Restrictions = Sequence[tuple[int, int, Ranges]]


def number(value: int, width: int) -> str:
    """A number as bits."""
    bits = f"{value:0{width}b}"
    assert len(bits) == width
    return bits


def places(ids: Iterable[int], width: int) -> str:
    """One bit for each number from 1 to `width`."""
    chosen = set(ids)
    return "".join("1" if place in chosen else "0" for place in range(1, width + 1))


def word(text: str) -> str:
    """Letters, six bits each."""
    return "".join(number(ord(letter) - 65, 6) for letter in text)


def letters(bits: str) -> str:
    """Bits as text, filled up with zeros."""
    bits += "0" * (-len(bits) % 6)
    return "".join(LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def bits_of(text: str) -> str:
    """Text as bits."""
    return "".join(number(LETTERS.index(letter), 6) for letter in text)


def ranges(pairs: Ranges) -> str:
    """NumEntries and the entries: single numbers, or ranges."""
    entries = [
        number(0, 1) + number(a, 16) if a == b else number(1, 1) + number(a, 16) + number(b, 16) for a, b in pairs
    ]
    return number(len(pairs), 12) + "".join(entries)


def as_field(ids: Iterable[int]) -> str:
    """A set of vendors, one bit each."""
    chosen = sorted(ids)
    highest = chosen[-1] if chosen else 0
    return number(highest, 16) + "0" + places(chosen, highest)


def as_ranges(pairs: Ranges, highest: int | None = None) -> str:
    """A set of vendors in ranges."""
    top = max((b for _, b in pairs), default=0) if highest is None else highest
    return number(top, 16) + "1" + ranges(pairs)


NOBODY = as_field(())


def head(
    *,
    version: int = 2,
    day: int = 20_700,
    updated: int | None = None,
    policy: int = 5,
    service_specific: bool = True,
    special: Iterable[int] = (),
    purposes: Iterable[int] = (),
    interests: Iterable[int] = (),
    purpose_one: bool = False,
    country: str = "DE",
) -> str:
    """The fixed part of a core. `day` counts from 1970 (20700 is 2026-09-04); `updated` is in ms and wins over it."""
    moment = number((day * DAY if updated is None else updated) // 100, 36)
    return (
        number(version, 6)
        + moment * 2
        + number(300, 12)
        + number(7, 12)
        + number(1, 6)
        + word("EN")
        + number(150, 12)
        + number(policy, 6)
        + number(service_specific, 1)
        + "0"
        + places(special, 12)
        + places(purposes, 24)
        + places(interests, 24)
        + number(purpose_one, 1)
        + word(country)
    )


def restrictions(entries: Restrictions) -> str:
    """NumPubRestrictions and the entries: purpose, type, ranges."""
    return number(len(entries), 12) + "".join(number(p, 6) + number(kind, 2) + ranges(r) for p, kind, r in entries)


def tc_string(
    fixed: str | None = None,
    *,
    consents: str = NOBODY,
    interests: str = NOBODY,
    restricted: Restrictions = (),
    disclosed: str | None = NOBODY,
    publisher: str | None = None,
) -> str:
    """A whole TC string of its parts in bits; see `head`, `as_field`, `as_ranges`."""
    core = letters((head() if fixed is None else fixed) + consents + interests + restrictions(restricted))
    parts = [core]
    if disclosed is not None:
        parts.append(letters(number(1, 3) + disclosed))
    if publisher is not None:
        parts.append(letters(number(3, 3) + publisher))
    return ".".join(parts)


def fibonacci(value: int) -> str:
    """A number in Fibonacci code."""
    weights = [1, 2]
    while weights[-1] <= value:
        weights.append(weights[-1] + weights[-2])
    bits = ["0"] * len(weights)
    for at in reversed(range(len(weights))):
        if weights[at] <= value:
            value -= weights[at]
            bits[at] = "1"
    return "".join(bits).rstrip("0") + "1"


def gpp_header(ids: Sequence[int]) -> str:
    """The header of these sections; neighbours become a group."""
    items = []
    last = at = 0
    while at < len(ids):
        end = at
        while end + 1 < len(ids) and ids[end + 1] == ids[end] + 1:
            end += 1
        first = number(end > at, 1) + fibonacci(ids[at] - last)
        items.append(first + fibonacci(ids[end] - ids[at]) if end > at else first)
        last, at = ids[end], end + 1
    return letters(number(3, 6) + number(1, 6) + number(len(items), 12) + "".join(items))


def gpp_string(sections: dict[int, str]) -> str:
    """A GPP string of the texts of its sections."""
    return "~".join([gpp_header(sorted(sections)), *(sections[number] for number in sorted(sections))])


def us_section(name: str, version: int, values: Sequence[int], gpc: bool | None = None) -> str:
    """A US section of the values of all its items, in their order."""
    core = letters(number(version, 6) + "".join(number(value, 2) for value in values))
    return core if gpc is None else f"{core}.{letters('01' + number(gpc, 1))}"


def items_of(name: str, version: int) -> list[tuple[str, int]]:
    """The items of a US section: the field's name and the place in the field."""
    return [(field, at) for field, count in LAYOUTS[name, version] for at in range(count)]
