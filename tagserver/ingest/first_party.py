"""First-party cookies of an answer: what a visitor has allowed to be kept in the browser, from the site's own domain.

A function of what the events of one request say, of the request and of the settings. Only what the visitor has granted
in words of his own is set, and what he has refused is deleted. What is written back into a header is looked at first,
as is all that a stranger sends; a cookie that a vendor's script may be writing at this moment is never overwritten.

Sources: Meta's page on fbp and fbc, and its parameter builder (form, index, 90 days); the vendors' documentation and
scripts for the cookies of click ids.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from tagserver.config.cookies import DAY, CookiesConfig
from tagserver.consent.state import ConsentState
from tagserver.event.click_ids import COOKIES, click_fault, is_sound_cookie
from tagserver.event.consent_fields import AD_PURPOSES
from tagserver.event.event import Event
from tagserver.event.known_names import CONSENT_EVENT

Header = tuple[bytes, bytes]
Bits = Callable[[int], int]
"""So many random bits."""

BEGINS = frozenset({"page_view", CONSENT_EVENT})
"""The events with which cookies are set: once a page view, and when the visitor has chosen."""
META = 90 * DAY
_YEAR = 365 * DAY
CLICKS: Mapping[str, tuple[str, str, int]] = {
    "gclid": ("_gcl_aw", "GCL.{s}.{id}", 90 * DAY),
    "wbraid": ("_gcl_gb", "GCL.{s}.{id}", 90 * DAY),
    "gbraid": ("_gcl_ag", "2.1.k{id}$i{s}", 90 * DAY),
    "ttclid": ("ttclid", "{id}", 30 * DAY),
    "epik": ("_epik", "{id}", _YEAR),
    "sccid": ("_scclid", "{id}", _YEAR),
    "li_fat_id": ("li_fat_id", "{id}", 30 * DAY),
    "rdt_cid": ("_rdt_cid", "{id}", 30 * DAY),
    "msclkid": ("_uetmsclkid", "_uet{id}", 90 * DAY),
    "twclid": ("twclid", "{id}", 90 * DAY),
}
"""Click id → the cookie that keeps it, its form (`s`: seconds at which the click was first seen), its lifetime."""
AD_COOKIES = ("_fbp", "_fbc", *(name for name, _, _ in CLICKS.values()))
"""What goes when `ad_storage` is refused."""
ROOM = 2500
"""Bytes of all these headers: proxies take four thousand of an answer's, and refuse it beyond."""

_fbp = re.compile(r"fb\.[0-9]{1,3}\.[0-9]{1,20}\.[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{2,8})?").fullmatch
_fbc = re.compile(r"fb\.[0-9]{1,3}\.[0-9]{1,20}\.[A-Za-z0-9_-]{1,2048}(?:\.[A-Za-z0-9_-]{2,8})?").fullmatch
_uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_VALUE = re.compile(r"[A-Za-z0-9!#$%&'()*+./:<=>?@^_`{|}~\[\]-]{1,3000}").fullmatch
"""What a cookie may hold (RFC 6265, section 4.1.1)."""


class Visit:
    """What the events of one request say as far as cookies go: about consent, where the visitor is, which clicks have
    led here. `received`, and `first_seen` of the clicks, in ms since 1970 UTC; `sent`: cookies that the page has sent
    along; `session`: whether it is of a preview."""

    __slots__ = ("begins", "clicks", "denied", "first_seen", "granted", "received", "sent", "session", "unsure")

    def __init__(self) -> None:
        self.begins = False
        self.session = False
        self.clicks: dict[str, str] = {}
        self.first_seen = self.received = 0
        self.sent: dict[str, str] = {}
        self.granted: set[str] = set()
        self.denied: set[str] = set()
        self.unsure: set[str] = set()

    def hear(self, event: Event, consent: ConsentState) -> None:
        """One event of the request, in their order."""
        self.session = self.session or bool(event.facts.session)
        self.received = event.received
        self.begins = self.begins or event.name in BEGINS
        for name in ("ad_storage", "analytics_storage"):
            self._weigh(name, consent)
        landed = event.page.clicks
        if landed and not self.clicks:
            # The first of each name, as everywhere.
            self.clicks = {name: value for name, value in reversed(landed) if click_fault(name, value) is None}
            self.first_seen = min(event.time, event.received)  # as the destinations say it
        sent = event.data.get("cookie")
        if type(sent) is dict:
            self.sent |= {name: value for name, value in sent.items() if type(value) is str}

    def _weigh(self, name: str, consent: ConsentState) -> None:
        purpose = consent.purpose(name)
        if name in consent.withdrawn:
            self.denied.add(name)
        elif purpose.state == "denied" and purpose.kind == "explicit":
            self.unsure.add(name)  # it cannot be read: nobody has refused, nobody has granted
        elif name in consent.explicitly_granted:
            self.granted.add(name)
        if consent.known_child or (consent.sale_opt_out and name in AD_PURPOSES):
            self.unsure.add(name)

    def allows(self, name: str) -> bool:
        """Whether a purpose was granted by the visitor, and nothing in the request speaks against it."""
        return name in self.granted and name not in self.denied and name not in self.unsure


def cookie_headers(
    settings: CookiesConfig,
    visit: Visit,
    headers: Mapping[str, str],
    pixel: bool | None,
    bits: Bits = secrets.randbits,
) -> list[Header]:
    """The `Set-Cookie` headers of the answer to a browser, perhaps none. `headers`: of the request, names in lower
    case. `pixel`: whether the page says that a pixel of Meta's runs in it; None where it does not say."""
    if visit.session or not (visit.denied or visit.granted):
        return []
    place = _place(settings, headers)
    if place is None:
        return []
    domain, secure, index = place
    jar = _Jar(headers.get("cookie", ""))
    lines = [*_deleted(settings, visit, jar, domain)]
    if visit.begins:
        attributes = f"; Path=/{f'; Domain={domain}' if domain else ''}; SameSite=Lax{'; Secure' if secure else ''}"
        room = ROOM - sum(map(len, lines))
        for name, value, seconds, more in _kept(settings, visit, jar, pixel, index, bits):
            line = f"{name}={value}; Max-Age={seconds}{attributes}{more}"
            if _VALUE(value) and len(line) <= room:
                room -= len(line)
                lines.append(line)
    return [(b"set-cookie", line.encode("ascii")) for line in lines]


def _place(settings: CookiesConfig, headers: Mapping[str, str]) -> tuple[str, bool, int] | None:
    """The domain of the cookies, empty for this host alone; whether the page is encrypted; and Meta's index, the number
    of dots in the domain. None where the page is of another site than this server."""
    scheme, _, rest = headers.get("origin", "").lower().partition("://")
    page, host = _host(rest), _host(headers.get("host", "").lower())
    if scheme not in ("http", "https") or not page:
        return None
    domain = settings.domain
    if domain is not None:
        # Where a proxy has changed the host, the browser still refuses what is not this server's.
        fits = page == domain or page.endswith("." + domain)
        return (domain, scheme == "https", domain.count(".")) if fits else None
    domain = settings.registrable(page)
    if domain is None:
        return ("", scheme == "https", page.count(".")) if page == host else None
    return (domain, scheme == "https", domain.count(".")) if settings.registrable(host) == domain else None


def _host(authority: str) -> str:
    """Without its port."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


class _Jar:
    """The cookies of a request as they are written there."""

    def __init__(self, header: str) -> None:
        self._values: dict[str, set[str]] = {}
        for pair in header[:16384].split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                self._values.setdefault(name, set()).add(value)

    def has(self, name: str) -> bool:
        """Whether there is one, whatever it holds."""
        return name in self._values

    def one(self, name: str) -> str | None:
        """Its value; None where there is none, or there are two that differ."""
        values = self._values.get(name, ())
        return next(iter(values)) if len(values) == 1 else None


def _deleted(settings: CookiesConfig, visit: Visit, jar: _Jar, domain: str) -> Iterator[str]:
    """Each cookie that is there and may not be any more, of the domain and of the host: nobody can tell which it is."""
    names: list[str] = []
    if "ad_storage" in visit.denied:
        names += AD_COOKIES
    if "analytics_storage" in visit.denied and settings.visitor:
        names.append(settings.visitor)
    for name in names:
        if jar.has(name):
            yield f"{name}=; Max-Age=0; Path=/"
            if domain:
                yield f"{name}=; Max-Age=0; Path=/; Domain={domain}"


def _kept(
    settings: CookiesConfig, visit: Visit, jar: _Jar, pixel: bool | None, index: int, bits: Bits
) -> Iterator[tuple[str, str, int, str]]:
    """Name, value, seconds, and further attributes of each cookie that is set, the dearest first."""
    if visit.allows("ad_storage"):
        if settings.fbp and (value := _browser(visit, jar, pixel, index, bits)):
            yield "_fbp", value, META, ""
        if settings.fbc and (value := _click(visit, jar, pixel, index)):
            yield "_fbc", value, META, ""
    if settings.visitor and visit.allows("analytics_storage"):
        value = jar.one(settings.visitor) or ""
        if not _uuid(value):
            value = str(uuid.UUID(int=bits(128), version=4))
        yield settings.visitor, value, int(settings.max_age), "; HttpOnly"
    if settings.clicks and visit.allows("ad_storage"):
        for click, (name, form, seconds) in CLICKS.items():
            found = visit.clicks.get(click)
            if found is not None and not _known(click, found, visit, jar, name):
                yield name, form.format(id=found, s=visit.first_seen // 1000), seconds, ""


def _browser(visit: Visit, jar: _Jar, pixel: bool | None, index: int, bits: Bits) -> str | None:
    """Meta's id of the browser: the very same, for another 90 days; or a new one where there is none, and no pixel that
    makes its own at this moment."""
    if jar.has("_fbp") or visit.sent.get("_fbp"):
        value = jar.one("_fbp")
        return value if value is not None and _fbp(value) else None
    return f"fb.{index}.{visit.received}.{bits(31)}" if pixel is False else None


def _click(visit: Visit, jar: _Jar, pixel: bool | None, index: int) -> str | None:
    """Meta's click: the one that is there, with its own time; or a newer one of the page's address, where no pixel
    writes it at this moment."""
    value, newer = jar.one("_fbc"), visit.clicks.get("fbclid")
    known = {one.split(".")[3] for one in (value, visit.sent.get("_fbc")) if one and _fbc(one)}
    if newer is None or newer in known:
        return value if value is not None and _fbc(value) else None
    if pixel is not False or (value is None and jar.has("_fbc")):
        return None
    return f"fb.{index}.{visit.first_seen}.{newer}"


def _known(click: str, found: str, visit: Visit, jar: _Jar, name: str) -> bool:
    """Whether a click is in one of its cookies already; or there is something in ours that nobody here has written."""
    for cookie, read in COOKIES[click]:
        for value in (jar.one(cookie), visit.sent.get(cookie)):
            if value and read(value) == found:
                return True
    return jar.has(name) and not is_sound_cookie(name, jar.one(name) or "")
