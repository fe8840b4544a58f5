"""What was decided for one event, and what left of it: with destinations that send all that they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tagserver.event.event import Event
from tagserver.pipeline.route import Decision, route
from tagserver.plugin import Built, ConsentNeeds, Destination, Limits, Mode, Payload, Request
from tagserver.plugin.registry import Registry
from tagserver.testing import make_event
from tests.config.world import BoxSettings, load


class Mirror(Destination):
    """Sends everything that it sees, and needs nothing."""

    type = "mirror"
    Settings = BoxSettings
    consent = ConsentNeeds((), restricted=True)
    limits = Limits()
    reads: tuple[str, ...] = ("*",)
    clear = ("seen", "parameters.user_data")

    def hosts(self, settings: Any) -> Sequence[str]:
        return ("mirror.example",)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        seen = {
            "data": dict(event.data),
            "clicks": dict(event.clicks),
            "cookies": dict(event.cookies),
            "headers": dict(event.facts.headers),
            "ip": event.facts.ip,
            "agent": event.facts.user_agent,
            "query": dict(event.page.query),
            "hash": event.page.hash,
            "email": list(event.identity.email[0]),
            "granted": sorted(event.granted),
        }
        return Built({"mode": mode, "seen": seen, "parameters": dict(parameters)}, event.name, event.time)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        return Request("POST", "https://mirror.example", {}, payloads[0].body)


class Ads(Mirror):
    """The same for ads."""

    type = "ads"
    ads = True
    consent = ConsentNeeds(("ad_storage",), restricted=True)


class Processor(Ads):
    """One that works for the site alone in its limited mode, and can name California."""

    type = "processor"
    consent = ConsentNeeds(("ad_storage",), restricted=True, processor=True, locates=frozenset({"US-CA"}))


class Narrow(Mirror):
    """Sees the title alone."""

    type = "narrow"
    reads = ("page.title",)


REGISTRY = Registry.of(Mirror, Ads, Processor, Narrow)
PUSHED: dict[str, Any] = {
    "client_id": "c-1",
    "session_id": "s-1",
    "user_id": "u-1",
    "fbp": "fb.1.2.3",
    "gclid": "from-the-event",
    "cookie": {"_fbc": "fb.1.2.sent"},
    "page": {"location": "https://shop.example/a?fbclid=F&color=red", "title": "A"},
    "user_data": {"email": "erika@example.com", "address": {"city": "Berlin"}, "fbc": "fb.1.2.x", "madid": "m-1"},
}
FACTS: dict[str, Any] = {
    "ip": "198.51.100.7",
    "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
    "headers": {
        "accept-language": "de",
        "cookie": "_fbp=1",
        "x-forwarded-for": "198.51.100.7",
        "user-agent": "Chrome",
        "referer": "https://shop.example/?fbclid=F&email=a",
    },
    "cookies": {"_fbp": "fb.1.2.3", "_ga": "GA1.1.1.2", "ttclid": "T", "_rdt_em": "a" * 64, "ab": "b"},
}
TAG = "tags:\n  - name: T\n    destination: d\n    triggers: [all]\n"
ALL = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")


def decided(
    tag: str = "", pushed: Mapping[str, Any] = PUSHED, granted: Sequence[str] = ALL, type_: str = "mirror", **more: Any
) -> Decision:
    """The decision of one tag. `tag`: further lines of it; `privacy` (a keyword): that block."""
    privacy = more.pop("privacy", "")
    text = f"{privacy}\ndestinations: {{d: {{type: {type_}}}}}\n{TAG}{tag}"
    loaded = load({"container.yaml": text}, registry=REGISTRY)
    assert loaded.container is not None, loaded.problems
    event = make_event({"consent": dict.fromkeys(granted, "granted"), **pushed}, **FACTS | more)
    (decision,) = route(loaded.container, event).decisions
    return decision


def body_of(decision: Decision) -> dict[str, Any]:
    assert decision.built is not None, decision
    body: dict[str, Any] = msgspec.json.decode(decision.body)
    return body


def seen(*arguments: Any, **more: Any) -> dict[str, Any]:
    """What the destination saw."""
    found: dict[str, Any] = body_of(decided(*arguments, **more))["seen"]
    return found
