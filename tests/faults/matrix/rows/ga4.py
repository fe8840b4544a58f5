"""Faults at the addresses of Google's tag and of its Measurement Protocol."""

from __future__ import annotations

import json

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.hostile import ODD, Ask, ShopGoesOn, ask_all, bomb, get, metrics, post
from tests.faults.matrix.world import World

chapter = Chapter("Google's door")

HIT = "/g/collect?v=2&tid=G-ABC&_p=1&cid=1.2&_s=1"
TILL = "/mp/collect?measurement_id=G-ABC&api_secret=secret-of-the-till"
GOOD = {
    "client_id": "1.2",
    "user_id": "u",
    "timestamp_micros": 1_790_000_000_000_000,
    "user_properties": {"a": {"value": 1}},
    "consent": {"ad_user_data": "GRANTED"},
    "non_personalized_ads": False,
    "user_data": {"sha256_email_address": ["a" * 64]},
    "user_location": {"city": "Bonn"},
    "ip_override": "203.0.113.9",
    "device": {"category": "desktop"},
    "events": [{"name": "quiet", "params": {"a": 1}}],
}


@chapter.row(
    "O13",
    "Google's addresses: malformed hits, queries that count for many lines, secrets of others, other properties, bombs",
    quick=True,
    untimed=True,
)
def hostile(world: World) -> None:
    """Each is refused or read for what it is, costs its length alone, and the shop's events go on beside it."""
    ga4 = {"measurement_ids": ["G-ABC"], "api_secrets": {"till": {"secret": "${env:TILL}"}}}
    shop = ShopGoesOn(world, {"clients": {"ga4": ga4}}, TILL="secret-of-the-till")
    good = json.dumps(GOOD).encode()
    bombed = bomb()
    long = "&".join(f"a{n}=b" for n in range(600))

    def hits(body: bytes, *lines: str, address: str = HIT) -> bytes:
        return post(body, *lines, target=address)

    def till(body: object, *lines: str) -> bytes:
        return post(body, *lines, target=TILL)

    ask_all(
        world,
        [
            Ask("a true hit", get(f"{HIT}&en=quiet"), (204,)),
            Ask("true lines", hits(b"en=quiet\r\nen=quiet"), (204,)),
            Ask("a true body", till(good), (204,)),
            *(Ask(f"{key} is {odd!r:.20}", till({**GOOD, key: odd}), (204, 400)) for key in GOOD for odd in ODD),
            *(Ask(f"an event is {odd!r:.20}", till({**GOOD, "events": [odd]}), (204,)) for odd in ODD),
            Ask("events without end", till({**GOOD, "events": [{"name": "quiet"}] * 101}), (413,)),
            Ask("no event", get("/g/collect?tid=G-ABC"), (204,)),
            Ask("broken escapes", get(f"{HIT}&en=%zz%&ep.%=%ff&pr1=%&_et=%00"), (204,)),
            Ask("an item of tildes", get(f"{HIT}&en=quiet&pr1={'~' * 6_000}"), (204,)),
            Ask("an address without end", get(f"{HIT}&en={'x' * 20_000}"), (414,)),
            Ask("items beyond all", get(f"{HIT}&en=quiet&pr9999=idx&pr99999=idx&pr0=idx"), (204,)),
            Ask("hundreds of values", get(f"{HIT}&en=quiet&{'&'.join(f'ep.a{n}=b' for n in range(500))}"), (204,)),
            Ask("bytes that are nothing", hits(bytes(range(256))), (204,)),
            Ask("lines without end", hits(b"en=quiet\n" * 90_000), (413,)),
            Ask("nothing but line ends", hits(b"\r\n" * 400_000), (204,)),
            Ask("a long query for many lines", hits(b"en=quiet\n" * 100, address=f"{HIT}&{long}"), (413,)),
            Ask("another property", get("/g/collect?tid=G-XYZ&en=quiet"), (403,)),
            Ask("no property", get("/g/collect?en=quiet"), (403,)),
            Ask("another site", get(f"{HIT}&en=quiet", "referer: https://evil.example/"), (403,)),
            Ask("nobody", get(f"{HIT}&en=quiet", "accept: */*"), (403,)),
            Ask("a page without an origin", hits(b"en=quiet", "origin: null"), (403,)),
            Ask("another method", hits(b"").replace(b"POST", b"DELETE", 1), (405,)),
            Ask("the protocol's address with GET", get(TILL), (405,)),
            Ask("no secret", post(good, target="/mp/collect?measurement_id=G-ABC"), (401,)),
            Ask("another's secret", post(good, target="/mp/collect?api_secret=secret-of-another"), (401,)),
            Ask("half of the secret", post(good, target="/mp/collect?api_secret=secret-of-the-ti"), (401,)),
            Ask("a secret without end", post(good, target="/mp/collect?api_secret=" + "k" * 8_000), (401,)),
            Ask("a bomb of a stranger", post(bombed, "content-encoding: gzip", target="/mp/collect"), (401,)),
            Ask("a bomb", till(bombed, "content-encoding: gzip"), (413,)),
            Ask("a bomb of a page", hits(bombed, "content-encoding: gzip"), (413,)),
            Ask("a bomb that does not say so", till(bombed), (400,)),
            Ask("gzip that is none", till(good, "content-encoding: gzip"), (400,)),
            Ask("deep", till(b'{"events": ' + b"[" * 50_000), (400,)),
            Ask("deep in a parameter", till(b'{"events": [{"name": "quiet", "params": {"a": ' + b"[" * 5_000), (400,)),
            Ask("a form", till(b"events=1"), (400,)),
            Ask("a body that is too large", till(b" " * (2 << 20)), (413,)),
            Ask("to be looked at", post(good, target=f"/debug{TILL}"), (200,)),
            Ask("to be looked at, by a stranger", post(good, target="/debug/mp/collect"), (401,)),
        ],
    )
    refused = metrics(shop.server).get('tagserver_requests_refused_total{reason="key"}', 0)
    world.expect(refused >= 5, f"{refused:g} wrong secrets are counted")
    lines = len(shop.server.text().splitlines())
    world.expect(lines < 14, f"strangers have filled the log with {lines} lines")
    world.expect("secret-of" not in shop.server.text(), "a secret stands in the log")
    shop.to_its_end()
