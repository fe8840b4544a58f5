"""Does this machine reach the vendors? Name, addresses, TLS and clock of each host that the configured destinations
really call, several hosts at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from statistics import median
from urllib.parse import urlsplit

from tagserver.config.model import ConfiguredDestination
from tagserver.doctor.doctor import Finding
from tagserver.plugin.settings import addresses_in
from tagserver.system.egress import address_refusal
from tagserver.system.files import os_reason
from tagserver.system.text import readable_time, span

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
        shown = readable_time(time.time_ns() // 1_000_000)
        message = f"our clock is {span(abs(middle))} {ahead}, as {some}; it shows {shown}"
        yield Finding("error", "clock", message, "run a time service (NTP): vendors refuse events of another time")
    elif skews:
        yield Finding("ok", "clock", f"right, as {len(skews)} {'host says' if len(skews) == 1 else 'hosts say'}")


# ── which hosts are called: those of the settings, not those that are usual

_PORTS = {"http": 80, "https": 443}
_PROXIES = ("https_proxy", "http_proxy", "all_proxy")


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """To one host at one port. `destinations`: whose way it is; `allowed`: what operations allow them."""

    scheme: str
    host: str
    port: int
    destinations: tuple[str, ...]
    allowed: tuple[str, ...]

    @property
    def name(self) -> str:
        """As people write it: with its port where that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"


def ways_of(destinations: Iterable[ConfiguredDestination]) -> list[Way]:
    """Each once, in the order of the files. Also of destinations that stand still: of one that is not set up (its
    secret is missing) the usual ones, because what its settings say is not known yet."""
    found: dict[tuple[str, str, int], tuple[list[str], tuple[str, ...]]] = {}
    for one in destinations:
        for key in dict.fromkeys(_keys(one)):
            names, allowed = found.setdefault(key, ([], one.egress))
            names.append(one.name)
            found[key] = names, tuple(dict.fromkeys((*allowed, *one.egress)))
    return [Way(*key, tuple(names), allowed) for key, (names, allowed) in found.items()]


def _keys(one: ConfiguredDestination) -> Iterator[tuple[str, str, int]]:
    replaced = set()
    if one.settings is not None:
        for field, url in addresses_in(one.settings):
            key, usual = _key(url), _key(str(field.default))
            if key is not None:
                yield key
            if usual is not None and key != usual:
                replaced.add(usual[1])
            if key is not None:
                replaced.add(key[1])  # it is called as the setting says, whatever way is usual for this name
    elif dataclasses.is_dataclass(one.plugin.Settings):
        defaults = (str(field.default) for field in dataclasses.fields(one.plugin.Settings) if "url" in field.name)
        yield from (key for url in defaults if (key := _key(url)) is not None)
    for host in one.hosts:
        if host not in replaced:
            yield "https", host, 443


def _key(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address; None for what is none."""
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname:
            return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError:
        pass
    return None


def check_proxy(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the environment names a proxy, which the server does not take: it would see what is sent. The value is
    not shown, it may hold a password."""
    named = sorted(name for name, value in environ.items() if name.lower() in _PROXIES and value)
    if named:
        is_set = "is set" if len(named) == 1 else "are set"
        message = f"{' and '.join(named)} {is_set}, and tagserver calls vendors without a proxy"
        hint = "let this machine call the hosts below directly; doctor calls them as the server does"
        yield Finding("warning", "proxy variable", message, hint)


def check_allowed(allowed: Iterable[str], ways: Iterable[Way]) -> Iterator[Finding]:
    """Host names of `egress.allow` that nothing calls. (Networks are no hosts.)"""
    called = {way.host for way in ways}
    for name in allowed:
        if "/" not in name and name not in called:
            yield Finding("ok", name, "is in egress.allow, and no destination calls it by its settings")
