"""What a tag may say of a payload, by the type of its destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.golden.generated.drawing import Draw, plain

_SOURCE_URL = ("{{ page.location }}", "https://shop.example/{{ page.path }}", "{{ eigene adresse }}", "kein-url")
_PEOPLE: tuple[Any, ...] = (
    "{{ user_data.email }}",
    "erika@example.com",
    "{{ kunde }}",
    ["{{ email }}", "zwei@example.com"],
)
_VALUE: tuple[Any, ...] = ("{{ ecommerce.value }}", 19.9, "{{ betrag }}", plain("012"), "{{ ecommerce.shipping }}")
_ANY: tuple[Any, ...] = (
    "{{ page.host }}",
    "fest",
    5,
    True,
    "{{ items ids }}",
    {"a": "{{ plan }}", "b": [1, "{{ event }}"]},
)
_TIMES: tuple[Any, ...] = ("{{ timestamp }}", "{{ ts }}", 1_789_990_000)
_FLAGS: tuple[Any, ...] = (True, False, "{{ opt_out }}", "{{ new_customer }}", "{{ kunde }}")

PARAMETERS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "meta_capi": {
        "event_time": _TIMES,
        "action_source": ("physical_store", "{{ action_source }}", "email", "website"),
        "event_source_url": _SOURCE_URL,
        "opt_out": _FLAGS,
        "data_processing_options": (["LDU"], [], "{{ data_processing_options }}"),
        "data_processing_options_country": (1, 0, "{{ data_processing_options_country }}"),
        "data_processing_options_state": (1000, 0, "{{ data_processing_options_state }}"),
        "app_data": (
            {"advertiser_tracking_enabled": 1, "application_tracking_enabled": 1},
            {"vendor_id": "{{ plan }}"},
        ),
        "user_data": (
            {"em": "{{ user_data.email }}", "ph": "{{ user_data.phone_number }}", "country": "de"},
            {"external_id": "{{ kunde }}", "fn": "Erika", "db": "{{ user_data.date_of_birth }}", "ge": "w"},
            {"em": "undefined", "ph": "null", "fn": ["{{ kunde }}", "N/A"], "anon_id": "{{ kunde }}"},
            {"client_ip_address": "10.0.0.1", "fbp": "fb.1.1789900000000.5", "external_id": ["{{ user_id }}", "c-9"]},
            {
                "fbc": "{{ cookie._fbc }}",
                "fbp": "undefined",
                "client_user_agent": "{{ user_agent }}",
                "zp": "10115",
            },
            {
                "client_ip_address": "{{ ip }}",
                "ct": "Köln",
                "st": "{{ geo.region }}",
                "lead_id": "123456789012345",
                "x": 1,
            },
        ),
        "custom_data": ({"value": "{{ betrag }}", "farbe": "rot"}, {"contents": [{"id": "A", "quantity": 1}]}),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}", "{{ waehrung }}"),
        "content_ids": ("{{ items ids }}", "A,B", ["A", "{{ items.0.item_id }}"]),
        "contents": ("{{ items rows }}", [{"id": "A", "quantity": 2, "title": "x"}]),
        "num_items": (2, "{{ anzahl }}"),
        "order_id": ("{{ transaction_id }}", "{{ kunde }}"),
        "predicted_ltv": ("{{ rechnung }}", 5),
        "messaging_channel": ("whatsapp", "{{ messaging_channel }}"),
        "original_event_data": ({"event_name": "{{ event }}"},),
        "customer_segmentation": ("new_customer_to_business",),
        "farbe": _ANY,
        "notiz": ("{{ note }}", "{{ user_data.email }}", "{{ ip }}"),
    },
    "ga4": {
        "client_id": ("{{ client_id }}", "{{ cookie._ga }}"),
        "user_id": ("{{ user_id }}", "{{ user_data.email }}"),
        "timestamp_micros": ("{{ timestamp }}", 1_789_990_000_000_000),
        "non_personalized_ads": _FLAGS,
        "ip_override": ("{{ ip }}",),
        "validation_behavior": ("ENFORCE_RECOMMENDATIONS", "RELAXED"),
        "user_properties": (
            {"stufe": "{{ plan }}", "_x": 1, "user_id": "u", "l": {"value": "x" * 50}},
            {"s": 5},
            {f"s{number}": number for number in range(30)},
            {"leer": "{{ form }}"},
            {f"s{number}": number for number in range(30)},
            {"leer": ""},
        ),
        "user_data": ({"email": "{{ kunde }}"}, {"phone_number": "+4930901820", "address": {"first_name": "E"}}),
        "consent": (
            {"ad_user_data": "{{ plan }}", "ad_personalization": "{{ new_customer }}"},
            {"ad_user_data": "{{ opt_out }}", "ad_personalization": "DENIED"},
            {"ad_user_data": "granted"},
        ),
        "user_location": ({"city": "Berlin", "country_id": "{{ geo.country }}", "mars": 1},),
        "device": ({"category": "{{ geraet }}", "language": "de"},),
        "params": ({"a": 1, "b": "{{ page.path }}"}, {f"p{number}": number for number in range(30)}),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}"),
        "items": ("{{ items rows }}", [{"item_id": "A"}], "{{ items }}"),
        "session_id": ("{{ session_id }}", "123"),
        "page_location": _SOURCE_URL,
        "event_id": ("x",),
        "transaction_id": ("{{ transaction_id }}",),
        "ga_verboten": (1,),
        **{f"feld_{number}": _ANY for number in range(1, 4)},
        "viele": ("{{ note }}", "x" * 200),
    },
    "tiktok": {
        "event_time": _TIMES,
        "limited_data_use": _FLAGS,
        "user": (
            {"email": "{{ kunde }}", "ttclid": "{{ click.ttclid }}"},
            {"phone": "+4930901820", "locale": "de"},
            {"x": 1},
        ),
        "properties": (
            {"value": "{{ betrag }}", "contents": [{"content_id": "A"}]},
            {"query": "{{ search_term }}"},
        ),
        "page": ({"url": "{{ page.location }}", "x": 1}, {"referrer": "https://a.example"}),
        "lead": ({"lead_id": "{{ plan }}"}, {"x": {"y": 1}}),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}"),
        "content_ids": ("{{ items ids }}", "A"),
        "description": _ANY,
    },
    "pinterest": {
        "event_time": _TIMES,
        "action_source": ("offline", "{{ action_source }}"),
        "event_source_url": _SOURCE_URL,
        "opt_out": _FLAGS,
        "opt_out_type": ("LDP", "{{ plan }}", ["LDP"]),
        "user_data": (
            {"em": _PEOPLE[0], "hashed_maids": ["x"]},
            {"click_id": "{{ click.epik }}", "partner_id": "p"},
            {"zp": "1"},
        ),
        "custom_data": ({"value": "{{ betrag }}", "np": "x"}, {"content_ids": ["A"], "opt_out_type": "LDP"}),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}"),
        "app_name": ("Laden",),
        "custom": ("{{ kunde }}",),
        "wifi": (True, "{{ new_customer }}"),
        "device_info": ({"a": 1},),
        "search_string": ("{{ search_term }}",),
        "farbe": _ANY,
    },
    "snapchat": {
        "event_time": _TIMES,
        "action_source": ("MOBILE_APP", "OFFLINE", "{{ action_source }}"),
        "event_source_url": _SOURCE_URL,
        "user_data": (
            {"em": _PEOPLE[0], "sc_click_id": "{{ click.sccid }}"},
            {"madid": "m-1", "ph": "030 901820"},
            {"x": 1},
        ),
        "custom_data": ({"value": "{{ betrag }}"}, {"contents": [{"id": "A", "item_price": 5}], "brands": ["B"]}),
        "app_data": ({"advertiser_tracking_enabled": True, "extinfo": ["i2", *["x"] * 15]}, {"app_id": "a"}),
        "integration": ("muster-v1",),
        "data_processing_options": (["LDU"], [], "LMU", "{{ plan }}"),
        "data_processing_options_country": (1, 0),
        "data_processing_options_state": (1000, 1040, "{{ data_processing_options_state }}"),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}"),
        "num_items": (2,),
        "farbe": _ANY,
    },
    "linkedin": {
        "conversionHappenedAt": _TIMES,
        "conversionValue": ({"amount": "{{ betrag }}", "currencyCode": "EUR"}, {"amount": 5, "x": 1}),
        "user": (
            {"userIds": [{"idType": "SHA256_EMAIL", "idValue": "{{ user_data.email }}"}]},
            {"userInfo": {"firstName": "Erika", "lastName": "M", "companyName": "Muster", "countryCode": "DE"}},
            {"userIds": [{"idType": "ACXIOM_ID", "idValue": "a"}, 5], "externalIds": ["{{ kunde }}"]},
        ),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}"),
        "farbe": _ANY,
    },
    "reddit": {
        "event_at": _TIMES,
        "custom_event_name": ("Anfrage", "{{ plan }}"),
        "action_source": ("APP", "{{ action_source }}"),
        "click_id": ("{{ click.rdt_cid }}", "x y"),
        "event_source_url": _SOURCE_URL,
        "user": (
            {"email": _PEOPLE[0], "uuid": "{{ cookie._rdt_uuid }}"},
            {"data_processing_options": {"modes": ["LDU"], "region": "US-CO"}},
            {"data_processing_options": "{{ plan }}"},
            {"screen_dimensions": {"width": 390, "height": "844"}},
            {"screen_dimensions": {"width": 1}},
            {"data_processing_options": {"modes": []}},
            {"x": 1},
        ),
        "metadata": (
            {"value": "{{ betrag }}", "currency": "EUR"},
            {"products": [{"id": "A", "name": "x"}], "item_count": 2},
        ),
        "value": _VALUE,
        "currency": ("EUR", "{{ currency }}"),
        "conversion_id": ("{{ transaction_id }}",),
        "farbe": _ANY,
    },
    "file": {
        "farbe": _ANY,
        "value": _VALUE,
        "params": ({"a": 1}, "{{ plan }}", {"page.location": "{{ page.location }}"}),
        "event_id": ("x",),
        "ip": ("{{ ip }}",),
    },
    "webhook": {
        "farbe": _ANY,
        "value": _VALUE,
        "gruppe": ({"a": {"b": "{{ user_data.email }}"}}, {"tief": "{{ tief }}"}),
        "event_name": ("kauf",),
        "event_id": ("x",),
        "timestamp": ("{{ timestamp }}", "{{ ts }}", 1_789_990_000, "{{ plan }}"),
        "type": ("bestellung", "{{ plan }}"),
        "data": ({"a": "{{ kunde }}"}, "{{ plan }}"),
        "user_data": ({"email": "{{ kunde }}"},),
    },
}


def parameters(draw: Draw, kind: str) -> dict[str, Any]:
    """What a tag of the kind says."""
    return draw.fields(PARAMETERS[kind], 6, 1)
