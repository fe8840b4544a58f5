"""What is remembered beside deliveries: keys with marks, which the engine keeps for whoever asks again."""

from __future__ import annotations

import asyncio

import pytest

from tagserver.queue.errors import Unavailable
from tests.delivery.support import HOUR, delivery, key, stored
from tests.fake_time import FakeTime
from tests.queue.contract.conftest import Engine, Storage


async def test_what_is_remembered_is_known_with_its_mark(outbox: Engine) -> None:
    await outbox.remember({key("a"): b"one", key("b"): b""}, HOUR)
    assert await outbox.known([key("a"), key("b"), key("c")]) == {key("a"): b"one", key("b"): b""}
    assert await outbox.known([]) == {}
    assert await outbox.known([key("c")]) == {}


async def test_what_is_remembered_again_has_the_later_mark_and_end(outbox: Engine, clock: FakeTime) -> None:
    await outbox.remember({key("a"): b"one", key("b"): b"one"}, HOUR)
    await outbox.remember({key("a"): b"two"}, 3 * HOUR)
    assert await outbox.known([key("a"), key("b")]) == {key("a"): b"two", key("b"): b"one"}
    clock.jump(2 * HOUR)
    assert await outbox.known([key("a"), key("b")]) == {key("a"): b"two"}
    clock.jump(2 * HOUR)
    assert await outbox.known([key("a"), key("b")]) == {}


async def test_a_shorter_time_counts_as_well(outbox: Engine, clock: FakeTime) -> None:
    """The last word is the word."""
    await outbox.remember({key("a"): b"one"}, 3 * HOUR)
    await outbox.remember({key("a"): b"two"}, HOUR)
    clock.jump(2 * HOUR)
    assert await outbox.known([key("a")]) == {}


async def test_many_who_ask_and_say_at_once_are_each_answered_for_themselves(outbox: Engine) -> None:
    await outbox.remember({key(f"k{n}"): b"%d" % n for n in range(150)}, HOUR)
    asked = (outbox.known([key(f"k{n}"), key(f"k{n + 1}"), key("none")]) for n in range(150))
    said = (outbox.remember({key(f"more{n}"): b"%d" % n}, HOUR) for n in range(150))
    answers, _ = await asyncio.gather(asyncio.gather(*asked), asyncio.gather(*said))
    for n, answer in enumerate(answers):
        assert answer == {key(f"k{one}"): b"%d" % one for one in (n, n + 1) if one < 150}
    assert len(await outbox.known([key(f"more{n}") for n in range(150)])) == 150


async def test_what_is_known_is_asked_after_what_was_said_before(outbox: Engine) -> None:
    """Without a wait in between: who asks later sees it."""
    saying = asyncio.ensure_future(outbox.remember({key("a"): b"one"}, HOUR))
    await asyncio.sleep(0)
    assert await outbox.known([key("a")]) == {key("a"): b"one"}
    await saying


async def test_deliveries_and_what_is_remembered_do_not_hide_each_other(outbox: Engine) -> None:
    await outbox.remember({key("said"): b"one"}, HOUR)
    assert stored(await outbox.append([delivery("e"), delivery("e")])) == [True, False]
    assert await outbox.known([key("said")]) == {key("said"): b"one"}
    assert await outbox.forget_keys([key("e")]) == 1
    assert await outbox.known([key("said"), key("e")]) == {key("said"): b"one"}


async def test_it_survives_a_kill(lasting: Storage) -> None:
    """At once: it was on disk before the call came back."""
    outbox = await lasting.open()
    await outbox.remember({key("a"): b"one"}, HOUR)
    await outbox.remember({key("a"): b"two", key("b"): b"one"}, HOUR)
    again = await lasting.open_as_killed()
    assert await again.known([key("a"), key("b")]) == {key("a"): b"two", key("b"): b"one"}


async def test_a_closed_engine_remembers_nothing(outbox: Engine) -> None:
    await outbox.close()
    with pytest.raises(Unavailable):
        await outbox.remember({key("a"): b"one"}, HOUR)
    with pytest.raises(Unavailable):
        await outbox.known([key("a")])
