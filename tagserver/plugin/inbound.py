"""All that the author of an inbound client imports beside `tagserver.plugin`: the client and its values, signatures,
keys, and bodies. The guide is plugins/README.md, "Write a client"."""

from __future__ import annotations

from tagserver.event.consent_fields import ILLEGIBLE, of_two_places
from tagserver.event.event import BROWSER, Note
from tagserver.event.minor_units import minor_units
from tagserver.event.order_ids import event_id_for, order_id
from tagserver.plugin.client import (
    Client,
    ClientLimits,
    Endpoint,
    Forget,
    InboundRequest,
    Incoming,
    KeyedSource,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    Result,
)
from tagserver.plugin.event_map import EventMap, EventTest
from tagserver.plugin.inbound_bodies import form, json_body, looks_like_json
from tagserver.plugin.inbound_keys import UNKNOWN_KEY, basic_user, bearer, sender_of
from tagserver.plugin.inbound_meta import CONSENT_FIELDS, GA4_OF_META, META_PARAMETERS, order_of_meta, rest_of_meta
from tagserver.plugin.inbound_segment import (
    SEGMENT_EVENTS,
    SEGMENT_PERSON,
    SegmentRule,
    id_of_segment,
    order_of_segment,
    page_of_segment,
    person_of_segment,
    segment_rule,
)
from tagserver.plugin.inbound_universal import UNIVERSAL_ACTIONS, UNIVERSAL_ORDER, UNIVERSAL_PRODUCT
from tagserver.plugin.inbound_values import filled, first_said, group, is_said
from tagserver.plugin.signatures import (
    check_fresh,
    check_hmac,
    check_standard,
    check_timed,
    hmac_matches,
    mac,
    standard_key,
    timed_signature,
)

__all__ = [
    "BROWSER",
    "CONSENT_FIELDS",
    "GA4_OF_META",
    "ILLEGIBLE",
    "META_PARAMETERS",
    "SEGMENT_EVENTS",
    "SEGMENT_PERSON",
    "UNIVERSAL_ACTIONS",
    "UNIVERSAL_ORDER",
    "UNIVERSAL_PRODUCT",
    "UNKNOWN_KEY",
    "Client",
    "ClientLimits",
    "Endpoint",
    "EventMap",
    "EventTest",
    "Forget",
    "InboundRequest",
    "Incoming",
    "KeyedSource",
    "Note",
    "Passed",
    "Refuse",
    "Reply",
    "RequestFacts",
    "Result",
    "SegmentRule",
    "basic_user",
    "bearer",
    "check_fresh",
    "check_hmac",
    "check_standard",
    "check_timed",
    "event_id_for",
    "filled",
    "first_said",
    "form",
    "group",
    "hmac_matches",
    "id_of_segment",
    "is_said",
    "json_body",
    "looks_like_json",
    "mac",
    "minor_units",
    "of_two_places",
    "order_id",
    "order_of_meta",
    "order_of_segment",
    "page_of_segment",
    "person_of_segment",
    "rest_of_meta",
    "segment_rule",
    "sender_of",
    "standard_key",
    "timed_signature",
]
