"""Refused requests are a line a minute, however many there are."""

from __future__ import annotations

import pytest

from tagserver.runtime.refused_requests import LONGEST, MOST, SAID_EVERY, RefusedRequests
from tests.fake_time import FakeTime


class World:
    """Refused requests, with the time in hand."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._time = FakeTime()
        self.refused_requests = RefusedRequests(self._time)
        self._caplog = caplog

    def passes(self, seconds: float) -> None:
        """Time goes by."""
        for _ in range(round(seconds)):
            self._time.pass_unseen(1)
            self.refused_requests.look()

    @property
    def lines(self) -> list[str]:
        """What was said."""
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> World:
    return World(caplog)


def test_the_first_is_said_at_once_and_the_rest_is_counted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(1, 51):
        world.refused_requests.count("unknown_key", f"198.51.{number % 2}.7")
    assert world.lines == ["a wrong key came at /collect from 198.51.1.0"]
    world.passes(SAID_EVERY - 1)
    assert len(world.lines) == 1
    world.passes(1)
    assert world.lines[1:] == ["49 more wrong keys came at /collect in the last minute from 2 networks"]
    fields = {name: caplog.records[1].__dict__[name] for name in ("code", "status", "count", "networks")}
    assert fields == {"code": "unknown_key", "status": 401, "count": 49, "networks": 2}


def test_after_a_quiet_minute_it_is_said_at_once_again(world: World) -> None:
    world.refused_requests.count("admin_token", None)
    world.passes(SAID_EVERY + 1)
    world.refused_requests.count("admin_token", "2001:db8::1")
    assert world.lines == [
        "a wrong admin token came under /-/ or at /readyz from a local socket",
        "a wrong admin token came under /-/ or at /readyz from 2001:db8::",
    ]


def test_kinds_do_not_hide_each_other(world: World) -> None:
    for kind in ("unknown_key", "origin", "admin_token"):
        world.refused_requests.count(kind, "198.51.100.7", "https://shop.example" if kind == "origin" else None)
    assert len(world.lines) == 3
    assert "(the origin https://shop.example)" in world.lines[1]
    world.refused_requests.close()
    assert len(world.lines) == 3, "nothing was left to say"


def test_a_flood_costs_a_bounded_memory_and_its_end_is_told(world: World) -> None:
    for number in range(MOST * 3):
        world.refused_requests.count("origin", f"10.{number >> 8}.{number & 255}.1", "https://" + "x" * 500)
    world.refused_requests.close()
    assert world.lines[1].startswith(f"{3 * MOST - 1} more events of origins")
    assert f"from {MOST} networks" in world.lines[1]
    assert max(map(len, world.lines)) < 200 + LONGEST
