"""The files of marketing for editors: all but destinations and variables."""

from __future__ import annotations

from tagserver.config.policies import CONSENT_KEYS, PRIVACY_KEYS
from tagserver.config.schema_parts import (
    ANY,
    DURATION,
    FLAG,
    NOTES,
    TEXT,
    TEXTS,
    Schema,
    known,
    many,
    one_of,
    record,
    ref,
    said,
    table,
)
from tagserver.config.tags import KEYS as TAG_KEYS
from tagserver.consent.needs import PURPOSES
from tagserver.expressions.conditions import OPERATORS

_OPERATOR_DOCS = {
    "equals": "The same text.",
    "not_equals": "Not the same text; holds for a missing value.",
    "contains": "The operand stands somewhere in it.",
    "not_contains": "The operand stands nowhere in it.",
    "starts_with": "Begins with it.",
    "ends_with": "Ends with it.",
    "matches": "Fits the regular expression (RE2) somewhere.",
    "not_matches": "Fits it nowhere.",
    "greater_than": "A larger number.",
    "greater_or_equal": "A number as large or larger.",
    "less_than": "A smaller number.",
    "less_or_equal": "A number as small or smaller.",
    "one_of": "Equals one of the list.",
    "in": "An IP address in one of these networks.",
    "exists": "Is there and not null; an empty text exists.",
    "missing": "Is not there, or null.",
}
_SHAPES = {"one_of": many(TEXT), "in": TEXTS, "exists": FLAG, "missing": FLAG}
OPERATOR = record(
    {
        **{name: said(_SHAPES.get(name, TEXT), _OPERATOR_DOCS[name]) for name in OPERATORS},
        "ignore_case": said(FLAG, "Beside an operator on texts: upper and lower case are the same."),
    },
    minProperties=1,
)
CONDITIONS: Schema = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "any": said({**many(ref("conditions")), "minItems": 1}, "One of these maps must hold."),
        "not": said(ref("when"), "Not all of these may hold."),
    },
    "additionalProperties": {"anyOf": [TEXT, many(TEXT), ref("operator")]},
}
WHEN: Schema = {
    "anyOf": [ref("conditions"), {**many(ref("conditions")), "minItems": 1}],
    "description": "Conditions, all of which must hold: a path or variable, and a value or operators.",
}
TRIGGER = record(
    {
        "event": said(TEXTS, "A name, a wildcard (view_*), /regex/, or a list. Without it: events of every name."),
        "when": ref("when"),
        "notes": NOTES,
    },
    anyOf=[{"required": ["event"]}, {"required": ["when"]}],
)

_PURPOSES = many(one_of(*PURPOSES))
_NAMES = many(TEXT)
TAG = known(
    TAG_KEYS,
    {
        "name": said(TEXT, "Unique; shown everywhere."),
        "destination": said(TEXT, "Where it sends: a name under destinations."),
        "settings": said({"type": "object"}, "Settings of the destination that are different for this tag."),
        "triggers": said(
            {**_NAMES, "minItems": 1},
            "Any of these; all matches every event, known events those that the destination has a name for.",
        ),
        "exceptions": said(_NAMES, "None of these."),
        "event_name": said(
            {"anyOf": [TEXT, table(TEXT)]}, "The vendor's name for the event; or a table, event: vendor's name."
        ),
        "parameters": said({"type": "object"}, "Values that are sent along; they may hold {{ }}."),
        "consent": said(_PURPOSES, "All purposes that are needed: those of the destination, and more."),
        "consent_override": said(TEXT, "The reason why a purpose of the destination is left out."),
        "redact_override": said(TEXT, "The reason why personal data may stand wherever this tag puts it."),
        "vendor": said(
            record(
                {"ac_id": {"type": "integer", "minimum": 1}, "gvl_id": {"type": "integer", "minimum": 1}},
                minProperties=1,
                maxProperties=1,
            ),
            "Under the TCF this vendor must be accepted: its number in Google's list, or in the IAB's.",
        ),
        "schedule": said(
            record(
                {
                    "from": said(TEXT, "2026-11-20T00:00"),
                    "until": said(TEXT, "Exclusive."),
                    "time_zone": said(TEXT, "Europe/Berlin; default UTC."),
                },
                anyOf=[{"required": ["from"]}, {"required": ["until"]}],
            ),
            "Nothing is sent outside.",
        ),
        "sample": said(
            record({"percent": {"type": "number", "minimum": 0, "maximum": 100}, "by": TEXT}, ("percent", "by")),
            "A share of all values of by, always the same ones.",
        ),
        "once_per": said(
            record({"key": TEXT, "within": DURATION}, ("key", "within")),
            "A second event with the same key in that time is a duplicate.",
        ),
        "priority": said({"type": "integer"}, "Higher first; default 0."),
        "paused": said(FLAG, "Nothing is sent, and what is queued becomes dead letters."),
        "notes": NOTES,
    },
    ("name", "destination", "triggers"),
)
TRANSFORMATION = record(
    {
        "allow": said(TEXTS, "Only these paths, and what is below them."),
        "exclude": said(TEXTS, "All but these paths."),
        "rename": said(table(TEXT), "Old path: new path."),
        "set": said(table(ANY), "Path: value, which may hold {{ }}."),
        "items": said(
            record({"where": table(ANY), "fields": table(TEXT)}, minProperties=1), "The items of the order, reshaped."
        ),
        "strip_query": said(TEXTS, "Keys that leave the page's address and referrer."),
        "redact": said(FLAG, "E-mail addresses and telephone numbers leave all texts outside user_data."),
        "truncate_ip": said(FLAG, "The visitor's address without its last part."),
        "block_duplicates": said(DURATION, "A second event of the same name and transaction_id is a duplicate."),
        "tags": said(_NAMES, "For these alone."),
        "except_tags": said(_NAMES, "For all but these."),
        "destinations": said(_NAMES, "For tags of these alone."),
        "when": ref("when"),
        "notes": NOTES,
    },
    anyOf=[
        {"required": [step]}
        for step in (
            *("allow", "exclude", "rename", "set", "items", "strip_query", "redact", "truncate_ip", "block_duplicates"),
        )
    ],
)
CONSENT = known(
    CONSENT_KEYS,
    {
        "opt_in_regions": said(_NAMES, "Where a preset is no consent: EEA, countries (DE), states (US-CA)."),
        "gpc": said(one_of("restrict", "block", "ignore"), "Global Privacy Control."),
        "gpc_scope": said(one_of("global", "us_only"), "For whom it counts."),
        "dnt": said(one_of("ignore", "restrict"), "Do Not Track."),
        "hold": said(DURATION, "How long events wait for a choice that comes late; at most 5s."),
        "retroactive": said(one_of("page", "session"), "Which events a late grant lets go."),
        "tcf_analytics": said(FLAG, "A TC string speaks for analytics_storage, too."),
        "tcf_exempt": said(_NAMES, "Countries of publishers in which purpose 1 need not be asked for."),
        "cmp_cookies": said(_NAMES, "Consent tools whose cookies are read."),
        "cmp_vendors": said(table(_PURPOSES), "A consent tool's name for a vendor: the purposes it stands for."),
        "onetrust_groups": said(table(_PURPOSES), "OneTrust's groups: the purposes they stand for."),
    },
)
PRIVACY = known(
    PRIVACY_KEYS,
    {
        "query_allow": said(_NAMES, "Keys that addresses keep on their way out: color, utm_*."),
        "sensitive": said(_NAMES, "Fields that nobody gets where the visitor limits the use of sensitive data."),
    },
)
