"""Scenarios by hand: what several requests after one another do to one server, and what requests can be beside events.
Read once, when the corpus is collected."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

from .scenario import BROWSER, NOW, Request, Scenario

GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")
DENIED = {"ad_storage": "denied", "ad_user_data": "denied"}
LATER = {"default": {**DENIED, "wait_for_update": 5000}}
ENV = {"BACKEND_KEY": "backend-key", "CRM_KEY": "crm-key", "META_TOKEN": "meta-token-secret", "GA4": "ga4-secret"}
SERVER = """
collect:
  origins: ["https://shop.example"]
  max_body: 64KiB
  max_event: 16KiB
  max_events: 50
  keys:
    backend: {secret: "${env:BACKEND_KEY}"}
    crm:
      secret: "${env:CRM_KEY}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: "contract, 2026-03"
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:META_TOKEN}"}
  ga: {type: ga4, measurement_id: G-ABC123DEF4, api_secret: "${env:GA4}"}
triggers:
  purchase: {event: purchase}
  lead: {event: generate_lead}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase], priority: 10}
  - {name: Meta lead, destination: meta, triggers: [lead]}
  - {name: GA, destination: ga, triggers: [all]}
"""
BACKEND = (("authorization", "Bearer backend-key"),)
CRM = (("authorization", "Bearer crm-key"),)
ADMIN = (("authorization", "Bearer admin-token-of-the-corpus"), ("content-type", "application/json"))


def purchase(event_id: str = "purchase_T-1", **fields: Any) -> dict[str, Any]:
    """A purchase that Meta takes."""
    return {
        "event": "purchase",
        "event_id": event_id,
        "client_id": "1.2",
        "page": {"location": "https://shop.example/thanks?fbclid=F"},
        "user_data": {"email": "erika@example.com", "phone_number": "+49 170 1234567"},
        "ecommerce": {"transaction_id": event_id.removeprefix("purchase_"), "value": 59.9, "currency": "EUR"},
        "consent": GRANTED,
    } | fields


def choice(consent: Any, **fields: Any) -> dict[str, Any]:
    """What the page says when the visitor has chosen."""
    page = {"location": "https://shop.example/thanks?fbclid=F"}
    return {"event": "consent", "client_id": "1.2", "page": page, "consent": {"update": consent}} | fields


def waiting(event_id: str, **fields: Any) -> dict[str, Any]:
    """A purchase whose visitor has not chosen yet."""
    return purchase(event_id, consent=LATER) | fields


def post(said: Any, at: int = 0, headers: tuple[tuple[str, str], ...] = BROWSER, **more: Any) -> Request:
    """A request `at` ms after the beginning."""
    body = said if isinstance(said, bytes) else json.dumps(said, separators=(",", ":")).encode()
    return Request(body, headers, at=NOW + at, **more)


def flow(name: str, *requests: Request, server: str = SERVER, container: str = CONTAINER) -> Scenario:
    return Scenario(f"flow/{name}", {"server.yaml": server, "container.yaml": container}, ENV, requests)


def flows() -> Iterator[Scenario]:
    """All of them."""
    yield from _repeats()
    yield from _consent()
    yield from _requests()
    yield from _settings()


def _repeats() -> Iterator[Scenario]:
    twice = purchase()
    yield flow("a repeat", post(twice), post(twice, 1000))
    yield flow("a repeat within a request", post([twice, twice]))
    yield flow("a repeat after two days", post(twice), post(twice, 49 * 3_600_000))
    yield flow("another value", post(twice), post(purchase(ecommerce={**twice["ecommerce"], "value": 60}), 1))
    order = purchase(ecommerce={**twice["ecommerce"], "transaction_id": "T-2"})
    yield flow("another order under one id", post(twice), post(order, 1))
    again = purchase("other", ecommerce=twice["ecommerce"])
    yield flow("an order under another id", post(twice), post(again, 1), post(again, 2))
    yield flow("an order again after nine days", post(twice), post(again, 9 * 86_400_000))
    off = SERVER + "  dedup_orders: false\n"
    yield flow("orders are not known", post(twice), post(again, 1), server=off)
    per_source = SERVER + "  dedup: per_source\n"
    yield flow("repeats of two sources", post(twice), post(twice, 1, BACKEND), post(twice, 2), server=per_source)
    shared = (post(twice), post(twice, 1, BACKEND))
    yield flow("a repeat of the shop's server", *shared)
    once = CONTAINER.replace("triggers: [lead]", 'triggers: [lead], once_per: {key: "{{ client_id }}", within: 1d}')
    lead = purchase("l-1", event="generate_lead")
    other = purchase("l-2", event="generate_lead")
    yield flow("once per visitor", post(lead), post(other, 1), post(other, 86_400_001), container=once)
    same = CONTAINER + "  - {name: Meta again, destination: meta, triggers: [purchase]}\n"
    yield flow("two tags of one name", post(twice), container=same)
    for name in ("nothing", "purchase"):
        event = {key: value for key, value in twice.items() if key != "event_id"}
        if name == "nothing":
            event["event"] = "generate_lead"
        yield flow(f"minted from {name}", post(event), post([event, event], 1))


def _consent() -> Iterator[Scenario]:
    held = post([waiting("b"), waiting("a")])
    yield flow("held, granted", held, post(choice(GRANTED), 1000))
    yield flow("held, denied, granted", held, post(choice(DENIED), 1000), post(choice(GRANTED), 2000))
    yield flow("held, granted by the next event", held, post(waiting("c", consent={**LATER, "update": GRANTED}), 5))
    yield flow("held until its time is over", held, post(purchase("later"), 6000), post(choice(GRANTED), 7000))
    yield flow("held until the end", held)
    yield flow("held, another visitor", held, post(choice(GRANTED, client_id="3.4"), 1))
    elsewhere = choice(GRANTED, page={"location": "https://shop.example/next"})
    yield flow("held, another page", held, post(elsewhere, 1))
    session = "consent: {retroactive: session}\n" + CONTAINER
    yield flow("held, another page of the session", held, post(elsewhere, 1), container=session)
    all_held = "consent: {hold: 2s}\n" + CONTAINER
    yield flow("the site holds all", post(purchase(consent=None)), post(choice(GRANTED), 1999), container=all_held)
    yield flow("a repeat of what waits", post([waiting("a"), waiting("a")]), post(choice(GRANTED), 1))
    yield flow("held without an id", post({k: v for k, v in waiting("x").items() if k != "event_id"}), held)
    denial = purchase("d", consent={"update": DENIED})
    yield flow("taken back", post(purchase("a")), post(denial, 1000), post(purchase("b"), 2000))
    yield flow("taken back by a key", post(purchase("a")), post(denial, 1, CRM), post(purchase("b"), 2))
    by_key: tuple[Request, ...] = (
        post(purchase("a"), 0, BACKEND),
        post(denial, 1, BACKEND),
        post(purchase("b"), 2, BACKEND),
    )
    yield flow("taken back and granted by a key", *by_key, post(purchase("c", consent={"update": GRANTED}), 3, BACKEND))
    for number in range(3):
        by_key = (*by_key, post(purchase(f"d{number}", consent={"update": GRANTED}), 10 + number, BACKEND))
    yield flow("granted by a key again and again", *by_key)
    forget = post({"email": "erika@example.com"}, 5, ADMIN, path="/-/forget.json")
    yield flow("forgotten", post(purchase("a")), forget, post(purchase("b"), 6))
    yield flow("forgotten while it waits", held, post({"client_id": "1.2"}, 5, ADMIN, path="/-/forget.json"))
    for name, consent in {
        "nothing": None,
        "no personalization": {"ad_storage": "granted", "ad_user_data": "granted"},
        "statistics alone": {"analytics_storage": "granted"},
        "all": GRANTED,
        "ads alone": {key: word for key, word in GRANTED.items() if key.startswith("ad_")},
    }.items():
        yield flow(f"consent: {name}", post(purchase(consent=consent)), post(purchase("k", consent=consent), 1, CRM))
    opted_out = (*BROWSER, ("sec-gpc", "1"))
    yield flow("global privacy control", post(purchase(), 0, opted_out))


def _requests() -> Iterator[Scenario]:
    batch = {"events": [purchase("a"), {"event": "view_item"}, 7, {}], "ctx": {"consent": GRANTED, "user_id": "u-1"}}
    yield flow("a batch with its context", post(batch))
    yield flow("a clock that is wrong", post({**batch, "sent": NOW - 90_000}), post({**batch, "sent": "soon"}, 1))
    packed = (*BROWSER, ("content-encoding", "gzip"))
    yield flow("gzip", post(gzip.compress(json.dumps(purchase()).encode(), mtime=0), 0, packed))
    yield flow("gzip that is none", post(b"{}", 0, packed), post(gzip.compress(b"[" * 9, mtime=0), 1, packed))
    bodies = (b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b'{"event":NaN}', b'{"events":7}', b"[1e999]")
    yield flow("bodies that are none", *(post(body, at) for at, body in enumerate(bodies)))
    yield flow("depth", post(b"[" * 3000), post(b'{"a":' * 900 + b"1" + b"}" * 900, 1))
    half = post(json.dumps(purchase(user_id="\ud800")).encode(), 1)
    yield flow("half a character", half, post(b'{"event":"purchase","event_id":"\\ud83d"}', 2))
    yield flow("too large", post(purchase(note="x" * 17_000)), post(purchase(note="x" * 70_000), 1))
    yield flow("too many", post([purchase(f"e-{number}") for number in range(51)]))
    yield flow("fifty", post([purchase(f"e-{number}", user_id=f"u-{number}") for number in range(50)]))
    unknown = (("authorization", "Bearer nobody"),)
    basic = (("authorization", "Basic YmFja2VuZC1rZXk6"),)
    yield flow("keys", *(post(purchase(f"k-{at}"), at, key) for at, key in enumerate((unknown, basic, BACKEND, CRM))))
    origins = ("https://other.example", "null", "https://shop.example.evil.example", "http://shop.example", "")
    yield flow(
        "origins", *(post(purchase(), at, (("origin", one),)) for at, one in enumerate(origins)), post({}, 9, ())
    )
    ask = (*BROWSER, ("access-control-request-method", "POST"), ("access-control-request-headers", "content-type"))
    methods = ("GET", "HEAD", "PUT", "DELETE")
    yield flow("methods", *(post(b"", at, BROWSER, method=one) for at, one in enumerate(methods)))
    yield flow("preflight", post(b"", 0, ask, method="OPTIONS"), post(b"", 1, (), method="OPTIONS"))
    yield flow("other addresses", *(post(b"", at, (), method="GET", path=one) for at, one in enumerate(("/", "/x"))))
    yield flow("a page that nobody sees", post(purchase(), 0, (*BROWSER, ("sec-purpose", "prefetch;prerender"))))
    said = purchase(ip_override="198.51.100.9", user_agent="Agent/1")
    yield flow("fields that only a key may say", post(said), post(said | {"event_id": "k"}, 1, BACKEND))
    times = (NOW // 1000, NOW, "2026-09-20T10:00:00Z", "soon", NOW - 8 * 86_400_000, NOW + 86_400_000, True)
    yield flow("times", *(post(purchase(f"t-{at}", timestamp=one), at) for at, one in enumerate(times)))
    page = {**purchase("c"), "cookie": {"_fbp": "fb.1.1.2", "_ga": "GA1.1.12.34"}}
    cookies = (*BROWSER, ("cookie", "_fbp=fb.1.1700000000000.42; a=%C3%BC"), ("cookie", "_ga=GA1.1.1.2"))
    yield flow("cookies", post(purchase(), 0, cookies), post(page, 1, cookies), post(page, 2, BACKEND))


def _settings() -> Iterator[Scenario]:
    slow = SERVER + "  rate: 1/s\n"
    many = [purchase(f"r-{number}") for number in range(8)]
    yield flow("a rate", post(many), post(many, 1), post(many, 9000), post(many, 9001, BACKEND), server=slow)
    proxies = SERVER + "  trusted_proxies: 1\n  geo_headers: [x-country, x-region]\n"
    named = (*BROWSER, ("x-forwarded-for", "192.0.2.1, 198.51.100.3"), ("x-country", "DE"), ("x-region", "BY"))
    twice = (*named, ("x-forwarded-for", "203.0.113.9"))
    yield flow("behind a proxy", post(purchase(), 0, named), post(purchase("2"), 1, twice), server=proxies)
    american = tuple((name, {"DE": "US", "BY": "CA"}.get(value, value)) for name, value in named)
    default = {"default": GRANTED}
    for name, headers in (("Germany", named), ("California", american)):
        yield flow(f"by default in {name}", post(purchase(consent=default), 0, headers), server=proxies)
    below = SERVER + "path_prefix: /tags\n"
    yield flow("below a path", post(purchase(), path="/tags/collect"), post(purchase("2"), 1), server=below)
    anybody = 'collect: {origins: ["*"]}\n'
    yield flow("any origin", post(purchase(), 0, ()), post(purchase("2"), 1, (("origin", "null"),)), server=anybody)
    paused = CONTAINER.replace("triggers: [lead]", "triggers: [lead], paused: true")
    yield flow("a tag that is paused", post(purchase(event="generate_lead")), container=paused)
    lacking = CONTAINER.replace("META_TOKEN", "NO_TOKEN")
    yield flow("a secret that is missing", post(purchase()), container=lacking)
    yield flow("a container with errors", post(purchase()), container=CONTAINER + "  - {name: GA}\n")
    shown = ("/-/status.json", "/-/dead.json", "/healthz", "/readyz")
    yield flow("status", post(purchase()), *(post(b"", 1, ADMIN, method="GET", path=one) for one in shown[1:]))
    trial = {"event": purchase(), "now": "2026-09-21T14:13:20Z", "ip": "198.51.100.7"}
    yield flow("try", post(trial, 0, ADMIN, path="/-/try.json"), post({"x": 1}, 1, ADMIN, path="/-/try.json"))
    strings = {"kind": "tcf", "input": "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA"}
    yield flow("consent strings", post(strings, 0, ADMIN, path="/-/consent.json"))
