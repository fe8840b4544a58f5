"""The consent tools whose cookies can be read, and what a request's cookies say, of those tools and as a whole.

Cookies of a tool that a site has replaced live on for months: only what `consent.cmp_cookies` lists is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tagserver.consent.cookies.categories import complianz, cookiebot, cookieyes, onetrust
from tagserver.consent.cookies.choice import CATEGORIES, unreadable
from tagserver.consent.cookies.json_categories import iubenda, osano, shopify
from tagserver.consent.cookies.vendors import axeptio, commanders_act, didomi, klaro, tarteaucitron
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading
from tagserver.event.consent_fields import COOKIES
from tagserver.event.cookies import COOKIE_HEADER_LIMIT


class Tool(NamedTuple):
    """`read`: cookies and policy → readings, none when the tool's cookies are absent. `cookies`: their names, as a
    regular expression."""

    read: Callable[[Mapping[str, str], ConsentPolicy], list[Reading]]
    cookies: str


TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        "onetrust": Tool(onetrust, "OptanonConsent|OptanonAlertBoxClosed"),
        "cookiebot": Tool(cookiebot, "CookieConsent"),
        "cookieyes": Tool(cookieyes, "cookieyes-consent|cookielawinfo-checkbox-.*|viewed_cookie_policy"),
        "complianz": Tool(complianz, "cmplz_.*"),
        "iubenda": Tool(iubenda, "_iub_cs-.*"),
        "axeptio": Tool(axeptio, "axeptio_.*"),
        "didomi": Tool(didomi, "didomi_token|didomi_dcs"),
        "klaro": Tool(klaro, "klaro"),
        "osano": Tool(osano, "osano_consentmanager|cookieconsent_status(_[A-Z]+)?"),
        "tarteaucitron": Tool(tarteaucitron, "tarteaucitron"),
        "shopify": Tool(shopify, "_tracking_consent"),
        "commanders_act": Tool(commanders_act, "TC_PRIVACY"),
    }
)
"""By their names in `consent.cmp_cookies`."""

BY_VENDOR = frozenset(TOOLS) - frozenset(CATEGORIES)
"""Tools that ask by the site's own names: they say nothing without `consent.cmp_vendors`."""

ONLY_IN_THE_PAGE = frozenset({"termly", "usercentrics"})
"""Tools that keep the choice where no request carries it."""


def is_consent_cookie(name: str) -> bool:
    """Whether a cookie of this name says something about consent: for any tool, or by a standard."""
    return _cookies_read(tuple(TOOLS)).fullmatch(name) is not None


def cmp_readings(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """What the cookies of the listed consent tools say.

    `cookies`: names to values, raw or percent-decoded once. Explicit where a choice is recorded, else a preset. A
    cookie that is there and cannot be read denies all that can be refused. Never raises.
    """
    readings: list[Reading] = []
    for tool in policy.cmp_cookies:
        try:
            readings += TOOLS[tool].read(cookies, policy)
        except MemoryError:
            raise
        except Exception as error:  # whatever a visitor's cookie did to it, it is no consent
            readings.append(unreadable(tool, type(error).__name__))
    if _disagree(readings):
        readings.append(Reading("cmp_cookies", problems=("cmp_cookies:disagree",)))
    return readings


def _disagree(readings: list[Reading]) -> bool:
    """Whether one choice grants what another denies. A preset beside a choice is no contradiction."""
    said = {
        (purpose, signal.state)
        for reading in readings
        for purpose, signal in reading.signals.items()
        if signal.kind == "explicit"
    }
    return any((purpose, "denied") in said for purpose, state in said if state == "granted")


def header_readings(header: str | None, policy: ConsentPolicy) -> list[Reading]:
    """What the raw header says beside the cookies themselves, without any grant: that one of them stands twice, and
    that there is more than is read. Where consent tools are listed, what was not read of a header that is too long may
    hold a refusal, and counts as one."""
    if not header:
        return []
    readings = []
    if len(header) > COOKIE_HEADER_LIMIT:
        why = f"longer than {COOKIE_HEADER_LIMIT} characters"
        readings.append(unreadable("header", why) if policy.cmp_cookies else Reading("", problems=(f"cookies:{why}",)))
    names = [pair.partition("=")[0].strip() for pair in header[:COOKIE_HEADER_LIMIT].split(";")]
    if len(set(names)) < len(names):
        read = _cookies_read(policy.cmp_cookies)
        readings += [
            Reading("", problems=(f"cookie {name}:stands twice, and the first one counts",))
            for name, times in sorted(Counter(names).items())
            if times > 1 and read.fullmatch(name)
        ]
    return readings


@lru_cache(64)
def _cookies_read(tools: Sequence[str]) -> re.Pattern[str]:
    """The names of cookies that are read."""
    return re.compile("|".join([*map(re.escape, COOKIES), *(TOOLS[tool].cookies for tool in tools)]))
