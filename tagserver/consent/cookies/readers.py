"""All consent tools whose cookies can be read, and the one function that asks those the site names.

Cookies of a tool that a site has replaced live on for months: only what `consent.cmp_cookies` lists is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tagserver.consent.cookies import (
    axeptio,
    commanders_act,
    complianz,
    cookiebot,
    cookieyes,
    didomi,
    iubenda,
    klaro,
    onetrust,
    osano,
    shopify,
    tarteaucitron,
)
from tagserver.consent.cookies.choice import unreadable
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

Reader = Callable[[Mapping[str, str], ConsentPolicy], list[Reading]]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "onetrust": onetrust.read,
        "cookiebot": cookiebot.read,
        "cookieyes": cookieyes.read,
        "complianz": complianz.read,
        "iubenda": iubenda.read,
        "axeptio": axeptio.read,
        "didomi": didomi.read,
        "klaro": klaro.read,
        "osano": osano.read,
        "tarteaucitron": tarteaucitron.read,
        "shopify": shopify.read,
        "commanders_act": commanders_act.read,
    }
)
"""Name in `consent.cmp_cookies` → its reader. A reader gives nothing when its cookies are absent."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "onetrust": "OptanonConsent|OptanonAlertBoxClosed",
        "cookiebot": "CookieConsent",
        "cookieyes": "cookieyes-consent|cookielawinfo-checkbox-.*|viewed_cookie_policy",
        "complianz": "cmplz_.*",
        "iubenda": "_iub_cs-.*",
        "axeptio": "axeptio_.*",
        "didomi": "didomi_token|didomi_dcs",
        "klaro": "klaro",
        "osano": "osano_consentmanager|cookieconsent_status(_[A-Z]+)?",
        "tarteaucitron": "tarteaucitron",
        "shopify": "_tracking_consent",
        "commanders_act": "TC_PRIVACY",
    }
)
"""The names of each tool's cookies, as regular expressions."""

OF_VENDORS = frozenset({"axeptio", "commanders_act", "didomi", "klaro", "tarteaucitron"})
"""Tools that ask by the site's own names: they say nothing without `consent.cmp_vendors`."""

ONLY_IN_THE_PAGE = frozenset({"termly", "usercentrics"})
"""Tools that keep the choice where no request carries it."""


def cmp_readings(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """What the cookies of the listed consent tools say.

    `cookies`: names to values, raw or percent-decoded once. Explicit where a choice is recorded, else a preset. A
    cookie that is there and cannot be read denies the three ad purposes. Never raises.
    """
    readings: list[Reading] = []
    for tool in policy.cmp_cookies:
        try:
            readings += READERS[tool](cookies, policy)
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
