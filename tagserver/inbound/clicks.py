"""Click ids: what an ad network puts into the address of the page that its visitor lands on.

The names, their cookies and their formats are those of the vendors' own documentation and scripts. The address
beats a cookie, and a cookie beats a field of the event. Values are opaque and case-sensitive: they are never
changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

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

_NAMES = frozenset(PARAMETERS)
_BESIDE = ("gad_", "gclsrc", "_gl", "yclid")
"""How keys begin that come along with a click, or tell one from another as a click id does."""
LONGEST = 2048
"""Characters of a click id that are believed; a longer one is somebody's experiment."""


def _after_last_dot(value: str) -> str:
    return value.rpartition(".")[2]


def _gcl_new(value: str) -> str:
    """`2.1.k<id>$i<seconds>` (Google's newer cookies)."""
    return value.partition(".k")[2].partition("$")[0]


def _fbc(value: str) -> str:
    """`fb.<index>.<ms>.<fbclid>`, perhaps with an appendix behind: the fourth part."""
    parts = value.split(".")
    return parts[3] if len(parts) in (4, 5) and parts[0] == "fb" else ""


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
    return key in _NAMES or key.startswith(_BESIDE)


def click_ids(query: Mapping[str, str], cookies: Mapping[str, str], data: Mapping[str, Any]) -> Mapping[str, str]:
    """Every click id that is known for an event, by lower-case parameter name."""
    found: dict[str, str] = {}
    explicit = data.get("click")
    for group in (explicit if type(explicit) is dict else {}, data):
        for name in _NAMES.intersection(group):
            value = group[name]
            if type(value) is str and 0 < len(value) <= LONGEST:
                found[name] = value
    if cookies:
        for name, places in COOKIES.items():
            for cookie, read in places:
                value = cookies.get(cookie)
                if value and 0 < len(kept := read(value)) <= LONGEST:
                    found[name] = kept
                    break
    for name, value in query.items():
        if value and len(value) <= LONGEST and (lower := name.lower()) in _NAMES:
            found[lower] = value
    return found
