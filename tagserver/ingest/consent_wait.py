"""Events that wait for the visitor's choice: which ones, how long, and what a choice that comes means for them.

A consent tool that loads late says so with `wait_for_update` in its default. An event that some tag would send if only
the visitor agreed is kept in memory for so long, by a name that the page gave the visitor or the page view. What waits
is promised to nobody: it does not survive the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import msgspec

from tagserver.config.model import Container
from tagserver.consent.decoders.consent_mode import MOST_COMMANDS, commands_of
from tagserver.consent.model.policy import LONGEST_HOLD, ConsentPolicy, Needs
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import CONSENT_MODE
from tagserver.event.event import Event
from tagserver.pipeline.route import Routing, route
from tagserver.system.time import Time

MOST = 10_000
MOST_OF_ONE = 100
MOST_BYTES = 16 << 20
"""Events that may wait, of all visitors and of one; and their size."""
MOST_HEARD = 20
"""Choices after which an event waits no more: each costs another look at all its tags, and can be posted by anybody."""

Name = tuple[str, str, str]
"""Source, kind and id of a visitor or a page view. A browser cannot release what a key has sent."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent an event, as far as the page says. `view`: the page view, else the page's address; never an IP address
    or a user agent."""

    names: tuple[Name, ...]
    view: tuple[str, str]
    session: str

    @classmethod
    def of(cls, event: Event) -> Visitor:
        """The visitor of an event; without names if the page gave none."""
        view, client = (_text(event.data.get(key)) for key in ("page_view_id", "client_id"))
        named = (("page_view", view), ("client", client))
        page = event.data.get("page") or {}
        address = _text(page.get("location")).partition("#")[0]
        return cls(
            tuple((event.source, kind, name) for kind, name in named if name),
            (view, address),
            _text(event.data.get("session_id")),
        )

    def same_view(self, other: Visitor) -> bool:
        """Whether both are of one page view."""
        if self.view[0] and other.view[0]:
            return self.view[0] == other.view[0]
        return self.view[1] == other.view[1]

    def same_session(self, other: Visitor) -> bool:
        """Whether both are of one session, as far as they say."""
        return not (self.session and other.session) or self.session == other.session


def _text(value: Any) -> str:
    return value if type(value) is str else ""


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that waits. `contract`: what its source's key says of consent; `consent`: what is known by now; `heard`:
    how many choices have come meanwhile."""

    event: Event
    contract: Reading | None
    consent: ConsentState
    visitor: Visitor
    size: int
    until: float
    heard: int = 0


def wait_asked(event: Event, policy: ConsentPolicy) -> float:
    """Seconds that an event asks to wait by `wait_for_update` (ms) in a default, else what the site's policy says; at
    most LONGEST_HOLD."""
    asked = max((_wait(said) for name in CONSENT_MODE for said in _defaults(event.data.get(name))), default=0.0)
    return min(asked or policy.hold, LONGEST_HOLD)


def _wait(said: Any) -> float:
    wait = said.get("wait_for_update") if isinstance(said, Mapping) else None
    if not isinstance(wait, int | float) or isinstance(wait, bool) or wait <= 0:
        return 0.0
    return min(wait, LONGEST_HOLD * 1000) / 1000  # a whole number may be larger than any float


def _defaults(consent: Any) -> Iterable[Any]:
    """The defaults of an event's `consent`, in each of its forms."""
    commands = islice(commands_of(consent), MOST_COMMANDS) if isinstance(consent, Mapping | list) else ()
    return (said for verb, said in commands if verb == "default")


def waits(needs: Needs, consent: ConsentState) -> bool:
    """Whether a tag with these needs might send once the visitor has chosen: something is missing, and nothing of that
    was denied by the visitor."""
    missing = needs.purposes - consent.granted
    return bool(missing) and all(consent.purpose(name).kind != "explicit" for name in missing)


def updated(known: ConsentState, said: ConsentState, *, grants: bool) -> ConsentState:
    """What is known of a waiting event after its visitor has said more. Purposes that were chosen replace what was
    known; opt-outs add up. `grants` False: only what was denied counts."""
    chosen = {
        name: purpose
        for name, purpose in said.purposes.items()
        if purpose.kind == "explicit" and (grants or purpose.state == "denied")
    }
    purposes = {**known.purposes, **chosen}
    return replace(
        said if grants else known,
        purposes=purposes,
        granted=frozenset(name for name, purpose in purposes.items() if purpose.state == "granted"),
        sale_opt_out=tuple(dict.fromkeys((*known.sale_opt_out, *said.sale_opt_out))),
        known_child=known.known_child or said.known_child,
        problems=tuple(dict.fromkeys((*known.problems, *said.problems))),
    )


class WaitQueue:
    """The events that wait, in the order of their arrival, within bounds."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._most_bytes = most_bytes
        self.held: dict[int, WaitingEvent] = {}
        """Those that wait, by the number of their coming."""
        self._of: dict[Name, set[int]] = {}
        self._ends: list[tuple[float, int]] = []
        self._last = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self.held)

    def add(self, held: WaitingEvent) -> list[WaitingEvent]:
        """One more; those that have to go for it, the oldest first, of this visitor if these are too many."""
        self._last += 1
        number = self._last
        self.held[number] = held
        self.bytes += held.size
        heapq.heappush(self._ends, (held.until, number))
        gone: list[WaitingEvent] = []
        for name in held.visitor.names:
            own = self._of.setdefault(name, set())
            own.add(number)
            if len(own) > self._most_of_one:
                gone.append(self._take(min(own)))
        while len(self.held) > self._most or (self.bytes > self._most_bytes and self.held):
            gone.append(self._take(next(iter(self.held))))
        return gone

    def released_by(
        self,
        visitor: Visitor,
        said: ConsentState,
        retroactive: Literal["page", "session"],
        waiting: Callable[[Event, Reading | None, ConsentState], bool],
        of: Callable[[Event], bool] | None = None,
    ) -> list[WaitingEvent]:
        """A visitor has chosen: the events that need not wait any more, with what is known now. `of`: those alone for
        which this holds.

        A denial counts for all that waits of the visitor, a grant for the same page view alone (`session`: for the
        session). `waiting`: whether a tag of an event still waits under a state.
        """
        numbers = sorted({number for name in visitor.names for number in self._of.get(name, ())})
        ready = []
        for number in numbers:
            held = self.held[number]
            if of is not None and not of(held.event):
                continue
            same = visitor.same_view(held.visitor)
            if retroactive == "session":
                same = same or visitor.same_session(held.visitor)
            held = replace(held, consent=updated(held.consent, said, grants=same), heard=held.heard + 1)
            if held.heard < MOST_HEARD and waiting(held.event, held.contract, held.consent):
                self.held[number] = held
            else:
                self._take(number)
                ready.append(held)
        return ready

    def overdue(self, now: float) -> list[WaitingEvent]:
        """Those whose time is over, taken out."""
        gone = []
        while self._ends and self._ends[0][0] <= now:
            _, number = heapq.heappop(self._ends)
            if number in self.held:
                gone.append(self._take(number))
        return gone

    def next_end(self) -> float | None:
        """When the next one's time is over; None when nothing waits."""
        while self._ends and self._ends[0][1] not in self.held:
            heapq.heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def take(self, whose: Callable[[Event], bool]) -> list[WaitingEvent]:
        """Those that are somebody's, taken out."""
        numbers = [number for number, held in self.held.items() if whose(held.event)]
        return [self._take(number) for number in numbers]

    def _take(self, number: int) -> WaitingEvent:
        held = self.held.pop(number)
        self.bytes -= held.size
        for name in held.visitor.names:
            own = self._of[name]
            own.discard(number)
            if not own:
                del self._of[name]
        if len(self._ends) > 2 * len(self.held) + 100:  # most were released before their time
            self._ends = [(end, one) for end, one in self._ends if one in self.held]
            heapq.heapify(self._ends)
        return held


_encode = msgspec.json.Encoder().encode
UNKNOWN = 64 << 10
"""Bytes that count for an event whose size cannot be told."""
VALUE = 48
"""Bytes that a value takes in memory beside its text."""


class ConsentWait:
    """`ended` counts how the waiting of events ended: `granted`, `denied`, `timeout`, `overflow` (the oldest had to
    go), `closing`, `forgotten`, `lost` (could not be stored)."""

    def __init__(self, time: Time, hold: WaitQueue | None = None) -> None:
        self._time = time
        self._queue = WaitQueue() if hold is None else hold
        self.held: Mapping[int, WaitingEvent] = self._queue.held
        """Those that wait, by the number of their coming."""
        self._filled = asyncio.Event()
        self.ended: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def bytes(self) -> int:
        """Size of what waits."""
        return self._queue.bytes

    def comes(self, container: Container, routing: Routing, contract: Reading | None) -> list[WaitingEvent] | None:
        """None when the event need not wait. Else it waits from now on, and those have to go for which there is no room
        any more."""
        consent, event = routing.consent, routing.event
        if not any(one.reason == "consent" and waits(one.tag.needs, consent) for one in routing.decisions):
            return None
        wait = wait_asked(event, container.consent)
        visitor = Visitor.of(event)
        if not wait or not visitor.names:
            return None
        gone = self._queue.add(
            WaitingEvent(event, contract, consent, visitor, _size(event), self._time.monotonic() + wait),
        )
        self.ended["overflow"] += len(gone)
        self._filled.set()
        return gone

    def released_by(
        self,
        container: Container,
        event: Event,
        consent: ConsentState,
        of: Callable[[Event], bool] | None = None,
    ) -> list[WaitingEvent]:
        """An event of a visitor says what was chosen: those that need not wait any more, in the order of their
        arrival. `of`: those alone for which this holds."""
        if not self.held or not (consent.explicitly_granted or consent.withdrawn):
            return []

        def waiting(event: Event, contract: Reading | None, known: ConsentState) -> bool:
            decisions = route(container, event, contract, consent=known).decisions
            return any(one.reason == "consent" and waits(one.tag.needs, known) for one in decisions)

        return self._queue.released_by(Visitor.of(event), consent, container.consent.retroactive, waiting, of)

    def decide(self, container: Container, held: WaitingEvent) -> Routing:
        """What becomes of an event with what is known of its visitor by now."""
        return route(container, held.event, held.contract, consent=held.consent)

    def put_back(self, held: Sequence[WaitingEvent]) -> None:
        """What was released could not be stored: it waits on."""
        for one in held:
            self.ended["lost"] += len(self._queue.add(one))

    def count(self, routings: Iterable[Routing]) -> None:
        """A choice has come for these."""
        for routing in routings:
            self.ended["granted" if any(one.built is not None for one in routing.decisions) else "denied"] += 1

    def overdue(self) -> list[WaitingEvent]:
        """Those whose time is over, taken out."""
        gone = self._queue.overdue(self._time.monotonic())
        self.ended["timeout"] += len(gone)
        return gone

    def all(self) -> list[WaitingEvent]:
        """Everything that waits, taken out: the server ends."""
        gone = self._queue.take(lambda event: True)
        self.ended["closing"] += len(gone)
        return gone

    def forget(self, whose: Callable[[Event], bool]) -> int:
        """Drop what waits of somebody; how many."""
        gone = len(self._queue.take(whose))
        self.ended["forgotten"] += gone
        return gone

    async def until_due(self) -> None:
        """Return when the time of something is over."""
        while (end := self._queue.next_end()) is None or end > self._time.monotonic():
            self._filled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), None if end is None else end - self._time.monotonic())


def _size(event: Event) -> int:
    """What an event takes in memory, about: its text, its values, and the headers it came with."""
    headers = sum(map(len, event.facts.headers.values())) + sum(map(len, event.facts.cookies.values()))
    try:
        text = _encode(event.data)
    except (ValueError, TypeError, OverflowError):  # half a surrogate pair, a number beyond JSON's
        return UNKNOWN + headers
    return len(text) + VALUE * (text.count(b",") + text.count(b"{") + text.count(b"[")) + headers
