"""What the request itself says: the visitor's address, agent, cookies and region.

A header that a proxy should have written is believed only when operations said how many proxies stand in front
(`collect.trusted_proxies`); the entries are counted from the right, because anything further left is the client's
own claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tagserver.event.cookies import read_cookies
from tagserver.event.event import Facts
from tagserver.event.ip_address import UNKNOWN, Locate, clean_ip, nowhere

GEO_HEADERS: Mapping[str, str] = {
    "cf-ipcountry": "country",
    "cf-region-code": "region",
    "cloudfront-viewer-country": "country",
    "cloudfront-viewer-country-region": "region",
    "x-vercel-ip-country": "country",
    "x-vercel-ip-country-region": "region",
    "x-appengine-country": "country",
    "x-appengine-region": "region",
}
"""What the known headers hold; of any other name configured the value's shape tells: `US`, `US-CA`, or beside a country
`CA`."""

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_SUBDIVISION = re.compile(r"([A-Z]{2})-?([A-Z0-9]{1,3})\Z")
"""`US-CA`, or `USCA` as Google's load balancer writes it."""
_NOWHERE = frozenset({"XX", "ZZ", "T1", "A1", "A2", "EU", "AP"})


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """ASGI's header list as texts; of a repeated header the values are joined with a comma (cookies: a semicolon)."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        if name in headers:
            value = headers[name] + ("; " if name == "cookie" else ", ") + value
        headers[name] = value
    return headers


def visitor_ip(connection: str | None, headers: Mapping[str, str], trusted_proxies: int) -> str | None:
    """The visitor's address: the connection's, or the N-th entry from the right of X-Forwarded-For behind N proxies.

    With fewer entries than proxies nobody we trust has written the header: the connection's address is used.
    """
    forwarded = _forwarded(headers, trusted_proxies)
    return clean_ip(connection if forwarded is None else forwarded)


def _forwarded(headers: Mapping[str, str], trusted_proxies: int) -> str | None:
    """The N-th entry of X-Forwarded-For from the right; None when the request has not come through N proxies."""
    if trusted_proxies <= 0:
        return None
    entries = [entry for entry in headers.get("x-forwarded-for", "").split(",") if entry.strip()]
    return entries[-trusted_proxies] if len(entries) >= trusted_proxies else None


def visitor_region(headers: Mapping[str, str], geo_headers: Sequence[str]) -> tuple[str | None, str | None]:
    """Country (ISO 3166-1) and subdivision (ISO 3166-2, `US-CA`) from the headers that operations trust; None:
    unknown."""
    country: str | None = None
    part = ""
    for name in geo_headers:
        value = headers.get(name, "").strip().upper().replace("_", "-")
        # Two letters of a header that is not known are a country, or beside one its part: Delaware is DE, too.
        kind = GEO_HEADERS.get(name, "country" if len(value) == 2 and country in (None, value) else "region")
        if kind == "country":
            if country is None and _COUNTRY.match(value) and value not in _NOWHERE:
                country = value
        elif not part:
            part = value
    found = _SUBDIVISION.match(part if len(part) > 3 else f"{country or ''}-{part}")
    if found is None or found[1] in _NOWHERE or country not in (None, found[1]):
        return country, None
    return found[1], f"{found[1]}-{found[2]}"


def read_facts(
    source: str,
    received: int,
    headers: Mapping[str, str],
    connection: str | None,
    trusted_proxies: int = 0,
    geo_headers: Sequence[str] = (),
    locate: Locate = nowhere,
    cookies: Mapping[str, str] | None = None,
) -> Facts:
    """The facts of one request. Of a backend's request the address, the agent and the region are its own and not the
    visitor's: not used. `locate` finds a region where no header tells the country."""
    if cookies is None:
        cookies = read_cookies(headers["cookie"]) if "cookie" in headers else {}
    if source != "browser":
        return Facts(source, received, headers, cookies)
    forwarded = _forwarded(headers, trusted_proxies) if trusted_proxies > 0 else None
    ip = clean_ip(connection if forwarded is None else forwarded)
    # Who comes past the proxies writes any header; and says he is where nobody has to be asked.
    trusted = forwarded is not None and geo_headers
    country, region = visitor_region(headers, geo_headers) if trusted else UNKNOWN
    if country is None and locate is not nowhere:
        country, region = locate(ip)
    agent = headers.get("user-agent")
    agent = agent if agent and not agent.isspace() else None
    return Facts(source, received, headers, cookies, ip, agent, country, region)
