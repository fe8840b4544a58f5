"""From the server event that comes in to the one that goes out: what the door takes Meta takes, whatever is in it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tagserver_meta_capi import MetaCapi
from tagserver_meta_client import Meta

from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import Context, read_event
from tagserver.plugin import Skip
from tagserver.plugin.inbound import Refuse, RequestFacts
from tagserver.sandbox.rules import HASHED, PLAIN, refuse
from tagserver.testing import make_client, make_settings

NOW = 1_790_000_000_000
CLIENT = make_client(Meta, {"shop": {"secret": "token-of-this-test"}})
META = MetaCapi()
SETTINGS = make_settings(MetaCapi, {"pixel_id": "1", "access_token": "another-token"})
HASHES = ["a" * 64, "B" * 64, "c" * 64 + ".AQIAAQEA"]

_odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
_hash = st.sampled_from([*HASHES, "erika@example.com", "+49 30 901820", "DE"]) | _odd
_plain = st.sampled_from(["7", "1234567890123456", "203.0.113.9", "10.0.0.1", "fb.1.1789990000000.123"]) | _odd
_money = {
    "value": st.sampled_from([0, 5, 5.5, "7.20"]) | _odd,
    "currency": st.sampled_from(["EUR", "usd", "xyz"]) | _odd,
    "order_id": st.sampled_from(["7", 7]) | _odd,
    "contents": st.lists(st.fixed_dictionaries({"id": _odd, "quantity": _odd}), max_size=2) | _odd,
    "content_ids": st.lists(_odd, max_size=2) | _odd,
    "plan": _odd,
}
_event = st.fixed_dictionaries(
    {
        "event_name": st.sampled_from(["Purchase", "Lead", "purchase", "InitiateCheckout"]),
        "event_time": st.sampled_from([NOW // 1000, NOW // 1000 - 100, str(NOW // 1000)]),
        "action_source": st.sampled_from(["website", "app", "physical_store", "business_messaging", "other"]),
        "user_data": st.fixed_dictionaries(
            {},
            optional={
                **{name: st.lists(_hash, max_size=2) | _hash for name in sorted(HASHED)},
                **dict.fromkeys(sorted(PLAIN), _plain),
            },
        ),
    },
    optional={
        "custom_data": st.fixed_dictionaries({}, optional=_money),
        "event_id": st.sampled_from(["e-1", 7]) | _odd,
        "opt_out": st.booleans() | _odd,
        "data_processing_options": st.sampled_from([[], ["LDU"]]) | _odd,
        "data_processing_options_country": st.sampled_from([0, 1]) | _odd,
        "data_processing_options_state": st.sampled_from([0, 1000]) | _odd,
        "messaging_channel": st.sampled_from(["whatsapp"]) | _odd,
        "original_event_data": st.just({"event_name": "Lead"}) | _odd,
        "attribution_data": _odd,
        "customer_segmentation": _odd,
        "event_source_url": st.sampled_from(["https://shop.example/", "shop.example"]) | _odd,
        "referrer_url": _odd,
        "app_data": _odd,
    },
)


@given(_event, st.sampled_from(["send", "restrict"]))
def test_what_the_door_takes_meta_takes(event: dict[str, Any], mode: Any) -> None:
    """Or the destination says why it is not sent; nothing else is raised on the way."""
    body = json.dumps({"data": [event]}).encode()
    try:
        (raw,) = CLIENT.events(body, RequestFacts("shop", NOW, {"pixel": "1"}, "", {})).events
    except Refuse:
        return
    plain = msgspec.json.decode(msgspec.json.encode(raw))
    with contextlib.suppress(Skip):
        made = META.build(read_event(plain, Facts("shop", NOW), Context({}, client="meta")), {}, SETTINGS, mode)
        sent = msgspec.json.decode(msgspec.json.encode(made.body))
        assert refuse(sent, NOW / 1000) is None
        assert sent["event_name"] == event["event_name"]
