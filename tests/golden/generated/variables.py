"""Variables: every kind, and those that tags name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.golden.generated.conditions import conditions
from tests.golden.generated.drawing import Draw, plain

_FORMATS: tuple[dict[str, Any], ...] = (
    *({"number": "comma"}, {"number": "point"}, {"case": "lower", "trim": True}, {"case": "upper"}, {"round": 2}),
    *({"number": "point", "round": 0, "undefined": 0}, {"null": "nichts", "undefined": "{{ event }}"}, {"round": -1}),
    *({"true": "ja", "false": "nein", "trim": True}, {"undefined": "fehlt", "case": "upper"}),
)
_TABLES: tuple[dict[str, Any], ...] = (
    *({"neu": "Subscribe", "alt": "Purchase"}, {"true": "new", "false": "returning"}, {"/": "home", "/cart": "cart"}),
    *({"purchase": 5, "page_view": "{{ page.host }}", "käse": [1, "{{ plan }}"]}, {"undefined": "ohne", "5": {"a": 1}}),
)
_REGEXES: tuple[dict[str, Any], ...] = (
    *({"/p/(.*)": "product $1", "/": "home"}, {"(?P<a>[a-z]+)@(.*)": "$<a> at $2 $& $$ $9"}, {"e": "{{ event }}"}),
    *(
        {".*": 5},
        {"[0-9]+": "#", "^$": "leer"},
        {"(o)(x)?": "$2$1$10"},
        {"(?P<b>[a-z])": "$$ $& $<b>$<c> $77", "[A-Z]+": ["liste"]},
    ),
)
VARIABLES: Mapping[str, Sequence[dict[str, Any]]] = {
    "betrag": (
        {"path": "preis", "format": {"number": "comma"}},
        {"path": "ecommerce.value", "format": {"number": "point", "round": 1}},
        {
            "calculate": [
                "{{ ecommerce.value }}",
                {"minus": "{{ ecommerce.shipping }}", "missing": 0},
                {"times": plain("0.9")},
            ]
        },
        {
            "calculate": [
                {"plus": "{{ value }}", "missing": 1},
                {"divided by": "{{ score }}"},
                {"plus": "{{ ecommerce.tax }}"},
            ]
        },
        {"items": "{{ items }}", "sum": ["price", "quantity"]},
        {"path": "sale.price", "default": "{{ ecommerce.value }}"},
    ),
    "rechnung": (
        {"calculate": ["{{ betrag }}", {"times": 3}, {"divided by": 7}], "format": {"round": 3}},
        {"calculate": [100, {"minus": "{{ betrag }}"}]},
    ),
    "waehrung": (
        {"lookup": "{{ geo.country }}", "table": {"DE": "EUR", "US": "USD"}, "default": "{{ ecommerce.currency }}"},
        {"coalesce": ["{{ ecommerce.currency }}", "{{ plan }}", "CHF"]},
        {"constant": "EUR"},
    ),
    "eigene adresse": (
        {"template": "https://shop.example{{ page.path }}?von={{ user_data.email }}"},
        {"url": "{{ page.location }}", "part": "url"},
        {"regex": "{{ page.location }}", "table": {"(.*)[?].*": "$1"}, "default": "{{ page.location }}"},
    ),
    "items ids": (
        {"items": "{{ items }}", "pluck": "item_id"},
        {"items": "{{ items }}", "pluck": "item_idd"},
        {"items": "{{ ecommerce.items }}", "pluck": "tee_{{ item.item_id }}_{{ event }}", "join": ","},
        {"items": "{{ items }}", "where": {"item_id": ["T-0", "T-1"], "quantity": 1}, "pluck": "item_id", "join": "|"},
    ),
    "items rows": (
        {"items": "{{ items }}", "fields": {"id": "item_id", "quantity": "quantity", "item_price": "price"}},
        {
            "items": "{{ items }}",
            "fields": {"id": "{{ item.item_id }}", "title": "{{ item.item_name }} ({{ plan }})", "wer": "{{ kunde }}"},
        },
        {"items": "{{ items }}", "where": {"item_name": "Teekanne"}},
        {"items": "{{ liste }}"},
    ),
    "anzahl": ({"items": "{{ items }}", "sum": "quantity"}, {"constant": 2}, {"path": "ecommerce.num_items"}),
    "stufe": (
        {"lookup": "{{ kunde }}", "table": {"neu": "Subscribe", "alt": "Purchase"}},
        {"property": "stufe", "of": "{{ kunde }}", "default": "Lead"},
        {
            "choose": [
                {"when": {"ecommerce.value": {"greater_than": 50}}, "value": "Purchase"},
                {"when": {"any": [{"form": "quote"}, {"new_customer": plain("true")}]}, "value": "{{ plan }}"},
            ]
        },
    ),
    "geraet": ({"device": "{{ user_agent }}"}, {"device": "{{ header.user-agent }}", "format": {"case": "upper"}}),
}
"""Those that tags and conditions name, each in some forms. None leads back to itself."""
_PATHS = (
    "page.path",
    "ecommerce.value",
    "kunde",
    "plan",
    "new_customer",
    "user_data.email",
    "liste",
    "tief",
    "items",
    "geo",
    "ip",
)


def other_variable(draw: Draw) -> dict[str, Any]:
    """Any kind of variable, with a default and a format perhaps."""
    path = draw.one(_PATHS)
    name = "{{ " + path + " }}"
    made = draw.one(_any_kind(draw, path, name))
    if draw.chance(0.25):
        made["default"] = draw.one(("ersatz", 5, "{{ event }}", plain("null"), ["a"], {"a": "{{ plan }}"}))
    if draw.chance(0.3):
        made["format"] = draw.one(_FORMATS)
    if draw.chance(0.03):
        made["notes"] = "gemerkt"
    return made


def _any_kind(draw: Draw, path: str, name: str) -> tuple[dict[str, Any], ...]:
    part = draw.one(("url", "protocol", "host", "host_without_www", "port", "path", "query", "fragment", "extension"))
    address = draw.one(("{{ page.location }}", "{{ page.referrer }}", "{{ note }}"))
    return (
        {"path": path},
        {"constant": draw.one((1, "x", ["a", 1], {"a": {"b": None}}, plain("012"), plain("no"), True, 1.5))},
        {"header": draw.one(("Accept-Language", "X-Shop", "cookie"))},
        {"cookie": draw.one(("_ga", "colleague", "größe"))},
        {"query": draw.one(("color", "q", "email"))},
        {"template": draw.one((f"a {name} b", f"{name}{name}", "\\{{ x }} " + name, f"{{{{ user_id }}}}/{name}"))},
        {"lookup": name, "table": draw.one(_TABLES)},
        {"regex": name, "table": draw.one(_REGEXES), **_flags(draw, "full_match", "ignore_case", "replace")},
        {"url": address, "part": part},
        {"url": address, "part": "query", "key": draw.one(("color", "fbclid", "A"))},
        {"truncate_ip": draw.one(("{{ ip }}", name))},
        {
            "hash": draw.one((name, "{{ user_data.phone_number }}")),
            "as": draw.one(("exact", "lower", "email", "phone")),
        },
        {"time": draw.one(("event", "received")), "as": draw.one(("ms", "seconds", "iso", "date"))},
        {"random": draw.one((1, 100, 0)), **({"by": draw.one((name, "{{ client_id }}"))} if draw.chance(0.5) else {})},
        {"coalesce": [name, "{{ form }}", "{{ search_term }}", "zuletzt"]},
        {"split": name, "by": draw.one((",", "|", "/")), "index": draw.one((0, 1, -1, 7))},
        {
            "property": draw.one(("a.b.c.1.d", "0", "stufe", "email")),
            "of": draw.one((name, "{{ user_data }}", "{{ tief }}")),
        },
        {"object": {"a": name, "b": ["{{ event }}", 1], "c": {"d": "x {{ plan }}"}}},
        {"list": [name, "fest", {"a": "{{ kunde }}"}]},
        {"environment": "SHOP_NAME"},
        {"container": draw.one(("version", "debug"))},
        {
            "choose": [
                {"when": conditions(draw, 1), "value": draw.one((name, 5, "eins"))},
                {"when": conditions(draw, 0), "value": "zwei"},
            ]
        },
        {
            "calculate": [
                name,
                {
                    draw.one(("plus", "minus", "times", "divided by")): draw.one(
                        (plain("1.19"), "{{ ecommerce.tax }}", 3)
                    )
                },
            ]
        },
        {
            "items": draw.one(("{{ items }}", name)),
            "fields": {"n": "item_name", "p": "{{ item.price }} {{ ecommerce.currency }}"},
        },
    )


def _flags(draw: Draw, *names: str) -> dict[str, bool]:
    return {name: draw.chance(0.4) for name in names if draw.chance(0.5)}
