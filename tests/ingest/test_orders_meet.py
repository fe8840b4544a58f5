"""One order by several doors: counted once, and never sent against its visitor's own word, whichever copy had it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tagserver.consent.earlier import EARLIER
from tagserver.consent.state import ConsentState
from tagserver.event.event import Event
from tagserver.ingest.order_consent import TURN
from tagserver.pipeline.route import Routing, route
from tagserver.queue.api import Outbox
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import Delivery, Receipt
from tests.delivery.support import copy_as_killed, open_outbox, until
from tests.fake_time import FakeTime
from tests.ingest.orders_world import CONTAINER, DENIED, World, compiled, contracts, copy, outcome, outcome_of

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "orders_meet.yaml").read_text())
DAY = 86400.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
async def test_copies_one_behind_another(case: dict[str, Any], world: World) -> None:
    found = [[door, word, outcome(await world.say(door, word))] for door, word, _ in case["copies"]]
    assert found == case["copies"]
    await world.walk()
    assert await world.deliver() == case["left"]
    assert not world.orders.turns


PLANS = [
    [*zip(order, words, strict=True)]
    for order in itertools.permutations(["page", "own", "hook", "file"])
    for words in itertools.product(*([["granted", "denied", "silent", "garbled"]] * 2), *([["silent", "denied"]] * 2))
]


def expected(plan: list[tuple[str, str]]) -> tuple[list[str], bool]:
    """What becomes of each copy by what the contract says, and whether anything is sent when all is at the end."""
    refused = stored = lost = False
    found = []
    for door, word in plan:
        granted = word == "granted" or (word == "silent" and door in ("hook", "file"))
        if word == "granted":
            refused = False
        if not granted or refused:
            found.append("consent")
        else:
            found.append("duplicate" if stored else "sent")
            stored = True
        if word in ("denied", "garbled"):
            refused = True
        lost = lost or (stored and word == "denied")
    return found, stored and not lost


async def test_all_orders_of_arrival(world: World) -> None:
    """Of page, page with an id of its own, webhook and file, with all that visitors may say."""
    left = []
    for number, plan in enumerate(PLANS):
        order = f"N-{number}"
        found = [outcome(await world.say(door, word, order)) for door, word in plan]
        outcomes, anything = expected(plan)
        assert found == outcomes, plan
        if anything:
            left.append(order)
    sent = await world.deliver()
    assert [one.partition("-")[2] if "_" not in one else one.partition("_")[2] for one in sent] == left
    assert not world.orders.turns


async def test_what_is_told_of_a_blocked_copy(world: World) -> None:
    """People read why; the sender reads nothing of it."""
    await world.say("page", "denied")
    answer, routing, _, _ = await world.say("hook", "silent")
    assert answer is not None
    assert routing is not None
    assert (answer.status, answer.problems) == ("accepted", ())
    (decision,) = routing.decisions
    assert (decision.decision, decision.reason) == ("block", "consent")
    assert EARLIER in decision.detail
    assert routing.consent.withdrawn == frozenset(), "it withdraws nothing that a person has granted elsewhere"


@pytest.mark.parametrize("number", ["T-1", " T-1 ", "gid://shopify/Order/7", "gid://shopify/OrderIdentity/7", 7, "7"])
async def test_an_order_is_the_same_however_it_is_written(number: object, world: World) -> None:
    await world.say("page", "denied", number)
    same = "T-1" if "T-1" in str(number) else "7"
    assert outcome(await world.say("hook", "silent", same)) == "consent"
    assert outcome(await world.say("hook", "silent", "T-2")) == "sent"


async def test_a_webhook_and_a_page_that_writes_a_global_id_are_one_order(world: World) -> None:
    assert outcome(await world.say("hook", "silent", 450789469)) == "sent"
    assert outcome(await world.say("page", "granted", "gid://shopify/OrderIdentity/450789469")) == "duplicate"


@pytest.mark.parametrize(("days", "found"), [(61, "consent"), (63, "sent")])
async def test_it_is_remembered_as_long_as_a_vendor_may_take_a_copy(days: int, found: str, world: World) -> None:
    """Meta takes the sales of a shop for 62 days."""
    await world.say("page", "denied")
    world.clock.advance(days * DAY)
    assert outcome(await world.say("file", "silent")) == found


async def test_a_denial_that_is_repeated_counts_from_then_on(world: World) -> None:
    await world.say("page", "denied")
    world.clock.advance(40 * DAY)
    await world.say("page", "denied")
    world.clock.advance(40 * DAY)
    assert outcome(await world.say("file", "silent")) == "consent"


@pytest.mark.parametrize("settings", [{"dedup": "per_source"}, {"dedup_orders": False}], ids=str)
async def test_it_does_not_depend_on_how_repeats_are_counted(
    settings: dict[str, Any], engine: Outbox, clock: FakeTime
) -> None:
    world = World(engine, clock, compiled(), contracts(**settings))
    await world.say("page", "denied")
    assert outcome(await world.say("hook", "silent")) == "consent"


@pytest.mark.parametrize(("gpc", "found"), [("block", "consent"), ("restrict", "sent")])
async def test_an_opt_out_is_remembered_as_what_it_was(gpc: str, found: str, engine: Outbox, clock: FakeTime) -> None:
    """Where a site blocks what comes with Global Privacy Control, it blocks the other copies as well; else they are
    restricted."""
    text = CONTAINER + f"consent: {{gpc: {gpc}}}\n"
    world = World(engine, clock, compiled(text))
    page = await world.say("page", "gpc")
    assert outcome(page) == found
    hook = await world.say("hook", "silent", event="Purchase Told Later")
    assert outcome(hook) == found
    assert hook[1] is not None
    assert hook[1].decisions[0].decision == ("block" if gpc == "block" else "restrict")


async def test_copies_in_one_request_are_decided_one_behind_another(world: World) -> None:
    """A denial counts for what stands beside it, as the last word."""
    await world.post("page", copy("page", "granted", "A"), copy("own", "denied", "A"), copy("page", "denied", "B"))
    assert await world.deliver() == []
    await world.post("hook", *(copy("hook", "silent", order) for order in "ABC"))
    assert await world.deliver() == ["purchase_C"]
    await world.post("page", copy("page", "denied", "D"), copy("own", "granted", "D"))
    assert await world.deliver() == ["own-D"]


async def test_a_stranger_who_names_many_orders_is_not_remembered_for_all(world: World) -> None:
    """What he sends is blocked all the same; another address is believed."""
    for number in range(70):
        await world.post("page", copy("page", "denied", f"S-{number}"), ip="203.0.113.9")
    assert world.dropped == 10
    await world.post("page", copy("page", "denied", "S-69"), ip="203.0.113.10")
    hooks = await world.post("hook", *(copy("hook", "silent", f"S-{number}") for number in range(70)))
    assert len(hooks) == 70
    assert [one.partition("_")[2] for one in await world.deliver()] == [f"S-{number}" for number in range(60, 69)]


async def test_a_key_is_not_limited(world: World) -> None:
    for start in range(0, 200, 50):
        await world.post("backend", *(copy("backend", "denied", f"S-{start + one}") for one in range(50)))
    await world.post("hook", *(copy("hook", "silent", f"S-{number}") for number in range(200)))
    assert (world.dropped, await world.deliver()) == (0, [])


async def test_a_thousand_copies_at_once_are_one_sale(world: World) -> None:
    """Each of them is answered, and the denial among them is the last word for what has not gone yet."""
    doors = ["page", "own", "hook", "file"]
    await asyncio.gather(*(world.post(doors[n % 4], copy(doors[n % 4], "granted")) for n in range(1000)))
    assert len(world.told) == 1000
    assert sorted(map(outcome, world.told)) == ["duplicate"] * 999 + ["sent"]
    assert len(await world.deliver()) == 1
    assert not world.orders.turns


async def test_others_have_their_turn_while_a_large_request_is_decided_again(world: World) -> None:
    """To decide an event costs a millisecond where many tags want it."""
    _, routing, _, _ = await world.say("hook", "silent")
    await world.say("page", "denied")
    turns, decided = 0, list[int]()

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def again(event: Event, consent: ConsentState) -> Routing:
        decided.append(turns)
        return route(world.container, event, consent=consent)

    ticking = asyncio.ensure_future(tick())
    turn = await world.orders.begin([(None, routing, True)] * 200, again, lambda event: True, DAY)
    ticking.cancel()
    assert turn is not None
    turn.end()
    assert len(decided) == 200
    assert max(len(list(together)) for _, together in itertools.groupby(decided)) <= TURN


async def test_a_vendor_that_the_visitor_has_not_accepted_is_refused_for_the_copies_too(world: World) -> None:
    """A contract knows of no vendors; what is remembered are the purposes that this one needs."""
    _, routing, _, _ = await world.say("page", "granted", "T-9")
    assert routing is not None
    (decision,) = routing.decisions
    blocked = msgspec.structs.replace(decision, decision="block", reason="vendor", built=None, body=b"")
    refused = msgspec.structs.replace(routing, decisions=(blocked,))
    turn = await world.orders.begin([(None, refused, True)], lambda event, consent: refused, lambda event: True, DAY)
    assert turn is not None
    turn.end()
    assert turn.laid == [], "what waits is of vendors that were accepted"
    assert outcome(await world.say("hook", "silent", "T-9")) == "consent"


async def test_a_denial_among_many_at_once(world: World) -> None:
    """Whatever is decided beside it: nothing is sent afterwards."""
    plan = [("hook", "silent")] * 50 + [("page", "denied")] + [("file", "silent")] * 50
    await asyncio.gather(*(world.post(door, copy(door, word)) for door, word in plan))
    assert await world.deliver() == []


async def test_without_a_contract_nothing_is_asked_or_remembered(engine: Outbox, clock: FakeTime) -> None:
    """There is nothing that could outweigh a visitor's word."""
    world = World(engine, clock, compiled(), contracts(()))
    await world.say("page", "denied")
    world.server = contracts()
    assert outcome(await world.say("hook", "silent")) == "sent"


async def test_a_contract_that_denies_is_no_word_of_the_visitors(engine: Outbox, clock: FakeTime) -> None:
    """Another door may have another contract."""
    world = World(engine, clock, compiled(), contracts(("file",), hook=DENIED))
    assert outcome(await world.say("hook", "silent")) == "consent"
    assert outcome(await world.say("file", "silent")) == "sent"


# ── kills


class _Stopped(SqliteOutbox):
    """An engine that is not heard of any more once it has done something: as when the process is killed between the
    commit and the answer. `after`: the name of what it does last."""

    after = ""

    async def _stop(self, name: str) -> None:
        if self.after == name:
            await asyncio.Event().wait()

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """And no answer."""
        receipts = await super().append(deliveries)
        await self._stop("append")
        return receipts

    async def remember(self, keys: Mapping[bytes, bytes], ttl: float) -> None:
        """Likewise."""
        await super().remember(keys, ttl)
        await self._stop("remember")


@pytest.mark.parametrize("after", ["remember", "append"])
async def test_a_kill_between_commit_and_answer_forgets_no_denial(after: str, tmp_path: Path, clock: FakeTime) -> None:
    """What was denied is on disk before anything of the request is stored to be sent, and before anybody is
    answered. Another vendor gets the same event, so that there is something to store."""
    analytics = '  ga4: {type: ga4, measurement_id: G-ABC123, api_secret: "${env:T}"}\n'
    text = CONTAINER.replace("tags:\n", analytics + "tags:\n  - {name: Own, destination: ga4, triggers: [all]}\n")
    killed = await _Stopped.open(tmp_path / "outbox.db", time=clock, min_free=0)
    killed.after = after
    world = World(killed, clock, compiled(text))
    words = {**DENIED, "analytics_storage": "granted"}
    asking = asyncio.ensure_future(world.post("page", copy("page", "silent", consent=words, client_id="1.2")))
    await until(lambda: bool(killed.counts()) or after == "remember")
    await asyncio.sleep(0.2)
    assert not asking.done()
    folder = copy_as_killed(tmp_path, tmp_path / "killed")
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await killed.close()
    again = await open_outbox(folder, clock)
    world = World(again, clock, compiled(text))
    assert [outcome_of(await world.say("hook", "silent"), "Meta"), await world.deliver()] == ["consent", []]
    await again.close()
