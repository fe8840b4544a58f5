"""Faults at the addresses of Segment's libraries."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import ORIGIN
from tests.faults.matrix.hostile import ODD, Ask, ShopGoesOn, ask_all, bomb, metrics
from tests.faults.matrix.rows.doors import CONSENT
from tests.faults.matrix.world import World

chapter = Chapter("Segment's door")

KEYS = {
    "web": {"secret": "${env:WEB_KEY}", "browser": True},
    "shop": {"secret": "${env:SHOP_KEY}", "consent": CONSENT, "basis": "contract"},
    "jobs": {"secret": "${env:JOBS_KEY}", "browser": False},
}
MESSAGE = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "hostile",
    "userId": "u",
    "anonymousId": "a",
    "timestamp": "2026-12-01T00:00:00Z",
    "originalTimestamp": "2026-12-01T00:00:00Z",
    "sentAt": "2026-12-01T00:00:00Z",
    "properties": {"order_id": "hostile", "total": 1, "products": [{"product_id": "A"}], "event_id": "hostile"},
    "context": {"page": {"url": "https://shop.example/"}, "traits": {"email": "a@b.example", "address": {}}},
    "integrations": {"All": True},
    "traits": {"name": "A B"},
}
CONTEXT = ("page", "traits", "ip", "userAgent", "consent", "consentManagement", "externalIds", "clientIds", "device")


def basic(key: str) -> str:
    """As libraries send a write key."""
    return "authorization: Basic " + base64.b64encode(f"{key}:".encode()).decode()


def hit(body: Any, *lines: str, path: str = "/v1/batch", key: str = "jobs-key", origin: str = "") -> bytes:
    """A whole request, after which the connection ends."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"POST {path} HTTP/1.1", "host: tags.shop.example", "connection: close", f"content-length: {len(content)}"]
    head += [f"origin: {origin}"] * bool(origin) + [basic(key)] * bool(key)
    return "\r\n".join([*head, *lines, "", ""]).encode("latin-1") + content


@chapter.row(
    "O14", "Segment's calls: keys of others, every type in every place, deep, many; bombs", quick=True, untimed=True
)
def calls(world: World) -> None:
    """Nobody gets in by a key that is not his, nothing costs more than its size, and the shop's events go on."""
    shop = ShopGoesOn(
        world,
        {"clients": {"segment": {"write_keys": KEYS}}},
        WEB_KEY="web-key",
        SHOP_KEY="shop-key",
        JOBS_KEY="jobs-key",
    )
    ask_all(world, [*keys(), *places(), *sizes()])
    refused = metrics(shop.server).get('tagserver_requests_refused_total{reason="key"}', 0)
    world.expect(refused >= 6, f"{refused:g} keys of nobody are counted")
    text = shop.server.text()
    world.expect(len(text.splitlines()) < 12, f"strangers have filled the log with {len(text.splitlines())} lines")
    world.expect("a@b.example" not in text and "-key" not in text, "a person or a key stands in the log")
    shop.to_its_end(64)


def keys() -> Iterator[Ask]:
    """Who may not send."""
    one = {"batch": [MESSAGE]}
    inside = {**one, "writeKey": "web-key"}
    packed = gzip.compress(json.dumps({**one, "writeKey": "jobs-key"}).encode())
    yield Ask("no key", hit(one, key=""), (401,))
    yield Ask("nobody's", hit(one, key="other"), (401,))
    yield Ask("a longer one", hit(one, key="jobs-key" * 400), (401,))
    yield Ask("Basic that is none", hit(one, "authorization: Basic \xff\xfe===", key=""), (401,))
    yield Ask("one that is masked", hit({**one, "writeKey": "jobs-key***"}, key=""), (401,))
    yield Ask("two in a body", hit(b'{"writeKey": "jobs-key", "writeKey": 7, "batch": []}', key=""), (401,))
    yield Ask("one in a packed body", hit(packed, "content-encoding: gzip", key=""), (401,))
    yield Ask("nobody's in a large body", hit({"a": "x" * 900_000, "writeKey": "other"}, key=""), (401,))
    yield Ask("in a deep body", hit(b'{"writeKey": ' + b"[" * 100_000, key=""), (401,))
    yield Ask("a page's, from elsewhere", hit(one, key="web-key", origin="https://evil.example"), (403,))
    yield Ask("a page's, from nowhere", hit(one, key="web-key"), (403,))
    yield Ask("a page's in a body, from nowhere", hit(inside, key=""), (403,))
    yield Ask("a page's, that says whose consent there is", hit(inside, key="", origin=ORIGIN), (200,))
    yield Ask("a server's, in a page", hit(one, "sec-fetch-site: cross-site", key="shop-key", origin=ORIGIN), (403,))


def places() -> Iterator[Ask]:
    """Every type in every place."""
    for odd in ODD:
        yield Ask(f"a batch is {odd!r:.20}", hit({"batch": odd}), (200, 400))
        yield Ask(
            f"beside a batch is {odd!r:.20}", hit({"batch": [MESSAGE], "context": odd, "sentAt": odd}), (200, 400)
        )
        batch = [{**MESSAGE, name: odd} for name in MESSAGE] + [odd]
        batch += [{**MESSAGE, "context": {name: odd}} for name in CONTEXT]
        batch += [{**MESSAGE, "properties": {name: odd}} for name in ("order_id", "total", "products", "currency")]
        batch += [{**MESSAGE, "properties": {"products": [{name: odd}]}} for name in ("product_id", "price", "name")]
        yield Ask(f"everything is {odd!r:.20}", hit({"batch": batch}), (200, 400, 413))
    wide = {
        "batch": [{**MESSAGE, "context": {"consent": {"categoryPreferences": {str(n): True for n in range(5000)}}}}]
    }
    yield Ask("categories without end", hit(wide), (200,))
    yield Ask(
        "deep", hit(b'{"batch": [{"type": "track", "properties": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]}"), (400,)
    )
    yield Ask("no JSON", hit(b"batch=1", "content-type: application/x-www-form-urlencoded"), (400,))
    yield Ask("no call", hit(MESSAGE, path="/v1/projects"), (404,))


def sizes() -> Iterator[Ask]:
    """More than is taken."""
    plain = json.dumps({"batch": [MESSAGE]}).encode()
    bombed = bomb()
    large = {"campaign": {"name": "x" * 200_000}}
    yield Ask("gzip in disguise", hit(gzip.compress(plain)), (400,))
    yield Ask("no gzip", hit(plain, "content-encoding: gzip"), (400,))
    yield Ask("a bomb", hit(bombed, "content-encoding: gzip"), (413,))
    yield Ask("a bomb of nobody's", hit(bombed, "content-encoding: gzip", key="other"), (401,))
    yield Ask("a large body", hit(b" " * (2 << 20)), (413,))
    yield Ask("many messages", hit({"batch": [{}] * 200_000}), (413,))
    yield Ask("much beneath many", hit({"batch": [{"type": "track", "event": "x"}] * 900, "context": large}), (413,))
    yield Ask("products without end", hit({**MESSAGE, "properties": {"products": [{"id": 1}] * 60_000}}), (200, 400))
