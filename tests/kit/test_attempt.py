"""What a method may ask for of an attempt: it gets what it declares; one that declares nothing goes on as ever."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, MutableMapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin import Built, Outcome, Outcomes, Payload, Request, Response
from tagserver.plugin.attempt import batch_id_of
from tagserver.plugin.destination import call, declared
from tagserver.testing import NOW, FakeVendor, check_destination, make_settings, payloads_of, request_of, run_example

from .post import SETTINGS, Post

PAYLOADS = [Payload(f"e-{number}", "purchase", NOW, f'{{"id":"e-{number}"}}'.encode()) for number in range(3)]


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a decorator makes of it."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapped


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda payloads, settings: ..., set()),
        (lambda payloads, settings, now: ..., {"now"}),
        (lambda payloads, settings, now=0: ..., {"now"}),
        (lambda payloads, settings, *, batch_id, now: ..., {"now", "batch_id"}),
        (lambda payloads, settings, *args, **kwargs: ..., set()),
        (lambda now, /, settings: ..., set()),
        (wrapping(lambda payloads, settings, now: ...), {"now"}),
        (print, set()),
        (dict, set()),
    ],
)
def test_what_is_declared(function: Callable[..., Any], names: set[str]) -> None:
    """By name, with or without a default. Somebody who takes all keywords has declared none."""
    assert declared(function) == names


def test_a_method_gets_what_it_declares_and_nothing_else() -> None:
    known = {"now": 7, "batch_id": "b"}
    assert call(lambda one, now: (one, now), known, 1) == (1, 7)
    assert call(lambda one, batch_id=None, now=0: (one, batch_id, now), {"now": 7}, 1) == (1, None, 7)
    assert call(lambda one: one, known, 1) == 1


# ── the id of a batch
# ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=3) | st.sampled_from(["\ud800", "a", "b", ""])
ANY = st.builds(Payload, TEXTS, TEXTS, st.integers(0, 2), st.binary(max_size=3), st.none() | TEXTS)
SETS = st.lists(ANY, max_size=4)


def parts(payloads: Sequence[Payload]) -> list[Any]:
    """What a set of payloads is, in some order."""
    return sorted((one.event_id, one.name, one.time, one.group or "", one.body) for one in payloads)


@given(SETS, SETS, st.randoms())
def test_the_same_set_has_the_same_id_and_another_one_another(one: Any, other: Any, random: Any) -> None:
    """Whatever the order. Nothing that stands in a payload can be moved into its neighbour without changing it."""
    mixed = list(one)
    random.shuffle(mixed)
    assert batch_id_of("a", mixed) == batch_id_of("a", one)
    assert (batch_id_of("a", one) == batch_id_of("a", other)) == (parts(one) == parts(other))
    assert batch_id_of("b", one) != batch_id_of("a", one)


def test_the_id_stays_over_versions_of_ours() -> None:
    """A repeat after an update must have it, too."""
    assert batch_id_of("acme", PAYLOADS) == "a6b1cfa8b97761b2ded8069e59a601f7"


# ── in the kit
# ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Stamped(Post):
    """Says when, and under which id."""

    def request(self, payloads: Sequence[Payload], settings: Any, now: int, batch_id: str) -> Request:
        made = super().request(payloads, settings)
        return Request(made.method, made.url, {**made.headers, "at": str(now), "key": batch_id}, made.content)

    def classify(self, response: Response, payloads: Sequence[Payload], now: int) -> Outcome:
        return super().classify(response, payloads) if response.status != 200 else Outcome.delivered(f"at {now}")


class Talking(Stamped):
    """The same by hand."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any], now: int, batch_id: str
    ) -> Generator[Request, Response, Outcomes]:
        response = yield self.request(payloads, settings, now, batch_id)
        return self.classify(response, payloads, now)


class Handing(Stamped):
    """Asks the one it inherits."""

    def exchange(
        self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any], batch_id: str, now: int
    ) -> Generator[Request, Response, Outcomes]:
        return (yield from super().exchange(payloads, settings, cache, now=now, batch_id=batch_id))


@pytest.mark.parametrize("kind", [Stamped, Talking, Handing])
def test_the_kit_hands_over_what_is_declared(kind: type[Post]) -> None:
    settings = make_settings(kind, SETTINGS)
    shown = request_of(kind(), PAYLOADS, settings)
    assert (shown.headers["at"], shown.headers["key"]) == (str(NOW), batch_id_of("post", PAYLOADS))
    assert request_of(kind(), PAYLOADS, settings, now=5).headers["at"] == "5"
    vendor = FakeVendor(lambda request: httpx.Response(200))
    assert vendor.talk(kind(), PAYLOADS, settings, now=6) == Outcome.delivered("at 6")
    assert vendor.requests[0].headers["at"] == "6"
    assert check_destination(kind, SETTINGS) == []


def test_an_example_is_made_when_its_event_was_received() -> None:
    case = {
        "name": "x",
        "event": {"event": "lead"},
        "received": NOW + 1,
        "request": {"headers": {"at": str(NOW + 1)}},
        "response": {"status": 200},
        "outcome": {"kind": "delivered", "warning": f"at {NOW + 1}"},
    }
    run_example(Stamped, case, SETTINGS)


def test_a_payload_knows_its_group() -> None:
    """What `build` gave."""
    assert [one.group for one in payloads_of([Built({}, "a", 0, group="g"), Built({}, "a", 0)])] == ["g", None]
