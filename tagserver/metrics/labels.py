"""The words by which metrics are told apart, all known from the start: so each series is there with 0, and nothing that
a stranger sends makes a new one."""

from __future__ import annotations

import platform
import sqlite3

from tagserver import BUILD

CLASSES = {2: "2xx", 4: "4xx", 5: "5xx"}
"""Of a status' first digit; /collect gives no others."""
STATUSES = (202, 400, 401, 403, 405, 408, 413, 429, 499, 503)
"""What /collect answers, and 499."""
REFUSALS = (
    *("closing", "key", "origin", "unseen", "rate", "outbox", "memory", "busy"),
    *("slow_body", "too_large", "too_many_events", "bad_encoding", "bad_gzip", "bad_json", "bad_ctx"),
    *("slow", "unread", "headers", "address", "malformed", "pipelined", "connections"),
    *("admin_token", "admin_later"),
    *("signature", "stale", "method", "client"),
)
"""Why requests are refused as a whole."""
MOST_PROXIES = 5
"""Entries of X-Forwarded-For that are told apart; so many or more are one."""
STATES = ("ok", "retrying", "open", "failing", "paused", "disabled")
DELIVERIES = (
    ("accepted", "counter", "Deliveries that were stored, over the data folder's life."),
    ("delivered", "counter", "Deliveries that the vendor has."),
    ("pending", "gauge", "Deliveries that wait or are under way."),
    ("dead", "gauge", "Deliveries among the dead letters."),
    ("erased", "counter", "Deliveries erased by retention, request or drop."),
)


def build_info(version: str) -> dict[str, str]:
    """The labels of `tagserver_info`: our version, its commit, and the libraries that matter when somebody asks for
    help."""
    return {
        "version": version,
        "commit": BUILD.commit,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
