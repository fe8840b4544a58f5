"""Before every attempt it is asked again: the tag, its needs, the person, the account. With the real send policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tagserver.config.model import ConfiguredDestination, Container, Tag
from tagserver.config.yaml.problems import Place
from tagserver.consent.model.policy import ConsentPolicy, Needs
from tagserver.delivery.send_policy import permits, refusals
from tagserver.outgoing.field_filter import Reads
from tagserver.queue.dead_letters import Account, Choice
from tagserver.queue.values import EVERYTHING, Tombstone
from tests.delivery.support import assert_adds_up, delivery, key, meta, row_of
from tests.delivery.world import Hundred, World
from tests.fake_time import START

PLACE = Place("container.yaml", 1, 1)
DESTINATION = ConfiguredDestination(
    name="meta",
    type="hundred",
    plugin=Hundred(),
    settings=None,
    paused=None,
    identity="account-1",
    hosts=(),
    egress=(),
    reads=Reads(()),
    place=PLACE,
)
TAG = Tag(
    name="Tag",
    destination=DESTINATION,
    triggers=(),
    exceptions=(),
    needs=Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=False),
    parameters=lambda scope: {},
    event_name=None,
    paused=False,
    place=PLACE,
)


def container(**changes: Any) -> Container:
    """One tag, changed as marketing would."""
    tag = replace(TAG, **changes)
    return Container("c2", {"meta": tag.destination}, (tag,), {}, {}, ConsentPolicy())


STRICTER = Needs(frozenset({"ad_storage", "ad_user_data", "ad_personalization"}), ads=True, restricted=False)
LAXER = Needs(frozenset({"ad_storage"}), ads=True, restricted=False)


def under(world: World, now: Container) -> None:
    world.policy = lambda rows: refusals(rows, now, world.outbox)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (container(), None),
        (container(needs=LAXER), None),
        (container(needs=STRICTER), "consent"),
        (container(paused=True), "tag_removed"),
        (container(name="Renamed"), "tag_removed"),
        (container(destination=replace(DESTINATION, name="other")), "tag_removed"),
        (container(destination=replace(DESTINATION, name="other", aliases=("meta",))), None),
        (container(destination=replace(DESTINATION, identity="account-2")), "destination_changed"),
    ],
    ids=["as it was", "laxer", "stricter", "paused", "renamed", "elsewhere", "renamed destination", "another account"],
)
async def test_what_a_change_of_the_container_does_to_what_is_queued(
    world: World, now: Container, reason: str | None
) -> None:
    await world.outbox.append([delivery("e0")])
    under(world, now)
    world.start()
    await world.drained()
    assert dict(meta(world.outbox).dead_by_reason) == ({reason: 1} if reason else {})
    assert len(world.vendor.requests) == (0 if reason else 1), "no consent, no call"
    assert_adds_up(world.outbox, world.folder)


async def test_consent_that_is_withdrawn_while_a_row_waits_stops_it(world: World) -> None:
    """Asked before every attempt, not only the first; others of the batch go on."""
    await world.outbox.append([delivery("erika", person=(key("erika"),)), delivery("max", person=(key("max"),))])
    under(world, container())
    world.vendor.script.append(httpx.Response(503))
    world.start()
    await world.resting()
    await world.outbox.withdraw([Tombstone(key("erika"), "ad_user_data", START)], 30 * 86400)
    world.naps.over()
    await world.drained()
    assert world.vendor.sent == [["erika", "max"], ["max"]]
    assert meta(world.outbox).dead_by_reason == {"consent": 1}


async def test_another_account_holds_rows_until_someone_agrees(world: World) -> None:
    """The letter is kept; to retry it is to agree to the new account."""
    await world.outbox.append([delivery("e0")])
    under(world, container(destination=replace(DESTINATION, identity="account-2")))
    world.start()
    await world.drained()
    done = await world.outbox.retry_dead(Choice(reasons=("destination_changed",)), {"meta": Account("account-2")}, 100)
    assert done.moved == {"meta": 1}
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (1, 0)
    assert_adds_up(world.outbox, world.folder)


MEASURING = Needs(frozenset({"analytics_storage"}), ads=False, restricted=False)
ALL = frozenset({"ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"})


@pytest.mark.parametrize(
    ("purpose", "needs", "sent"),
    [
        ("ad_storage", LAXER, False),
        ("analytics_storage", LAXER, True),
        ("ad_personalization", LAXER, False),
        ("ad_storage", MEASURING, True),
        ("analytics_storage", MEASURING, False),
        (EVERYTHING, MEASURING, False),
    ],
)
async def test_what_is_taken_back_counts_for_its_purpose(world: World, purpose: str, needs: Needs, sent: bool) -> None:
    """An ads payload that was built with all ad purposes cannot be restricted any more; measuring knows nothing of
    ads."""
    await world.outbox.append([delivery("e0", purposes=ALL)])
    await world.outbox.withdraw([Tombstone(key("person one"), purpose, START)], 60)
    under(world, container(needs=needs))
    world.start()
    await world.drained()
    assert len(world.vendor.requests) == int(sent)
    assert dict(meta(world.outbox).dead_by_reason) == ({} if sent else {"consent": 1})


async def test_what_was_not_granted_cannot_be_taken_back(world: World) -> None:
    """A payload in the restricted form does not rely on the purpose that it was built without."""
    needed = frozenset({"ad_storage", "ad_user_data"})
    await world.outbox.append([delivery("restricted", purposes=needed), delivery("whole", purposes=ALL)])
    await world.outbox.withdraw([Tombstone(key("person one"), "ad_personalization", START)], 60)
    under(world, container())
    world.start()
    await world.drained()
    assert world.vendor.sent == [["restricted"]]


@pytest.mark.parametrize(
    ("purposes", "sentence"),
    [
        ([EVERYTHING], "the person asked to be forgotten"),
        (["ad_user_data"], "the person has withdrawn ad_user_data"),
        (["ad_user_data", "ad_storage"], "the person has withdrawn ad_storage, ad_user_data"),
    ],
)
async def test_a_dead_letter_says_what_its_person_has_taken_back(
    world: World, purposes: list[str], sentence: str
) -> None:
    await world.outbox.append([delivery("e0")])
    await world.outbox.withdraw([Tombstone(key("person one"), purpose, START) for purpose in purposes], 60)
    under(world, container())
    world.start()
    await world.drained()
    assert [letter.detail for letter in await world.outbox.dead(Choice(), 10)] == [sentence]


async def test_a_replay_passes_the_gate_again(world: World) -> None:
    """A dead letter of before: retried after its person has withdrawn, it is not sent."""
    await world.outbox.append([delivery("e0")])
    under(world, container(paused=True))
    world.start()
    await world.drained()
    await world.outbox.withdraw([Tombstone(key("person two"), "ad_storage", START)], 60)
    under(world, container())
    assert (await world.outbox.retry_dead(Choice(), {"meta": Account("account-1")}, 100)).moved == {"meta": 1}
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"consent": 1}
    assert world.vendor.requests == []
    assert_adds_up(world.outbox, world.folder)


@pytest.mark.parametrize("opted_out", [frozenset[str](), frozenset({"ad_storage"}), frozenset({EVERYTHING})], ids=str)
def test_many_rows_are_judged_as_each_alone(opted_out: frozenset[str]) -> None:
    """What rows have in common is asked once; whose person has opted out, and which is of another account, shows."""

    class Stones:
        """Of one person alone."""

        def tombstones(self) -> int:
            return len(opted_out)

        def withdrawn(self, persons: Sequence[bytes], at: int) -> frozenset[str]:
            return opted_out if key("opted out") in persons else frozenset()

    kinds: list[dict[str, Any]] = [
        {},
        {"person": (key("opted out"),)},
        {"person": ()},
        {"tag": "Gone"},
        {"tag": "Gone", "person": (key("opted out"),)},
        {"identity": "account-2"},
        {"identity": "account-2", "person": (key("opted out"),)},
        {"purposes": frozenset({"ad_storage"})},
    ]
    rows = [row_of(number, delivery(f"e{number}", **kinds[number % 8])) for number in range(24)]
    now: Container = container()
    stones: Any = Stones()
    alone = {row.id: why for row in rows if (why := permits(row, now, stones.withdrawn)) is not None}
    assert refusals(rows, now, stones) == alone
    assert {"tag_removed", "destination_changed", "consent"} == {why[0] for why in alone.values()}
    assert 0 not in alone
    assert (1 in alone) == bool(opted_out)
