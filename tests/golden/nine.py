"""The container with every destination of this repository that collected events meet, and the requests that carry
them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import yaml

from .scenario import BROWSER, NOW, Request, Scenario

PURPOSES = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")
GRANTED = dict.fromkeys((*PURPOSES, "functionality_storage", "personalization_storage"), "granted")
RESTRICTED = GRANTED | {"ad_personalization": "denied"}
SECRETS = {
    "META_PIXEL_ID": "1",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "DEMO_SHOP": "http://127.0.0.1:1",
    "DEMO_META": "http://127.0.0.1:2",
    "DEMO_VENDORS": "http://127.0.0.1:2/vendors",
    "DEMO_ARCHIVE": "archive",
    "ARCHIVE": "archive",
    "DEMO_SECRET": "whsec_" + "A" * 43 + "=",
}
DESTINATIONS: Mapping[str, Mapping[str, Any]] = {
    "meta_capi": {"pixel_id": "1234567890", "access_token": "${env:META_TOKEN}"},
    "ga4": {"measurement_id": "G-ABC123DEF4", "api_secret": "${env:GA4_SECRET}", "send_user_data": True},
    "snapchat": {"pixel_id": "pixel-1", "access_token": "${env:SNAP_TOKEN}"},
    "tiktok": {"pixel_code": "C123", "access_token": "${env:TIKTOK_TOKEN}"},
    "pinterest": {"ad_account_id": "549755885175", "access_token": "${env:PINTEREST_TOKEN}"},
    "linkedin": {"access_token": "${env:LINKEDIN_TOKEN}", "conversions": {"purchase": "104012", "generate_lead": "7"}},
    "reddit": {"pixel_id": "a2_abc123", "access_token": "${env:REDDIT_TOKEN}"},
    "webhook": {"url": "https://hooks.example.com/events", "secret": "${env:WEBHOOK_SECRET}"},
    "file": {"path": "events"},
}
"""Settings that each type needs."""
NEEDS = {
    "ga4": ["analytics_storage", "ad_storage", "ad_user_data"],
    "webhook": ["ad_user_data"],
    "file": ["analytics_storage"],
}
SERVER = {
    "collect": {
        "origins": ["https://shop.example"],
        "trusted_proxies": 1,
        "geo_headers": ["x-country", "x-region"],
        "keys": {"backend": {"secret": "${env:BACKEND_KEY}"}},
    }
}


def env_of(*texts: str) -> dict[str, str]:
    """A value for every variable that some files name."""
    named = {name for text in texts for name in re.findall(r"\$\{env:(\w+)\}", text)}
    listed = {
        name for text in texts for line in re.findall(r"environment: \[([^]]*)\]", text) for name in line.split(", ")
    }
    return {
        name: SECRETS.get(name, f"secret-of-{name.lower()}")
        for name in sorted(named | listed)
        if not re.search("MISSING|UNSET|NOWHERE|^NO_", name)
    }


def dumped(value: Any) -> str:
    """As YAML, in the order that it has."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)
    return text


def nine(
    *,
    types: Iterable[str] = tuple(DESTINATIONS),
    settings: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **roots: Any,
) -> dict[str, Any]:
    """A container: one destination and one tag for each type, which want everything. `settings` and `parameters` are
    added to all of them; `roots` are the container's other parts."""
    tags = []
    for kind in types:
        tag: dict[str, Any] = {"name": f"Tag {kind}", "destination": kind, "triggers": ["all"]}
        if kind in NEEDS:
            tag["consent"] = NEEDS[kind]
        if parameters:
            tag["parameters"] = dict(parameters)
        tags.append(tag)
    destinations = {kind: {"type": kind, **DESTINATIONS[kind], **(settings or {})} for kind in types}
    return {**roots, "destinations": destinations, "tags": tags}


def scenario(
    name: str, requests: Iterable[Request], container: Mapping[str, Any], server: Mapping[str, Any] | None = None
) -> Scenario:
    """Of values instead of texts."""
    files = {"container.yaml": dumped(dict(container)), "server.yaml": dumped(dict(server or SERVER))}
    return Scenario(name, files, env_of(*files.values()), tuple(requests))


def request(event: Any, at: int = NOW, **known: Any) -> Request:
    """One event in a page's request. `known`: `cookies`, `headers`, `ip`, `user_agent`, `country`, `region`, and `key`,
    the secret of a server that sends it."""
    headers = [*BROWSER] if known.get("key") is None else [("authorization", f"Bearer {known['key']}")]
    headers.append(("x-forwarded-for", known.get("ip") or "198.51.100.7"))
    for name, header in (("user_agent", "user-agent"), ("country", "x-country"), ("region", "x-region")):
        if known.get(name) is not None:
            headers.append((header, str(known[name])))
    if cookies := known.get("cookies"):
        headers.append(("cookie", "; ".join(f"{key}={quote(str(one), safe='')}" for key, one in cookies.items())))
    headers += [(key.lower(), str(one)) for key, one in (known.get("headers") or {}).items()]
    text = [(name, value.encode("utf-8", "replace").decode("latin-1")) for name, value in headers]
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return Request(body.encode("utf-8", "surrogatepass"), tuple(text), at=at)
