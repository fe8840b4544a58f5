"""Click ids: what an ad network puts into the address of the page that its visitor lands on; and browser ids, which its
script keeps in a cookie.

The names, their cookies and their formats are those of the vendors' own documentation and scripts. The address
beats a cookie, and a cookie beats a field of the event: of all these places the first counts that holds what can be an
id. Values are opaque and case-sensitive: they are never changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tagserver.event.placeholder import WHY, is_placeholder

PARAMETERS = [
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "ttclid",
    "epik",
    "sccid",
    "li_fat_id",
    "rdt_cid",
    "msclkid",
    "twclid",
    "_kx",
    "oppref",
]
"""Query parameters, lower case: `ScCid` is matched whatever its case."""

NAMES = frozenset(PARAMETERS)
_BESIDE = ("gad_", "gclsrc", "_gl", "yclid")
"""How keys begin that come along with a click, or tell one from another as a click id does."""
LONGEST = 2048
"""Characters of a click id that are believed; a longer one is somebody's experiment."""
LONGEST_BROWSER = 256

_narrow = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_dotted = re.compile(r"[A-Za-z0-9_.-]+").fullmatch
_base64 = re.compile(r"[A-Za-z0-9_.~=+/-]+").fullmatch
_SHAPES = {"ttclid": _dotted, "epik": _base64, "_kx": _base64, "oppref": _base64}
"""Those that hold more than letters, digits, `-` and `_`: dots between their parts, or signs of Base64."""
BAD_SIGNS = "holds signs that no such id has"


def click_fault(name: str, value: str) -> str | None:
    """What is wrong with a click id by its lower-case name, or None: a link that was mangled and a template that nobody
    filled are no click."""
    if len(value) > LONGEST:
        return f"has more than {LONGEST} characters"
    if is_placeholder(value):
        return WHY
    return None if _SHAPES.get(name, _narrow)(value) else BAD_SIGNS


def browser_fault(value: str) -> str | None:
    """The same of a browser's id as a vendor's script makes it (`_ttp`, `_scid`, `_rdt_uuid`)."""
    if len(value) > LONGEST_BROWSER:
        return f"has more than {LONGEST_BROWSER} characters"
    if is_placeholder(value):
        return WHY
    return None if _dotted(value) else BAD_SIGNS


def _after_last_dot(value: str) -> str:
    return value.rpartition(".")[2]


def _gcl_new(value: str) -> str:
    """`2.1.k<id>$i<seconds>` (Google's newer cookies)."""
    return value.partition(".k")[2].partition("$")[0]


def _fbc(value: str) -> str:
    """`fb.<index>.<ms>.<fbclid>`, perhaps with an appendix behind: the fourth part."""
    parts = value.split(".")
    sound = len(parts) in (4, 5) and parts[0] == "fb" and parts[1].isdecimal() and parts[2].isdecimal()
    return parts[3] if sound else ""


def _twclid(value: str) -> str:
    if not value.startswith("{"):
        return value
    try:
        held = json.loads(value).get("twclid")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return held if isinstance(held, str) else ""


def _plain(value: str) -> str:
    return value


COOKIES: Mapping[str, tuple[tuple[str, Callable[[str], str]], ...]] = MappingProxyType(
    {
        "fbclid": (("_fbc", _fbc),),
        "gclid": (("_gcl_aw", _after_last_dot), ("FPGCLAW", _gcl_new)),
        "gbraid": (("_gcl_ag", _gcl_new), ("FPGCLAG", _gcl_new)),
        "wbraid": (("_gcl_gb", _after_last_dot), ("FPGCLGB", _gcl_new)),
        "ttclid": (("ttclid", _plain),),
        "epik": (("_epik", _plain),),
        "sccid": (("_scclid", _plain),),
        "li_fat_id": (("li_fat_id", _plain),),
        "rdt_cid": (("_rdt_cid", _plain), ("rdt_cid", _plain)),
        "msclkid": (("_uetmsclkid", lambda value: value.removeprefix("_uet")), ("uet_msclkid", _plain)),
        "twclid": (("_twclid", _twclid), ("twclid", _plain)),
    }
)
"""Click id → the cookies that keep it, best first, each with the way to read it."""


def is_click_key(key: str) -> bool:
    """Whether a key of a query, in lower case, holds a click id or what comes along with one."""
    return key in NAMES or key.startswith(_BESIDE)


BROWSER_COOKIES = ("_ttp", "_scid", "_rdt_uuid", "_uetvid")
_fbp = re.compile(r"fb\.[0-9]{1,3}\.[0-9]{1,20}\.[\w.-]{1,80}", re.ASCII).fullmatch
_ga = re.compile(r"GA1\.[0-9-]+\.[0-9]+\.[0-9]+", re.ASCII).fullmatch
_READERS = {cookie: (name, read) for name, places in COOKIES.items() for cookie, read in places}


def is_sound_cookie(name: str, value: str) -> bool:
    """Whether a cookie holds what its vendor writes into it; of cookies that are not known here, yes."""
    if name in _READERS:
        click, read = _READERS[name]
        return bool(kept := read(value)) and click_fault(click, kept) is None
    if name in BROWSER_COOKIES:
        return browser_fault(value) is None
    shape = {"_fbp": _fbp, "_ga": _ga}.get(name)
    return shape is None or shape(value) is not None


def click_ids(
    landed: Sequence[tuple[str, str]], cookies: Mapping[str, str], data: Mapping[str, Any]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Every click id that is known for an event, by lower-case parameter name; and what was wrong with what stood in
    front of one, or alone. `landed`: those in the page's address, decoded, in their order."""
    explicit = data.get("click")
    found: dict[str, str] = {}
    faults: dict[str, str] = {}

    def look(name: str, value: Any) -> None:
        # From the last place to the first, so that the better one stands.
        if type(value) is int:
            value = str(value)
        if type(value) is str and value:
            if (fault := click_fault(name, value)) is None:
                found[name] = value
            else:
                faults[name] = fault

    for group in (explicit if type(explicit) is dict else {}, data):
        for name in sorted(NAMES.intersection(group)):  # a set has another order in each process
            look(name, group[name])
    if cookies:
        for name, places in COOKIES.items():
            for cookie, read in reversed(places):
                if value := cookies.get(cookie):
                    look(name, read(value))
    for name, value in reversed(landed):
        look(name, value)
    return found, faults
