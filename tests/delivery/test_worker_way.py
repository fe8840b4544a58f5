"""The way to the vendor fails: the destination waits as a whole, nothing is lost, and on success all is due."""

from __future__ import annotations

import httpx
import pytest

from tests.delivery.support import assert_adds_up, claim, deliveries, delivery, meta, until
from tests.delivery.world import BUSY, Account, World, rate_limited, refuses, takes_only
from tests.fake_time import START


async def test_what_is_queued_is_sent_in_one_request(world: World) -> None:
    await world.outbox.append(deliveries(3))
    world.start()
    await world.drained()
    assert world.vendor.sent == [["e0", "e1", "e2"]]
    assert (meta(world.outbox).delivered, world.state) == (3, ("ok", ""))


async def test_an_error_of_the_vendor_delays_all_then_all_is_sent(world: World) -> None:
    await world.outbox.append(deliveries(3))
    world.vendor.script += [httpx.Response(500), BUSY]
    world.start()
    assert await world.resting() == 1.0
    assert world.state == ("retrying", "500")
    assert (meta(world.outbox).pending, len(world.vendor.requests)) == (3, 1)
    await world.outbox.append([delivery("new")])
    world.naps.over()
    assert await world.rested() == 2.0
    await world.drained()
    assert world.vendor.sent == [["e0", "e1", "e2"], ["e0", "e1", "e2", "new"], ["e0", "e1", "e2", "new"]]
    assert world.state == ("ok", "")


async def test_any_error_on_the_way_is_the_way_s_and_not_the_plugin_s(world: World) -> None:
    """A connection that ends at a bad moment makes libraries fail in ways of their own. No event dies for it."""
    await world.outbox.append(deliveries(3))
    world.vendor.script += [AttributeError("no socket any more"), OSError("bad file descriptor")]
    world.start()
    assert await world.resting() == 1.0
    assert world.state == ("retrying", "AttributeError")
    world.naps.over()
    await world.rested()
    await world.drained()
    assert (meta(world.outbox).delivered, meta(world.outbox).dead) == (3, 0)


async def test_a_reload_looks_into_a_pause(world: World) -> None:
    """It may have been mended at the vendor's side."""
    await world.outbox.append(deliveries(2))
    world.vendor.script.append(httpx.Response(403))
    world.start()
    assert await world.resting() == 600.0
    world.start()
    await world.drained()


async def test_a_success_forgives(world: World) -> None:
    """The next outage begins with short waits again."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script += [BUSY, BUSY, BUSY]
    world.start()
    assert [await world.rested() for _ in range(3)] == [1.0, 2.0, 4.0]
    await world.drained()
    world.vendor.script.append(BUSY)
    await world.outbox.append([delivery("e1")])
    assert await world.rested() == 1.0
    await world.drained()


async def test_a_long_outage_is_asked_rarely_and_loses_nothing(world: World) -> None:
    """At most 30 s in the first ten minutes, later longer, never more than an hour; attempts do not run out."""
    await world.outbox.append(deliveries(2))
    world.vendor.always = httpx.ConnectError("refused")
    world.start()
    naps = [await world.rested() for _ in range(160)]
    first = [nap for number, nap in enumerate(naps) if sum(naps[:number]) < 600]
    assert max(first) == 30.0
    assert max(naps) == 3600.0
    assert meta(world.outbox).pending == 2
    world.vendor.always = httpx.Response(200)
    await world.drained()
    assert meta(world.outbox).delivered == 2


@pytest.mark.parametrize(
    ("answer", "attempts", "unknown"),
    [
        (httpx.ConnectError("refused"), 1, False),
        (httpx.ConnectTimeout("no answer"), 1, False),
        (httpx.PoolTimeout("busy"), 1, False),
        (httpx.ReadTimeout("silence"), 1, True),
        (httpx.WriteTimeout("half sent"), 1, True),
        (httpx.ReadError("reset"), 1, True),
        (httpx.WriteError("reset"), 1, True),
        (httpx.RemoteProtocolError("closed without an answer"), 1, True),
        (httpx.Response(500), 1, True),
        (httpx.Response(504), 1, True),
        (httpx.Response(408), 1, False),
        (httpx.Response(429), 0, False),
        (httpx.Response(401), 0, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_what_an_attempt_leaves_behind(
    world: World, answer: httpx.Response | Exception, attempts: int, unknown: bool
) -> None:
    """Only where the vendor may have the event the window for repeats begins; a refusal to listen is no attempt."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(answer)
    world.start()
    await world.resting()
    row = (await claim(world.outbox)).rows[0]
    assert row.attempts == attempts
    assert row.unknown_since == (START if unknown else None)


async def test_an_unknown_outcome_is_repeated_for_47_hours_only(world: World) -> None:
    """After Meta's 48 h the repeat would be a second sale: better a dead letter that somebody can look at."""
    await world.outbox.append([delivery("e0")])
    world.vendor.always = httpx.ReadTimeout("silence")
    world.start()
    nap = await world.resting()
    world.clock.advance(47 * 3600 - nap - 0.001)
    world.naps.over()
    await world.resting()
    assert (meta(world.outbox).pending, len(world.vendor.requests)) == (1, 2)
    world.naps.over()
    await world.drained()
    assert meta(world.outbox).dead_by_reason == {"expired": 1}


async def test_a_known_failure_starts_no_such_window(world: World) -> None:
    """A weekend with a dead token, or a vendor that nobody reaches, loses nothing."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script += [httpx.ConnectError("refused"), httpx.Response(429)]
    world.start()
    await world.rested()
    await world.resting()
    world.clock.advance(72 * 3600)
    world.naps.over()
    await world.drained()
    assert meta(world.outbox).delivered == 1


async def test_what_is_too_old_is_buried_and_does_not_spoil_its_batch(world: World) -> None:
    await world.outbox.append(
        [delivery("old", expires=START), delivery("young", expires=START + 1), delivery("ageless")]
    )
    world.start()
    await world.drained()
    assert world.vendor.sent == [["young", "ageless"]]
    assert meta(world.outbox).dead_by_reason == {"expired": 1}


async def test_any_bytes_under_200_are_taken_as_the_status_says(world: World) -> None:
    """A vendor that hides errors in a 200 has a `classify` of its own; the default reads the status."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(httpx.Response(200, content=b"\xff\x00 <html>" * 50_000))
    world.start()
    await world.drained()
    assert meta(world.outbox).delivered == 1


async def test_a_dead_token_pauses_and_a_new_one_goes_on_at_once(world: World) -> None:
    world.vendor.always = takes_only("new")
    await world.outbox.append(deliveries(3))
    world.start()
    assert await world.resting() == 600.0
    assert world.state == ("paused", "401: the credentials are refused")
    assert (meta(world.outbox).pending, meta(world.outbox).dead) == (3, 0)
    world.start(settings=Account(token="new"))
    await world.drained()
    assert world.state == ("ok", "")
    assert world.vendor.sent[1] == ["e0", "e1", "e2"], "the vendor is met anew"
    assert meta(world.outbox).delivered == 3


async def test_a_pause_is_probed_every_ten_minutes(world: World) -> None:
    """The token may be mended at the vendor's side, where no reload tells us."""
    world.vendor.always = httpx.Response(403)
    await world.outbox.append(deliveries(3))
    world.start()
    assert [await world.rested() for _ in range(3)] == [600.0] * 3
    await world.resting()
    assert world.vendor.sent == [["e0", "e1", "e2"], ["e2"], ["e2"], ["e2"]]
    world.vendor.always = httpx.Response(200)
    world.naps.over()
    await world.drained()


async def test_a_missing_secret_holds_everything_until_it_is_there(world: World) -> None:
    world.start(paused="access_token: META_TOKEN is not set")
    await world.outbox.append(deliveries(2))
    await until(lambda: world.state[0] == "paused")
    assert world.state[1] == "access_token: META_TOKEN is not set"
    assert world.vendor.requests == []
    world.start()
    await world.drained()
    assert meta(world.outbox).delivered == 2


async def test_a_destination_that_is_gone_keeps_its_rows(world: World) -> None:
    world.start()
    del world.targets["meta"]
    await world.outbox.append(deliveries(2))
    await until(lambda: world.state[0] == "disabled")
    assert (world.vendor.requests, meta(world.outbox).pending) == ([], 2)
    world.start()
    await world.drained()


async def test_a_dead_vendor_delays_nobody_else(world: World) -> None:
    world.vendor.always = refuses()
    world.vendor.script.append(httpx.ReadTimeout("silence"))
    await world.outbox.append([delivery("e0")])
    world.start()
    await world.resting()
    world.start(name="ga4")
    await world.outbox.append([delivery("g0", destination="ga4")])
    await until(lambda: world.outbox.counts()["ga4"].delivered == 1)


async def test_a_request_to_a_strange_host_does_not_leave(world: World) -> None:
    """What a plugin builds is not trusted: the destination pauses, and nothing is lost."""
    await world.outbox.append(deliveries(2))
    world.start(hosts=("other.example",))
    assert await world.resting() == 600.0
    assert world.vendor.requests == []
    assert world.state[0] == "paused"
    assert "vendor.example is not among the hosts" in world.state[1]
    assert meta(world.outbox).pending == 2


async def test_an_answer_that_redirects_is_not_followed(world: World) -> None:
    """The body would go to an address that nobody allowed. The destination pauses, and nothing is lost."""
    await world.outbox.append([delivery("e0")])
    world.vendor.script.append(httpx.Response(307, headers={"location": "https://elsewhere.example/"}))
    world.start()
    assert await world.resting() == 600.0
    assert world.state[0] == "paused"
    assert meta(world.outbox).pending == 1
    world.naps.over()
    await world.drained()
    assert {request.url.host for request in world.vendor.requests} == {"vendor.example"}
    assert meta(world.outbox).delivered == 1


async def test_the_counters_add_up_through_a_bad_day(world: World) -> None:
    world.vendor.script += [BUSY, httpx.ReadTimeout("silence"), rate_limited("5"), httpx.Response(401)]
    world.vendor.always = refuses("e3")
    await world.outbox.append([*deliveries(9), delivery("old", expires=START)])
    world.start()
    for _ in range(4):
        await world.resting()
        assert_adds_up(world.outbox, world.folder)
        world.naps.over()
    await world.drained()
    assert_adds_up(world.outbox, world.folder)
    assert meta(world.outbox).delivered == 8
    assert meta(world.outbox).dead_by_reason == {"expired": 1, "rejected": 1}
