"""Does this machine reach the vendors? Name, addresses, TLS and clock of each host, several hosts at a time.

Nothing of the configuration is sent: one HEAD request for `/`, without a token and without a payload.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from statistics import median

from tagserver.doctor.ways import Way
from tagserver.system.egress import address_refusal
from tagserver.system.finding import Finding
from tagserver.system.moments import shown
from tagserver.system.os_fault import os_reason
from tagserver.system.spans import span

SKEW = 5.0
"""Seconds that our clock may be off."""
CERTIFICATE_DAYS = 14
TIMEOUT = 5.0
"""Seconds for one step of a connection."""
PATIENCE = 20.0
"""Seconds for all hosts together; a name server that does not answer takes longer than it should."""
AT_A_TIME = 16


@dataclass(frozen=True, slots=True)
class Reached:
    """What was found of one way. `skew`: by how many seconds our clock is ahead of the host's; None: it did not
    say."""

    way: Way
    finding: Finding
    skew: float | None = None


def look(way: Way, timeout: float = TIMEOUT, now: Callable[[], float] = time.time) -> Reached:
    """Resolve a host, look at its addresses, shake hands, ask for its clock."""
    for_whom = f" (for {', '.join(way.destinations)})"

    def bad(message: str, hint: str) -> Reached:
        return Reached(way, Finding("error", way.name, message + for_whom, hint))

    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(way.host, way.port, type=socket.SOCK_STREAM)}
    except OSError:
        return bad("the name is not known", "look at DNS on this machine, and at the spelling")
    except ValueError:  # what a plugin may take for a name
        return Reached(
            way, Finding("error", repr(way.host), "is no host name", "its plugin's hosts() has to be mended")
        )
    for address in addresses:
        if (why := address_refusal(way.host, address, way.allowed)) is not None:
            return bad(why, "see egress.allow")
    connection = _connection(way, timeout)
    try:
        began = now()
        connection.connect()
        days = _certificate_days(connection, began)
        connection.request("HEAD", "/")
        said = connection.getresponse().getheader("date")
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason
        return bad(f"TLS fails: {why}", "look at the machine's certificates and its clock")
    except TimeoutError:
        return bad(f"does not answer within {timeout:.0f} s", "look at the firewall")
    except ConnectionRefusedError as error:
        return bad(f"cannot be reached: {os_reason(error)}", "nobody listens at this port, or a firewall refuses it")
    except OSError as error:
        return bad(f"cannot be reached: {os_reason(error)}", "look at the firewall, and at the route to it")
    except HTTPException as error:
        return bad(f"answers no HTTP: {type(error).__name__}", "look at the address, and at what listens there")
    finally:
        connection.close()
    skew = _skew(said, now())
    if days is not None and days < CERTIFICATE_DAYS:
        return Reached(
            way, Finding("warning", way.name, f"reached; its certificate ends in {days} days{for_whom}"), skew
        )
    how = "reached, TLS is right" if way.scheme == "https" else "reached, without TLS"
    return Reached(way, Finding("ok", way.name, how + for_whom), skew)


def _connection(way: Way, timeout: float) -> HTTPConnection:
    if way.scheme == "http":
        return HTTPConnection(way.host, way.port, timeout=timeout)
    return HTTPSConnection(way.host, way.port, timeout=timeout, context=ssl.create_default_context())


def _certificate_days(connection: HTTPConnection, now: float) -> int | None:
    if not isinstance(connection, HTTPSConnection) or not (certificate := connection.sock.getpeercert()):
        return None
    return int((ssl.cert_time_to_seconds(str(certificate["notAfter"])) - now) // 86400)


def _skew(said: str | None, now: float) -> float | None:
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return now - parsedate_to_datetime(said or "").astimezone(UTC).timestamp()
    return None


def look_at_all(
    ways: Sequence[Way], look: Callable[[Way], Reached] = look, patience: float = PATIENCE
) -> list[Reached]:
    """Several at a time, in the order of `ways`. Whoever has not answered after `patience` seconds is not waited for:
    nothing can end a look-up of a name, so threads may be left behind."""
    waiting: queue.SimpleQueue[tuple[int, Way]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Reached]] = queue.SimpleQueue()
    for each in enumerate(ways):
        waiting.put(each)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                place, way = waiting.get_nowait()
                done.put((place, look(way)))

    for _ in range(min(AT_A_TIME, len(ways))):
        threading.Thread(target=work, name="tagserver-doctor", daemon=True).start()
    found: dict[int, Reached] = {}
    end = time.monotonic() + patience
    while len(found) < len(ways):
        try:
            place, reached = done.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        found[place] = reached
    late = Finding("error", "", f"no answer within {patience:.0f} s", "look at DNS and the firewall on this machine")
    return [
        found.get(place) or Reached(way, Finding(late.level, way.name, late.message, late.hint))
        for place, way in enumerate(ways)
    ]


def check_reached(found: Sequence[Reached]) -> Iterator[Finding]:
    """A finding for each host, and what they say together of our clock: where most agree that it is wrong it is ours,
    else it is the host's."""
    skews = [one.skew for one in found if one.skew is not None]
    middle = median(skews) if skews else 0.0
    for one in found:
        yield one.finding
        if one.skew is not None and abs(one.skew - middle) > SKEW and len(skews) > 2:
            message = f"its clock differs from the other hosts' by {span(abs(one.skew - middle))}"
            yield Finding("warning", one.way.name, message)
    if skews and abs(middle) > SKEW:
        some = "the host that was asked says" if len(skews) == 1 else f"{len(skews)} hosts say"
        ahead = "ahead" if middle > 0 else "behind"
        message = f"our clock is {span(abs(middle))} {ahead}, as {some}; it shows {shown(time.time_ns() // 1_000_000)}"
        yield Finding("error", "clock", message, "run a time service (NTP): vendors refuse events of another time")
    elif skews:
        yield Finding("ok", "clock", f"right, as {len(skews)} {'host says' if len(skews) == 1 else 'hosts say'}")
