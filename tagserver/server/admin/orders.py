"""What the operator orders under `/-/`: to publish and to go back, to stop a destination and let it go on, to copy the
queue and to deliver after a restore, to erase a person."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.erasure.erasure import DataSubject, Erasure, Unknown
from tagserver.event.ip_address import truncated_ip
from tagserver.pausing.pausing import LONGEST_NOTE as LONGEST_PAUSE_NOTE
from tagserver.pausing.pausing import LONGEST_TERM, Pausing, UnknownDestination, unwritten
from tagserver.publishing.publisher import ActResult
from tagserver.publishing.store import LONGEST_NOTE
from tagserver.queue.errors import OutboxError
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem, read_order
from tagserver.server.admin.auth import ordered_by, user_of

log = logging.getLogger("tagserver.admin")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
"""For whom a program orders it; see `auth.ordered_by`."""

# ── publishing


class Reload(msgspec.Struct, forbid_unknown_fields=True):
    """`server`: renew operations' part alone, publish nothing."""

    by: Name | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] = ""
    server: bool = False


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    """To which version, and who wants it."""

    number: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    by: Name | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] = ""


_reload = msgspec.json.Decoder(Reload)
_rollback = msgspec.json.Decoder(Rollback)
_PUBLISHING = 1 << 16
_LENGTHS = f"a note has {LONGEST_NOTE} characters at most, a name 100"


class PublishingOrders:
    """`POST /-/reload` and `/-/rollback`, `GET /-/versions.json`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def reload(self, request: Request) -> Response:
        """An empty body is an order, too."""
        shape = '{"note": "…", "by": "…", "server": true or false}'
        wanted = f"post nothing, or {shape}; {_LENGTHS}"
        order = await read_order(request, _reload, _PUBLISHING, lambda _: wanted, empty=Reload())
        runtime, by = self._runtime, ordered_by(request, order.by)
        if not order.server:
            return _published(await runtime.reload(by, order.note))
        done = await runtime.renew()
        if done.ok:
            runtime.audit.note("renewed", by=by)
            log.info("server.yaml and secrets were renewed by %s", by)
        return _published(done)

    async def roll_back(self, request: Request) -> Response:
        """To a number."""
        shape = '{"number": N, "note": "…", "by": "…"}, with a number of versions.json'
        wanted = f"post {shape}; {_LENGTHS}"
        order = await read_order(request, _rollback, _PUBLISHING, lambda _: wanted, code="bad_number")
        by = ordered_by(request, order.by)
        return _published(await self._runtime.publisher.roll_back(order.number, by, order.note))

    async def versions(self, request: Request) -> Response:
        """All that are kept."""
        return JSONResponse(self._runtime.publisher.listed(), headers=SAFE)


def _published(done: ActResult) -> Response:
    return JSONResponse(done.as_dict(), 200 if done.ok else 409, headers=SAFE)


# ── one destination is stopped by hand, and may go on


class Pause(msgspec.Struct, forbid_unknown_fields=True, rename={"seconds": "for"}):
    """`seconds`: for so long; None: until somebody resumes it."""

    destination: str
    seconds: Annotated[float, msgspec.Meta(ge=1, le=LONGEST_TERM)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_PAUSE_NOTE)] = ""
    by: Name | None = None


class Resume(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants it. `dry_run`: only say what it would find."""

    destination: str
    by: Name | None = None
    dry_run: bool = False


_pause = msgspec.json.Decoder(Pause)
_resume = msgspec.json.Decoder(Resume)
_PAUSING = 1 << 14


class PauseOrders:
    """`POST /-/pause.json` and `/-/resume.json`."""

    def __init__(self, pausing: Pausing) -> None:
        self._pausing = pausing

    async def pause(self, request: Request) -> Response:
        """Nothing more is sent from the moment that this is answered; what is under way finishes."""
        shape = '{"destination": NAME, "for": SECONDS or null, "note": "…", "by": "…"}'
        order = await read_order(request, _pause, _PAUSING, lambda error: f"post {shape}: {error}")
        by = ordered_by(request, order.by)
        return await _stopped(self._pausing.pause(order.destination, by=by, note=order.note, seconds=order.seconds))

    async def resume(self, request: Request) -> Response:
        """Let it go on."""
        shape = '{"destination": NAME, "by": "…", "dry_run": true or false}'
        order = await read_order(request, _resume, _PAUSING, lambda error: f"post {shape}: {error}")
        if order.dry_run:
            return await _stopped(self._pausing.before_resuming(order.destination))
        return await _stopped(self._pausing.resume(order.destination, by=ordered_by(request, order.by)))


async def _stopped(act: Awaitable[dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await act, headers=SAFE)
    except UnknownDestination as unknown:
        return problem(404, "unknown_destination", str(unknown))
    except OutboxError as error:
        return problem(503, "try_later", unwritten(error), {"retry-after": "5"})


# ── backups


class Deliver(msgspec.Struct, forbid_unknown_fields=True):
    """What is decided after a restore."""

    action: Literal["deliver"]


_deliver = msgspec.json.Decoder(Deliver)


class BackupOrders:
    """`POST /-/backup` and `/-/restore`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def copy(self, request: Request) -> Response:
        """→ `{"file", "queue", "time"}`: a copy of the queue in the data folder, for whoever may read there."""
        made = await self._runtime.keeping.snapshot()
        self._runtime.audit.note("backup", by=user_of(request))
        log.info("the queue was copied for a backup by %s", user_of(request))
        return JSONResponse(msgspec.to_builtins(made), headers=SAFE)

    async def decide(self, request: Request) -> Response:
        """`{"action": "deliver"}` → `{"held": whether delivery stood still}`: it goes on without a journal."""
        await read_order(request, _deliver, 1 << 10, lambda _: 'post {"action": "deliver"}')
        try:
            held = self._runtime.keeping.hold.release()
        except OSError as error:
            return problem(503, "try_later", f"the decision cannot be written: {error.strerror}")
        if held:
            self._runtime.audit.note("released", without="a journal", by=user_of(request))
            log.info("delivery goes on after a restore without a journal, by %s", user_of(request))
            self._runtime.decided()
        return JSONResponse({"held": held}, headers=SAFE)


# ── everything of one person is erased

_who = msgspec.json.Decoder(DataSubject)


class ErasureOrders:
    """`POST /-/forget.json`. `visitor`: who asks; `lacking`: why a journal lacks what was erased, or None. `copies`:
    what else of the data folder may hold the person."""

    def __init__(
        self,
        erasure: Erasure,
        visitor: Callable[[Request], str | None],
        lacking: Callable[[], str | None],
        copies: Callable[[], list[str]],
    ) -> None:
        self._lacking = lacking
        self._copies = copies
        self._erasure = erasure
        self._visitor = visitor

    async def erase(self, request: Request) -> Response:
        """`{"email", "phone", "user_id", "client_id"}`, each a text or a list → counts by destination, never the
        data; and the `copies` of an earlier time that nobody has looked through."""
        wanted = 'post {"email": TEXT}, or phone, user_id, client_id; each a text or a list of texts'
        who = await read_order(request, _who, 1 << 16, lambda _: wanted, code="bad_person")
        try:
            done = await self._erasure.forget(who, by=user_of(request))
        except Unknown as unknown:
            return problem(400, "nobody", str(unknown))
        except OutboxError as error:
            return problem(503, "try_later", str(error), {"retry-after": "5"})
        network = truncated_ip(self._visitor(request))
        log.info(
            "somebody was forgotten, asked for by %s from %s: %d deliveries, %d dead letters",
            user_of(request),
            network if isinstance(network, str) else "a local socket",
            sum(counts["queue"] for counts in done.destinations.values()),
            sum(counts["dead"] for counts in done.destinations.values()),
        )
        beside = {"journal": self._lacking(), "copies": self._copies()}
        return JSONResponse({**msgspec.to_builtins(done), **beside}, headers=SAFE)
