"""What the header of all cookies says beside the cookies themselves: that one of them stands twice, and that there is
more than is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from tagserver.consent.cookies.choice import unreadable
from tagserver.consent.cookies.readers import NAMES
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.signals import COOKIES
from tagserver.consent.state import Reading
from tagserver.inbound.enrich import COOKIE_HEADER_LIMIT


def header_readings(header: str | None, policy: ConsentPolicy) -> list[Reading]:
    """Readings of the raw header, without any grant. Where consent tools are listed, what was not read of a header that
    is too long may hold a refusal, and counts as one."""
    if not header:
        return []
    readings = []
    if len(header) > COOKIE_HEADER_LIMIT:
        why = f"longer than {COOKIE_HEADER_LIMIT} characters"
        readings.append(unreadable("header", why) if policy.cmp_cookies else Reading("", problems=(f"cookies:{why}",)))
    names = [pair.partition("=")[0].strip() for pair in header[:COOKIE_HEADER_LIMIT].split(";")]
    if len(set(names)) < len(names):
        tells = _telling(policy.cmp_cookies)
        readings += [
            Reading("", problems=(f"cookie {name}:stands twice, and the first one counts",))
            for name, times in sorted(Counter(names).items())
            if times > 1 and tells.fullmatch(name)
        ]
    return readings


@lru_cache(64)
def _telling(tools: Sequence[str]) -> re.Pattern[str]:
    """The names of cookies that are read."""
    return re.compile("|".join([*map(re.escape, COOKIES), *(NAMES[tool] for tool in tools)]))
