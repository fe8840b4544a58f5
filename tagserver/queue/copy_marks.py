"""What a copy of an order had with it, as four bytes behind its mark (`dedup.OrderKeys.mark`): the currency, who sent
it, and which kinds of things it told of its person and its goods. No value is in them.

They are there where copies of an order may come by several doors. A mark of eight bytes, as a queue has held them
always, says nothing of this, and what one of two marks does not say is no difference.
"""

from __future__ import annotations

from hashlib import blake2b

SHORT, LONG = 8, 12
_CURRENCY = slice(SHORT, SHORT + 2)
_REST = slice(SHORT + 2, LONG)
_NONE = bytes(2)

FROM_BROWSER = 1
KINDS = (
    "email",
    "phone",
    "name or address",
    "external id",
    "click id",
    "browser id",
    "IP address",
    "user agent",
    "items",
)
"""What a copy may have, from the second bit on."""


def had(kinds: int, currency: str | None, *, browser: bool) -> bytes:
    """The four bytes. `kinds`: a bit for each of `KINDS`, the first one the lowest; `currency` as three letters."""
    code = blake2b(currency.encode(), digest_size=2).digest() if currency else _NONE
    return code + (kinds << 1 | (FROM_BROWSER if browser else 0)).to_bytes(2)


def is_long(mark: bytes) -> bool:
    """Whether a mark says what its copy had."""
    return len(mark) == LONG


def from_browser(mark: bytes) -> bool:
    """Whether a browser sent it; it is a long one."""
    return bool(mark[LONG - 1] & FROM_BROWSER)


def unvouched(first: bytes, copy: bytes) -> bool:
    """Whether a browser sent the first one, and somebody with a key the copy."""
    return is_long(first) and is_long(copy) and from_browser(first) and not from_browser(copy)


def added(first: bytes, copy: bytes) -> tuple[str, ...]:
    """What a copy would have added to the first one; both are long."""
    more = (int.from_bytes(copy[_REST]) & ~int.from_bytes(first[_REST])) >> 1
    return tuple(name for place, name in enumerate(KINDS) if more >> place & 1)


def other_currency(first: bytes, copy: bytes) -> bool:
    """Whether both name a currency, and not the same: then their values are not to be compared."""
    if not (is_long(first) and is_long(copy)):
        return False
    before, now = first[_CURRENCY], copy[_CURRENCY]
    return before != now and before != _NONE and now != _NONE
