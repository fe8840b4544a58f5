"""The files of marketing for editors: all but destinations and variables."""

from __future__ import annotations

from tagserver.config.schema_parts import (
    ANY,
    DURATION,
    FLAG,
    NOTES,
    TEXT,
    TEXTS,
    Schema,
    many,
    record,
    ref,
    said,
    table,
)
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

_NAMES = many(TEXT)
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
