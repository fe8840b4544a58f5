"""Where an event happens: addresses of pages with click ids, personal data, odd escapes; and texts that people type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.golden.generated.drawing import Draw

_BASES = (
    *(
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example/thanks",
        "https://www.shop.example/c/pots",
    ),
    *("https://shop.example/p/teapot.html", "http://SHOP.example:8080/P/Tee kanne", "https://shop.example:443//cart"),
    *("https://staging.shop.example/checkout/1", "https://münchen.example/straße", "https://xn--mnchen-3ya.example/a"),
    *("https://shop.example/konto/erika@example.com/bestellungen", "https://shop.example/u/%65rika%40example.com"),
    *("https://[2001:db8::1]/p", "https://192.168.0.1/admin", "//shop.example/ohne", "/relativ/nur?x=1"),
    *(
        "shop.example/kein-schema",
        "android-app://com.example/x",
        "file:///C:/a.html",
        "about:blank",
        "https://",
        "kaputt",
    ),
    *(
        "https://user:geheim@shop.example/p",
        "https://shop.example\\p",
        "https://shop.example/%",
        "https://shop.example/a%00",
    ),
    *(
        "https://shop.example/p;jsessionid=AB12;v=1/x",
        "https://shop.example/login;token=abc?color=red",
    ),
)
_KEYS: Mapping[str, tuple[str, ...]] = {
    "utm_source": ("brief", "news%20letter", "a+b"),
    "color": ("red", "rot%26blau", ""),
    "q": ("tee", "erika%40example.com", "+49%2030%20901820", "4111111111111111"),
    "fbclid": ("IwZXgut-1", "undefined", "%7B%7Bfbclid%7D%7D", "IwZX%3Bpath", "IwZXgut-1?utm_source=brief", "Q" * 2100),
    "gclid": ("EAIaIQob-1_x", "null", "Cj0%20x"),
    "wbraid": ("CjgKCA-1",),
    "gbraid": ("0AAAA-1",),
    "dclid": ("CI-1",),
    "ttclid": ("E.C.P.v3.1", "__CLICKID__"),
    "epik": ("dj0yJnU9~=", "dj0 y"),
    "ScCid": ("3f1d7d6e-0000-4000-8000-000000000001",),
    "li_fat_id": ("2f1d7d6e-0000-4000-8000-000000000001", "x y"),
    "rdt_cid": ("519042-1",),
    "msclkid": ("9d5e-1",),
    "twclid": ("23opevjt88psuo13lu8d020qkn",),
    "email": ("erika%40example.com", "erika@example.com", "ja"),
    "user%5Bmail%5D": ("erika%2540example.com",),
    "phone": ("%2B4930901820", "030901820", "yes"),
    "tel": ("+49 30 901820",),
    "token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ",),
    "order_key": ("wc_order_abc123",),
    "sig": ("0a1b2c3d",),
    "name": ("Erika+Mustermann",),
    "street": ("Hauptstr.%205",),
    "iban": ("DE89370400440532013000",),
    "customer": ("4711",),
    "weiter": ("https%3A%2F%2Fshop.example%2F%3Femail%3Derika%2540example.com", "https://a.example/?token=abc#x"),
    "voucher": ("erika-10",),
    "ts_preview": ("abc.def",),
    "a%": ("%zz", "%E4%F6"),
    "": ("leer",),
}
_ENDS = ("", "", "", "#top", "#email=erika@example.com", "#/route?token=abc", "#%", "?zweite=1")
TITLES = (
    "Danke!",
    "Konto von erika@example.com",
    "Ü" * 400,
    "",
    5,
    None,
    "a\tb\nc",
    "Rufen Sie +49 30 901820 an",
    ["x"],
)
TEXTS = (
    "Schlüssel secret-token-1-abcdefghijkl",
    *("Bitte bei erika@example.com klingeln", "Tel. +49 30 901820 ab 18 Uhr", "Karte 4111 1111 1111 1111, danke"),
    *("Karte 5500-0000-0000-0004", "1234567890123", "ganz harmlos", "erika%40example.com", "erika%2540example.com"),
    *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ", "mailto:a@b.example?cc=c@d.example"),
    *("tel:+4930901820", "😀 Emoji 👩‍👩‍👧", "x" * 5000 + " erika@example.com", "a@b", "@", "%40", "a" * 300),
    *("DE89 3704 0044 0532 0130 00", "jörg@müller.example und jürgen@müller.example", "\u202eabc", "Zeile\r\nzwei"),
)
"""Free text, some with personal data."""


def address(draw: Draw) -> str:
    """An address of a page. Most are of the shop, with a few keys in the query."""
    base = draw.one(_BASES[:5] if draw.chance(0.75) else _BASES)
    pairs = [f"{key}={draw.one(_KEYS[key])}" for key in (draw.some(list(_KEYS), 4, 1) if draw.chance(0.6) else [])]
    if draw.chance(0.08):
        pairs.append(pairs[0] if pairs else "ohnewert")
    query = ("?" + draw.one(("&", "&", "&", ";")).join(pairs)) if pairs else ""
    return base + query + draw.one(_ENDS)


def page(draw: Draw) -> dict[str, Any]:
    """The page's fields, in one of their spellings."""
    where = address(draw)
    if draw.chance(0.7):
        made: dict[str, Any] = {"location": where}
        if draw.chance(0.5):
            made["referrer"] = draw.made(address, lambda _: "https://news.example/?q=erika@example.com", lambda _: "")
        if draw.chance(0.3):
            made["title"] = draw.one(TITLES)
        if draw.chance(0.04):
            made |= draw.fields({"location": (5, None, ["x"], {}), "path": ("/falsch",), "host": ("x",)}, 2, 1)
        return {"page": made}
    made = {"page_location": where}
    if draw.chance(0.4):
        made |= {"page_referrer": address(draw), "page_title": draw.one(TITLES)}
    if draw.chance(0.2):
        made["page"] = draw.one(({"location": where}, {"location": "https://shop.example/anders"}, "https://x", 5))
    return made
