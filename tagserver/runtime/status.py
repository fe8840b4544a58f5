"""What the server says of itself: whether it is ready, each destination's state, and the numbers of this moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tagserver import __version__
from tagserver.audit.audit import Audit
from tagserver.backup.keeping import Keeping
from tagserver.config.model import Container
from tagserver.delivery.dispatch import Dispatcher
from tagserver.delivery.outcomes import Stop, is_plugins
from tagserver.ingest.consent_wait import ConsentWait
from tagserver.metrics.meters import Picture
from tagserver.pausing.pausing import Pausing
from tagserver.plugin.registry import unloaded_in
from tagserver.publishing.publisher import Publisher
from tagserver.queue.api import Outbox
from tagserver.queue.sqlite.startup import ALONE
from tagserver.queue.values import Counts
from tagserver.records.records import Records
from tagserver.runtime.failing import Failing, counted
from tagserver.runtime.unwritten import Unwritten
from tagserver.system.time import Time

FILLING = 0.7
"""Of the queue's limit: from there on readiness says so."""


class Status:
    """Read from what the runtime holds, at each call; nothing is kept here.

    `loaded`: when what serves was swapped in, in ms since 1970 UTC. `draining`: whether the server is about to end.
    `dispatcher`: the workers, None before there are any.
    """

    def __init__(
        self,
        publisher: Publisher,
        outbox: Outbox,
        pausing: Pausing,
        failing: Failing,
        consent_wait: ConsentWait,
        audit: Audit,
        unwritten: Unwritten,
        keeping: Keeping,
        records: Records,
        time: Time,
        *,
        loaded: Callable[[], int],
        draining: Callable[[], bool],
        dispatcher: Callable[[], Dispatcher | None],
    ) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._pausing = pausing
        self._failures = failing
        self._consent_wait = consent_wait
        self._audit = audit
        self._unwritten = unwritten
        self._keeping = keeping
        self._records = records
        self._time = time
        self._loaded = loaded
        self._draining = draining
        self._dispatcher = dispatcher

    @property
    def _container(self) -> Container:
        return self._publisher.now.container

    @property
    def degraded(self) -> bool:
        """Whether today's files have errors, and an earlier configuration serves in their place."""
        return self._publisher.now.degraded

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Whether this server can promise anything now, and the object that says why or why not."""
        shown = {
            "version": __version__,
            "container": self._container.version,
            "problems": [problem.as_dict() for problem in self._publisher.now.problems],
        }
        if self._draining():
            return False, {"ready": False, "status": "draining", **shown}
        if (why := self._outbox.trouble()) is not None:
            if said := [*filter(None, [self._outbox.notice()]), *self._unwritten.notices().values()]:
                shown["notice"] = "; ".join(said)
            return False, {"ready": False, "status": "outbox", "detail": why, **shown}
        notices = list(self.conditions().values())
        if failing := self._failing():
            shown["failing"] = failing
            notices.append(counted(failing))
        remark = self._publisher.now.remark
        # Somebody wants it so: worth a word, and no reason to call anybody.
        by_hand = [
            f"destination {name} is {held}"
            for name in self._container.destinations
            if (held := self._pausing.held(name))
        ]
        lost = any(self._pausing.overflows(name) for name in self._container.destinations)
        if said := [*notices, *filter(None, [remark, self._publisher.awaits_a_start]), *by_hand]:
            shown["notice"] = "; ".join(said)
        degraded = self.degraded or bool(notices) or lost
        return True, {"ready": True, "status": "degraded" if degraded else "ok", **shown}

    def conditions(self) -> dict[str, str]:
        """What is not as it should be although the server can promise: a name for machines, and a sentence. Problems of
        the files and plugins that fail stand in `readiness` on their own."""
        found = {**self._publisher.now.conditions}
        if (wrong := self._time.wrong) is not None:
            found["clock"] = f"{wrong}: set it (NTP); until then nothing expires and nothing is erased for its age"
        if (held := self._keeping.hold.why) is not None:
            found["delivery_held"] = held
        if (lacking := self._keeping.lacking()) is not None:
            found["journal"] = lacking
        if (elsewhere := self._keeping.elsewhere()) is not None:
            found["queue_elsewhere"] = elsewhere
        if (unrecorded := self._records.notice) is not None:
            found["records"] = unrecorded
        if (noted := self._outbox.notice()) is not None:
            found["queue_alone" if noted == ALONE else "queue_damaged"] = noted
        elif (filling := self._filling()) is not None:
            found["queue_filling"] = filling
        return {**found, **self._unwritten.notices()}

    def told(self) -> dict[str, Any]:
        """Readiness as operators read it: `status` is one of the three words of `/readyz`; where that is
        `unavailable`, `reason` is `draining` or `outbox`, and `detail` a sentence."""
        ready, shown = self.readiness()
        if ready:
            return {**shown, "reason": None, "detail": None}
        detail = "the server is about to end" if shown["status"] == "draining" else str(shown.get("detail", ""))
        return {**shown, "status": "unavailable", "reason": shown["status"], "detail": detail}

    def _failing(self) -> list[dict[str, str]]:
        """Which plugins fail now: for some of what they get, or so that their destination stands still."""
        shown = self._failures.shown(
            self._container.destinations, self._container.variables, self._publisher.now.server.clients.by_type
        )
        known = {one.get("destination") for one in shown}
        states = [(name, *self.state(name)) for name in self._container.destinations if name not in known]
        unloaded = unloaded_in((one.code, one.path) for one in self._container.problems)
        still = [
            (name, why)
            for name, state, why in states
            if state == "paused" and why and (name in unloaded or is_plugins(why))
        ]
        return [*shown, *({"destination": name, "reason": why} for name, why in still)]

    def _filling(self) -> str | None:
        """What to say of a queue that fills up, long before it refuses anything."""
        room = self._outbox.room()
        share = room.used / room.limit
        return f"the queue is {share:.0%} full" if share >= FILLING else None

    async def shown(self) -> dict[str, Any]:
        """The object of `/-/status.json`."""
        shown = self.told()
        counts = self._outbox.counts()
        names = [*self._container.destinations, *(name for name in counts if name not in self._container.destinations)]
        return {
            "version": __version__,
            **{name: shown[name] for name in ("ready", "status", "reason", "detail")},
            "container": {
                "version": self._container.version,
                "number": self._publisher.now.serving.number,
                "loaded": self._loaded(),
                "degraded": self.degraded,
                "problems": shown["problems"],
                "notice": shown.get("notice"),
            },
            "destinations": {name: await self._destination(name, counts.get(name, Counts())) for name in names},
            "clients": self._clients(shown.get("failing", [])),
            "failing": shown.get("failing", []),
            "held": {"events": len(self._consent_wait), "bytes": self._consent_wait.bytes},
            "audit": self._audit.shown(),
            "records": await self._records.shown(),
        }

    def _clients(self, failing: list[dict[str, str]]) -> dict[str, Any]:
        """Each inbound client, what its state is, its senders, and those of them that cannot send yet. `paused`: nobody
        can, for want of secrets or because the client cannot be set up."""
        fails = {one["client"] for one in failing if "client" in one}
        made = {}
        for kind, one in self._publisher.now.server.clients.by_type.items():
            senders = one.sources.values()
            silent = [sender.name for sender in senders if not any(secret.reveal() for secret in sender.secrets)]
            keyless = one.client is not None and one.client.browser
            unable = one.client is None or (bool(one.addresses) and len(silent) == len(senders) and not keyless)
            state = "failing" if kind in fails else "paused" if unable else "ok"
            made[kind] = {"state": state, "senders": list(one.sources), "without_secret": silent}
        return made

    @property
    def unrecorded(self) -> bool:
        """Whether nothing is sent, to somebody at least, because nothing can be recorded."""
        dispatcher = self._dispatcher()
        return self._outbox.notice() == ALONE or (dispatcher is not None and dispatcher.unrecorded)

    def held(self, name: str) -> bool:
        """Whether somebody has stopped a destination by hand."""
        return self._pausing.held(name) is not None

    def state(self, name: str) -> tuple[str, str | None]:
        """The state of a destination, and why it is not `ok`."""
        destination = self._container.destination(name)
        if destination is None:
            return "disabled", "no destination of this name is configured"
        if self._keeping.hold.why is None and (held := self._pausing.held(name)) is not None:
            return "paused", f"{held}; besides: {destination.paused}" if destination.paused is not None else held
        if (paused := self._keeping.hold.why or destination.paused) is not None:
            return "paused", paused
        dispatcher = self._dispatcher()
        state, reason = dispatcher.status(name) if dispatcher is not None else ("ok", "")
        how = self._failures.of(destination.name)
        if how is not None and state in ("ok", "retrying", "open"):
            # A wait for the vendor mends itself, this does not.
            return "failing", how + (f"; {state}: {reason}" if reason else "")
        return state, reason or None

    def stop(self, name: str, state: str) -> Stop | None:
        """The vendor's answer, or the lack of one, by which a destination is in `state`; None where it is ours."""
        dispatcher, configured = self._dispatcher(), self._container.destination(name)
        ours = configured is None or configured.paused is not None or self.held(name)
        if dispatcher is None or ours or self._keeping.hold.why is not None or state in ("ok", "failing"):
            return None
        return dispatcher.stop_of(name)

    def _told(self, name: str, state: str, reason: str | None) -> str | None:
        """The reason of a state with what else is known of the vendor's answer: its HTTP status and its own words."""
        stop = self.stop(name, state)
        if reason is None or stop is None:
            return reason
        if stop.status is not None and str(stop.status) not in reason:
            reason += f" (HTTP {stop.status})"
        return f'{reason}; it says: "{stop.said}"' if stop.said and stop.said not in reason else reason

    async def picture(self) -> Picture:
        """What metrics show beside the counters of this process."""
        counts = self._outbox.counts()
        ready, shown = self.readiness()
        names = {*self._container.destinations, *counts}
        return Picture(
            version=__version__,
            counts=counts,
            states={name: self.state(name)[0] for name in names},
            oldest={name: await self._oldest(name) for name in names},
            room=self._outbox.room(),
            ready=ready,
            degraded=shown["status"] == "degraded",
            loaded=self._loaded() / 1000,
            held=len(self._consent_wait),
            held_ended=self._consent_wait.ended,
            tombstones=self._outbox.tombstones(),
            audit_rows=self._audit.rows,
            audit_lost=self._audit.lost,
            audit_bytes=self._audit.bytes,
            audit_limit=self._audit.max_size,
            audit_keep=self._audit.keep,
            audit_lasts=self._audit.lasts,
            dead_lettered=self._outbox.dead_lettered(),
            sizes={name: self._pausing.bytes(name) for name in names},
            by_hand={name: self._pausing.of(name) is not None for name in names},
        )

    async def _oldest(self, name: str) -> float | None:
        """Seconds since the oldest pending delivery of a destination was received."""
        oldest = await self._outbox.oldest(name)
        return None if oldest is None else max(0.0, (self._time.now() - oldest) / 1000)

    async def _destination(self, name: str, counts: Counts) -> dict[str, Any]:
        state, reason = self.state(name)
        configured = self._container.destinations.get(name)
        return {
            "type": configured.type if configured else None,
            "state": state,
            "reason": self._told(name, state, reason),
            "pause": self._pausing.shown(name),
            "accepted": counts.accepted,
            "delivered": counts.delivered,
            "pending": counts.pending,
            "waiting": counts.waiting,
            "pending_bytes": self._pausing.bytes(name),
            "dead": counts.dead,
            "erased": counts.erased,
            "dead_by_reason": dict(counts.dead_by_reason),
            "oldest_pending_s": await self._oldest(name),
        }
