"""Plain values as vendors want them, for authors of destinations: kinds of fields, numbers, money, items, times, wishes
and checks of settings. Each function gives None for what does not fit, and no value raises."""

from __future__ import annotations

from tagserver.event.event import Note
from tagserver.event.ip_address import public_ip
from tagserver.event.known_names import GOOGLE_EVENTS
from tagserver.event.spelling import path_root
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
    click_id,
    is_missing,
    page_address,
    web_address,
)
from tagserver.plugin.items import PIECES, QUANTITY, event_value, items_count, items_total, put_items, put_value
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
from tagserver.plugin.settings import api_url_fault, country_fault, folder_fault
from tagserver.plugin.wish import Wish, read_wish, wish_kind
from tagserver.privacy.urls import clean_address
from tagserver.system.files import os_fault
from tagserver.system.text import is_text

__all__ = [
    "BROWSER_ID",
    "COUNT",
    "CURRENCY",
    "DATA",
    "GOOGLE_EVENTS",
    "ID",
    "IDS",
    "IP",
    "MONEY_TEXT",
    "NUMBER",
    "PIECES",
    "QUANTITY",
    "ROWS",
    "TEXT",
    "TEXTS",
    "Note",
    "Wish",
    "api_url_fault",
    "clean_address",
    "click_id",
    "country_fault",
    "currency_code",
    "decimal_text",
    "event_time",
    "event_value",
    "folder_fault",
    "identifier",
    "is_missing",
    "is_text",
    "items_count",
    "items_total",
    "last_moment",
    "milliseconds",
    "number",
    "os_fault",
    "page_address",
    "path_root",
    "plain_data",
    "public_ip",
    "put_items",
    "put_value",
    "read_wish",
    "rfc3339",
    "sendable",
    "short_text",
    "web_address",
    "whole_number",
    "wish_kind",
]
