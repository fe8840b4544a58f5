"""How this server is reached by whoever asks: for addresses that people hand on."""

from __future__ import annotations

from starlette.requests import Request


def own_address(request: Request, trusted_proxies: int) -> str:
    """Scheme and host, such as `https://tags.shop.example`. A proxy's word on the scheme counts where there is one."""
    scheme = request.headers.get("x-forwarded-proto", "") if trusted_proxies else ""
    return f"{scheme if scheme in ('http', 'https') else request.url.scheme}://{request.headers.get('host', '')}"
