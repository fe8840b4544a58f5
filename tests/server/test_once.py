"""Once per key and time: durable, in the delivery's own transaction."""

from __future__ import annotations

from .conftest import CONTAINER, SERVER, Running, Start, purchase

BY_KEY_ALONE = SERVER.replace("collect:", "collect:\n  dedup_orders: false")
ORDER = {"transaction_id": "T-1", "value": 59.9, "currency": "EUR"}
ONCE = CONTAINER.replace(
    "triggers: [purchase]}", 'triggers: [purchase], once_per: {key: "{{ ecommerce.transaction_id }}", within: 24h}}'
)


async def statuses(server: Running, *events: dict[str, object]) -> list[str]:
    """What the door says to each."""
    answer = await server.collect(list(events))
    return [one["status"] for one in answer.json()["events"]]


async def test_a_second_event_of_the_same_order_is_a_duplicate(start: Start) -> None:
    """A reloaded thank-you page with a minted id: another event, the same order."""
    server: Running = await start(server=BY_KEY_ALONE, container=ONCE)
    first, again, later = (purchase(event_id, ecommerce=ORDER) for event_id in ("a", "a-again", "a-later"))
    assert await statuses(server, first, again, purchase("b")) == ["accepted", "duplicate", "accepted"]
    assert await statuses(server, later) == ["duplicate"]
    assert (await server.drained())["unique"] == 2
    counts = (await server.status())["destinations"]["meta"]
    assert (counts["accepted"], counts["delivered"]) == (2, 2)


async def test_a_transformation_blocks_duplicate_transactions(start: Start) -> None:
    """For all tags at once, by the event's name and transaction_id; a refund of the same order is no duplicate."""
    container = CONTAINER + "transformations: {orders: {block_duplicates: 30d}}\n"
    server: Running = await start(server=BY_KEY_ALONE, container=container)
    first, again, later = (purchase(event_id, ecommerce=ORDER) for event_id in ("a", "again", "later"))
    refund = purchase("r", event="refund", ecommerce=ORDER)
    assert await statuses(server, first, again, refund) == ["accepted", "duplicate", "accepted"]
    assert await statuses(server, later) == ["duplicate"]


async def test_per_source_a_stranger_who_guesses_a_key_hides_nothing_of_the_backend(start: Start) -> None:
    """`dedup: per_source` counts for `once_per`, too."""
    per_source = BY_KEY_ALONE.replace("collect:", "collect:\n  dedup: per_source")
    server: Running = await start(server=per_source, container=ONCE)
    assert await statuses(server, purchase("guessed", ecommerce=ORDER)) == ["accepted"]
    for event_id, expected in (("a", "accepted"), ("b", "duplicate")):
        answer = await server.collect([purchase(event_id, ecommerce=ORDER)], authorization="Bearer backend-key")
        assert [one["status"] for one in answer.json()["events"]] == [expected]


async def test_without_a_key_nothing_is_held_back(start: Start) -> None:
    server: Running = await start(container=ONCE)
    nameless = {"value": 5, "currency": "EUR"}
    both = [purchase("a", ecommerce=nameless), purchase("b", ecommerce=nameless)]
    assert await statuses(server, *both) == ["accepted", "accepted"]
