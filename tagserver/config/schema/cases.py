"""`*.test.yaml` for editors."""

from __future__ import annotations

from tagserver.config.schema_parts import ANY, FLAG, NOTES, TEXT, Schema, many, one_of, record, said, table
from tagserver.consent.needs import PURPOSES
from tagserver.explain.trial import REASONS

_TAGS: Schema = {"anyOf": [many(TEXT), table(TEXT)]}
"""A list, or with what each decision's detail must name."""
_REASON = one_of(*REASONS)
_SKIPPED: Schema = {"anyOf": [_REASON, record({"reason": _REASON, "detail": TEXT}, ("reason",))]}
CASE: Schema = record(
    {
        "name": said(TEXT, "What is expected, in words."),
        "event": said({"type": "object"}, "As the page pushes it."),
        "request": said(
            record(
                {
                    "headers": table(TEXT),
                    "cookies": table(TEXT),
                    "ip": said(TEXT, "The connection's address."),
                    "source": said(TEXT, "browser, or the name of a key."),
                    "now": said(TEXT, "RFC 3339, with its zone."),
                }
            ),
            "The rest of what try takes.",
        ),
        "consent": said(
            {"anyOf": [one_of("granted", "denied"), {"type": "object"}]},
            f"What the visitor said; one word stands for all of {', '.join(PURPOSES)}.",
        ),
        "expect": said(
            record(
                {
                    "send": said(_TAGS, "Tags that send."),
                    "restrict": said(_TAGS, "Tags that send in limited mode."),
                    "block": said(_TAGS, "Tags that consent stops."),
                    "skip": said(
                        table(_SKIPPED), "Tags that do not send: each with its reason, and what that must name."
                    ),
                    "request": said(table(table(ANY)), "Destination: path in the body: value."),
                    "silent": said(FLAG, "No tag sends."),
                },
                minProperties=1,
            ),
            "What must be so.",
        ),
        "notes": NOTES,
    },
    ("name", "event", "expect"),
)
