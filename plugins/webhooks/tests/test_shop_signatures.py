"""How Shopify and WooCommerce sign: signatures recorded from elsewhere, secrets as WordPress keeps them, and the one
form that nobody signs."""

from __future__ import annotations

import pytest
from tagserver_webhooks import Webhooks
from tagserver_webhooks.woocommerce import decoded

from tagserver.plugin.inbound import InboundRequest, Refuse
from tagserver.testing import make_client

WOO = "salt &amp; pepper&#039;s &lt;key&gt;"
CLIENT = make_client(
    Webhooks,
    {
        "shop": {"secret": "hush-the-shops-secret", "style": "shopify"},
        "woo": {"secret": WOO, "style": "woocommerce"},
        "php": {"secret": "a &amp; &#X0027;b&#039; &amp;lt; &#x3c; &quot;€", "style": "woocommerce"},
    },
)
RECORDED = [
    # By @shopify/shopify-api 13.1.0 (npm), whose own check takes the first.
    (
        "shop",
        b'{"id":450789469,"financial_status":"paid","line_items":[]}',
        "+hDQhdHB+8xMP6a2vGa842Z2Anc3ND18QbsrjD3QN+4=",
    ),
    ("shop", '{"id":1,"name":"Ærø – 50 €\\/x"}\n'.encode(), "uCvfsoiBROO1wLFZUvOJAKbclyxtWGCK4FDoWEDkVDY="),
    ("shop", b"", "vPX5u7FAWEid7W/UBO4uIwVL5fNe8dQb5HKpUBzPMCA="),
    # By openssl 3 with the secret as WooCommerce decodes it: salt & pepper's <key>
    ("woo", b'{"id":93}', "S6lr3VIBKgvKizv///RrLE5EwWvG6DWfWkTcBdryHus="),
    # By PHP 8.2 with WooCommerce's formula and WordPress's table of entities.
    (
        "php",
        rb'{"id":727,"status":"processing","total":"29.35","name":"\u00c6r\u00f8\/\u20ac","line_items":[]}',
        "QZQxB92Bfm9QIrU+8MrYjnIL4SyA2LjfdLQ2abdozaA=",
    ),
]
HEADERS = {"shop": "x-shopify-hmac-sha256", "woo": "x-wc-webhook-signature", "php": "x-wc-webhook-signature"}


@pytest.mark.parametrize(("name", "body", "signature"), RECORDED, ids=["order", "signs", "empty", "woo", "php"])
def test_signatures_that_others_have_made(name: str, body: bytes, signature: str) -> None:
    """Are taken; and none for another body or with another sign in it."""
    request = InboundRequest("POST", f"/webhook/{name}", {"name": name}, "", {HEADERS[name]: signature}, body)
    assert CLIENT.identify(request) == name
    other = InboundRequest("POST", request.path, request.params, "", request.headers, body + b" ")
    wrong = InboundRequest("POST", request.path, request.params, "", {HEADERS[name]: signature.swapcase()}, body)
    for forged in (other, wrong):
        with pytest.raises(Refuse, match="does not fit"):
            CLIENT.identify(forged)


PING = b"webhook_id=3"


@pytest.mark.parametrize(
    ("name", "headers", "body", "answered", "read"),
    [
        ("woo", {"content-length": "12"}, PING, True, True),
        ("woo", {"content-length": "64"}, PING, True, True),
        ("woo", {"content-length": "65"}, PING, True, False),
        ("woo", {}, PING, True, False),
        ("woo", {"content-length": "1e1"}, PING, True, False),
        ("woo", {"content-length": "12", "x-wc-webhook-signature": "AAAA"}, PING, False, True),
        ("woo", {"content-length": "12"}, PING + b"a", False, True),
        ("woo", {"content-length": "12"}, PING + b"\n", False, True),
        ("shop", {"content-length": "12"}, PING, False, False),
    ],
    ids=["ping", "longest", "longer", "unknown", "odd", "signed", "other", "line", "shopify"],
)
def test_the_form_that_nobody_signs(
    name: str, headers: dict[str, str], body: bytes, answered: bool, read: bool
) -> None:
    """No more is read of it than it has, and it says nothing but what it says."""
    request = InboundRequest("POST", f"/webhook/{name}", {"name": name}, "", headers)
    assert CLIENT.greet(request) is None
    if read:
        CLIENT.identify(request)
    else:
        with pytest.raises(Refuse, match="is missing"):
            CLIENT.identify(request)
    whole = InboundRequest("POST", request.path, request.params, "", headers, body)
    reply = CLIENT.greet(whole)
    assert (reply is not None and reply.status == 200) is answered
    with pytest.raises(Refuse, match=r"missing|does not fit"):
        CLIENT.identify(whole)


@pytest.mark.parametrize(
    ("secret", "plain"),
    [
        (WOO, "salt & pepper's <key>"),
        ("&amp;amp;", "&amp;"),
        ("&quot;&#34;&#034;&#x22;", '""""'),
        ("&#38;&#x26;&#60;&#x3c;&#062;&#X0027;", "&&<&#x3c;>'"),
        ("&copy; &eacute; &nothing; &", "&copy; &eacute; &nothing; &"),
    ],
    ids=["all", "once", "quotes", "numbers", "others"],
)
def test_a_secret_as_wordpress_decodes_it(secret: str, plain: str) -> None:
    """Once, and those five signs alone (`wp_specialchars_decode`)."""
    assert decoded(secret) == plain
