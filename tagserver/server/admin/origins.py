"""Where a request comes from, as browsers say it: from a page of ours, or from somebody else's.

What protects the pages from other sites, each by itself: the cookie is `SameSite=Strict` and is sent with no request
that another site starts; it is bound to the Host of the login, so a name that is made to point here (DNS rebinding)
brings none that counts; and a request that a cookie allows must come from a page of ours (`Origin`) and bring what our
page holds (the form token). Which Hosts there may be is not asked: behind proxies nobody here knows their names.
"""

from __future__ import annotations

from starlette.requests import Request

_OURS = ("same-origin", "none")
"""What `Sec-Fetch-Site` says of our pages, and of what a person has typed."""


def one_host(request: Request) -> str | None:
    """The Host that was asked; None without exactly one: two parties could each believe another one of several."""
    hosts = request.headers.getlist("host")
    return hosts[0] if len(hosts) == 1 and hosts[0].strip() else None


def same_origin(request: Request, host: str) -> bool:
    """Whether a page of ours sent this: a cookie alone does not say so. A page in the clear is none where we are asked
    by https; whose word that is does not matter, for it can but refuse."""
    origins = request.headers.getlist("origin")
    scheme, _, named = origins[0].partition("://") if len(origins) == 1 else ("", "", "")
    asked = request.headers.get("x-forwarded-proto", request.url.scheme)
    return named == host != "" and not (scheme == "http" and asked == "https")


def of_another_page(request: Request) -> bool:
    """Whether a page that is not ours sent this POST: browsers say so in Origin (`null` where they hide it), and where
    they do in Sec-Fetch-Site."""
    if "origin" in request.headers:
        return not same_origin(request, request.headers.get("host", ""))
    return request.headers.get("sec-fetch-site", "none") not in _OURS


def embedded_elsewhere(request: Request) -> bool:
    """Whether a page that is not ours asks for this as a part of itself, or for data. A person may follow a link of
    another site to a page of ours; nothing is opened that way but the page itself, in a window of its own."""
    if request.headers.get("sec-fetch-site", "none") in _OURS:
        return False
    asks = (request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest"))
    return asks != ("navigate", "document") or request.scope["path"].endswith(".json")


def from_elsewhere(request: Request) -> bool:
    """Whether a person comes from another site by a link: then the browser has kept the cookie back."""
    asks = (request.headers.get(f"sec-fetch-{what}") for what in ("site", "mode", "dest"))
    return tuple(asks) == ("cross-site", "navigate", "document")
