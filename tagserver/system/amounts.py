"""Numbers for people: how many of what, and how large."""

from __future__ import annotations

_UNITS = (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 delivery`, `2,000 deliveries`. `many`: where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def deliveries(number: int) -> str:
    """How many deliveries."""
    return counted(number, "delivery", "deliveries")


def letters(number: int) -> str:
    """How many dead letters."""
    return counted(number, "dead letter")


def size(number: float) -> str:
    """Bytes in the largest unit of which there is one: `22.8 GiB`, `512 MiB`, `0 bytes`."""
    for unit, shift in _UNITS:
        if (large := number / (1 << shift)) >= 1:
            return f"{large:.1f} {unit}".replace(".0 ", " ") if large < 100 else f"{large:,.0f} {unit}"
    return counted(round(number), "byte")
