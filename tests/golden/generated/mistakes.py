"""Mistakes in a configuration: of those who write it, and of those who copy it from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.golden.generated.drawing import Draw, plain

_META = {"type": "meta_capi", "pixel_id": "1234567890", "access_token": "${env:TOKEN_1}"}
_TAG = {"name": "a", "destination": "ziel 0", "triggers": ["all"]}
_KEYS: Mapping[str, Sequence[Any]] = {
    "tags": (
        [{"name": "allein", "destination": "nirgends", "triggers": ["all"]}],
        [{"name": "a", "destination": "ziel 0"}, {"name": "a", "destination": "ziel 0", "triggers": ["al"]}],
        [{"destination": "ziel 0", "triggers": [], "consent": ["ad_storrage"], "vendor": {"ac_id": 1, "gvl_id": 2}}],
        [
            {
                "name": "a",
                "destination": "ziel 0",
                "triggers": "all",
                "schedule": {},
                "sample": {"percent": 101, "by": "x"},
            }
        ],
        [
            {
                "name": "a",
                "destination": "ziel 0",
                "triggers": ["all"],
                "once_per": {"key": "fest", "within": "1 Stunde"},
            }
        ],
        [
            {
                "name": "a",
                "destination": "ziel 0",
                "triggers": ["all"],
                "event_name": "",
                "priority": "hoch",
                "paused": "ja",
            }
        ],
        [
            {
                "name": "a",
                "destination": "ziel 0",
                "triggers": ["all"],
                "parameters": {"value": "{{ fehlt doch }}", "b": "{{ }}"},
            }
        ],
        [
            {
                "name": "a",
                "destination": "ziel 0",
                "triggers": ["all"],
                "parameters": "{{ x",
                "consent_override": "",
                "fire": 1,
            }
        ],
        [
            {
                "name": "a",
                "destination": "ziel 0",
                "triggers": ["all"],
                "schedule": {"from": "morgen", "time_zone": "Mars"},
            }
        ],
        {"a": {"destination": "ziel 0"}},
        "keine",
        [5, None],
    ),
    "triggers": (
        {"leer": {}},
        {"all": {"event": "x"}},
        {"a": {"event": "/(?=x)/", "when": {}}},
        {"a": {"event": "/x/i"}, "b": {"event": "/x"}, "c": {"event": ""}, "d": {"event": []}},
        {"a": {"when": {"page.path": {"equal": "/"}, "value": {"greater_than": None}, "event": "exists"}}},
        {
            "a": {
                "when": {
                    "ip": {"in": ["10.0.0.1/8", "10.0.0.0-10.0.0.9", "192.168.*", "daheim", "::ffff:10.0.0.0/104"]}
                }
            }
        },
        {"a": {"when": {"or": [{"page.path": "/"}], "any": [], "not": {}}}},
        {"a": {"when": {"page.host": "https://shop.example/", "page.path": "thanks?x=1", "geo.country": "Germany"}}},
        {"a": {"when": {"page.path": {"matches": "(", "one_of": [], "exists": "ja"}, "plan": {}}}},
        {"a": {"event": "purchse", "when": {"ecomerce.value": {"greater_than": "viel"}, "user_data.emial": "x"}}},
        {"a": {"when": {"user_data.email": "*@example.com", "timestamp": "heute", "value": "012", "page.hash": "#x"}}},
    ),
    "variables": (
        {"kreis": {"template": "{{ kreis }}"}, "event": {"path": "x"}},
        {"a": {}, "b": {"path": "x", "constant": 1}, "c": 5, "d": {"lookup": "{{ plan }}"}},
        {"a": {"calculate": ["{{ value }}"]}, "b": {"calculate": [{"times": 2}, {"divided by": 0}]}},
        {
            "a": {"calculate": ["viel", {"mal": 2}]},
            "b": {"calculate": ["{{ value }}", {"divided by": 1, "missing": 0}]},
        },
        {
            "a": {"url": "{{ page.location }}", "part": "domain"},
            "b": {"hash": "fest", "as": "md5"},
            "c": {"time": "now"},
        },
        {
            "a": {"items": "{{ items }}", "pluck": "item_idd", "sum": "price"},
            "b": {"regex": "{{ plan }}", "table": {"(": 1}},
        },
        {"a": {"template": "{{ plan | upper }}"}, "b": {"environment": "TOKEN_1"}, "c": {"js": "return 5"}},
        {"a": {"path": "user_data.emial"}, "b": {"lookup": "{{ event }}", "table": {"purchse": 1, "{{ x }}": 2}}},
        {"a": {"choose": [{"when": {"plan": "x"}}, {"value": 1}]}, "b": {"property": "x"}, "c": {"object": []}},
        {"a": {"path": "x", "format": {"number": "dot", "round": 1.5, "farbe": 1}}, "item": {"constant": 1}},
    ),
    "transformations": (
        {"nichts": {}, "verboten": {"set": {"event_id": "x"}, "exclude": ["page.path"]}},
        {"a": {"rename": {"items.price": "preis", "ip": "x"}, "tags": ["nirgends"], "destinations": ["ziel"]}},
        {"a": {"set": {"currency": "Taler", "a..b": 1}, "block_duplicates": "0s", "items": {}, "allow": {"a": 1}}},
    ),
    "destinations": (
        {"ziel 0": {"type": "meta"}},
        {"ziel 0": {**_META, "pixel_id": "abc", "api_version": "26", "default_country": "Germany", "farbe": 1}},
        {"ziel 0": {**_META, "access_token": "EAABliteral", "api_url": "http://10.0.0.1/", "partner_agent": "x"}},
        {"ziel 0": {**_META, "access_token": "${env:FEHLT}"}, "ziel 1": {"type": "ga4", "measurement_id": "UA-1-1"}},
        {"ziel 0": {"type": "linkedin", "conversions": {}, "linkedin_version": "2026", "access_token": "${file:/x}"}},
        {
            "ziel 0": {
                "type": "webhook",
                "url": "https://user:pw@hooks.example.com",
                "secret": "${env:TOKEN_1}",
                "headers": {"host": "x"},
            }
        },
        {
            "ziel 0": {
                "type": "webhook",
                "url": "ftp://x",
                "secret": "${env:SIGNING_KEY}",
                "fields": ["user_data", "cookie", "a..b"],
            }
        },
        {
            "ziel 0": {
                "type": "file",
                "path": "/etc",
                "name": "a/b",
                "max_file_mb": 0,
                "params": ["consent"],
                "format": "csv",
            }
        },
        {
            "ziel 0": {
                "type": "pinterest",
                "ad_account_id": "x",
                "access_token": "${env:TOKEN_1}",
                "events": {"a": "b"},
                "max_age_days": 99,
            }
        },
        {"ziel 0": 5, "ziel 1": {"pixel_id": 1}},
    ),
    "privacy": ({"query_allow": ["a*b"], "sensitive": ["event"]}, {"sensitive": ["page.path", "geo"], "redact": True}),
    "consent": (
        {"gpc": "maybe", "opt_in_regions": ["Bayern"]},
        {"cmp_cookies": ["usercentrics", "cookiebott", "klaro"], "tcf_exempt": ["Germany"], "hold": "9s"},
        {"cmp_vendors": {"x": ["ad"]}, "onetrust_groups": {"1": ["analytics_storage"]}},
    ),
    "unbekannt": (5,),
    "tag": ([],),
}
"""A key of the file, and what stands there in place of what was right."""
_TEXTS: tuple[tuple[str, str], ...] = (
    *(
        (": ", ":"),
        ("{", "{ {"),
        ("}", ""),
        ("[", ""),
        ("]", "]]"),
        ('"', ""),
        ('"', "\\"),
        ("\n", "\n\t"),
        ("\n", "\n   "),
    ),
    *((", ", ","), (":", " :"), ("all", "*all"), ("name", "&name"), ("{{", "{"), ("}}", "}"), ("tags", "tags: tags")),
    *(
        ("type", "type # "),
        ("\n", "\n---\n"),
        ("\n", "\n<<: 5\n"),
        ("event", "\ufeffevent"),
        ("purchase", "purch\x07ase"),
    ),
    *(
        ("name", "name: x\n  name"),
        (": ", ": |\n"),
        (": ", ": !!int "),
        ("\n", "\n- a\n"),
        ("true", "yes"),
        ('"', "\u201e"),
    ),
)
"""What is typed, and what is meant."""


def mistaken(draw: Draw, made: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file with one mistake in it, or two."""
    wrong = {key: draw.one(_KEYS[key]) for key in draw.some(list(_KEYS), 2, 1)}
    if draw.chance(0.1):
        wrong |= {"variables": {"a": {"constant": plain("x: y")}}}
    return {**made, **wrong}


def mistyped(draw: Draw, text: str) -> str:
    """A file in which something is mistyped at one place, or cut off."""
    if draw.chance(0.1):
        return text[: draw.below(len(text))]
    meant, typed = draw.one(_TEXTS)
    at = text.find(meant, draw.below(len(text)))
    return text + typed if at < 0 else text[:at] + typed + text[at + len(meant) :]
