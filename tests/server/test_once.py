"""Once per key and time: durable, in the delivery's own transaction."""

from __future__ import annotations

from .conftest import CONTAINER, Running, Start, purchase

ONCE = CONTAINER.replace(
    "triggers: [purchase]}", 'triggers: [purchase], once_per: {key: "{{ ecommerce.transaction_id }}", within: 24h}}'
)


async def statuses(server: Running, *events: dict[str, object]) -> list[str]:
    """What the door says to each."""
    answer = await server.collect(list(events))
    return [one["status"] for one in answer.json()["events"]]


async def test_a_second_event_of_the_same_order_is_a_duplicate(start: Start) -> None:
    """A reloaded thank-you page with a minted id: another event, the same order."""
    server: Running = await start(container=ONCE)
    other = purchase("b", ecommerce={"transaction_id": "T-2", "value": 5, "currency": "EUR"})
    assert await statuses(server, purchase("a"), purchase("a-again"), other) == ["accepted", "duplicate", "accepted"]
    assert await statuses(server, purchase("a-later")) == ["duplicate"]
    assert (await server.drained())["unique"] == 2
    counts = (await server.status())["destinations"]["meta"]
    assert (counts["accepted"], counts["delivered"]) == (2, 2)


async def test_a_transformation_blocks_duplicate_transactions(start: Start) -> None:
    """For all tags at once, by the event's name and transaction_id; a refund of the same order is no duplicate."""
    server: Running = await start(container=CONTAINER + "transformations: {orders: {block_duplicates: 30d}}\n")
    refund = purchase("r", event="refund")
    assert await statuses(server, purchase("a"), purchase("again"), refund) == ["accepted", "duplicate", "accepted"]
    assert await statuses(server, purchase("later")) == ["duplicate"]


async def test_without_a_key_nothing_is_held_back(start: Start) -> None:
    server: Running = await start(container=ONCE)
    nameless = {"value": 5, "currency": "EUR"}
    both = [purchase("a", ecommerce=nameless), purchase("b", ecommerce=nameless)]
    assert await statuses(server, *both) == ["accepted", "accepted"]
