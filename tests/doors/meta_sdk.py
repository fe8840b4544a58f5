"""Calls Meta's SDK for Python as a backend would: `python -m tests.doors.meta_sdk`, what to send on stdin, what became
of it on stdout. Only the address of Graph is another one."""

from __future__ import annotations

import json
import sys
from typing import Any

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.attribution_data import AttributionData
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.original_event_data import OriginalEventData
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession


def whole(call: dict[str, Any]) -> Event:
    """An event with everything that the SDK has a setter for, and a website would set."""
    user = UserData(
        emails=[f"Erika.{call['event_id']}@Example.com ", "e.mustermann@example.com"],
        phones=["+49 30 901820", "+4915112345678"],
        genders=[Gender.FEMALE],
        dates_of_birth=["19640812"],
        first_names=["Erika"],
        last_names=["Mustermann"],
        cities=["Köln"],
        states=["nrw"],
        country_codes=["de"],
        zip_codes=["51147"],
        external_ids=[f"customer-{call['event_id']}"],
        client_ip_address="203.0.113.9",
        client_user_agent="Agent-Of-Erika/1.0",
        fbc="fb.1.1789990000000.IwAR1-of_erika",
        fbp="fb.1.1789990000000.1234567890",
        subscription_id="sub-7",
        fb_login_id="700123",
        lead_id="1234567890123456",
        f5first="erika",
        f5last="muste",
        fi="e",
        dobd="12",
        dobm="08",
        doby="1964",
    )
    custom = CustomData(
        value=142.5,
        currency="EUR",
        content_name="Tableware",
        content_category="Home",
        content_ids=["MUG-1", "POT-7"],
        contents=[
            Content(product_id="MUG-1", quantity=2, item_price=12.45, title="Mug", description="A mug", brand="B"),
            Content(product_id="POT-7", quantity=1, item_price=117.6, category="pots"),
        ],
        content_type="product_group",
        order_id=call.get("order_id", call["event_id"]),
        num_items=3,
        predicted_ltv=432.1,
        status="done",
        search_string="mugs",
        custom_properties={"plan": "gold", "tiers": [1, {"a": "b"}], "consent": "granted"},
    )
    return Event(
        event_name="Purchase",
        event_time=call["time"],
        event_id=call["event_id"],
        event_source_url="https://shop.example/thanks?utm_source=mail",
        referrer_url="https://shop.example/checkout",
        action_source=ActionSource.WEBSITE,
        opt_out=False,
        data_processing_options=["LDU"],
        data_processing_options_country=1,
        data_processing_options_state=1000,
        user_data=user,
        custom_data=custom,
        original_event_data=OriginalEventData(event_name="Lead", event_time=call["time"] - 60),
        attribution_data=AttributionData(scope="click", visit_time=call["time"] - 90),
    )


def order(call: dict[str, Any]) -> Event:
    """The order of a backend that gives no id of its own."""
    user = UserData(email=call["email"])
    custom = CustomData(value=59.9, currency="EUR", order_id=call["order_id"])
    return Event("Purchase", call["time"], user_data=user, custom_data=custom, action_source=ActionSource.WEBSITE)


def lead(call: dict[str, Any]) -> Event:
    return Event("Lead", call["time"], user_data=UserData(external_id="7"), action_source=ActionSource.WEBSITE)


def call_with(call: dict[str, Any]) -> dict[str, Any]:
    """What the SDK gives, or raises."""
    FacebookAdsApi.init(access_token=call["token"], app_secret=call.get("app_secret"), crash_log=False)
    make = {"whole": whole, "order": order, "lead": lead}[call["kind"]]
    events = [make(call) for _ in range(call.get("count", 1))]
    if "last" in call:
        events.append(lead({"time": call["last"]}))
    request = EventRequest(call["pixel"], events=events, **call.get("request", {}))
    try:
        answer = request.execute()
    except FacebookRequestError as error:
        return {
            "raised": type(error).__name__,
            "status": error.http_status(),
            "code": error.api_error_code(),
            "subcode": error.api_error_subcode(),
            "type": error.api_error_type(),
            "transient": error.api_transient_error(),
            "message": error.api_error_message(),
            "blamed": error.api_blame_field_specs(),
        }
    return {"received": answer.events_received, "messages": answer.messages, "trace": answer.fbtrace_id}


def main() -> None:
    for line in sys.stdin:
        call = json.loads(line)
        FacebookSession.GRAPH = call["graph"]
        print(json.dumps(call_with(call)), flush=True)


if __name__ == "__main__":
    main()
