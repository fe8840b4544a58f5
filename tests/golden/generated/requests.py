"""Requests: bodies in each of their shapes, good and garbled, with the headers of browsers, proxies and backends."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.golden.generated import cmp_cookies, containers, events, pages, signals
from tests.golden.generated.drawing import Draw
from tests.golden.scenario import Request

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-G991B) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 16_0) CriOS/120.0 Safari/604.1",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "curl/8.0",
    "Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/130.0",
    " ",
    "x" * 2000,
    "Mozilla/5.0 OPR/100.0 Edg/120",
)
_COOKIES: Mapping[str, Sequence[str]] = {
    "_fbp": ("fb.1.1789900000000.1098115397", "fb.1.x", "undefined", "fb.1.1789900000000.1098115397.AQEBAQIx"),
    "_fbc": (
        "fb.1.1789900000000.IwZXgut-1",
        "fb.1.x",
        "undefined",
        "fb.2.1789900000000.IwZXalt.AQ",
        "fb.1.1789900000000.",
    ),
    "_ga": ("GA1.1.1098115397.1789900000", "GA1.2-3.5.6", "kaputt", "GA1.1.x"),
    "_ga_ABC123DEF4": (
        "GS1.1.1789990000.5.1.1789990050.0.0.0",
        "GS2.1.s1789990000$o5$g1",
        "GS2.1.o5$s1789990000$g1",
        "x",
    ),
    "_gcl_aw": ("GCL.1789900000.Cj0KCQ-1", "x"),
    "FPGCLAW": ("2.1.kCj0KCQ-2$i1789900000",),
    "_gcl_gb": ("GCL.1789900000.CjgKCA-9",),
    "ttclid": ("E.C.P.cookie-1", "__CLICKID__"),
    "_ttp": ("2abcDEF-1_x", "a b"),
    "_epik": ("dj0yJnU9cookie",),
    "_scid": ("3f1d7d6e-0000-4000-8000-000000000002",),
    "_scclid": ("scc-1",),
    "li_fat_id": ("2f1d7d6e-0000-4000-8000-000000000009",),
    "_rdt_uuid": ("1789900000000.3f1d7d6e-0000-4000-8000-000000000003",),
    "_rdt_cid": ("519042-9",),
    "_uetmsclkid": ("_uet9d5e-2",),
    "_twclid": (quote('{"twclid":"23opevjt88"}'), "23opevjt88", "{kaputt"),
    "colleague": ("1", '"ja"'),
    "gr%C3%B6%C3%9Fe": ("L",),
    "größe": ("XL",),
    "_rdt_em": ("0" * 64, "a" * 64),
    "_gtmeec": ("e30=",),
    "a": ("b=c", "", "%zz", "erika%40example.com"),
}
_HEADERS: Mapping[str, Sequence[str]] = {
    "accept-language": ("de-DE,de;q=0.9", "en"),
    "sec-ch-ua": ('"Chromium";v="140", "Not=A?Brand";v="24"',),
    "sec-ch-ua-mobile": ("?1", "?0"),
    "sec-ch-ua-platform": ('"Android"',),
    "referer": ("https://shop.example/thanks?email=erika%40example.com",),
    "x-shop": ("muster", "erika@example.com"),
    "dnt": ("1", "0"),
}
_FORWARDED = (
    "203.0.113.9",
    "198.51.100.1, 203.0.113.9",
    "203.0.113.9:4711, 10.0.0.1",
    "unknown",
    "[2001:db8::5]:80, 2a00::1",
    ",",
)
_PLACES = ("DE-BY", "US-CA", "US-CA", "US-TX", "US-CO", "FR", "XX", "GB-ENG", "BR", "us-ny", "CH-ZH", "", "US")
"""Where the proxies in front say that a visitor is."""
_PEERS = ("203.0.113.7", "8.8.8.8", "2001:4860:4860::8844", "10.1.2.3", "::ffff:198.51.100.4")
_BODIES: tuple[bytes, ...] = (
    *(b"", b"{", b"[]", b"null", b"5", b'"text"', b"[[]]", b'{"event": "purchase"', b"\xff\xfe{}", b"\xef\xbb\xbf[]"),
    *(
        b'{"event": "a\xffb"}',
        b'{"events": {}}',
        b'{"events": 5}',
        b'{"events": [], "ctx": 5}',
        b"[" * 500 + b"]" * 500,
    ),
    *(
        b'{"event": "x", "a": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
        b'{"event": "x", "n": 1e999}',
        b'{"event": NaN}',
    ),
    *(
        b'{"event": "purchase", "event": "refund", "value": 1, "value": 2}',
        b'{"event": "x", "n": -0, "m": 1E400, "k": 0.1e-400}',
    ),
    *(
        b'{"event": "x", "t": "\\u0000\\ud83d\\ude00\\ud800"}',
        b"[null, 5, [], {}]",
        b'{"event": "x",}',
        b"event=purchase",
    ),
    *(b'{"event": "x", "n": 123456789012345678901234567890, "f": 0.30000000000000004}', b'[{"event": "x"}]garbage'),
    b'{"event": "x", "consent": {"ad_storage": "granted", "ad_storage": "denied"}, "' + b"k" * 5000 + b'": 1}',
    b'{"event": "x", "felder": {' + b",".join(b'"f%d": %d' % (one, one) for one in range(2100)) + b"}}",
)


def requests(draw: Draw, tools: list[str], start: int) -> tuple[Request, ...]:
    """Some requests, one after another; `tools` are the consent tools that the visitor's browser may know."""
    at = start
    made: list[Request] = []
    before: list[dict[str, Any]] = []
    if draw.chance(0.06):
        made += _waiting(draw, at)
        at += 4000
    for _ in range(draw.weighted((5, 1), (4, 2), (2, 3), (1, 5))):
        made.append(_request(draw, tools, at, before))
        at += draw.one((0, 5, 300, 1500, 6000, 7_200_000, 3 * 86_400_000))
    return tuple(made)


def _request(draw: Draw, tools: list[str], at: int, before: list[dict[str, Any]]) -> Request:
    if draw.chance(0.03):
        headers = [("origin", "https://shop.example"), ("content-type", "application/json")]
        return Request(draw.one(_BODIES), tuple(headers), draw.one(_PEERS), at)
    key = draw.weighted((7, None), (2, "backend"), (2, "crm"))
    headers = _of_backend(draw, key) if key else _of_browser(draw, tools)
    if draw.chance(0.02):
        headers = draw.one(
            (
                [("origin", "https://fremd.example")],
                [],
                [("origin", "null")],
                [("authorization", "Bearer falsch")],
                [("authorization", "Basic !!")],
                [("authorization", "Digest x")],
            )
        )
    said: list[dict[str, Any]] = []
    for _ in range(draw.weighted((7, 1), (3, 2), (1, 5))):
        repeated = before and draw.chance(0.15)
        said.append(events.again(draw, draw.one(before), at) if repeated else events.event(draw, at))
    before += said
    body = _written(draw, _shape(draw, said, at))
    if draw.chance(0.06):
        body, named = draw.one(_ENCODINGS)(body)
        headers.append(("content-encoding", named))
    return Request(body, tuple(headers), draw.one(_PEERS), at)


def _waiting(draw: Draw, at: int) -> list[Request]:
    """Events that ask to wait for the visitor's choice; and the choice, of the same visitor or another."""
    visitor = {"client_id": "c-wait", "session_id": "s-1", "page": {"location": pages.address(draw)}}
    if draw.chance(0.3):
        visitor["page_view_id"] = "v-1"
    default = dict.fromkeys(signals.PURPOSES[: draw.one((3, 4, 7))], "denied")
    wait = draw.one((2000, 5000, 500, 3000))
    said = [
        events.event(draw, at) | visitor | {"consent": {"default": {**default, "wait_for_update": wait}}}
        for _ in range(1 + draw.below(3))
    ]
    choice: dict[str, Any] = {"event": draw.one(("consent", "consent", "page_view")), **visitor}
    choice["consent"] = {"update": signals.words(draw)}
    other: dict[str, Any] = draw.one(
        ({"page": {"location": "https://shop.example/weiter"}}, {"client_id": "c-x"}, {"event_id": "e"})
    )
    headers = (("origin", "https://shop.example"), ("content-type", "application/json"))
    return [
        Request(_written(draw, said), headers, "203.0.113.7", at),
        Request(_written(draw, choice | other), headers, "203.0.113.7", at + draw.one((100, 1500, 3900))),
    ]


def _shape(draw: Draw, said: list[dict[str, Any]], at: int) -> Any:
    if len(said) == 1 and draw.chance(0.5):
        return said[0]
    if draw.chance(0.45):
        return [*said, *([draw.one((None, 5, "x", []))] if draw.chance(0.03) else [])]
    made: dict[str, Any] = {"events": said}
    if draw.chance(0.75):
        made["ctx"] = _context(draw)
    if draw.chance(0.5):
        made["sent"] = draw.one((at, at - 1000, at - 60_000, at + 7_200_000, str(at), None, at // 1000, True))
    if draw.chance(0.05):
        made |= draw.one(({"consent": {"ad_storage": "denied"}}, {"gpc": 1}, {"extra": 5}))
    return made


def _context(draw: Draw) -> Any:
    if draw.chance(0.04):
        return draw.one((None, 5, "x", [], [{"consent": "denied"}], ""))
    made: dict[str, Any] = signals.fields(draw) if draw.chance(0.4) else {}
    if draw.chance(0.6):
        made |= pages.page(draw)
    if draw.chance(0.3):
        made |= {"client_id": "c-ctx", "user_data": {"email": "ctx@example.com", "address": {"country": "DE"}}}
    if draw.chance(0.1):
        made |= {"event": "purchase", "event_id": "aus-ctx", "currency": "EUR", "timestamp": 5}
    return made


def _of_browser(draw: Draw, tools: list[str]) -> list[tuple[str, str]]:
    made = [("origin", "https://shop.example"), ("content-type", draw.one(("application/json", "text/plain")))]
    if draw.chance(0.92):
        made.append(("user-agent", draw.one(_AGENTS[:4] if draw.chance(0.8) else _AGENTS)))
    if draw.chance(0.8):
        made.append(("x-forwarded-for", draw.one(_FORWARDED[:2] if draw.chance(0.7) else _FORWARDED)))
    if draw.chance(0.7):
        made += _place(draw)
    made += draw.fields(_HEADERS, 2).items()
    if draw.chance(0.1):
        made.append(("sec-gpc", draw.one(("1", "0", "1, 0"))))
    if draw.chance(0.01):
        made.append(("sec-purpose", "prefetch;prerender"))
    cookies = draw.fields(_COOKIES, 5) | cmp_cookies.cookies(draw, tools if draw.chance(0.8) else [])
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if pairs:
        made.append(("cookie", pairs.encode().decode("latin-1") if draw.chance(0.97) else pairs + "; " + "x" * 17_000))
    if draw.chance(0.03):
        made.append(("cookie", "_ga=GA1.1.7.8; euconsent-v2=kaputt"))
    return made


def _place(draw: Draw) -> list[tuple[str, str]]:
    """The headers of several proxies, which mostly agree."""
    country, _, part = draw.one(_PLACES).partition("-")
    other = "FR" if draw.chance(0.05) else country
    return [
        ("cf-ipcountry", country),
        ("cf-region-code", part),
        ("x-vercel-ip-country", other),
        ("x-client-region", country + part),
        ("x-land", country),
        ("x-teil", draw.one((part, f"{country}-{part}", f"{country}_{part}"))),
    ]


def _of_backend(draw: Draw, key: str) -> list[tuple[str, str]]:
    secret = containers.KEYS[key]
    basic = base64.b64encode(f"{secret}:".encode()).decode()
    made = [
        ("authorization", f"Bearer {secret}" if draw.chance(0.8) else f"Basic {basic}"),
        ("content-type", "application/json"),
    ]
    if draw.chance(0.2):
        made += [
            ("user-agent", "till/1.0"),
            ("cookie", "_fbp=fb.1.1789900000000.3"),
            ("x-forwarded-for", "203.0.113.9"),
        ]
    return made


def _written(draw: Draw, value: Any) -> bytes:
    """As JSON, sometimes with escapes for all that is beyond ASCII, with blanks, or not quite whole."""
    text = json.dumps(value, ensure_ascii=draw.chance(0.3), separators=(",", ":") if draw.chance(0.7) else None)
    body = text.encode(errors="surrogatepass")
    if draw.chance(0.01):
        return body[: draw.below(len(body))]
    return b"\xef\xbb\xbf" + body if draw.chance(0.01) else body


def _gzip(body: bytes) -> bytes:
    """Packed without being compressed, by hand: libraries of two versions write different bytes."""
    made = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    pieces = [body[at : at + 0xFFFF] for at in range(0, len(body), 0xFFFF)] or [b""]
    for number, piece in enumerate(pieces, 1):
        made += struct.pack("<BHH", number == len(pieces), len(piece), len(piece) ^ 0xFFFF) + piece
    return made + struct.pack("<II", zlib.crc32(body), len(body))


_ENCODINGS: tuple[Callable[[bytes], tuple[bytes, str]], ...] = (
    lambda body: (_gzip(body), "gzip"),
    lambda body: (_gzip(body), "GZIP"),
    lambda body: (_gzip(body[:9]) + _gzip(body[9:]), "x-gzip"),
    lambda body: (body, "identity"),
    lambda body: (_gzip(body)[:-9], "gzip"),
    lambda body: (body, "gzip"),
    lambda body: (body, "br"),
)
