"""What counts: pairs, duplicates, the window of 48 hours, and the bounds of memory."""

from __future__ import annotations

from tagserver.sandbox.ledger import NAMES, OTHER_NAMES, Ledger

HOUR = 3600
TOTALS = ("arrivals", "unique", "pairs", "duplicates")


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def totals(ledger: Ledger) -> list[int]:
    stats = ledger.stats()
    assert stats["arrivals"] == stats["events_received"] + stats["pixel_hits"]
    assert stats["arrivals"] == stats["unique"] + stats["duplicates"]
    return [stats[name] for name in TOTALS]


def test_pair() -> None:
    """The same event from browser and server counts once and is a pair, in either order, however often."""
    for first, second in (("browser", "server"), ("server", "browser")):
        ledger = Ledger(Clock())
        ledger.arrive(first, "1", "Purchase", "o-1", {})  # type: ignore[arg-type]  # (one that is only handed on)
        assert totals(ledger) == [1, 1, 0, 0]
        ledger.arrive(second, "1", "Purchase", "o-1", {})  # type: ignore[arg-type]  # (one that is only handed on)
        assert totals(ledger) == [2, 1, 1, 1]
        ledger.arrive(second, "1", "Purchase", "o-1", {})  # type: ignore[arg-type]  # (one that is only handed on)
        assert totals(ledger) == [3, 1, 1, 2]
        [record] = ledger.stats()["events"]
        assert record.sources == [first, second]
        assert record.counts == {first: 1, second: 2}
        assert record.pair


def test_repeat() -> None:
    """The same event twice from one side counts once and is no pair."""
    ledger = Ledger(Clock())
    for _ in range(2):
        ledger.arrive("server", "1", "Purchase", "o-1", {})
    assert totals(ledger) == [2, 1, 0, 1]


def test_key() -> None:
    """Pixel, name and id must all be equal, byte for byte."""
    ledger = Ledger(Clock())
    for pixel, name, event_id in [
        ("1", "Purchase", "o-1"),
        ("2", "Purchase", "o-1"),
        ("1", "purchase", "o-1"),
        ("1", "Purchase", "O-1"),
        ("1", "Purchaseo", "-1"),
        ("1", "Purchase", "o-1" * 1000),
        ("1", "Purchase", "o-1" * 1001),
    ]:
        ledger.arrive("server", pixel, name, event_id, {})
    assert totals(ledger) == [7, 7, 0, 0]
    ledger.arrive("browser", "1", "Purchase", "o-1" * 1000, {})
    assert totals(ledger) == [8, 7, 1, 1]


def test_no_id() -> None:
    """Arrivals without an id are events of their own."""
    ledger = Ledger(Clock())
    ledger.arrive("browser", "1", "PageView", None, {})
    ledger.arrive("server", "1", "PageView", None, {})
    ledger.arrive("server", "1", "PageView", "", {})
    assert totals(ledger) == [3, 3, 0, 0]


def test_window() -> None:
    """48 hours from the first arrival; later arrivals do not prolong it."""
    clock = Clock()
    ledger = Ledger(clock)
    ledger.arrive("browser", "1", "Lead", "e", {})
    clock.now += 48 * HOUR - 1
    ledger.arrive("server", "1", "Lead", "e", {})
    assert totals(ledger) == [2, 1, 1, 1]
    clock.now += 1
    ledger.arrive("server", "1", "Lead", "e", {})
    assert totals(ledger) == [3, 2, 1, 1]
    newest, oldest = ledger.stats()["events"]
    assert newest.counts == {"server": 1}
    assert oldest.counts == {"browser": 1, "server": 1}


def test_details() -> None:
    """A record keeps what the first arrival to say it said."""
    ledger = Ledger(Clock())
    ledger.arrive("browser", "1", "Purchase", "o", {"value": None, "currency": "EUR"})
    ledger.arrive("server", "1", "Purchase", "o", {"value": 5.0, "currency": "USD", "opt_out": False})
    [record] = ledger.stats()["events"]
    assert (record.value, record.currency, record.opt_out) == (5.0, "EUR", False)


def test_by_name() -> None:
    """Each name has counts of its own; too many share a line."""
    ledger = Ledger(Clock())
    for number in range(NAMES + 5):
        ledger.arrive("server", "1", f"name {number}", "e", {})
    by_name = ledger.stats()["by_name"]
    assert len(by_name) == NAMES + 1
    assert by_name["name 7"].unique == 1
    assert by_name[OTHER_NAMES].unique == 5


def test_bounded_details() -> None:
    """Only the newest records are kept, while counting goes on over all."""
    ledger = Ledger(Clock(), details=3)
    for number in range(5):
        ledger.arrive("server", "1", "Lead", str(number), {})
    ledger.arrive("browser", "1", "Lead", "0", {})
    assert totals(ledger) == [6, 5, 1, 1]
    assert [record.event_id for record in ledger.stats()["events"]] == ["4", "3", "2"]


def test_bounded_keys() -> None:
    """Past the bound the oldest event is forgotten, and counts anew when it comes again."""
    ledger = Ledger(Clock(), keys=2)
    for event_id in ("a", "b", "c", "b", "a"):
        ledger.arrive("server", "1", "Lead", event_id, {})
    assert totals(ledger) == [5, 4, 0, 1]


def test_record_of_a_forgotten_key() -> None:
    """An event that came back after its window keeps its own record when the older one is dropped."""
    clock = Clock()
    ledger = Ledger(clock, details=2)
    ledger.arrive("server", "1", "Lead", "a", {})
    clock.now += 48 * HOUR
    ledger.arrive("server", "1", "Lead", "a", {})
    ledger.arrive("server", "1", "Lead", "b", {})
    ledger.arrive("browser", "1", "Lead", "a", {})
    assert totals(ledger) == [4, 3, 1, 1]
    assert ledger.stats()["events"][1].pair
