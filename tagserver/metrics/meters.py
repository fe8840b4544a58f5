"""Counters and times of this process, and their Prometheus text. Labels come from the configuration and from our own
lists of words alone, so that no request can make new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from tagserver.metrics.exposition import Histogram, Page
from tagserver.metrics.labels import CLASSES, DELIVERIES, MOST_PROXIES, REFUSALS, STATES, STATUSES, build_info
from tagserver.pipeline.route import Routing
from tagserver.plugin.fault import OURS, UNKNOWN
from tagserver.queue.dead_letters import REASONS
from tagserver.queue.moves import UNTRUSTED_COPY, Move
from tagserver.queue.values import Counts, Receipt, Room
from tagserver.system.machine import ProcessFacts, process_facts

UNTRUSTED_FIRST = "untrusted_first"


class Picture(msgspec.Struct, frozen=True):
    """What is not counted here but shown with it. `states`, `oldest` (seconds), `sizes` (bytes that wait) and `by_hand`
    (whether somebody has stopped it) by destination; `loaded`: when the
    container was, in seconds since 1970; `dead_lettered`: see `DeadLetters.dead_lettered`."""

    version: str
    counts: Mapping[str, Counts]
    states: Mapping[str, str]
    oldest: Mapping[str, float | None]
    room: Room
    ready: bool = True
    degraded: bool = False
    loaded: float = 0.0
    held: int = 0
    held_ended: Mapping[str, int] = {}
    tombstones: int = 0
    audit_rows: int = 0
    audit_lost: int = 0
    audit_bytes: int = 0
    audit_limit: int = 0
    audit_keep: float = 0.0
    audit_lasts: float | None = None
    dead_lettered: Mapping[tuple[str, str, str], int] = {}
    sizes: Mapping[str, int] = {}
    by_hand: Mapping[str, bool] = {}


class Meters:
    """In memory, since the start of this process; what must survive is counted by the outbox. `started`: when that
    was, in seconds since 1970. `connections` says how many clients are connected, `process` what the process uses,
    `disk_free` how many bytes the data folder's disk has left (None: it does not say), `plugins` names what may block.

    Whatever is counted by a label from a short list of ours is shown as 0 before it happens first: Prometheus sees no
    increase where a series begins with what was to be noticed."""

    def __init__(
        self,
        started: float = 0.0,
        process: Callable[[], ProcessFacts] = process_facts,
        disk_free: Callable[[], int | None] = lambda: None,
        plugins: Iterable[str] = (),
    ) -> None:
        self._started = started
        self._process = process
        self._disk_free = disk_free
        self.connections: Callable[[], int] = lambda: 0
        self.events = 0
        self.order_denials_dropped = 0
        """Denials that were not remembered for their order: their address had named too many."""
        self.clock_steps = 0
        self.commits = Histogram()
        self.loop_lag = Histogram()
        self.starved = 0.0
        self._answers: Counter[int] = Counter(dict.fromkeys(STATUSES, 0))
        self._answer_times: dict[tuple[str, ...], Histogram] = {(kind,): Histogram() for kind in CLASSES.values()}
        self._times_of = {digit: self._answer_times[kind,] for digit, kind in CLASSES.items()}
        self._vendors: dict[tuple[str, ...], Histogram] = {}
        self._decisions: Counter[tuple[str, str, str]] = Counter()
        self._duplicates: Counter[tuple[str, str]] = Counter()
        self._outvoted: Counter[str] = Counter()
        self._redacted: Counter[str] = Counter()
        self._refused: Counter[str] = Counter(dict.fromkeys(REFUSALS, 0))
        self._faults: Counter[str] = Counter()
        self._forwarded: Counter[int] = Counter()
        self._blocked: Counter[str] = Counter(dict.fromkeys((OURS, UNKNOWN, *plugins), 0))
        self._withdrawn: Counter[str] = Counter()
        self._clients: Counter[tuple[str, int]] = Counter()
        self._passed: Counter[tuple[str, str]] = Counter()
        self.without_signal: Counter[str] = Counter()

    def answered(self, status: int, seconds: float | None) -> None:
        """One request to `/collect` was answered; `seconds` from its last byte on, None: it had none to wait for.
        Called for every request."""
        self._answers[status] += 1
        if seconds is not None:
            self._times_of[status // 100].observe(seconds)

    def client_answered(self, client: str, status: int) -> None:
        """One request to an address of an inbound client was answered; `client` is its type, empty where it is lost."""
        self._clients[client, status] += 1

    def passed(self, client: str, code: str) -> None:
        """A client has seen something that on purpose is no event; `code` is one that it lists."""
        self._passed[client, code] += 1

    def routed(self, routings: Sequence[Routing]) -> None:
        """Some events went through the container."""
        self.events += len(routings)
        decisions = self._decisions
        for routing in routings:
            for decision in routing.decisions:
                decisions[decision.tag.name, decision.decision, decision.reason] += 1
                for finding in decision.findings:
                    self._redacted.update(finding.kinds)
            if routing.scope.faults:
                self._faults.update(routing.scope.faults.keys())

    def repeated(self, destination: str, receipt: Receipt, *, untrusted: bool = False) -> None:
        """One delivery was a duplicate. `untrusted`: a key sent it, and a browser's that says otherwise came first."""
        self._duplicates[destination, UNTRUSTED_FIRST if untrusted else _why_duplicate(receipt)] += 1

    def moved(self, moves: Sequence[Move]) -> None:
        """Copies that waited were erased for a browser's. In the thread that writes the queue, and no other."""
        self._outvoted.update(one.destination for one in moves if one.reason == UNTRUSTED_COPY)

    def _all_duplicates(self) -> Mapping[tuple[str, str], int]:
        """Those that were known when they came, and when their wait was over."""
        waited = self._outvoted.copy()
        return self._duplicates + Counter({(name, UNTRUSTED_FIRST): number for name, number in waited.items()})

    def refused(self, code: str) -> None:
        """One request was refused as a whole; `code` is one of ours."""
        self._refused[code] += 1

    def forwarded(self, header: str | None) -> None:
        """A browser's request came with this X-Forwarded-For. How many entries those have tells how many proxies stand
        in front."""
        self._forwarded[0 if header is None else min(header.count(",") + 1, MOST_PROXIES)] += 1

    def sent(self, destination: str, outcome: str, seconds: float) -> None:
        """One batch was sent to a destination; `outcome` is `ok`, `failed`, `throttled` or `paused`."""
        known = self._vendors.get((destination, outcome))
        if known is None:
            known = self._vendors[destination, outcome] = Histogram()
        known.observe(seconds)

    def jumped(self, times: int) -> None:
        """The wall clock has jumped so often since this was said last."""
        self.clock_steps += times

    def withdrawn(self, kind: str) -> None:
        """An event took consent back for what lies in the queue; `kind` of its source: `browser` or `key`."""
        self._withdrawn[kind] += 1

    def blocked(self, culprit: str) -> None:
        """Something held the event loop for too long; `culprit` is the name of a plugin, or `tagserver`."""
        self._blocked[culprit] += 1

    def starved_for(self, seconds: float) -> None:
        """The event loop was late by so much because the machine gave it no processor."""
        self.starved += seconds

    def text(self, picture: Picture) -> str:
        """Prometheus exposition format 0.0.4."""
        page = Page()
        page.add("tagserver_info", "gauge", "What runs.", [(build_info(picture.version), 1)])
        page.add("tagserver_ready", "gauge", "1 when the server can promise anything.", [({}, int(picture.ready))])
        page.add("tagserver_degraded", "gauge", "1 when something needs a look.", [({}, int(picture.degraded))])
        page.add(
            "tagserver_container_loaded_timestamp_seconds", "gauge", "When the container was.", [({}, picture.loaded)]
        )
        page.add("tagserver_connections", "gauge", "Clients that are connected.", [({}, self.connections())])
        forwarded = {str(entries): number for entries, number in self._forwarded.items()}
        page.counter(
            "tagserver_forwarded_requests_total", "Requests by entries of X-Forwarded-For.", "entries", forwarded
        )
        answers = {str(status): number for status, number in self._answers.items()}
        page.counter("tagserver_requests_total", "Answers of /collect.", "status", answers)
        page.histogram(
            "tagserver_request_seconds",
            "Time from a request's last byte to its answer.",
            self._answer_times,
            ("class",),
        )
        page.add(
            "tagserver_client_requests_total",
            "counter",
            "Answers at the addresses of inbound clients.",
            [
                ({"client": kind, "status": str(status)}, number)
                for (kind, status), number in sorted(self._clients.items())
            ],
        )
        page.add(
            "tagserver_client_passed_total",
            "counter",
            "What inbound clients have seen and passed over.",
            [({"client": kind, "code": code}, number) for (kind, code), number in sorted(self._passed.items())],
        )
        page.add("tagserver_events_total", "counter", "Events through the container.", [({}, self.events)])
        page.counter("tagserver_requests_refused_total", "Requests refused as a whole.", "reason", self._refused)
        page.counter("tagserver_redacted_total", "Personal data taken out of payloads.", "kind", self._redacted)
        page.add(
            "tagserver_decisions_total",
            "counter",
            "What the tags did whose trigger fired.",
            [
                ({"tag": tag, "decision": decision, "reason": reason}, number)
                for (tag, decision, reason), number in sorted(self._decisions.items())
            ],
        )
        page.counter(
            "tagserver_variable_failures_total", "Events for which a variable failed.", "variable", self._faults
        )
        page.add(
            "tagserver_duplicates_total",
            "counter",
            "Deliveries that were known, and not stored again.",
            [
                ({"destination": destination, "reason": reason}, number)
                for (destination, reason), number in sorted(self._all_duplicates().items())
            ],
        )
        page.add("tagserver_held_events", "gauge", "Events that wait for consent.", [({}, picture.held)])
        page.counter("tagserver_held_ended_total", "How the waiting ended.", "outcome", picture.held_ended)
        silent = self.without_signal
        page.counter("tagserver_events_without_signal_total", "Said nothing of consent.", "client", silent)
        page.counter("tagserver_withdrawals_total", "Events that took consent back.", "source", self._withdrawn)
        page.add(
            "tagserver_order_denials_dropped_total",
            "counter",
            "Denials not remembered for their order.",
            [({}, self.order_denials_dropped)],
        )
        page.add("tagserver_tombstones", "gauge", "Identifiers with consent withdrawn.", [({}, picture.tombstones)])
        page.add("tagserver_audit_rows_total", "counter", "Rows of the audit.", [({}, picture.audit_rows)])
        page.add("tagserver_audit_lost_total", "counter", "Events it does not know of.", [({}, picture.audit_lost)])
        page.add("tagserver_audit_bytes", "gauge", "Size of its files.", [({}, picture.audit_bytes)])
        page.add("tagserver_audit_limit_bytes", "gauge", "Bytes they may have.", [({}, picture.audit_limit)])
        page.add("tagserver_audit_keep_seconds", "gauge", "How long it is to be kept.", [({}, picture.audit_keep)])
        page.add(
            "tagserver_audit_lasts_seconds",
            "gauge",
            "How long its room lasts at today's rate.",
            [] if picture.audit_lasts is None else [({}, round(picture.audit_lasts))],
        )
        self._deliveries(page, picture)
        page.add("tagserver_queue_bytes", "gauge", "Bytes in use in the queue's file.", [({}, picture.room.used)])
        page.add("tagserver_queue_limit_bytes", "gauge", "Bytes it may hold.", [({}, picture.room.limit)])
        free = self._disk_free()
        page.add(
            "tagserver_disk_free_bytes",
            "gauge",
            "Bytes that are free where the data folder lies.",
            [] if free is None else [({}, free)],
        )
        page.histogram("tagserver_commit_seconds", "Time of a group commit.", {(): self.commits}, ())
        page.histogram(
            "tagserver_vendor_request_seconds", "Time to send a batch.", self._vendors, ("destination", "outcome")
        )
        page.histogram("tagserver_loop_lag_seconds", "How late the event loop was.", {(): self.loop_lag}, ())
        page.add("tagserver_clock_steps_total", "counter", "Times that the clock was set.", [({}, self.clock_steps)])
        page.counter("tagserver_loop_blocked_total", "Long blockings of the event loop.", "culprit", self._blocked)
        page.add(
            "tagserver_loop_starved_seconds_total",
            "counter",
            "Time that the event loop was late because the machine gave it no processor.",
            [({}, round(self.starved, 3))],
        )
        self._process_metrics(page)
        return page.text()

    def _process_metrics(self, page: Page) -> None:
        """Under the names that Prometheus' own clients give them."""
        facts = self._process()
        shown = (
            ("process_start_time_seconds", "gauge", "When this process began, since 1970.", self._started),
            ("process_cpu_seconds_total", "counter", "Processor time used.", round(facts.cpu, 3)),
            ("process_resident_memory_bytes", "gauge", "Memory in use.", facts.memory),
            ("process_open_fds", "gauge", "Files and connections that are open.", facts.files),
            ("process_max_fds", "gauge", "How many of them may be.", facts.most_files),
        )
        for name, kind, help_text, value in shown:
            page.add(name, kind, help_text, [] if value is None else [({}, value)])

    @staticmethod
    def _deliveries(page: Page, picture: Picture) -> None:
        for name, kind, help_text in DELIVERIES:
            samples = [({"destination": to}, getattr(count, name)) for to, count in sorted(picture.counts.items())]
            suffix = "_total" if kind == "counter" else ""
            page.add(f"tagserver_deliveries_{name}{suffix}", kind, help_text, samples)
        by_reason = [
            ({"destination": to, "reason": reason}, number)
            for to, count in sorted(picture.counts.items())
            for reason, number in sorted(count.dead_by_reason.items())
        ]
        page.add("tagserver_deliveries_dead_by_reason", "gauge", "Dead letters by reason.", by_reason)
        none = {(to, reason, ""): 0 for to in picture.counts for reason in REASONS}
        dead_lettered = [
            ({"destination": to, "reason": reason, "code": code}, number)
            for (to, reason, code), number in sorted((none | dict(picture.dead_lettered)).items())
        ]
        page.add("tagserver_dead_total", "counter", "Deliveries that became dead letters.", dead_lettered)
        oldest = [({"destination": to}, age) for to, age in sorted(picture.oldest.items()) if age is not None]
        page.add("tagserver_oldest_pending_seconds", "gauge", "Age of the oldest pending delivery.", oldest)
        states = [
            ({"destination": to, "state": state}, int(state == present))
            for to, present in sorted(picture.states.items())
            for state in STATES
        ]
        page.add("tagserver_destination_state", "gauge", "1 for the state that a destination is in.", states)
        by_hand = [({"destination": to}, int(is_so)) for to, is_so in sorted(picture.by_hand.items())]
        page.add("tagserver_destination_paused_by_hand", "gauge", "1 while an operator's pause stands.", by_hand)
        sizes = [({"destination": to}, size) for to, size in sorted(picture.sizes.items())]
        page.add("tagserver_deliveries_pending_bytes", "gauge", "Bytes that pending deliveries take.", sizes)


def _why_duplicate(receipt: Receipt) -> str:
    """One word for what a repeat was: those that say something else, or come under another id, want a look."""
    if receipt.duplicate == "event":
        return "conflict" if receipt.differs else "same_event"
    return "same_order" if receipt.duplicate == "order" else "once_per"
