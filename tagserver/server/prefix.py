"""Public addresses below a path, `path_prefix`, for a proxy that passes paths on as they are."""

from __future__ import annotations

NOWHERE = "/"
"""A path without a route."""
_EVERYWHERE = ("/healthz", "/readyz")
"""Asked by this machine and by load balancers, which know nothing of pages."""


def routed(path: str, prefix: str) -> str:
    """The path of the table of addresses that a request's path means. Public ones have moved below the prefix; those of
    the admin have not, so that a proxy that passes on the prefix alone has closed them."""
    if path.startswith(prefix) and path[len(prefix) :].startswith("/"):
        inner = path[len(prefix) :]
        return NOWHERE if inner == "/-" or inner.startswith("/-/") else inner
    return path if path in _EVERYWHERE or path.startswith("/-/") else NOWHERE
