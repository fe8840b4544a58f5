"""What is set for one receiver."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from tagserver.plugin import Secret, setting
from tagserver.plugin.values import country_fault, path_root
from tagserver_webhook.signature import key_of

FIELDS = [
    *("client_id", "user_id", "session_id", "action_source"),
    *("page.location", "page.referrer", "page.title", "ecommerce"),
]
_OURS = frozenset(
    [
        *("webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "content-length", "host"),
        *("authorization", "connection", "transfer-encoding", "user-agent", "accept-encoding"),
    ]
)


def _url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 (raises for a port that is none)
    except ValueError:
        return "write an address such as https://hooks.example.com/events"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        return "write an address such as https://hooks.example.com/events"
    if parts.username is not None or parts.password is not None:
        return "an address holds no user name and password; use authorization"
    return None if value.isascii() and value.isprintable() and " " not in value else "write it in ASCII, without blanks"


def _secret(value: Secret) -> str | None:
    text = value.reveal()
    if not text:
        return None  # it is not there yet, which the server says itself
    key = key_of(text)
    if key is None:
        return 'a secret is "whsec_" and base64: make one with openssl rand -base64 32'
    return None if 24 <= len(key) <= 64 else f"a secret has 24 to 64 bytes; this one has {len(key)}"


def _headers(value: Mapping[str, str]) -> str | None:
    for name, text in value.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", name):
            return f"{name[:40]} is no name of a header"
        if name.lower() in _OURS:
            return f"{name} is set by the server" + ("; use authorization" if name.lower() == "authorization" else "")
        if not text.isascii() or not text.isprintable():
            return f"the value of {name} is not printable ASCII"
    return None


def _authorization(value: Secret) -> str | None:
    text = value.reveal()
    return None if text.isascii() and text.isprintable() else "a header is printable ASCII"


def _fields(value: list[str]) -> str | None:
    for path in value:
        root = path_root(path)
        if not path or not all(path.split(".")):
            return "a field is a path such as page.location"
        if root == "user_data":
            return "user_data has a setting of its own, user_data"
        if root in ("cookie", "header") and path == root:
            return f"name the {root}, such as {root}.NAME"
        if root == "consent":
            return "consent is the server's business"
    return None


def _hours(value: float) -> str | None:
    return None if 0 < value <= 24 * 365 else "write hours, more than 0 and at most a year"


@dataclass(frozen=True, kw_only=True)
class WebhookSettings:
    """The settings of a `webhook` destination."""

    url: str = setting("Where the messages go, by https.", identity=True, check=_url)
    secret: Secret = setting(
        "What messages are signed with: whsec_ and the base64 of 24 to 64 random bytes.", check=_secret
    )
    previous_secret: Secret | None = setting(
        "While a secret is replaced: the old one. Messages then have a signature of each.", default=None, check=_secret
    )
    authorization: Secret | None = setting(
        "The Authorization header, if the receiver wants one.", default=None, check=_authorization
    )
    headers: dict[str, str] = setting("Further headers, none of them secret.", default_factory=dict, check=_headers)
    method: Literal["POST", "PUT", "PATCH"] = setting("The method.", default="POST")
    fields: list[str] = setting(
        "Paths of the event that go along; * is all of it but user_data, cookies and click ids. "
        "ip, user_agent, click, cookie.NAME and header.NAME are sent only if they are named.",
        default_factory=lambda: list(FIELDS),
        check=_fields,
        means="paths",
    )
    user_data: Literal["hash", "plain", "leave_out"] = setting(
        "hash: e-mail, telephone, names and street as SHA-256. plain: as it came. leave_out: none of it.",
        default="hash",
    )
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
    max_age_hours: float | None = setting(
        "How long after its receipt an event is still delivered; without it as long as the queue keeps it.",
        default=None,
        check=_hours,
    )
