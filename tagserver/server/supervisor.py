"""What is said to the service manager: ready, reloading, stopping, and one line of text (sd_notify(3))."""

from __future__ import annotations

import logging
import socket
import time

from tagserver.system.os_fault import os_reason

log = logging.getLogger("tagserver")


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
