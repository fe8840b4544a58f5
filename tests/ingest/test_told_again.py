"""What a webhook or a file tells again after days is known by its event_id for as long as its vendor takes it; what a
page or a backend tells as it happens, for 48 hours."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tagserver.config.collect import CollectConfig, SourceKey
from tagserver.config.server import ServerConfig
from tagserver.consent.merge import source_consent
from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import CLIENT, NO_CONTEXT, read_event
from tagserver.ingest.deliveries import Deliveries
from tagserver.pipeline.route import route
from tagserver.queue.values import Delivery
from tagserver.system.secret import Secret
from tests.fake_time import START
from tests.ingest.orders_world import GRANTED, KEY, compiled

DAY, HOUR_MS = 86400.0, 3_600_000
CONTAINER = compiled()
SERVER = ServerConfig(
    collect=CollectConfig(keys={"hook": SourceKey(Secret("h"), source_consent("hook", GRANTED, "terms"))})
)


def made(name: str, source: str, client: str, age: int, **fields: Any) -> Delivery:
    """What is stored of an event that is so many ms old."""
    said = {"event": name, "event_id": f"{name}_1", "timestamp": START - age, "consent": GRANTED}
    person = {"user_data": {"email": "erika@example.com"}}
    context = msgspec.structs.replace(NO_CONTEXT, client=client)
    event = read_event({**said, **person, **fields}, Facts(source, START), context)
    (found,) = Deliveries(CONTAINER, SERVER, KEY).of(route(CONTAINER, event))
    return found


@pytest.mark.parametrize(
    ("source", "client", "age", "days"),
    [
        ("browser", CLIENT, 0, None),
        ("browser", CLIENT, 30 * HOUR_MS, None),
        ("hook", CLIENT, 0, None),
        ("hook", CLIENT, HOUR_MS, None),
        ("hook", CLIENT, HOUR_MS + 1, 7),
        ("hook", "webhooks", 0, 7),
        ("hook", "webhooks", 30 * HOUR_MS, 7),
        ("browser", "pixel", 0, None),
    ],
)
@pytest.mark.parametrize("name", ["refund", "renewal", "generate_lead"])
def test_how_long_an_event_is_known(name: str, source: str, client: str, age: int, days: int | None) -> None:
    """By its own key; what anybody may send takes no more room than before."""
    found = made(name, source, client, age)
    assert found.order == (None if days is None else (found.key, days * DAY))


def test_an_order_is_known_by_its_order() -> None:
    shop = {"ecommerce": {"transaction_id": "T-1", "value": 5, "currency": "EUR"}}
    found = made("purchase", "hook", "webhooks", 0, **shop)
    assert found.order is not None
    assert found.order[0] != found.key


def test_a_sale_in_the_shop_is_known_as_long_as_such_sales_are_taken() -> None:
    found = made("refund", "hook", CLIENT, 30 * HOUR_MS, action_source="physical_store")
    assert found.order == (found.key, 62 * DAY)
