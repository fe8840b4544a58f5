"""Signatures of webhooks: the vectors of their specifications, and everything that a forger could try."""

from __future__ import annotations

import pytest

from tagserver.plugin.inbound import (
    InboundRequest,
    Refuse,
    check_hmac,
    check_standard,
    check_timed,
    hmac_matches,
    mac,
    standard_key,
    timed_signature,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
MOMENT = 1614265330
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(MOMENT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The example of the Standard Webhooks libraries."""
SVIX = {name.replace("webhook", "svix"): value for name, value in HEADERS.items()}
NOW = MOMENT * 1000
KEY = b"It's a Secret to Everybody"
GITHUB = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""Of `Hello, World!`, from GitHub's page on validating deliveries."""


def refused(code: str, headers: dict[str, str], body: bytes | None = BODY, now: int = NOW, key: str = SECRET) -> None:
    with pytest.raises(Refuse) as caught:
        check_standard(headers, [key], body, now)
    assert (caught.value.status, caught.value.code) == (401, code)


def test_a_standard_webhook() -> None:
    """Also with svix's headers, with several signatures, and with any of two keys."""
    assert check_standard(HEADERS, [SECRET], BODY, NOW) == HEADERS["webhook-id"]
    assert check_standard(SVIX, [SECRET], BODY, NOW) == HEADERS["webhook-id"]
    assert check_standard(HEADERS, ["whsec_AAAA", SECRET.removeprefix("whsec_")], BODY, NOW)
    several = HEADERS | {"webhook-signature": f"v1a,x v1,AAAA {HEADERS['webhook-signature']}"}
    assert check_standard(several, [SECRET], BODY, NOW)


@pytest.mark.parametrize("name", list(HEADERS))
def test_each_header_is_needed_and_signed(name: str) -> None:
    """But for the time, which must be near, too."""
    refused("signature", {one: text for one, text in HEADERS.items() if one != name})
    other = {"webhook-timestamp": str(MOMENT + 1)}.get(name, HEADERS[name] + "x")
    refused("signature", HEADERS | {name: other})


def test_without_a_body_only_what_is_missing_or_old_is_refused() -> None:
    assert check_standard(HEADERS | {"webhook-signature": "v1,AAAA"}, [SECRET], None, NOW)
    refused("stale", HEADERS, None, NOW + 301_000)
    refused("signature", {}, None)


def test_an_id_that_nobody_has_signed_is_not_beside_it() -> None:
    """Or a message could be sent again under another one."""
    refused("signature", SVIX | {"webhook-id": "another"})
    assert check_standard(HEADERS | {"svix-id": "another"}, [SECRET], BODY, NOW) == HEADERS["webhook-id"]


@pytest.mark.parametrize("seconds", [-301, 301, 10**9])
def test_an_old_one_is_refused_whichever_way(seconds: int) -> None:
    refused("stale", HEADERS, now=NOW + seconds * 1000)
    assert check_standard(HEADERS, [SECRET], BODY, NOW + (299_000 if seconds > 0 else -299_000))


@pytest.mark.parametrize("moment", ["", "abc", "-1", "1e9", "٣", "9" * 13])
def test_a_time_that_is_none(moment: str) -> None:
    refused("signature", HEADERS | {"webhook-timestamp": moment})


@pytest.mark.parametrize("key", ["whsec_AAAA", "not base64!", ""])
def test_another_key(key: str) -> None:
    refused("signature", HEADERS, key=key)


@pytest.mark.parametrize("body", [BODY + b" ", b"", BODY.replace(b" ", b"")])
def test_another_body(body: bytes) -> None:
    refused("signature", HEADERS, body)


def test_a_plain_hmac() -> None:
    """In GitHub's form, whose letters may be capitals."""
    for given in (GITHUB, f" {GITHUB} ", "sha256=" + GITHUB.removeprefix("sha256=").upper()):
        check_hmac(given, [b"other", KEY], b"Hello, World!", prefix="sha256=")
    base64 = mac(KEY, b"Hello, World!", form="base64")
    check_hmac(base64, [KEY], b"Hello, World!", form="base64")
    assert not hmac_matches([base64.lower()], [KEY], b"Hello, World!", form="base64")


@pytest.mark.parametrize("given", [None, "", "x" * 5000, GITHUB[:-1], GITHUB.removeprefix("sha256="), "sha256=", "é"])
def test_a_plain_hmac_that_is_none(given: str | None) -> None:
    with pytest.raises(Refuse) as caught:
        check_hmac(given, [KEY], b"Hello, World!", prefix="sha256=")
    assert caught.value.code == "signature"


def test_only_so_many_signatures_are_compared_and_only_of_the_version_that_is_known() -> None:
    """A header may not cost more than its worth."""
    right = HEADERS["webhook-signature"].removeprefix("v1,")
    assert check_standard(HEADERS | {"webhook-signature": "v1,x " * 15 + f"v1,{right}"}, [SECRET], BODY, NOW)
    refused("signature", HEADERS | {"webhook-signature": "v1,x " * 16 + f"v1,{right}"})
    refused("signature", HEADERS | {"webhook-signature": f"v2,{right}"})


def test_who_shows_no_signature_is_refused_before_the_body() -> None:
    for given in (None, ""):
        with pytest.raises(Refuse):
            check_hmac(given, [KEY], None)
        with pytest.raises(Refuse):
            check_timed(given, [KEY], None, NOW)
    check_hmac("something", [KEY], None)


def test_no_key_opens_nothing() -> None:
    """Not the empty one either."""
    assert not hmac_matches([mac(b"", b"x")], [], b"x")
    assert standard_key("whsec_") is None


def test_a_header_with_time_and_signatures() -> None:
    """As Stripe writes it; the time is part of what is signed."""
    made = mac(b"whsec_key", b"1700000000." + BODY)
    now = 1_700_000_000_000
    check_timed(f"t=1700000000,v1=00,v1={made},v0=x", [b"whsec_key"], BODY, now)
    check_timed("t=1700000000,v1=00", [b"whsec_key"], None, now)
    for given, at in ((f"t=1700000001,v1={made}", now), (f"v1={made}", now), (f"t=1700000000,v0={made}", now)):
        with pytest.raises(Refuse) as caught:
            check_timed(given, [b"whsec_key"], BODY, at)
        assert (caught.value.status, caught.value.code) == (401, "signature")
    with pytest.raises(Refuse, match="ago or ahead"):
        check_timed(f"t=1700000000,v1={made}", [b"whsec_key"], BODY, now + 301_000)


RECORDED = '{"id":"evt_1","object":"event","type":"checkout.session.completed","note":"Grüße é 😀"}'.encode()
RECORDED_AT = 1_789_999_999
STRIPE = f"t={RECORDED_AT},v1=90598257d45720942a8353e5e4391f13c0c12994f5616f1e6d74c2f6eabc1bb3"
"""By `WebhookSignature` of stripe 16.1.0 (PyPI), and the same by `generateTestHeaderString` of stripe 23.1.0 (npm)."""
STRIPE_KEY = b"whsec_0123456789abcdefghijklmnopqrstuv"
SVIX_SIGNATURE = "v1,YmOPWpU3LB4ty7wGNrfhx6mc5uUn/DD7lXaJoZo6JZc="
"""By standardwebhooks 1.1.0 and svix 2.9.1 (PyPI), and the same by those of npm."""


def test_what_the_senders_own_libraries_have_signed() -> None:
    check_timed(STRIPE, [STRIPE_KEY], RECORDED, RECORDED_AT * 1000)
    for start in ("webhook", "svix"):
        headers = {f"{start}-id": "msg_1", f"{start}-timestamp": str(RECORDED_AT), f"{start}-signature": SVIX_SIGNATURE}
        assert check_standard(headers, [SECRET], RECORDED, RECORDED_AT * 1000) == "msg_1"


def test_we_sign_as_they_do() -> None:
    assert timed_signature(STRIPE_KEY, RECORDED, RECORDED_AT * 1000 + 999) == STRIPE


@pytest.mark.parametrize(
    ("away", "tolerance", "fine"),
    [
        (0, 300, True),
        (300, 300, True),
        (-300, 300, True),
        (301, 300, False),
        (-301, 300, False),
        (301, 600, True),
        (11, 10, False),
        (-86_401, 86_400, False),
        (3600, 300, False),
        (-315_000_000, 300, False),
    ],
)
def test_clocks(away: int, tolerance: float, fine: bool) -> None:
    """By how many seconds our clock is ahead of the sender's; and whatever it says, no time is judged while it is
    known to be wrong, but the signature is."""
    now = (RECORDED_AT + away) * 1000
    if fine:
        check_timed(STRIPE, [STRIPE_KEY], RECORDED, now, tolerance)
    else:
        with pytest.raises(Refuse) as caught:
            check_timed(STRIPE, [STRIPE_KEY], RECORDED, now, tolerance)
        assert caught.value.code == "stale"
    doubted = InboundRequest("POST", "/webhook/pay", {}, "", {}, RECORDED, now, doubted=True)
    check_timed(STRIPE, [STRIPE_KEY], RECORDED, doubted.judged, tolerance)
    with pytest.raises(Refuse, match="does not fit"):
        check_timed(STRIPE, [b"another"], RECORDED, doubted.judged, tolerance)


def test_no_bit_of_it_may_be_another() -> None:
    """Of the body, the signature or the time."""
    for at in range(0, len(RECORDED) * 8, 5):
        changed = bytearray(RECORDED)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(Refuse):
            check_timed(STRIPE, [STRIPE_KEY], bytes(changed), RECORDED_AT * 1000)
    for at, sign in enumerate(STRIPE):
        other = STRIPE[:at] + ("0" if sign != "0" else "1") + STRIPE[at + 1 :]
        with pytest.raises(Refuse):
            check_timed(other, [STRIPE_KEY], RECORDED, RECORDED_AT * 1000)
