"""What is set for one webhook."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import setting
from tagserver.plugin.inbound import EventMap, EventTest

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}\Z")


def _header(value: str) -> str | None:
    return None if _HEADER.match(value) else "write the name of a header, such as x-signature"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """All webhooks have settings of their own."""


@dataclass(frozen=True, kw_only=True)
class WebhookSource:
    """The settings of one webhook, beside `secret`, `consent` and `basis`."""

    style: Literal["standard", "hmac"] = setting(
        "How it is signed. standard: as Standard Webhooks, also with svix's headers. hmac: an HMAC-SHA256 of the body "
        "in a header."
    )
    header: str | None = setting(
        "hmac: the header with the signature; x-signature if it is left out.", default=None, check=_header
    )
    form: Literal["hex", "base64", "timed"] | None = setting(
        "hmac: how the signature is written; hex if it is left out. timed: t=…,v1=… over the time and the body.",
        default=None,
    )
    prefix: str | None = setting("hmac: what stands before the signature, such as sha256=.", default=None)
    map: EventMap | None = setting(
        "standard, hmac: what of the body becomes which field of an event; without it the body is one of ours.",
        default=None,
    )
    when: EventTest | None = setting(
        "standard, hmac: conditions over the body and headers; what does not meet them is passed over.", default=None
    )
