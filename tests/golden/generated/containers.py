"""A configuration: marketing's `container.yaml` and operations' `server.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.golden.generated import (
    cmp_cookies,
    conditions,
    destinations,
    mistakes,
    parameters,
    signals,
    transformations,
    variables,
)
from tests.golden.generated.drawing import Draw, as_yaml, plain

ENVIRONMENT = {
    **destinations.SECRETS,
    "BACKEND_KEY": "backend-key-0123456789abcdef",
    "CRM_KEY": "crm-key-0123456789abcdef",
    "SHOP_NAME": "Teeladen",
}
KEYS = {"backend": ENVIRONMENT["BACKEND_KEY"], "crm": ENVIRONMENT["CRM_KEY"]}
_TYPES = tuple(destinations.KINDS)
_KEYS: tuple[tuple[str, ...], ...] = (
    ("{{ ecommerce.transaction_id }}", "{{ user_id }}", "{{ plan }}/{{ event }}", "{{ client_id }}"),
)
_SCHEDULES: tuple[dict[str, str], ...] = (
    *(
        {"from": "2026-01-01T00:00"},
        {"until": "2026-09-22T08:00", "time_zone": "Europe/Berlin"},
        {"from": "2027-01-01"},
    ),
    *(
        {"from": "2026-09-21T22:13:20", "until": "2026-12-01T00:00", "time_zone": "America/New_York"},
        {"until": "2026-09-01T00:00+02:00"},
    ),
)
_CONSENT: Mapping[str, tuple[Any, ...]] = {
    "opt_in_regions": (["EEA", "GB", "CH"], ["DE", "US-CA"], [], ["US"]),
    "gpc": ("restrict", "block", "ignore"),
    "gpc_scope": ("global", "us_only"),
    "dnt": ("restrict", "ignore"),
    "hold": ("2s", "500ms", "5s"),
    "retroactive": ("page", "session"),
    "tcf_analytics": (True, False),
    "tcf_exempt": (["DE"], ["FR", "AT"]),
}
_PRIVACY: Mapping[str, tuple[Any, ...]] = {
    "query_allow": (["color", "utm_*"], [], ["c*"], ["q", "fbclid", "Größe"]),
    "sensitive": (["health.topic", "plan"], ["health"], ["kunde.stufe", "user_data.gender", "note"]),
}
_COLLECT: Mapping[str, tuple[Any, ...]] = {
    "dedup": ("per_source", "shared"),
    "dedup_orders": (False, True),
    "max_event": ("2KiB", "64KiB"),
    "max_body": ("16KiB", "1MiB"),
    "max_events": (3, 1000),
    "rate": ("off", "3/s"),
}
_GEO = (["cf-ipcountry", "cf-region-code"], ["x-vercel-ip-country"], ["x-client-region"], ["x-land", "x-teil"])


def container(draw: Draw) -> tuple[dict[str, Any], list[str]]:
    """`container.yaml`, and the consent tools whose cookies it reads."""
    used = [draw.one(_TYPES), *draw.some(_TYPES, 2)]
    named = {f"ziel {number}": destinations.destination(draw, kind) for number, kind in enumerate(used)}
    triggers = {f"auslöser {number}": conditions.trigger(draw) for number in range(1 + draw.below(4))}
    tags = [_tag(draw, number, named, list(triggers)) for number in range(len(used) + draw.below(3))]
    names = [tag["name"] for tag in tags]
    made: dict[str, Any] = {"destinations": named, "triggers": triggers, "tags": tags}
    if draw.chance(0.4):
        shapes = range(1 + draw.below(2))
        made["transformations"] = {
            f"umbau {one}": transformations.transformation(draw, names, list(named)) for one in shapes
        }
    others = {f"wert {number}": variables.other_variable(draw) for number in range(draw.below(4))}
    for number, name in enumerate(others):
        draw.one(tags).setdefault("parameters", {})[f"wert_{number}"] = "{{ " + name + " }}"
        if draw.chance(0.25):
            triggers[f"nach {name}"] = {
                "when": {name: draw.one(("x", {"exists": True}, {"greater_than": 1}, ["a", 5]))}
            }
            draw.one(tags)[draw.one(("triggers", "triggers", "exceptions"))] = [f"nach {name}"]
    named_there = _named(draw, {**made, "variables": others}) | others
    if named_there:
        made["variables"] = named_there
    consent, tools = _consent(draw)
    if consent:
        made["consent"] = consent
    if draw.chance(0.25):
        made["privacy"] = draw.fields(_PRIVACY, 2, 1)
    return made, tools


def _named(draw: Draw, made: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that the file names somewhere."""
    found: dict[str, Any] = {}
    text = as_yaml(made)
    for _ in range(2):  # a variable may name another
        for name, forms in variables.VARIABLES.items():
            if name not in found and "{{ " + name + " }}" in text:
                found[name] = draw.one(forms)
        text += as_yaml(found)
    return found


def _tag(draw: Draw, number: int, named: Mapping[str, Mapping[str, Any]], triggers: list[str]) -> dict[str, Any]:
    destination = list(named)[number] if number < len(named) else draw.one(list(named))
    kind = str(named[destination]["type"])
    made: dict[str, Any] = {"name": f"tag {number}", "destination": destination}
    made["triggers"] = draw.weighted(
        (13 if number else 90, ["all"]), (3, [draw.one(triggers)]), (2, draw.some(triggers, 3, 1))
    )
    if kind not in ("file", "webhook", "linkedin") and draw.chance(0.1):
        made["triggers"] = ["known events"]
    if draw.chance(0.12 if number else 0.05):
        made["exceptions"] = draw.some(triggers, 1, 1)
    if draw.chance(0.6):
        made["parameters"] = parameters.parameters(draw, kind)
    if draw.chance(0.15) and "event_name" not in made.get("parameters", {}):
        names = destinations.KINDS[kind].names
        made["event_name"] = draw.one(
            (draw.one(names), draw.one(names), {"purchase": names[0], "page_view": draw.one(names)})
        )
    if draw.chance(0.1) and destinations.KINDS[kind].per_tag:
        made["settings"] = destinations.for_tag(draw, kind)
    made |= _needs(draw, kind)
    if number or draw.chance(0.4):
        made |= _limits(draw)
    if draw.chance(0.04):
        made["redact_override"] = "die Kasse braucht es"
    return made


def _needs(draw: Draw, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    declared = list(destinations.KINDS[kind].consent)
    if draw.chance(0.3 if kind in ("file", "webhook") else 0.15):
        more = draw.some(("analytics_storage", "personalization_storage", "ad_personalization"), 2, 1)
        if kind in ("file", "webhook", "ga4"):
            more += ["ad_storage", "ad_user_data"][: draw.below(3)]
        made["consent"] = list(dict.fromkeys([*declared, *more]))
    elif draw.chance(0.05):
        made |= {"consent": draw.some(declared, 1), "consent_override": "Vertrag 5"}
    if draw.chance(0.08):
        made["vendor"] = draw.one(({"ac_id": 89}, {"gvl_id": 755}, {"gvl_id": 10}, {"ac_id": 5}))
    return made


def _limits(draw: Draw) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if draw.chance(0.07):
        made["schedule"] = draw.one(_SCHEDULES)
    if draw.chance(0.07):
        made["sample"] = {"percent": draw.one((50, plain("12.5"), 0, 100)), "by": draw.one(_KEYS[0])}
    if draw.chance(0.08):
        made["once_per"] = {"key": draw.one(_KEYS[0]), "within": draw.one(("1h", "30d", "2s"))}
    if draw.chance(0.04):
        made["paused"] = draw.chance(0.7)
    if draw.chance(0.1):
        made["priority"] = draw.one((1, -5, 100))
    if draw.chance(0.03):
        made["notes"] = "von früher"
    return made


def _consent(draw: Draw) -> tuple[dict[str, Any], list[str]]:
    made = draw.fields(_CONSENT, 3, 1) if draw.chance(0.35) else {}
    tools = draw.some(cmp_cookies.TOOLS, 2, 1) if draw.chance(0.25) else []
    if tools:
        made["cmp_cookies"] = tools
        if any(tool in cmp_cookies.BY_VENDOR for tool in tools):
            made["cmp_vendors"] = cmp_cookies.VENDORS
        if "onetrust" in tools and draw.chance(0.4):
            made["onetrust_groups"] = cmp_cookies.GROUPS
    return made, tools


def server(draw: Draw) -> dict[str, Any]:
    """`server.yaml`."""
    proxies = draw.weighted((3, 0), (2, 1), (1, 2))
    collect: dict[str, Any] = {"origins": ["https://shop.example"] if draw.chance(0.9) else ["*"]}
    if proxies:
        collect["trusted_proxies"] = proxies
        if draw.chance(0.8):
            collect["geo_headers"] = draw.one(_GEO)
    granted = dict.fromkeys(signals.PURPOSES[:4], "granted")
    collect["keys"] = {
        "backend": {"secret": "${env:BACKEND_KEY}"},
        "crm": {
            "secret": "${env:CRM_KEY}",
            "consent": granted if draw.chance(0.8) else {**granted, "ad_personalization": "denied"},
            "basis": "contract, 2026-03",
        },
    }
    if draw.chance(0.15):
        collect |= draw.fields(_COLLECT, 2, 1)
    made: dict[str, Any] = {"collect": collect, "environment": ["SHOP_NAME"]}
    if draw.chance(0.05):
        made["debug"] = True
    return made


def files(draw: Draw) -> tuple[dict[str, str], list[str]]:
    """The files of a configuration folder, and the consent tools that it knows. A few are broken."""
    made, tools = container(draw)
    blocks = draw.weighted((6, 1), (3, 2), (3, 3), (2, 5))
    broken = draw.weighted((191, ""), (5, "content"), (4, "text"))
    if broken == "content":
        made = mistakes.mistaken(draw, made)
    found = {"container.yaml": as_yaml(made, blocks), "server.yaml": as_yaml(server(draw), blocks)}
    if draw.chance(0.1):
        found["more/tags.yaml"] = as_yaml({"tags": made["tags"]}, blocks)
        found["container.yaml"] = as_yaml({key: value for key, value in made.items() if key != "tags"}, blocks)
    if broken == "text":
        found["container.yaml"] = mistakes.mistyped(draw, found["container.yaml"])
    return found, tools
