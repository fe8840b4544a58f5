"""What each destination sends of the one event when consent is not all: by the table of the consent reference, field by
field, through the same code that serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tagserver.config.compile import compile_container
from tagserver.config.server import ServerConfig
from tagserver.explain.try_ import try_event
from tagserver.plugin.registry import Registry
from tagserver.testing import expanded

from .nine import configuration, one_event

HASHES = {"em": ["sha256(erika.muster+shop@gmail.com)"], "ph": ["sha256(49301234567)"]}
LDU = "data_processing_options"


@pytest.fixture(scope="module")
def loaded() -> Any:
    """All destinations, behind one proxy that says where the visitor is."""
    made = configuration("/var/lib/events").compile()
    assert made.container is not None
    assert made.server is not None
    return made


def tags(loaded: Any, consent: dict[str, Any], country: str = "", region: str = "", **event: Any) -> dict[str, Any]:
    """Every tag's decision, by its destination; the visitor is in a region."""
    collect = replace(loaded.server.collect, trusted_proxies=1, geo_headers=("cf-ipcountry", "cf-region-code"))
    asked = one_event()
    asked["event"] = {**asked["event"], "consent": consent, **event}
    asked["headers"] |= {"x-forwarded-for": asked["ip"], "cf-ipcountry": country, "cf-region-code": region}
    answer = try_event(loaded.container, replace(loaded.server, collect=collect), asked, 0)
    return {tag["destination"]: tag for tag in answer["tags"]}


def sent(tag: dict[str, Any]) -> dict[str, Any]:
    """The one event in a request's body."""
    body: dict[str, Any] = tag["request"]["body"]
    return body["data"]["events"][0] if "events" in body.get("data", {}) else body["data"][0]


ALL = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")


@pytest.mark.parametrize(
    ("region", "meta", "snap", "reddit", "locating"),
    [
        ("US-CA", [1, 1000], [1, 1000], {"country": "US", "region": "US-CA"}, []),
        ("US-CO", [1, 1001], [0, 0], {"country": "US", "region": "US-CO"}, ["snapchat"]),
        ("US-RI", [1, 1013], [0, 0], {"country": "US", "region": "US-RI"}, ["snapchat"]),
        ("US-VA", [0, 0], [0, 0], {"country": "US", "region": "US-VA"}, ["meta", "snapchat"]),
    ],
)
def test_an_opt_out_of_sale_sets_every_limited_mode(
    loaded: Any, region: str, meta: list[int], snap: list[int], reddit: dict[str, str], locating: list[str]
) -> None:
    """Never a wrong code; the person stays, as each works for the site alone then; the address where it locates."""
    shown = tags(loaded, ALL, "US", region, gpc=True)
    for name in ("meta", "snapchat", "tiktok", "pinterest", "reddit"):
        assert shown[name]["decision"] == "restrict", name
    assert shown["linkedin"]["decision"] == "block"
    for name, place in (("meta", meta), ("snapchat", snap)):
        event = sent(shown[name])
        assert event[LDU] == ["LDU"]
        assert [event[f"{LDU}_country"], event[f"{LDU}_state"]] == place
        assert {key: event["user_data"][key] for key in HASHES} == expanded(HASHES)
        assert ("client_ip_address" in event["user_data"]) == (name in locating), name
        assert event["event_id"] == "order-1001"
    pinterest = sent(shown["pinterest"])
    assert (pinterest["opt_out"], pinterest["custom_data"]["opt_out_type"]) == (True, "LDP")
    assert {"st", "country", "em"} <= pinterest["user_data"].keys()
    assert "client_ip_address" not in pinterest["user_data"]
    assert sent(shown["tiktok"])["limited_data_use"] is True
    assert "ip" not in sent(shown["tiktok"])["user"]
    user = sent(shown["reddit"])["user"]
    assert user[LDU] == {"modes": ["LDU"], **reddit}
    assert "ip_address" not in user
    assert {"field": "ip", "why": "opted out of sale, and the vendor needs none to tell which law applies"} in shown[
        "tiktok"
    ]["omitted"]


def test_without_personalisation_everything_granted_stays(loaded: Any) -> None:
    """And is marked: what was granted was granted."""
    shown = tags(loaded, ALL | {"ad_personalization": "denied"}, "DE")
    meta = sent(shown["meta"])
    assert (meta[LDU], meta[f"{LDU}_country"], meta[f"{LDU}_state"]) == (["LDU"], 0, 0)
    assert meta["user_data"]["client_ip_address"] == "198.51.100.7"
    assert sent(shown["tiktok"])["user"]["ip"] == "198.51.100.7"
    assert shown["linkedin"]["decision"] == "block"


def test_analytics_alone(loaded: Any) -> None:
    """Only what needs nothing else is sent, and it holds no person, no click and no address."""
    shown = tags(loaded, {"analytics_storage": "granted"})
    sending = [name for name, tag in shown.items() if tag["decision"] in ("send", "restrict")]
    assert sending == ["archive"]
    row = shown["archive"]["request"]["body"]
    assert row["client_id"] == "123456789.1700000000"
    assert row.keys().isdisjoint({"user_data", "user_id", "click_ids", "ip", "user_agent"})
    assert row["page_location"] == "https://shop.example/thanks"
    withheld = {one["field"] for one in shown["archive"]["omitted"]}
    assert {"user_data", "user_id", "click.fbclid"} <= withheld


def test_google_analytics_hears_what_is_denied() -> None:
    """A tag that needs `analytics_storage` alone: no person, and Google is told."""
    text = """
destinations:
  analytics: {type: ga4, measurement_id: G-ABC123DEF4, api_secret: "${env:S}", send_user_data: true, send_ip: true}
tags: [{name: A, destination: analytics, triggers: [all]}]
"""
    made = compile_container(
        {"container.yaml": text.encode()}, registry=Registry.load(), environ={"S": "a-secret"}, read_file=str
    )
    assert made.container is not None
    asked = one_event()
    asked["event"]["consent"] = {"analytics_storage": "granted", "ad_personalization": "granted"}
    (tag,) = try_event(made.container, ServerConfig(), asked, 0)["tags"]
    body = tag["request"]["body"]
    assert (tag["decision"], body["client_id"]) == ("send", "123456789.1700000000")
    assert body.keys().isdisjoint({"user_data", "user_id", "ip_override"})
    assert body["consent"] == {"ad_user_data": "DENIED"}
    assert body["events"][0]["params"]["page_location"] == "https://shop.example/thanks"
