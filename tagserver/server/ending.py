"""How a server ends: for good, for a process that comes after it, or by becoming the next program itself; and what the
service manager is told of it (sd_notify(3))."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Coroutine
from typing import Any

from tagserver.runtime.runtime import Runtime
from tagserver.runtime.states import HANDED_OVER, WAITED_FOR
from tagserver.server.serving import Serving
from tagserver.server.succession import aside, become, last_signals, rehearse
from tagserver.system.files import os_reason

log = logging.getLogger("tagserver")

LAST_ANSWERS_S = 2.0
"""Seconds in which answers say that their connection closes, before those are closed on which nothing came."""


class Ending:
    """What the signals of one server do. `kept`: whether another process holds the listening socket, too; then nobody
    is sent away at the end, for whoever comes can wait for the next process."""

    def __init__(
        self, runtime: Runtime, server: Serving, bound: socket.socket, supervisor: Supervisor, *, kept: bool
    ) -> None:
        self._runtime = runtime
        self._server = server
        self._bound = bound
        self._supervisor = supervisor
        self._kept = kept
        self._handing_over = False
        self._descriptor: int | None = None
        self._stopping = False
        self._failed = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def hands_over(self) -> bool:
        """Whether the next program is to go on in this process."""
        return self._descriptor is not None and not self._stopping

    async def become_the_next(self) -> None:
        """Once everything is closed. Returns only if it cannot be, with a line in the log, or if somebody wants the end
        in this very moment."""
        await last_signals()
        if not self.hands_over or self._descriptor is None:
            return
        try:
            become(self._descriptor, self._server.handed_over or (), kept=self._kept)
        except OSError as error:
            log.critical("the next program cannot be started: %s; start the server again", os_reason(error))

    def fail(self) -> None:
        """The storage has failed: nothing can be taken in any more."""
        self._failed = True
        self.stop()

    def stop(self) -> None:
        """End. Readiness goes first, so that a load balancer leaves; a second call skips the waiting."""
        if self._stopping:
            self._server.force_exit = True
            self._runtime.hurry.set()
            self._close()
            return
        if self._kept and not self._failed:
            self._runtime.states.end = WAITED_FOR
        self._stopping = self._runtime.draining = True
        self._runtime.records.live.end()  # streams would hold up the end
        self._supervisor.stopping("finishes what is under way, and ends")
        self._begin(self._stop())

    async def _stop(self) -> None:
        if not self._failed:
            await asyncio.sleep(self._runtime.server.shutdown.pre_stop)
        if self._kept and not self._failed:
            self._server.answer_for_the_last_time()
            await asyncio.gather(asyncio.sleep(LAST_ANSWERS_S), self._let_others_end())
            self._let_the_next_one_in()
        else:
            self._close()

    async def _let_others_end(self) -> None:
        """What takes long, while events are taken in: what is accepted now the next process delivers, and the wait for
        that one stays short."""
        await asyncio.gather(self._let_vendors_end(), self._server.long_requests_end())

    def _let_the_next_one_in(self) -> None:
        self._server.succeeded = True
        self._server.should_exit = True

    def _close(self) -> None:
        self._runtime.closing = True
        self._server.should_exit = True

    async def _let_vendors_end(self) -> None:
        if self._runtime.dispatcher is not None:
            await self._runtime.dispatcher.stop(self._runtime.server.shutdown.drain, self._runtime.hurry)

    def hand_over(self) -> None:
        """Become the program that lies on the disk now, if that would start."""
        if self._runtime.draining or self._handing_over:
            log.warning(
                "nothing is handed over: the server %s", "ends" if self._runtime.draining else "does so already"
            )
            return
        self._handing_over = True
        self._begin(self._hand_over())

    async def _hand_over(self) -> None:
        log.info("the next program is rehearsed")
        if (why := await rehearse()) is not None:
            self._handing_over = False
            log.error("nothing is handed over, and this server goes on: the next one would not start. %s", why)
            return
        if self._stopping:
            return
        self._supervisor.reloading("hands over to the next program")
        log.info("hands over: connections wait until the next program serves")
        self._runtime.records.live.end()
        await self._let_others_end()
        if self._runtime.draining:  # somebody wants the end meanwhile
            return
        self._descriptor = aside(self._bound.fileno())
        self._runtime.states.end = HANDED_OVER
        self._server.handed_over = []
        self._let_the_next_one_in()

    def _begin(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical(
                "the way to end has failed with %s: the server ends at once", type(error).__name__, exc_info=error
            )
            self._stopping = self._runtime.draining = True
            self._close()


# ── what the service manager is told


class Supervisor:
    """Whoever has started this process, if it wants to hear. `address`: of `NOTIFY_SOCKET`; a path, or `@name` in the
    abstract namespace. A supervisor that does not listen keeps nobody from serving."""

    def __init__(self, address: str | None) -> None:
        self._address = address or None
        if address and address[0] not in "/@":
            log.warning(
                "NOTIFY_SOCKET is %r, which is neither a path nor @name: the service manager hears nothing", address
            )
            self._address = None

    def ready(self, status: str) -> None:
        """It serves; also after `reloading`."""
        self._say("READY=1", f"STATUS={status}")

    def reloading(self, status: str) -> None:
        """`ready` will follow."""
        # CLOCK_MONOTONIC, by which systemd tells this from the answer to an earlier request.
        self._say(
            "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}", f"STATUS={status}"
        )

    def stopping(self, status: str) -> None:
        """It will end."""
        self._say("STOPPING=1", f"STATUS={status}")

    def _say(self, *lines: str) -> None:
        if self._address is None:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
                there.setblocking(False)
                there.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), name)
        except OSError as error:
            log.warning("the service manager was not told %s: %s", lines[0], os_reason(error))
