"""A clock that was wrong from the start, and what follows from that and from its end."""

from __future__ import annotations

import logging
import ssl
from email.utils import formatdate

import httpx
import pytest

from tagserver.delivery.clock import AWAY, FLOOR, HEARD_EVERY, HEARD_FOR, OFF, ClockDoubt, ClockWatch
from tagserver.delivery.exchange import certificate_fault
from tagserver.delivery.observer import DeliveryObserver
from tagserver.system.time import CALM, KEPT_AFTER, LONG_CALM
from tests.delivery.support import HOUR, deliveries, meta
from tests.delivery.world import World
from tests.fake_time import START, FakeTime

YEARS = 14 * 365 * 24 * HOUR


def date(ms: int) -> dict[str, str]:
    """A vendor's header."""
    return {"date": formatdate(ms / 1000, usegmt=True)}


@pytest.mark.parametrize(
    ("ahead", "newest", "kept", "says"),
    [
        (0, None, None, None),
        (0, 0, None, None),
        (-60, 0, None, None),
        (-2 * HOUR, 0, None, "and the data folder was written at"),
        (-2 * HOUR, 0, True, None),
        (30 * 24 * HOUR, 0, None, None),
        (AWAY + HOUR, 0, None, "and the data folder was written last at"),
        (AWAY + HOUR, 0, False, "and the data folder was written last at"),
        (AWAY + HOUR, 0, True, None),
        (-(START - FLOOR) / 1000 - 1, None, None, "before this program was written"),
        (-START / 1000, None, False, "clock shows 1970-01-01 00:00:00 UTC"),
    ],
)
def test_what_is_believed_at_a_start(
    clock: FakeTime, ahead: float, newest: int | None, kept: bool | None, says: str | None
) -> None:
    """`newest`: how long before the right time the folder was written."""
    clock.jump(ahead)
    written = None if newest is None else START - newest
    ClockDoubt(clock, written, lambda: kept)
    why = clock.wrong
    assert (why is None) == (says is None)
    assert says is None or says in (why or "")


@pytest.mark.parametrize("skew", [OFF + 60, -OFF - 60, YEARS, -YEARS])
def test_vendors_say_what_time_it_is(clock: FakeTime, skew: float) -> None:
    """Whatever the folder says; and two of them whatever the kernel says."""
    clock.jump(skew)
    alone = ClockDoubt(clock, None, lambda: None)
    alone.heard("meta", date(START))
    assert clock.wrong is not None
    doubt = ClockDoubt(clock, None, lambda: True)
    doubt.heard("meta", date(START))
    assert clock.wrong is None
    doubt.heard("ga4", date(START + 2000))
    assert clock.wrong is not None
    assert f"{'after' if skew > 0 else 'before'} what vendors' answers say" in clock.wrong


def test_what_vendors_say_clears_what_the_folder_says(clock: FakeTime) -> None:
    """It was written while the clock was years ahead: the present one is right."""
    doubt = ClockDoubt(clock, START + round(YEARS * 1000), lambda: None)
    assert clock.wrong is not None
    doubt.heard("meta", date(START))
    assert clock.wrong is None


@pytest.mark.parametrize("odd", [-7_200_000, 7_200_000, 40 * 365 * 86_400_000])
def test_one_vendor_with_a_wrong_clock_does_not_count(clock: FakeTime, odd: int) -> None:
    """As soon as another one says the same as the machine: and never gives an event of others another time."""
    doubt = ClockDoubt(clock, None, lambda: None)
    doubt.heard("odd", date(START + odd))
    assert clock.wrong is not None
    for other in ("meta", "ga4"):
        doubt.heard(other, date(START + 1000))
        assert clock.wrong is None
        assert doubt.received(None) == START


def test_vendors_that_agree_with_nobody_say_nothing(clock: FakeTime) -> None:
    """What lies between two times is neither."""
    doubt = ClockDoubt(clock, None, lambda: None)
    doubt.heard("one", date(START + 86_400_000))
    doubt.heard("two", date(START + 3 * 86_400_000))
    assert clock.wrong is None
    doubt.heard("three", date(START + 86_400_000))
    assert clock.wrong is not None
    assert doubt.received(None) == START + 86_400_000


def test_a_word_is_heard_seldom_and_forgotten_after_an_hour(clock: FakeTime) -> None:
    doubt = ClockDoubt(clock, None, lambda: None)
    doubt.heard("meta", date(START))
    doubt.heard("meta", date(0))
    assert clock.wrong is None
    clock.advance(HEARD_EVERY)
    doubt.heard("meta", date(0))
    assert clock.wrong is not None
    clock.advance(HEARD_FOR)
    doubt.look()
    assert clock.wrong is None


@pytest.mark.parametrize(
    "headers",
    [{}, {"date": ""}, {"date": "soon"}, {"date": "Thu, 99 Foo 99999 99:99:99 GMT"}, date(START) | {"age": "x"}],
)
def test_what_is_no_date_says_nothing(clock: FakeTime, headers: dict[str, str]) -> None:
    doubt = ClockDoubt(clock, None, lambda: None)
    doubt.heard("meta", headers)
    assert clock.wrong is None


def test_an_answer_from_a_cache_is_as_old_as_it_says(clock: FakeTime) -> None:
    doubt = ClockDoubt(clock, None, lambda: None)
    doubt.heard("meta", date(START - 3_600_000) | {"age": "3600"})
    assert clock.wrong is None


class Watched:
    """The watch over a clock, with what has died."""

    def __init__(self, clock: FakeTime, newest: int | None = None) -> None:
        self.clock = clock
        self.mended = 0
        self.dead: dict[tuple[str, str, str], int] = {}
        self.doubt = ClockDoubt(clock, newest, lambda: None)
        self.watch = ClockWatch(
            clock, self.doubt, dead_lettered=lambda: self.dead, mended=self._mend, observer=DeliveryObserver()
        )

    def _mend(self) -> None:
        self.mended += 1

    def passes(self, seconds: float) -> None:
        """Time goes by."""
        self.clock.advance(seconds)
        self.watch.look()


def test_a_machine_that_boots_in_1970(clock: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is given up until the time comes; then all are asked at once, and what died is named."""
    clock.jump(-START / 1000)
    watched = Watched(clock)
    assert not watched.clock.trusted()
    watched.passes(HOUR)
    assert not watched.clock.trusted()
    watched.dead = {("meta", "rejected", "100"): 3, ("ga4", "tag_removed", ""): 2}
    clock.jump(START / 1000)
    watched.passes(1)
    assert watched.mended == 1
    (record,) = [one for one in caplog.records if one.name == "tagserver.clock"]
    said = record.getMessage()
    assert said.startswith("the clock is right again after 1 h; all vendors are asked at once. Meanwhile ")
    assert "(3 rejected of meta)" in said
    assert "dead retry --reason rejected --since 1970-01-01T00:00:00Z --until 1970-01-01T01:01:01Z" in said
    watched.passes(CALM)
    assert watched.clock.trusted()
    watched.passes(LONG_CALM)
    assert not watched.clock.trusted(LONG_CALM), "what died bears a wrong date, and would be erased for it"
    watched.passes(KEPT_AFTER)
    assert watched.clock.trusted(LONG_CALM)


def test_a_clock_that_is_ahead_and_no_vendor_answers(clock: FakeTime) -> None:
    """Certificates have all expired by it: what is known is when the folder was written."""
    newest = clock.now()
    clock.jump(YEARS)
    watched = Watched(clock, newest)
    watched.passes(30 * 24 * HOUR)
    assert not watched.clock.trusted()
    clock.jump(-YEARS)
    watched.passes(1)
    assert (watched.mended, watched.clock.wrong) == (1, None)


def test_a_doubt_that_a_vendor_clears_ends_without_a_step(clock: FakeTime) -> None:
    watched = Watched(clock, clock.now() + 10**9)
    watched.passes(10)
    watched.doubt.heard("meta", date(clock.now()))
    watched.passes(1)
    assert watched.mended == 1


@pytest.mark.parametrize(("seconds", "mended"), [(4, 0), (200, 0), (400, 1), (-400, 1), (-YEARS, 0)])
def test_a_step_of_minutes_has_all_vendors_asked(clock: FakeTime, seconds: float, mended: int) -> None:
    """One that leads into a time that cannot be is the fault itself, and not its end."""
    watched = Watched(clock)
    clock.jump(seconds)
    watched.passes(1)
    assert watched.mended == mended


def test_a_step_and_the_step_back_are_a_fault(clock: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(clock)
    clock.jump(2 * HOUR)
    watched.passes(1)
    watched.dead = {("meta", "expired", ""): 7}
    watched.passes(HOUR)
    clock.jump(-2 * HOUR)
    watched.passes(1)
    said = [one.getMessage() for one in caplog.records if one.name == "tagserver.clock"]
    assert len(said) == 1
    assert "(7 expired of meta)" in said[0]


async def test_what_was_paused_for_the_wrong_time_goes_on_by_itself(world: World) -> None:
    """Everything of the wrong time was refused alike; nobody has to resume it."""
    world.vendor.always = httpx.Response(400, text="event_time is in the future")
    await world.outbox.append(deliveries(6, expires=None))
    world.start()
    await world.resting()
    while world.state[0] != "paused":
        world.naps.over()
        await world.resting()
    assert world.state[1].startswith("systematic: 400")
    world.vendor.always = httpx.Response(200)
    world.dispatcher.clock_is_right()
    await world.drained()
    assert (meta(world.outbox).delivered, world.state) == (6, ("ok", ""))


async def test_what_nobody_knows_the_outcome_of_stays_somebody_s_decision(world: World) -> None:
    world.dispatcher.clock_is_right()
    world.start()
    health = world.dispatcher._running["meta"].worker._health
    health._undecided_at = 0.0
    health._probe_at = float("inf")
    world.dispatcher.clock_is_right()
    assert health._probe_at == float("inf")


def test_a_certificate_of_another_time_is_said() -> None:
    fault = ssl.SSLCertVerificationError("certificate verify failed")
    fault.verify_code, fault.verify_message = 9, "certificate is not yet valid"
    wrapped = httpx.ConnectError("x")
    wrapped.__cause__ = fault
    said = "the vendor's certificate is not taken: certificate is not yet valid, by the clock of this machine"
    assert certificate_fault(wrapped) == said
    assert certificate_fault(httpx.ConnectError("x")) is None


def test_nothing_is_said_of_a_clock_that_is_right(clock: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    watched = Watched(clock, clock.now())
    for _ in range(100):
        watched.passes(1)
    assert (watched.mended, caplog.records) == (0, [])


@pytest.mark.parametrize(
    ("wrong", "vendor", "sent", "error"),
    [
        (0, False, START - 5_000_000, 0),
        (-START, False, START - 100, -100),
        (-START, False, None, -START),
        (-START, False, "soon", -START),
        (-START, False, float("nan"), -START),
        (-START, False, START * 2, -START),
        (-START, True, START - 5_000_000, 0),
        (round(YEARS * 1000), True, None, 0),
    ],
)
def test_what_comes_has_the_right_time_where_anybody_knows_it(
    clock: FakeTime, wrong: int, vendor: bool, sent: object, error: int
) -> None:
    """`error`: by how many ms the time of receipt is off in the end."""
    clock.jump(wrong / 1000)
    doubt = ClockDoubt(clock, START - 1_000_000, lambda: None)
    if vendor:
        doubt.heard("meta", date(START))
    assert doubt.received(sent) == START + error
