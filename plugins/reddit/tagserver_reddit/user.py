"""`user`: who it was. Source: Reddit, Manual advanced matching, and the Conversions API v3.

Reddit takes raw values and hashes; it gets hashes, under its own rule, of all that identifies a person. Address, agent
and the pixel's cookie go in the clear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import Event, Group, Kind
from tagserver.plugin.identity import EXTERNAL_ID, PHONE_PLUS, arrived_hash, email_bare_text, hash_values, rule
from tagserver.plugin.table import HASH, Code, Field, Part
from tagserver.plugin.values import BROWSER_ID, IP, TEXT, whole_number
from tagserver_reddit.settings import RedditSettings

_DEVICES: Mapping[str, Callable[[str], str]] = {
    "idfa": lambda text: text.strip().upper(),
    "aaid": lambda text: text.strip().lower(),
}
OPTIONS = "data_processing_options"


def _screen(value: Any) -> dict[str, int] | None:
    if not isinstance(value, dict) or value.keys() != {"width", "height"}:
        return None
    sizes = {key: whole_number(one) for key, one in value.items()}
    return {key: one for key, one in sizes.items() if one} if all(sizes.values()) else None


def _put_pixels(made: Group, event: Event, given: Mapping[str, Any], settings: RedditSettings) -> None:
    """The hash that the pixel keeps, where nobody says an address."""
    if "email" not in made and (pixels := arrived_hash(event.cookies.get("_rdt_em"))) is not None:
        made.put_hashes("email", ((pixels,), ()), single=True)


def _put_devices(made: Group, event: Event, given: Mapping[str, Any], settings: RedditSettings) -> None:
    for key, form in _DEVICES.items():
        said = given.get(key, event.user_data.get(key))
        if said is not None:
            made.put_hashes(key, hash_values([said], form, "is no id", md5=False), single=True)


USER = Part(
    "user",
    Field("email", rule("email", email_bare_text, "is no e-mail address"), HASH),
    Field("phone_number", PHONE_PLUS, HASH),
    Field("external_id", EXTERNAL_ID, HASH),
    Code(("email",), _put_pixels, reads=("cookie._rdt_em",), hashed=("email",), free=False),
    Code(tuple(_DEVICES), _put_devices, reads=("user_data",), hashed=tuple(_DEVICES), free=False),
    Field("ip_address", "ip", IP, clear=True),
    Field("user_agent", "user_agent", TEXT, clear=True),
    Field("uuid", "cookie._rdt_uuid", BROWSER_ID, clear=True, first=True),
    Field("screen_dimensions", None, Kind(_screen, "is not a width and a height", free=False), clear=True),
    others="is no key that Reddit knows",
)


def finds_somebody(user: Mapping[str, Any], click: str | None) -> bool:
    """Whether Reddit can match: a click, an identifier, its pixel's cookie, or address and agent of the browser."""
    if click is not None or user.keys() & {"email", "phone_number", "external_id", *_DEVICES, "uuid"}:
        return True
    return {"ip_address", "user_agent"} <= user.keys()
