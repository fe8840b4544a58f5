"""All that the author of a plugin imports. The guide is plugins/README.md.

Each name is defined in a small module of its own idea; this one is the public list of them, and keeps its promise by
`API_VERSION`.
"""

from __future__ import annotations

import pluggy

from tagserver.event.event import MISSING, Event, Note
from tagserver.event.hashing import Found, arrived_hash, hash_phones, hash_values, sha256_hex
from tagserver.event.identity import Identity
from tagserver.event.ip_address import public_ip
from tagserver.event.known_names import GOOGLE_EVENTS
from tagserver.event.normalise import (
    Unusable,
    birth_date_text,
    city_text,
    compact_text,
    digits_text,
    email_bare_text,
    email_folded_text,
    email_gmail_alias_text,
    email_gmail_dots_text,
    email_text,
    gender_text,
    letters_text,
    lower_text,
    name_case_text,
    name_text,
    postal_text,
    state_text,
    street_text,
    trimmed_text,
)
from tagserver.event.places import country_code
from tagserver.event.spelling import path_root
from tagserver.event.tag_identity import Who
from tagserver.plugin.answers import json_object
from tagserver.plugin.data_folder import folder_fault
from tagserver.plugin.destination import (
    API_VERSION,
    Built,
    ConsentNeeds,
    Destination,
    Limits,
    Mode,
    Omitted,
    Outcome,
    Outcomes,
    Payload,
    Request,
    Response,
    Skip,
    default_outcome,
)
from tagserver.plugin.event_time import event_time, last_moment, milliseconds, rfc3339
from tagserver.plugin.fields import (
    BROWSER_ID,
    COUNT,
    CURRENCY,
    DATA,
    ID,
    IDS,
    IP,
    MONEY_TEXT,
    NUMBER,
    ROWS,
    TEXT,
    TEXTS,
    Group,
    click_id,
    is_missing,
    web_address,
)
from tagserver.plugin.items import PIECES, QUANTITY, event_value, items_count, items_total, put_items, put_value
from tagserver.plugin.kind import Kind
from tagserver.plugin.own_user_data import OWN_CLEAR, OWN_HASHED, own_user_data
from tagserver.plugin.parameters import Given
from tagserver.plugin.plain import (
    currency_code,
    decimal_text,
    identifier,
    number,
    plain_data,
    sendable,
    short_text,
    whole_number,
)
from tagserver.plugin.settings import api_url_fault, country_fault, setting
from tagserver.plugin.standard_events import StandardEvents
from tagserver.plugin.variable import Variable
from tagserver.plugin.wish import Wish, read_wish, wish_kind
from tagserver.privacy.urls import clean_address
from tagserver.system.os_fault import os_fault
from tagserver.system.secret import Secret
from tagserver.system.unicode import is_text

__all__ = [
    "API_VERSION",
    "BROWSER_ID",
    "COUNT",
    "CURRENCY",
    "DATA",
    "GOOGLE_EVENTS",
    "ID",
    "IDS",
    "IP",
    "MISSING",
    "MONEY_TEXT",
    "NUMBER",
    "OWN_CLEAR",
    "OWN_HASHED",
    "PIECES",
    "QUANTITY",
    "ROWS",
    "TEXT",
    "TEXTS",
    "Built",
    "ConsentNeeds",
    "Destination",
    "Event",
    "Found",
    "Given",
    "Group",
    "Identity",
    "Kind",
    "Limits",
    "Mode",
    "Note",
    "Omitted",
    "Outcome",
    "Outcomes",
    "Payload",
    "Request",
    "Response",
    "Secret",
    "Skip",
    "StandardEvents",
    "Unusable",
    "Variable",
    "Who",
    "Wish",
    "api_url_fault",
    "arrived_hash",
    "birth_date_text",
    "city_text",
    "clean_address",
    "click_id",
    "compact_text",
    "country_code",
    "country_fault",
    "currency_code",
    "decimal_text",
    "default_outcome",
    "digits_text",
    "email_bare_text",
    "email_folded_text",
    "email_gmail_alias_text",
    "email_gmail_dots_text",
    "email_text",
    "event_time",
    "event_value",
    "folder_fault",
    "gender_text",
    "hash_phones",
    "hash_values",
    "hookimpl",
    "identifier",
    "is_missing",
    "is_text",
    "items_count",
    "items_total",
    "json_object",
    "last_moment",
    "letters_text",
    "lower_text",
    "milliseconds",
    "name_case_text",
    "name_text",
    "number",
    "os_fault",
    "own_user_data",
    "path_root",
    "plain_data",
    "postal_text",
    "public_ip",
    "put_items",
    "put_value",
    "read_wish",
    "rfc3339",
    "sendable",
    "setting",
    "sha256_hex",
    "short_text",
    "state_text",
    "street_text",
    "trimmed_text",
    "web_address",
    "whole_number",
    "wish_kind",
]

hookimpl = pluggy.HookimplMarker("tagserver")
"""Marks a plugin's `register_destinations` and `register_variables`."""
