"""No network while a plugin's code is checked: what tries it is stopped, and named.

Python tells its audit hooks of every socket, also of those that a library opens. A hook cannot be taken away again, so
there is one, which does nothing but while a check runs in its own thread.

What the kit finds is said once for each fault, with the author's own line and how often it was seen.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tagserver.plugin.fault import PluginCode, PluginFailed, own_line

NETWORK = {
    "socket.connect": "opens a connection",
    "socket.bind": "opens a socket",
    "socket.sendto": "sends to the network",
    "socket.sendmsg": "sends to the network",
    "socket.getaddrinfo": "looks up an address",
    "socket.gethostbyname": "looks up an address",
    "socket.gethostbyaddr": "looks up an address",
    "socket.getnameinfo": "looks up an address",
}
_WHY = "sockets are shut for it: it is a pure function, and the host sends what `request` describes"


class Shut(OSError):
    """What a plugin's code meets that would reach the network."""


class _Running(threading.local):
    """What is checked in this thread: whose code it is, the method, and where its faults go."""

    now: tuple[object, str, list[Fault]] | None = None


_running = _Running()
_lock = threading.Lock()
_hooked = False


@contextmanager
def shut(plugin: object, method: str, faults: list[Fault], *passing: type[BaseException]) -> Iterator[None]:
    """While a method of a plugin (its object or class) runs: what reaches for the network is stopped, and noted, also
    where it catches the error. Raises Shut, PluginFailed and what may pass (`passing`)."""
    _hook_once()
    before, _running.now = _running.now, (plugin, method, faults)
    try:
        with PluginCode(plugin, method, Shut, *passing):
            yield
    finally:
        _running.now = before


def _hook_once() -> None:
    global _hooked
    with _lock:
        if not _hooked:
            sys.addaudithook(_heard)
            _hooked = True


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    running = _running.now
    if running is None or event not in NETWORK:
        return
    plugin, method, faults = running
    at = own_line(sys._getframe(1), plugin)
    faults.append(Fault(f"{method} {NETWORK[event]}, and {_WHY}", at=at))
    raise Shut(f"{method} may not do that: {event}")


class Fault(NamedTuple):
    """`says`: a sentence, in which `{}` stands for what it was seen with (`about`): an event, a status. `at`: the
    author's line, such as `destination.py:41`."""

    says: str
    about: str = ""
    at: str = ""


def sentences(faults: Iterable[Fault]) -> list[str]:
    """One sentence for each fault: with what it was seen first, its line, and how often."""
    seen: dict[tuple[str, str], list[str]] = {}
    for says, about, at in faults:
        seen.setdefault((says, at), []).append(about)
    made = []
    for (says, at), abouts in seen.items():
        notes = [*([at] if at else []), *([f"{len(abouts)} times"] if len(abouts) > 1 else [])]
        made.append(says.replace("{}", abouts[0], 1) + (f" ({', '.join(notes)})" if notes else ""))
    return made


def raised(method: str, failed: PluginFailed, about: str = "", allowed: str = "") -> Fault:
    """An error that a method raises for something. `allowed`: what it may do in place of that."""
    says = f"{method} raises {failed.error}" + (" for {}" if about else "") + (f": {allowed}" if allowed else "")
    return Fault(says, about, failed.place)
