"""Web addresses, masked: scheme, host and path stay but for parts that may tell of somebody; of the query the names of
its keys and the values of campaigns. What stands behind the # is gone, and who is named in front of the host."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.event.address import Address, decoded
from tagserver.records.masking.marks import Marks
from tagserver.records.masking.shapes import PATHS, STEPS

_MOST_STEPS = 20
_MOST_PAIRS = 30
_LONGEST_PART = 4096
_CAMPAIGN = "utm_"

_MOST_FRONTS, _LONGEST_FRONT = 1024, 100
_FRONTS: dict[str, tuple[str, str]] = {}
"""Those that may stand as they are."""

Pairs = Sequence[tuple[str, str]]


def masked_address(address: Address, marks: Marks) -> str:
    """An address, or the part of one behind its host."""
    known: str | None = address.cleaned.get(masked_address)  # remembered with the address
    if known is not None and not marks.strict:
        marks.kept.append(known)
        return known
    front, path = masked_front(address, marks)[0], masked_path(address.raw_path, marks)
    made = joined(front, path, masked_query(address, marks), marks)
    if made == address.text:
        address.cleaned[masked_address] = made
    return made


def joined(front: str, path: str, pairs: Pairs, marks: Marks) -> str:
    """The parts of an address in their order, unless they tell together what none of them tells."""
    if not pairs:
        return marks.keep(front + path)
    return marks.keep(f"{front}{path}?{'&'.join([f'{key}={value}' if value else key for key, value in pairs])}")


def masked_front(address: Address, marks: Marks) -> tuple[str, str]:
    """Scheme, host and port; and the host alone."""
    front = address.front
    if not front:
        return "", ""
    known = _FRONTS.get(front)
    if known is not None and not marks.strict:
        marks.kept.append(front)
        return known
    scheme, port = address.scheme, address.port
    host = "[no host]"
    if address.host is not None:
        host = marks.keep(address.host) if STEPS[address.host] else marks.mark(address.host)
    begin = f"{scheme if STEPS[scheme] else '[scheme]'}:" if scheme else ""
    made = f"{begin}//{host}{'' if port is None else f':{port}'}", host
    if made[0] == front and len(front) <= _LONGEST_FRONT:
        if len(_FRONTS) >= _MOST_FRONTS:
            _FRONTS.clear()
        _FRONTS[front] = made
    return made


def masked_path(path: str, marks: Marks) -> str:
    """Each part of a path by itself."""
    if path == "/" or (PATHS[path] and not marks.strict):
        return marks.keep(path)
    steps = path.split("/", _MOST_STEPS)
    rest = "/…" if len(steps) > _MOST_STEPS and steps.pop() else ""
    made = "/".join([marks.keep(one) if STEPS[one] else marks.mark(one[:_LONGEST_PART]) for one in steps])
    return marks.keep(made) + rest


def masked_query(address: Address, marks: Marks) -> Pairs:
    """The keys of a query, each with what may stand of its value."""
    if not address.raw:
        return ()
    pairs = address.raw.split("&", _MOST_PAIRS)
    more = len(pairs) > _MOST_PAIRS and bool(pairs.pop())
    made: list[tuple[str, str]] = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = decoded(name), decoded(value)
        shown = marks.key(name) if name else ""
        made.append((shown, marks.text(value) if name.startswith(_CAMPAIGN) else marks.mark(value)))
    if more:
        made.append(("…", ""))
    return made
