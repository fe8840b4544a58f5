"""The direct implementation: a Starlette endpoint that hands each event to the official SDK in a thread pool.

Runs in an environment of its own (starlette, uvicorn with uvloop and httptools, facebook-business), so that nothing
of ours slows it. `direct.py PORT VENDOR`: with several events in a request, each is still one call of the SDK, as the
SDK's own examples do it. `direct.py PORT VENDOR batch`: the events of a request are one call, and one request of the
SDK.
"""

import sys

import uvicorn
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PIXEL = "1234567890"


def made(pushed):
    who, where, shop = pushed["user_data"], pushed["user_data"]["address"], pushed["ecommerce"]
    return Event(
        event_name="Purchase",
        event_time=pushed["timestamp"] // 1000,
        event_id=pushed["event_id"],
        event_source_url=pushed["page"]["location"],
        action_source=ActionSource.WEBSITE,
        user_data=UserData(
            email=who["email"],
            phone=who["phone_number"],
            first_name=where["first_name"],
            last_name=where["last_name"],
            city=where["city"],
            state=where["region"],
            zip_code=where["postal_code"],
            country_code=where["country"].lower(),
            external_id=pushed["user_id"],
            client_user_agent="bench",
            client_ip_address="203.0.113.9",
        ),
        custom_data=CustomData(
            value=shop["value"],
            currency=shop["currency"],
            order_id=shop["transaction_id"],
            content_type="product",
            contents=[
                Content(product_id=item["item_id"], quantity=item["quantity"], item_price=item["price"])
                for item in shop["items"]
            ],
        ),
    )


def send(pushed):
    EventRequest(pixel_id=PIXEL, events=[made(event) for event in pushed]).execute()


async def collect(request: Request) -> JSONResponse:
    pushed = await request.json()
    events = pushed if isinstance(pushed, list) else [pushed]
    for call in [events] if request.app.state.batch else [[event] for event in events]:
        await run_in_threadpool(send, call)
    return JSONResponse({"events": len(events)}, 202)


if __name__ == "__main__":
    port, vendor = int(sys.argv[1]), int(sys.argv[2])
    FacebookSession.GRAPH = f"http://127.0.0.1:{vendor}"
    FacebookAdsApi.init(access_token="bench", crash_log=False)
    app = Starlette(routes=[Route("/collect", collect, methods=["POST"])])
    app.state.batch = sys.argv[3:] == ["batch"]
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)
