"""One process after another on one socket: a server becomes the next program without letting its clients go.

The process stays the same (`execv`), and with it what its service manager knows of it. It keeps the listening socket,
whose queue holds those who connect meanwhile, and the connections on which no request is under way; everything else is
closed on exec. Before that the new program is rehearsed in a process of its own: one that would not start does not get
its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from tagserver.server.listening import FIRST
from tagserver.system.files import os_reason

log = logging.getLogger("tagserver")

VARIABLE = "TAGSERVER_HANDOVER"
"""For the next program: `kept` if another process holds the listening socket as well, else `own`; then the descriptors
of connections."""
REHEARSE = "--rehearse"
REHEARSAL_S = 60.0
MOST = 10_000
"""Connections that are passed on; their numbers stand in one variable, and Linux allows it 128 KiB."""
SPARE = 10
"""Descriptors below this number are put to other use at the change."""


ENDS = (signal.SIGTERM, signal.SIGINT)
"""They end whichever of the two programs is there."""
HEARD_S = 0.02


@dataclass(frozen=True, slots=True)
class Inherited:
    """What the program before has left in this process. `kept`: whether somebody else, like systemd, holds the
    listening socket, too, so that it outlives this process."""

    kept: bool
    connections: Sequence[socket.socket] = ()


def inherited(environ: MutableMapping[str, str]) -> Inherited:
    """What was left with a socket that was passed; takes the variable away. A passed socket without it comes from a
    service manager."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)  # one that came during the change ends this program here
    said, *numbers = environ.pop(VARIABLE, "kept").split()
    connections = []
    for number in numbers:
        with contextlib.suppress(OSError, ValueError, OverflowError):  # it is closed, or was never a descriptor
            os.set_inheritable(int(number), False)
            connection = socket.socket(fileno=int(number))
            if connection.type != socket.SOCK_STREAM:
                connection.detach()
                continue
            connection.setblocking(False)
            connections.append(connection)
    return Inherited(said != "own", connections)


def aside(descriptor: int) -> int:
    """A copy of a descriptor that stays as it is until the change, and is closed by any other program."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, SPARE)


async def rehearse() -> str | None:
    """Try whether the program that lies on the disk now would start with today's files; None, or the sentence that says
    why not."""
    command = [sys.executable, *sys.orig_argv[1:], REHEARSE]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        return f"{sys.executable} cannot be started: {os_reason(error)}"
    try:
        _, words = await asyncio.wait_for(process.communicate(), REHEARSAL_S)
    except TimeoutError:
        return f"it was not ready within {REHEARSAL_S:.0f} seconds"
    finally:
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode == 0:
        return None
    lines = [line.strip() for line in words.decode(errors="replace").splitlines() if line.strip()]
    return (lines[-1] if lines else f"it ended with {process.returncode}")[:500]


async def last_signals() -> None:
    """Before `become`: a signal to end that has come is heard here, and one that comes from now on by the next program.
    Else one between the last turn of the loop and the change would be lost, and whoever sent it would wait."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    await asyncio.sleep(HEARD_S)


def become(bound: int, connections: Sequence[int], *, kept: bool) -> NoReturn:
    """Replace this program by the one that lies on the disk now, in the same process. `bound`, `connections`:
    descriptors from `aside`. Raises OSError when that cannot be."""
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # by default both end a process that does not listen to them yet
    passed = connections[:MOST]
    for one in passed:
        os.set_inheritable(one, True)
    os.dup2(bound, FIRST)  # inheritable
    words = ["kept" if kept else "own", *map(str, passed)]
    environ = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), VARIABLE: " ".join(words)}
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606 (no shell is wanted)
