"""One server event in the fields of a data layer.

Whatever tells of the person stands where consent looks for it: in `user_data`, in the visitor's address and agent, in
cookies. What only Meta knows goes there as it is: hashes byte for byte, and under `pixel` what has no other place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin.identity import arrived_hash
from tagserver.plugin.inbound import CONSENT_FIELDS, GA4_OF_META, META_PARAMETERS, Note, order_of_meta
from tagserver_meta_client.checks import Checked

COOKIES = {"fbp": "_fbp", "fbc": "_fbc"}
VISITOR = {"client_ip_address": "ip_override", "client_user_agent": "user_agent"}
PAGE = {"event_source_url": "location", "referrer_url": "referrer"}
PASSED = (
    *("app_data", "attribution_data", "original_event_data"),
    *("advanced_measurement_table", "customer_segmentation", "messaging_channel"),
    *("data_processing_options", "data_processing_options_country", "data_processing_options_state", "opt_out"),
)
"""Fields that an event of ours has under the same name, for Meta alone."""
TEST = "test_event_code"
REQUEST = (TEST, "partner_agent", "namespace_id", "upload_id", "upload_tag", "upload_source")
"""Fields beside `data`, which count for all its events."""
KNOWN = frozenset(
    {
        "event_name",
        "event_time",
        "event_id",
        "action_source",
        "user_data",
        "custom_data",
        *PAGE,
        *PASSED,
        *CONSENT_FIELDS,
    }
)
LONGEST = 100
"""Characters of a field beside `data`; Meta's own are shorter."""
_ORDER = frozenset({"value", "currency", "order_id"})
_SHOWN = 40


def event_of(
    event: Mapping[str, Any], checked: Checked, pixel: str, request: Mapping[str, str], at: int, notes: list[Note]
) -> dict[str, Any]:
    """The event under GA4's name; the vendor's own, the pixel that it is for, and what is Meta's alone, are in
    `pixel`. `request`: what was said of all events; `at`: its place in `data`, for notes."""
    made: dict[str, Any] = {
        "event": GA4_OF_META.get(checked.name, checked.name),
        "timestamp": checked.time * 1000,
        "action_source": checked.action_source,
    }
    if (event_id := event.get("event_id")) not in (None, ""):
        made["event_id"] = event_id
    page = {}
    for name, ours in PAGE.items():
        value = event.get(name)
        if isinstance(value, str) and value:
            page[ours] = value
        elif value is not None and value != "":
            notes.append(_left_out(at, name, "wrong_type", "is no text"))
    if page:
        made["page"] = page
    made |= _person(checked.user_data, at, notes)
    own = {"name": checked.name, "ids": [pixel], "single": True}
    if custom := checked.custom_data:
        made |= {
            name: custom[name] for name in sorted(META_PARAMETERS.intersection(custom)) if custom[name] is not None
        }
        if order := _order(custom):
            made["ecommerce"] = order
        if rest := {key: custom[key] for key in custom if key not in META_PARAMETERS and key not in _ORDER}:
            own["custom_data"] = rest
    elif event.get("custom_data") not in (None, "", {}, []):
        notes.append(_left_out(at, "custom_data", "wrong_type", "is no object"))
    if request:
        own["request"] = request
    for name in (*PASSED, *sorted(CONSENT_FIELDS)):
        if event.get(name) is not None:
            made[name] = event[name]
    for name in event:
        if name not in KNOWN:
            notes.append(_left_out(at, _shown(name), "unread", "is no field of Meta's server events"))
    made["pixel"] = own
    return made


def request_of(fields: Mapping[str, Any], notes: list[Note]) -> dict[str, str]:
    """What is said beside `data` of all events. A code of a test is named: who waits for it in Meta's Test Events would
    look for a fault of his own."""
    made = {}
    for name in REQUEST:
        value = fields.get(name)
        value = str(value) if type(value) is int else value
        if isinstance(value, str) and 0 < len(value) <= LONGEST:
            made[name] = value
            if name == TEST:
                notes.append(
                    Note(name, "kept", f"{name} goes on to Meta where a destination says sender_test_code: true")
                )
        elif value is not None and value != "":
            notes.append(Note(name, "wrong_type", f"{name} is no text of at most {LONGEST} characters; left out"))
    return made


def consent_beside(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is said of consent beside `data`, for all events, beneath what each says itself; None for nothing. In a form
    it is a text, which denies where its field is not written as one."""
    return {name: fields[name] for name in CONSENT_FIELDS if fields.get(name) is not None} or None


def _person(said: Mapping[str, Any], at: int, notes: list[Note]) -> dict[str, Any]:
    """`user_data`, the visitor's address and agent, and the cookies of the pixel."""
    user = {key: value for key, value in said.items() if value is not None}
    made: dict[str, Any] = {}
    for name, ours in VISITOR.items():
        if (value := user.pop(name, None)) not in (None, ""):
            made[ours] = value
    cookies = {}
    for name, ours in COOKIES.items():
        if isinstance(value := user.pop(name, None), str) and value:
            cookies[ours] = value
        elif value is not None and value != "":
            notes.append(_left_out(at, f"user_data.{name}", "wrong_type", "is no text"))
    if cookies:
        made["cookie"] = cookies
    phones = user.get("ph")
    listed = phones if isinstance(phones, list) else [phones]
    if hashed := [one for one in listed if arrived_hash(one) is not None]:
        # Bare digits, hashed: where the plus sign belongs to the number it would find nobody.
        user["sha256_phone_digits"] = hashed
        user["ph"] = [one for one in listed if arrived_hash(one) is None]
        if not user["ph"]:
            del user["ph"]
    if user:
        made["user_data"] = user
    return made


def _order(custom: Mapping[str, Any]) -> dict[str, Any]:
    """`ecommerce`, with the currency as other vendors want it: the SDK for Python writes it in lower case."""
    params = custom
    if custom.get("order_id") not in (None, ""):
        params = {**custom, "transaction_id": custom["order_id"]}
    order = order_of_meta(params)
    if isinstance(currency := order.get("currency"), str):
        order["currency"] = currency.upper()
    return order


def _left_out(at: int, name: str, code: str, why: str) -> Note:
    path = f"data.{at}.{name}"
    return Note(path, code, f"{path} {why}; left out")


def _shown(name: str) -> str:
    """A key may be anything that somebody sent: it is shown where it looks like a name."""
    return name if name.isidentifier() and name.isascii() and len(name) <= _SHOWN else "…"
