"""Where an address is: a database of regions that operations supply, in MaxMind's format.

No data comes with this project. The database is looked at with the visitor's whole address, before any of it is cut off
or goes anywhere; what is kept is the country and its part.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Region = tuple[str | None, str | None]
"""Country (ISO 3166-1) and subdivision (ISO 3166-2, `US-CA`); None: unknown."""
Locate = Callable[[str | None], Region]
UNKNOWN: Region = (None, None)


def nowhere(ip: str | None) -> Region:
    """Every address is unknown: for when there is no database."""
    return UNKNOWN


def open_database(path: str) -> Locate:
    """A function that finds the region of an address. Raises OSError and ValueError, whose texts say why, and
    ImportError without the library, which nobody needs who has no database."""
    import maxminddb

    if not Path(path).is_file():
        raise OSError("there is no such file")
    try:
        reader = maxminddb.open_database(path)
    except maxminddb.InvalidDatabaseError:
        raise ValueError("it is no database in MaxMind's format") from None

    def locate(ip: str | None) -> Region:
        if ip is None:
            return UNKNOWN
        try:
            return region_of_record(reader.get(ip))
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address; IPv6 in a database of IPv4; a damaged page
            return UNKNOWN

    return locate


def region_of_record(record: Any) -> Region:
    """What a record of a city or country database says: `country.iso_code`, and that of the first subdivision.

    Where a network is registered is not where its users are: `registered_country` is not read.
    """
    country = _code(_under(record, "country"), 2)
    if country is None or not country.isalpha():
        return UNKNOWN
    parts = _under(record, "subdivisions")
    part = _code(parts[0], 3) if isinstance(parts, list) and parts else None
    return country, None if part is None else f"{country}-{part}"


def _under(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _code(record: Any, longest: int) -> str | None:
    code = _under(record, "iso_code")
    sound = isinstance(code, str) and code.isascii() and code.isalnum() and len(code) <= longest
    return code.upper() if sound else None
