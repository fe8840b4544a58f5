"""Faults at the address of Stape's Data Tag, where pages and servers send to one path."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.hostile import ODD, Ask, ShopGoesOn, ask_all, bomb, get, post
from tests.faults.matrix.world import World

chapter = Chapter("Stape's door")

DATA = "/data?v=2&event=quiet"
GOOD = {
    "event_name": "quiet",
    "consent_state": {"ad_storage": True},
    "items": [{"currency": "EUR"}],
    "email": "a@b.example",
    "common_cookie": {"_fbp": "fb.1.1790000000000.1"},
    "_dcid_temp": "dcid.1.1.1",
    "user_data": {},
}


def image(query: str, *lines: str) -> bytes:
    """The request of an image in a page."""
    return get(f"/data?{query}", *lines)


@chapter.row(
    "O15",
    "the Data Tag's address: malformed hits, depth and numbers of forms, keys of others, bombs",
    quick=True,
    untimed=True,
)
def hostile(world: World) -> None:
    """Each is refused or read for what it is, costs its length alone, and the shop's events go on beside it."""
    shop = ShopGoesOn(
        world, {"clients": {"stape": {"keys": {"till": {"secret": "${env:TILL_KEY}"}}}}}, TILL_KEY="key-of-the-till"
    )
    good = json.dumps(GOOD).encode()
    bombed = bomb()
    deep = b"[" * 50_000

    def sent(body: object, *lines: str) -> bytes:
        return post(body, *lines, target=DATA)

    def form(text: str) -> bytes:
        return sent(text.encode(), "content-type: application/x-www-form-urlencoded")

    def hidden(text: bytes) -> str:
        return "dtdc=" + quote(base64.b64encode(text).decode(), safe="")

    ask_all(
        world,
        [
            Ask("a true one", sent(good), (200,)),
            Ask("a true image", image(hidden(good)), (200,)),
            *(Ask(f"the body is {odd!r:.20}", sent(odd), (200, 400)) for odd in ODD),
            *(Ask(f"{key} is {odd!r:.20}", sent({**GOOD, key: odd}), (200, 400)) for key in GOOD for odd in ODD),
            Ask("a list of odd things", sent([*ODD, GOOD]), (200,)),
            Ask("a number beyond all", form("a.999999999=1&b.0.999999999.c=2"), (200,)),
            Ask("names without end", form("a." * 200_000 + "=1"), (200,)),
            Ask("brackets without end", form("a" + "[a]" * 200_000 + "=1"), (200,)),
            Ask("2,000 numbers from behind", form("&".join(f"a.{9_000_000 - n}=1" for n in range(2_000))), (200, 400)),
            Ask("100,000 fields", form("&".join(f"a{n}=1" for n in range(100_000))), (400,)),
            Ask("JSON without end in a field", form("a=" + "[" * 200_000), (200, 400)),
            Ask("a form that says it is JSON", sent(b"a=1", "content-type: application/json"), (200,)),
            Ask("JSON that says it is a form", sent(good, "content-type: application/x-www-form-urlencoded"), (200,)),
            Ask("JSON that says it is an image", sent(good, "content-type: image/gif"), (200,)),
            Ask("bytes that are nothing", sent(bytes(range(256))), (400,)),
            Ask("deep", sent(deep), (400,)),
            Ask("deep in an image", image(hidden(b"[" * 2_000)), (400,)),
            Ask("no Base64", image("dtdc=%ff%00"), (400,)),
            Ask("a text in Base64", image(hidden(b'"x"')), (400,)),
            Ask("raw JSON that is none", image("dtcd=%7B"), (400,)),
            Ask("101 fields of a query", image("&".join(f"a{n}=1" for n in range(101))), (400,)),
            Ask("a bomb", sent(bombed, "content-encoding: gzip"), (413,)),
            Ask("a bomb that does not say so", sent(bombed), (400,)),
            Ask("gzip that is none", sent(good, "content-encoding: gzip"), (400,)),
            Ask("a body that is too large", sent(b" " * (2 << 20)), (413,)),
            Ask("another's key", sent(good, "authorization: Bearer key-of-another"), (401,)),
            Ask("half of the key", sent(good, "authorization: Bearer key-of-the-ti"), (401,)),
            Ask("a key of no kind", sent(good, "authorization: Digest key-of-the-till"), (401,)),
            Ask("a key without end", sent(good, "authorization: Bearer " + "k" * 8_000), (401,)),
            Ask("an image of another site", image(hidden(good), "referer: https://evil.example/"), (403,)),
            Ask("an image of nobody", image(hidden(good), "accept: */*"), (403,)),
            Ask("another method", post(good, target=DATA).replace(b"POST", b"DELETE", 1), (405,)),
        ],
    )
    lines = len(shop.server.text().splitlines())
    world.expect(lines < 14, f"strangers have filled the log with {lines} lines")
    shop.to_its_end()
