"""The rules of `user_data`: which keys identify somebody, which must be hashed, what a click id looks like.

In: the `user_data` object of one event. Out: a Refusal, or None. Source: Meta, customer information
parameters, best practices, and the page on fbp and fbc.
"""

from __future__ import annotations

import re
from typing import Any

from tagserver.sandbox.refusal import CLICK_ID, NOT_HASHED, TOO_BROAD, Refusal, invalid, unexpected

_hashed = "em ph fn ln ge db ct st zp country f5first f5last fi dobd dobm doby"
HASHED = frozenset(_hashed.split())
"""Values must be SHA-256. `external_id` is not among them: hashing it is only recommended."""

_plain = """
    external_id client_ip_address client_user_agent fbc fbp subscription_id fb_login_id lead_id anon_id madid
    page_id page_scoped_user_id ctwa_clid whatsapp_business_account_id ig_account_id ig_sid
    instagram_business_account_id partner_id partner_name
"""
PLAIN = frozenset(_plain.split())
KNOWN = HASHED | PLAIN

TOO_BROAD_ALONE = tuple(
    frozenset(keys.split())
    for keys in ("ct country st zp ge client_user_agent", "db client_user_agent", "fn ge", "ln ge")
)
"""Meta best practices, since v13: an event with keys from one of these sets only is refused."""

_APPENDIX = r"(?:[A-Za-z0-9_-]{8}|A[Qgw]|B[AQg])"
"""Meta's parameter builder marks values it has touched with eight characters, formerly one of six pairs."""
_hash = re.compile(rf"[0-9a-f]{{64}}(?:\.{_APPENDIX})?").fullmatch
_fbc = re.compile(rf"fb\.[0-9]+\.[0-9]+\.[^.\s]+(?:\.{_APPENDIX})?").fullmatch

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing."""


def refuse_user_data(user_data: object) -> Refusal | None:
    """The first rule that `user_data` breaks."""
    if not isinstance(user_data, dict):
        return invalid("user_data is required and must be an object")
    return _unknown(user_data) or _not_hashed(user_data) or _click_id(user_data) or _too_broad(user_data)


def _unknown(user_data: dict[str, Any]) -> Refusal | None:
    """Seen of live calls: a key that Meta does not know has the whole request refused."""
    return unexpected(user_data, KNOWN, "user_data")


def _not_hashed(user_data: dict[str, Any]) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804016."""
    for key, value in user_data.items():
        if key not in HASHED:
            continue
        for one in value if isinstance(value, list) else (value,):
            if not isinstance(one, str) or not _hash(one):
                return invalid(f"user_data.{key} must be SHA-256 as 64 lowercase hex digits", NOT_HASHED)
            # Stricter than Meta, who cannot tell this hash from another: it matches nobody and means that a
            # sender hashed an empty field, which the reference says never to do.
            if one.startswith(EMPTY_HASH):
                return invalid(f"user_data.{key} is the hash of an empty text", NOT_HASHED)
    return None


def _click_id(user_data: dict[str, Any]) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804001. A malformed fbp has no documented error and passes."""
    if "fbc" not in user_data:
        return None
    fbc = user_data["fbc"]
    if isinstance(fbc, str) and _fbc(fbc):
        return None
    return invalid("user_data.fbc must look like fb.1.1700000000000.CLICKID", CLICK_ID)


def _too_broad(user_data: dict[str, Any]) -> Refusal | None:
    """Meta error reference, code 100 subcode 2804050.

    Keys without a value do not count.
    """
    keys = {key for key, value in user_data.items() if value not in (None, "", [])}
    if not keys:
        return invalid("user_data holds no customer information", TOO_BROAD)
    if any(keys <= broad for broad in TOO_BROAD_ALONE):
        return invalid(f"user_data with only {', '.join(sorted(keys))} matches too many people", TOO_BROAD)
    return None
