"""What variables make of values: pure functions, total over any JSON value. MISSING stands for "there is nothing"."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tagserver.event.address import parse_address
from tagserver.event.event import MISSING
from tagserver.event.normalise import Unusable, email_text
from tagserver.event.phone import phone_digits
from tagserver.event.spelling import key_of
from tagserver.event.values import js_number, js_text
from tagserver.expressions.decimals import rounded

URL_PARTS = ("url", "protocol", "host", "host_without_www", "port", "path", "query", "fragment", "extension")
HASHES = ("exact", "lower", "email", "phone")
TIMES = ("ms", "seconds", "iso", "date")


def url_part(value: Any, part: str, key: str | None = None) -> Any:
    """A part of a web address, as Google Tag Manager's URL variable names them; `key` one value of its query."""
    if not isinstance(value, str):
        return MISSING
    address = parse_address(value)
    if address.host is None:
        return MISSING
    if key is not None:
        return address.query.get(key_of(address.query, key), MISSING)
    if part == "url":
        return value
    if part == "host":
        return address.host
    if part == "host_without_www":
        return address.host.removeprefix("www.")
    if part == "path":
        return address.path
    if part == "fragment":
        return address.hash if address.hash is not None else MISSING
    if part == "extension":
        name = (address.path or "").rpartition("/")[2]
        return name.rpartition(".")[2] if "." in name else MISSING
    found = {"protocol": address.scheme, "query": address.raw_query, "port": address.port}[part]
    return found if found not in (None, "") else MISSING


_BOT = re.compile(r"bot\b|crawl|spider|slurp|preview|headless|lighthouse|curl/|python-")
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook")
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone")
_LONGEST_AGENT = 1000


def device_class(agent: Any) -> Any:
    """`bot`, `tablet`, `mobile` or `desktop`, from a user agent. A guess, as all of these are."""
    if not isinstance(agent, str) or not agent:
        return MISSING
    agent = agent[:_LONGEST_AGENT].lower()
    if _BOT.search(agent):
        return "bot"
    _, android, behind = agent.rpartition("android")
    if _TABLET.search(agent) or (android and "mobile" not in behind):
        return "tablet"
    return "mobile" if _MOBILE.search(agent) else "desktop"


def hashed(value: Any, rule: str) -> Any:
    """SHA-256 of a value in its canonical form; MISSING for what has none."""
    if value is MISSING or value is None or value == "":
        return MISSING
    text = js_text(value)
    try:
        if rule == "email":
            text = email_text(text)
        elif rule == "phone":
            text = phone_digits(text, None)[0]
        elif rule == "lower":
            text = text.strip().lower()
        return hashlib.sha256(text.encode()).hexdigest() if text else MISSING
    except (Unusable, UnicodeEncodeError):
        return MISSING


def moment(ms: int, form: str) -> Any:
    """A time in ms since 1970 UTC as `ms`, `seconds`, `iso` (RFC 3339) or `date`."""
    if form == "ms":
        return ms
    if form == "seconds":
        return ms // 1000
    try:
        when = datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return MISSING
    return (
        when.strftime("%Y-%m-%d") if form == "date" else when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def drawn(key: str, name: str, most: int) -> int:
    """A whole number from 0 to `most`, drawn by a key: the same whenever and wherever it is asked for."""
    digest = hashlib.blake2b(f"{name}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (most + 1)


def coalesced(values: Sequence[Any]) -> Any:
    """The first that is there: not missing, not null, not an empty text."""
    return next((value for value in values if value is not MISSING and value is not None and value != ""), MISSING)


def split(value: Any, by: str, index: int) -> Any:
    """One piece of a text; a negative index counts from the end."""
    if value is MISSING or value is None:
        return MISSING
    parts = js_text(value).split(by)
    return parts[index].strip() if -len(parts) <= index < len(parts) else MISSING


LONGEST_REPLACED = 1 << 16
"""Characters that references to groups may come to."""
_GROUP = re.compile(r"\$(\$|&|[0-9]{1,2}|<[A-Za-z_][A-Za-z0-9_]*>)", re.ASCII)


def replaced(text: str, found: Any, by: Any) -> Any:
    """A text in which what matched is replaced, as JavaScript's `replace` does for the first match: `$1` to `$99` and
    `$<name>` are groups, `$&` is the match, `$$` a dollar sign. When all of the text matched, a value that is no text
    stays what it is. MISSING when it becomes longer than `LONGEST_REPLACED`: what stands for the match may come from
    the event, and name its groups many times."""
    if not isinstance(by, str):
        if by is MISSING or (found.start() == 0 and found.end() == len(text)):
            return by
        by = js_text(by).replace("$", "$$")

    made = 0

    def counted(reference: re.Match[str]) -> str:
        nonlocal made
        text = group(reference) if made <= LONGEST_REPLACED else ""
        made += len(text)
        return text

    def group(reference: re.Match[str]) -> str:
        name = reference[1]
        if name == "$":
            return "$"
        if name == "&":
            return str(found.group(0))
        if name[0] == "<":
            known = found.re.groupindex
            return (found.group(known[name[1:-1]]) or "") if name[1:-1] in known else reference[0]
        for size in (len(name), 1):
            if 1 <= (number := int(name[:size])) <= len(found.groups()):
                return (found.group(number) or "") + name[size:]
        return reference[0]

    put = _GROUP.sub(counted, by)
    return MISSING if made > LONGEST_REPLACED else text[: found.start()] + put + text[found.end() :]


def items_where(items: Any, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects of a list whose fields have these values, compared as texts."""
    rows = items if isinstance(items, list) else []
    return [
        row
        for row in rows
        if isinstance(row, Mapping)
        and all(js_text(field_of(row, key)) in [js_text(one) for one in wanted] for key, wanted in where.items())
    ]


def field_of(row: Mapping[str, Any], name: str, default: Any = MISSING) -> Any:
    """A field of an item by its name, however its sender writes it."""
    return row.get(key_of(row, name), default)


def items_sum(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Any:
    """The sum of the products of some fields: `[price, quantity]`. A missing quantity is one; no rows have no sum, and
    none that a number of JavaScript does not hold."""
    total: int | float = 0
    for row in rows:
        product: int | float = 1
        for field in fields:
            factor = js_number(field_of(row, field, 1 if field == "quantity" else MISSING))
            if not abs(factor) <= _LARGEST or not abs(product := product * factor) <= _LARGEST:
                return MISSING
        total += product
    if not rows or not abs(total) <= _LARGEST:
        return MISSING
    return round(total, 6) if isinstance(total, float) else total


_LARGEST = sys.float_info.max


_GROUPS = frozenset(", .'\u2019\u00a0\u2009\u202f")
"""What may stand between groups of digits: a comma or point, blanks that break lines or do not, an apostrophe."""
_LONGEST_NUMBER = 400
_EXPONENT = re.compile(r"[eE][+-]?[0-9]{1,4}\Z")


_SIGNS = {"-": "-", "+": "", **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-")}
"""What may stand in front of a number: hyphens and dashes mean minus, as the minus sign does."""


def written_number(text: str, mark: str) -> int | float | None:
    """The number that a text is by the custom of those who write `mark` (`.` or `,`) before the decimals: `1,234.50`,
    `1.234,50`, `1'234.50`, `1 234,50`, in India `12,34,567.00`. None for a text of the other custom, or of none:
    `59,90` is no number with a decimal point, for a group is three digits, and the last one always.
    """
    text = text.strip()
    if not 0 < len(text) <= _LONGEST_NUMBER:
        return None
    sign = _SIGNS.get(text[0])
    text = text if sign is None else text[1:].lstrip()
    power = found[0] if (found := _EXPONENT.search(text)) else ""
    head, point, tail = text[: len(text) - len(power)].partition(mark)
    between = {one for one in head if not one.isdecimal()}
    if len(between) > 1 or not between <= _GROUPS or not (head or tail):
        return None
    first, *groups = head.split(between.pop()) if between else (head,)
    if groups and not _are_groups(len(first), [len(one) for one in groups]):
        return None
    digits = first + "".join(groups)
    if not (digits + tail).isascii() or (tail and not tail.isdecimal()):
        return None
    number = js_number((sign or "") + digits + (point and ".") + tail + power)
    return number if abs(number) <= _LARGEST else None


def _are_groups(first: int, others: Sequence[int]) -> bool:
    """Whether digits are in groups of three, or as in India: the last three, before them two each."""
    *middle, last = others
    by_three = 1 <= first <= 3 and all(one == 3 for one in middle)
    return last == 3 and (by_three or (1 <= first <= 2 and all(one == 2 for one in middle)))


class Format:
    """Changes a value in Google Tag Manager's order: case, null, undefined, true, false, number; then blanks and
    rounding, which are ours. `replace` maps `null`, `undefined`, `true`, `false` to what takes their place, as a
    function of what the format is called with."""

    def __init__(
        self,
        case: str | None = None,
        replace: Mapping[str, Callable[[Any], Any]] | None = None,
        number: str | None = None,
        digits: int | None = None,
        trim: bool = False,
    ) -> None:
        self._case, self._replace, self._number, self._digits, self._trim = case, replace or {}, number, digits, trim

    def __call__(self, value: Any, given: Any = None) -> Any:
        """The value as it should be; `given` is handed to the replacements."""
        if isinstance(value, str):
            value = value.strip() if self._trim else value
            value = value.lower() if self._case == "lower" else value.upper() if self._case == "upper" else value
        name = self._name(value)
        if name is not None and name in self._replace:
            value = self._replace[name](given)
        if self._number is not None and value is not MISSING and value is not None:
            value = self._as_number(value)
        if self._digits is not None and isinstance(value, int | float) and not isinstance(value, bool):
            value = rounded(value, self._digits)
        return value

    @staticmethod
    def _name(value: Any) -> str | None:
        if value is MISSING:
            return "undefined"
        return {None: "null", True: "true", False: "false"}.get(value) if value is None or type(value) is bool else None

    def _as_number(self, value: Any) -> Any:
        """A number from a text with a decimal `point` or `comma`; MISSING for what is none."""
        if isinstance(value, str):
            found = written_number(value, "," if self._number == "comma" else ".")
            return MISSING if found is None else found
        number = js_number(value)
        return number if abs(number) <= _LARGEST else MISSING
