"""`clients.pixel`: an event of the page's script that holds a call of `fbq`, in the fields of a data layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tagserver.plugin.inbound import (
    GA4_OF_META,
    Client,
    Refuse,
    RequestFacts,
    order_of_meta,
    rest_of_meta,
)

FBQ = "fbq"
SINGLE = ("trackSingle", "trackSingleCustom")
CALLS = ("track", "trackCustom", *SINGLE)
MOST_PIXELS = 20
_LDU = ("data_processing_options", "data_processing_options_country", "data_processing_options_state")


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """There is nothing to set: what the script in the page does is said there."""


class Pixel(Client):
    """Calls of Meta's pixel in the page, which t.js sends to /collect where its element has data-pixel."""

    type: ClassVar[str] = "pixel"
    api_version = 1
    Settings = NoSettings
    Source = NoSettings
    reads = (FBQ,)
    refuses = ("bad_fbq",)

    def event(self, raw: Mapping[str, Any], facts: RequestFacts) -> Mapping[str, Any]:
        """The event under GA4's name; the vendor's own name and the pixels that got it are in `pixel`."""
        call = raw[FBQ]
        name = call.get("name") if isinstance(call, dict) else None
        if not isinstance(name, str) or not name or call.get("call") not in CALLS:
            raise Refuse(400, "bad_fbq", f'fbq is {{"call", "name", "params", …}}: call is one of {", ".join(CALLS)}')
        params = call.get("params")
        params = params if isinstance(params, dict) else {}
        own = {key: value for key, value in raw.items() if key != FBQ}
        event = {**rest_of_meta(params), **own, "event": GA4_OF_META.get(name, name)}
        if order := order_of_meta(params):
            event["ecommerce"] = order
        person = call.get("user_data")
        if isinstance(person, dict) and person:
            event["user_data"] = person
        event.update(_limits(call.get("dpo")))
        pixels = call.get("pixels")
        ids = [str(one) for one in pixels if isinstance(one, str | int)] if isinstance(pixels, list) else []
        event["pixel"] = {"name": name, "ids": ids[:MOST_PIXELS], "single": call["call"] in SINGLE}
        return event


def _limits(said: Any) -> dict[str, Any]:
    """The arguments of `fbq('dataProcessingOptions', …)`, which the destination reads as it reads its own."""
    if not isinstance(said, list) or not said:
        return {}
    return {name: value for name, value in zip(_LDU, said, strict=False) if value is not None}
