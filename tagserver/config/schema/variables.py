"""The entries under `variables:` for editors."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.config.schema_parts import (
    ANY,
    FLAG,
    NOTES,
    TEXT,
    TEXTS,
    Schema,
    by_key,
    many,
    one_of,
    record,
    ref,
    said,
    table,
)
from tagserver.config.variable_types import CONTAINER
from tagserver.expressions import derive
from tagserver.expressions.decimals import OPERATIONS
from tagserver.plugin.variable import Variable

_VALUE = said(TEXT, "A text that may hold {{ }}.")
_WHERE = said(table(ANY), "Only items whose fields have these values; a list: one of them.")
_FIELDS = said(table(TEXT), "New name: name of the item's field, or a template of it: tee_{{ item.item_id }}.")

_STEP = record(
    {
        "plus": said(TEXT, "And this."),
        "minus": said(TEXT, "Less this."),
        "times": said(TEXT, "So many times."),
        "divided by": said(TEXT, "By this; by 0 there is no result."),
        "missing": said({"type": ["number", "string"]}, "What counts where this step's value is missing."),
    },
    anyOf=[{"required": [word]} for word in OPERATIONS],
)
FORMAT = record(
    {
        "case": said(one_of("lower", "upper"), "Of a text."),
        "trim": said(FLAG, "Without blanks around a text."),
        "null": said(ANY, "What takes the place of null; may hold {{ }}."),
        "undefined": said(ANY, "What takes the place of a missing value; may hold {{ }}."),
        "true": said(ANY, "What takes the place of true."),
        "false": said(ANY, "What takes the place of false."),
        "number": said(one_of("point", "comma"), "A number from a text; which sign is the decimal one."),
        "round": said({"type": "integer"}, "To so many digits."),
    }
)
BESIDE: Mapping[str, Schema] = {
    "default": said(ANY, "Used when there is no value at all; null and an empty text are values."),
    "format": said(FORMAT, "Changes whatever the value is."),
    "notes": NOTES,
}
KINDS: Mapping[str, tuple[Schema, Mapping[str, Schema]]] = {
    "path": (said(TEXT, "What stands at a path of the event: ecommerce.value."), {}),
    "constant": (said(ANY, "Always this: text, number, list or map."), {}),
    "header": (said(TEXT, "A header of the request."), {}),
    "cookie": (said(TEXT, "A cookie of the request."), {}),
    "query": (said(TEXT, "A parameter of the page's address."), {}),
    "template": (said(TEXT, "A text with {{ other values }} in it."), {}),
    "lookup": (
        said(_VALUE, "What table says for a text."),
        {"table": said(table(ANY), "Text: value. The value may hold {{ }}.")},
    ),
    "url": (
        said(_VALUE, "A part of an address."),
        {"part": one_of(*derive.URL_PARTS), "key": said(TEXT, "One value of its query.")},
    ),
    "device": (said(_VALUE, "desktop, mobile, tablet or bot, guessed from a user agent."), {}),
    "truncate_ip": (said(_VALUE, "An address without what tells visitors apart."), {}),
    "hash": (said(_VALUE, "SHA-256 of the canonical form."), {"as": one_of(*derive.HASHES)}),
    "time": (said(one_of("event", "received"), "Of the event, or of its receipt."), {"as": one_of(*derive.TIMES)}),
    "random": (
        said({"type": "integer", "minimum": 0}, "A whole number from 0 to this one, the same for the same event."),
        {"by": said(_VALUE, "Drawn by this value instead of the event's id.")},
    ),
    "coalesce": (said(many(ANY), "The first that is not missing, null or empty."), {}),
    "split": (
        said(_VALUE, "A piece of a text."),
        {"by": TEXT, "index": said({"type": "integer"}, "From 0; negative from the end.")},
    ),
    "property": (said(TEXT, "What stands at a path inside a value."), {"of": _VALUE}),
    "object": (said(table(ANY), "A map with {{ }} in it."), {}),
    "list": (said(many(ANY), "A list with {{ }} in it."), {}),
    "environment": (said(TEXT, "A variable that environment: in server.yaml lists."), {}),
    "container": (said(one_of(*CONTAINER), "The container's version; whether the server is one for tests."), {}),
    "choose": (
        said(
            many(record({"when": ref("when"), "value": said(ANY, "May hold {{ }}.")}, ("when", "value"))),
            "The value of the first row whose when holds.",
        ),
        {},
    ),
    "calculate": (
        said(
            {**many({"anyOf": [TEXT, _STEP]}), "minItems": 2},
            "A number, worked out from left to right: a value, then steps.",
        ),
        {},
    ),
    "regex": (
        said(_VALUE, "The text with what fitted replaced by the first row's value."),
        {
            "table": said(table(ANY), "Regular expression (RE2): value, with $1 for its first group."),
            "full_match": said(FLAG, "The whole text must fit (default true)."),
            "ignore_case": said(FLAG, "Default true."),
            "replace": said(FLAG, "false: the row's value alone."),
        },
    ),
    "items": (
        said(_VALUE, "The items of a list, reshaped."),
        {
            "where": _WHERE,
            "fields": _FIELDS,
            "pluck": said(TEXT, "One field of each, or a template of it: tee_{{ item.item_id }}."),
            "sum": said(TEXTS, "The sum of the products of these fields."),
            "join": said(TEXT, "As one text, with this between."),
        },
    ),
}


def variable(brought: Mapping[str, Variable]) -> Schema:
    """One entry. `brought` are the kinds of plugins."""
    kinds = dict(KINDS)
    for name, one in brought.items():
        inputs = record({key: said(ANY, doc) for key, doc in one.inputs.items()}, one.needed)
        if not one.needed:
            inputs["type"] = ["object", "null"]
        kinds[name] = (said(inputs, (one.__doc__ or "").strip().partition("\n")[0]), {})
    return by_key(kinds, BESIDE)
