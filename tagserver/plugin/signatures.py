"""Signatures of webhooks, checked over the bytes as they came, before anything reads them: in constant time, with every
key that is valid now, none left out early. Authors import this from `tagserver.plugin.inbound`.

A signature with a time in it is as old as that says: a request that was recorded cannot be sent again for ever.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from tagserver.plugin.client import Refuse

TOLERANCE = 300.0
"""Seconds by which a sender's clock may differ from ours, as Stripe and Standard Webhooks have it."""
LONGEST = 4096
"""Characters of a header with signatures that are read."""
MOST = 16
"""Signatures in one header that are compared: senders write two while a secret is replaced."""
PREFIX = "whsec_"
STANDARD = ("webhook", "svix")
"""How the names of a Standard Webhook's three headers begin, today's and those before the standard."""

Form = Literal["hex", "base64"]


def mac(key: bytes, signed: bytes, digest: str = "sha256", form: Form = "hex") -> str:
    """The signature of some bytes as it is written."""
    made = hmac.digest(key, signed, digest)
    return made.hex() if form == "hex" else base64.b64encode(made).decode()


def hmac_matches(
    given: Sequence[str],
    keys: Iterable[bytes],
    signed: bytes,
    *,
    digest: str = "sha256",
    form: Form = "hex",
    prefix: str = "",
) -> bool:
    """Whether one of the given signatures, without its `prefix`, is that of one of the keys over the signed bytes. Each
    is compared with each, so that the time tells nothing."""
    found = False
    for key in keys:
        wanted = mac(key, signed, digest, form).encode()
        for one in given[:MOST]:
            bare = one.strip()
            fits = bare.startswith(prefix)
            text = bare[len(prefix) :] if fits else ""
            same = hmac.compare_digest((text.lower() if form == "hex" else text).encode(errors="replace"), wanted)
            found = found or (same and fits)
    return found


def check_hmac(
    given: str | None, keys: Iterable[bytes], signed: bytes | None, *, form: Form = "hex", prefix: str = ""
) -> None:
    """Raises Refuse (401) where the header with a plain HMAC is missing, which costs no look at the body (`signed`
    None: it is not here yet), or wrong."""
    _shown(given)
    if signed is not None and not hmac_matches([given or ""], keys, signed, form=form, prefix=prefix):
        raise wrong()


def check_standard(headers: Mapping[str, str], keys: Iterable[str], body: bytes | None, received: int | None) -> str:
    """The id of a message that is signed as Standard Webhooks (github.com/standard-webhooks). `keys`: secrets such as
    `whsec_MfKQ…`; `received`: see `check_fresh`. Raises Refuse (401): no signature, a wrong one, or one that
    is too old."""
    start = next((one for one in STANDARD if f"{one}-signature" in headers), STANDARD[0])
    shown = _shown(headers.get(f"{start}-signature"))
    message, moment = headers.get(f"{start}-id", ""), headers.get(f"{start}-timestamp", "")
    if start != STANDARD[0] and f"{STANDARD[0]}-id" in headers:  # nobody has signed that one, and it would be read
        raise Refuse(401, "signature", "there are two ids, and the signature is of one alone")
    if not message or len(message) > LONGEST or not _is_moment(moment):
        raise Refuse(401, "signature", f"{start}-id or {start}-timestamp is missing, or is none")
    check_fresh(int(moment), received)
    if body is not None:
        given = [text for version, _, text in (one.partition(",") for one in shown.split()) if version == "v1"]
        signed = f"{message}.{moment}.".encode("latin-1", "replace") + body
        if not hmac_matches(given, [key for one in keys if (key := standard_key(one))], signed, form="base64"):
            raise wrong()
    return message


def timed_signature(key: bytes, body: bytes, received: int) -> str:
    """A header `t=…,v1=…` as its sender writes it at a moment (in ms since 1970): for examples."""
    moment = str(received // 1000)
    return f"t={moment},v1={mac(key, moment.encode() + b'.' + body)}"


def check_timed(
    given: str | None, keys: Iterable[bytes], body: bytes | None, received: int | None, tolerance: float = TOLERANCE
) -> None:
    """A header `t=…,v1=…` over `t.body`, in hex, as Stripe and Calendly write it; `tolerance` in seconds. Raises Refuse
    (401)."""
    parts = [one.strip().partition("=") for one in _shown(given).split(",")[: MOST + 1]]
    moment = next((text for name, _, text in parts if name == "t"), "")
    if not _is_moment(moment):
        raise Refuse(401, "signature", "the header of the signature has no time in it")
    check_fresh(int(moment), received, tolerance)
    if body is not None:
        signed = moment.encode() + b"." + body
        if not hmac_matches([text for name, _, text in parts if name == "v1"], keys, signed):
            raise wrong()


def check_fresh(moment: int, received: int | None, tolerance: float = TOLERANCE) -> None:
    """Raises Refuse (401) for a time (in seconds since 1970) that is further from `received` (in ms) than `tolerance`
    seconds, whichever way. None: nobody knows what time it is, and any time is taken (`InboundRequest.judged`)."""
    if received is not None and abs(received / 1000 - moment) > tolerance:
        message = f"it was signed more than {tolerance:.0f} s ago or ahead; look at the sender's clock"
        raise Refuse(401, "stale", message)


def standard_key(secret: str) -> bytes | None:
    """The bytes of a secret such as `whsec_MfKQ…`, padding or not; None when it is not base64."""
    text = secret.strip().removeprefix(PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def wrong() -> Refuse:
    """What to raise for a signature that does not fit."""
    message = (
        "the signature does not fit the body as it came; look at the secret, and sign the very bytes that are sent"
    )
    return Refuse(401, "signature", message)


def _shown(given: str | None) -> str:
    if not given or len(given) > LONGEST:
        raise Refuse(401, "signature", "the header with the signature is missing")
    return given


def _is_moment(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12
