"""Where a default of Consent Mode holds: its `region`, a list of ISO 3166 codes (`DE`, `US-CA`)."""

from __future__ import annotations

import re
from typing import Any, Literal

from tagserver.consent.state import Region

Weight = Literal[0, 1, 2]
"""How closely a scope fits: 0 none given, 1 the country, 2 the subdivision."""

_CODE = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?\Z")


def scope_of(scope: Any, region: Region) -> tuple[Weight | None, bool]:
    """The weight of a default for a visitor, None elsewhere; and whether the scope could be read. One that could not
    may name any place: it fits as closely as can be."""
    if scope is None:
        return 0, True
    codes = [_code(one) for one in (scope if isinstance(scope, list) else [scope])]
    if region.subdivision and region.subdivision in codes:
        return 2, True
    if region.country and region.country in codes:
        return 1, True
    return (None, True) if codes and None not in codes else (2, False)


def _code(value: Any) -> str | None:
    code = value[:10].strip().upper() if isinstance(value, str) else ""
    return code if _CODE.match(code) else None
