"""`server.yaml` for editors."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.config.schema.shapes import (
    DURATION,
    FLAG,
    REFERENCE,
    SECRET,
    SIZE,
    TEXT,
    TEXTS,
    Schema,
    many,
    one_of,
    record,
    said,
    table,
)
from tagserver.consent.needs import PURPOSES

_OFF: Schema = {"enum": ["off", False]}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_KEY = record(
    {
        "secret": said(SECRET, "${env:NAME} or ${file:/path}."),
        "consent": said(
            record({purpose: one_of("granted", "denied") for purpose in PURPOSES}),
            "What all people in these events have granted or denied.",
        ),
        "basis": said(TEXT, "Why that may be said; needed with consent."),
    },
    ("secret",),
)
SERVER: Mapping[str, Schema] = {
    "collect": record(
        {
            "origins": said(many(TEXT), 'Who may post from a browser, as browsers write it; "*" is every page.'),
            "keys": said(table(_KEY), "Who may post from a server."),
            "trusted_proxies": said({"type": "integer", "minimum": 0}, "How many proxies of yours stand in front."),
            "geo_headers": said(TEXTS, "Headers with the visitor's country or region; needs trusted_proxies."),
            "geo_database": said(TEXT, "A file in MaxMind's format that tells the region of an address."),
            "max_body": said(SIZE, "Of a request, unpacked."),
            "max_event": said(SIZE, "Of one event."),
            "max_events": said(_COUNT, "In one request."),
            "max_connections": said(_COUNT, "At once."),
            "max_connections_per_address": said({"anyOf": [_COUNT, _OFF]}, "Of one address at once."),
            "rate": said(
                {"anyOf": [_OFF, {"type": "string", "pattern": r"^\d{1,9}/s$"}]},
                "Events a second for each key or address: 50/s.",
            ),
            "dedup": said(one_of("shared", "per_source"), "Whether events of one source hide those of another."),
            "dedup_orders": said(FLAG, "Whether an order counts once, whatever its event_id."),
        },
        description="Who may send, and how much.",
    ),
    "queue": record(
        {
            "url": said(TEXT, "sqlite:outbox.db, a file in the data folder."),
            "max_size": said(SIZE, "Near it nothing is taken in; nothing is ever dropped."),
            "min_free": said(SIZE, "Of the disk, kept free."),
            "keep_dead": said(DURATION, "How long dead letters are kept."),
            "keep_removed": said(DURATION, "How long deliveries wait for a destination that is configured no more."),
            "encrypt": said(
                {"anyOf": [REFERENCE, many(REFERENCE)]}, "Keys for payloads at rest; the first one closes, all open."
            ),
            "network_disk": said(one_of("refuse", "allow"), "Whether a folder on a network disk is taken."),
        },
        description="Where deliveries wait.",
    ),
    "shutdown": record(
        {
            "pre_stop": said(DURATION, "How long events are still taken after SIGTERM."),
            "drain": said(DURATION, "How long requests to vendors may take to end."),
        },
        description="How the server ends.",
    ),
    "forget": record(
        {"refuse": said(DURATION, "How long events of somebody who asked to be forgotten are not sent.")},
        description="After tagserver forget.",
    ),
    "audit": record(
        {
            "keep": said(DURATION, "How long what was decided stays on record."),
            "max_size": said({"anyOf": [SIZE, one_of("auto")]}, "Of all its files; the oldest are removed first."),
        },
        description="The record of decisions.",
    ),
    "log": record(
        {
            "format": said(one_of("text", "json"), "Lines for people, or one JSON object a line."),
            "events": said(FLAG, "A line for each event that is accepted and each delivery that has arrived."),
        },
        description="What the server writes to standard error.",
    ),
    "egress": record(
        {"allow": said(many(TEXT), "Hosts and networks beyond the plugins' own hosts.")},
        description="Whom the server may call.",
    ),
    "environment": said(many(TEXT), "Variables that the other files may read outside secret fields."),
    "secrets": said(many(TEXT), "Variables (META_*) and files that secret fields of the other files may name."),
    "reload": said(
        one_of("auto", "require_tests", "manual"),
        "How edits are published: by tagserver reload alone (manual), or by themselves.",
    ),
    "path_prefix": said(
        {"type": "string", "pattern": r"^(/[A-Za-z0-9_~][A-Za-z0-9_~.\-]{0,99}){0,8}/?$"},
        "Below which path the public addresses lie, for a proxy that does not strip it.",
    ),
    "debug": said(FLAG, "This server is for tests, which {container: debug} says."),
}
