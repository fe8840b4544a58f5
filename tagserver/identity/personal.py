"""Which fields of an event are about a person: what people ask about first, and what the privacy lock watches."""

from __future__ import annotations

from tagserver.inbound.spelling import path_root

PERSONAL_ROOTS = frozenset({"*", "client_id", "click", "cookie", "geo", "header", "ip", "session_id"}) | {
    *("user_agent", "user_data", "user_id"),
}
"""First parts of paths that tell who somebody is, or which browser. `*` is the whole event."""

PRIVATE_ROOTS = PERSONAL_ROOTS - {"*", "click", "geo", "session_id"}
"""Those whose values are never shown in an explanation."""


def is_personal(path: str) -> bool:
    """Whether a path, in any spelling, leads to what tells who somebody is."""
    return path_root(path) in PERSONAL_ROOTS


def is_private(path: str) -> bool:
    """Whether what stands at a path, in any spelling, is never shown."""
    return path_root(path) in PRIVATE_ROOTS
