"""What a destination must state, and whether it can be so: looked at when a plugin is loaded, and by the kit.

`statement_faults` is about the class; `stated` and `stated_hosts` about what its methods say under settings. Each fault
is a sentence that names the fix.
"""

from __future__ import annotations

import dataclasses
import inspect
import ipaddress
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES
from tagserver.plugin.destination import API_VERSION, ConsentNeeds, Destination, Limits, sound_events
from tagserver.plugin.fields import Kind
from tagserver.plugin.payload_check import BadPath, PayloadFields

STATED = {
    "api_version": "the version of tagserver.plugin it is written for",
    "consent": "the purposes that must be granted, ConsentNeeds(()) for none",
    "limits": "what one request may hold",
}
"""What nobody else can say for a destination: the base class's value is no statement."""
LISTS = ("reads", "hashed", "clear", "person")
FLAGS = ("ads", "event_id", "sink")
COUNTS = ("events", "bytes", "requests")
AMOUNTS = ("age", "repeat", "rate", "oldest")
"""Of `Limits`: whole numbers, and numbers of which None says that there is no limit."""
METHODS = (
    *("hosts", "sees", "hashes", "in_clear", "version_ends", "event_name", "event_names"),
    *("build", "request", "classify"),
)
"""What the host calls and does not wait for."""

_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\Z")
_LONGEST_HOST = 253
"""Characters of a host's name (RFC 1035, section 2.3.4)."""
_SHOWN = 60


class Misstated(ValueError):
    """What a method says under some settings cannot be so; the text names the method and the fix."""


def statement_faults(destination: Any) -> Iterator[str]:
    """What is wrong with what a class says of itself, without its name; nothing when it may be loaded."""
    if not (isinstance(destination, type) and issubclass(destination, Destination)):
        yield "is no Destination class: register the class itself"
        return
    yield from _names(destination)
    yield from _lists(destination)
    yield from _consent(destination)
    yield from _limits(destination)
    yield from _methods(destination)


def stated(method: str, said: Any) -> tuple[str, ...]:
    """The list of texts that a method gives. Raises Misstated."""
    if isinstance(said, str | bytes) or not isinstance(said, Iterable):
        what = f"the one text {_shown(said)}" if isinstance(said, str) else type(said).__name__
        raise Misstated(
            f"{method} gives {what} in place of a list of texts: return a tuple such as ({_example(said)},)"
        )
    listed = tuple(said)
    if strange := [one for one in listed if not isinstance(one, str)]:
        raise Misstated(f"{method} gives a list with {type(strange[0]).__name__} in it: return texts alone")
    return listed


def stated_hosts(said: Any) -> tuple[str, ...]:
    """The hosts that `hosts` gives, bare and in lower case; what is empty is none. Raises Misstated."""
    hosts = tuple(one for one in stated("hosts", said) if one)
    for host in hosts:
        if (fault := host_fault(host)) is not None:
            raise Misstated(f"`hosts` are bare names, and {_shown(host)} {fault}: write one such as api.acme.example")
    return hosts


def host_fault(host: str) -> str | None:
    """What is wrong with a text as a bare host name or address (`has a port`), or None."""
    if _is_address(host):
        return None
    for sign, what in (("://", "has a scheme"), ("/", "has a path"), ("@", "has a user name"), (":", "has a port")):
        if sign in host:
            return what
    if any(one.isspace() for one in host):
        return "has blanks"
    if host != host.lower():
        return "has upper case"
    return None if len(host) <= _LONGEST_HOST and _HOST.match(host) else "is no host name"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _names(destination: type[Destination]) -> Iterator[str]:
    kind = getattr(destination, "type", None)
    if not isinstance(kind, str) or not _TYPE.match(kind):
        yield 'it has no type: write type = "acme", of letters, digits, _, - and .'
    for name, what in STATED.items():
        if not any(name in vars(cls) for cls in destination.__mro__ if cls not in (Destination, object)):
            yield f"`{name}` is not stated: {what}"
    version: object = destination.api_version
    if type(version) is not int or version != API_VERSION:
        yield f"it is written for plugin API {_shown(version)}, and this is {API_VERSION}: update one of them"
    settings = getattr(destination, "Settings", None)
    if not isinstance(settings, type) or not dataclasses.is_dataclass(settings):
        yield "it has no Settings dataclass: write a frozen dataclass, its fields made with setting()"
    for name in FLAGS:
        if type(getattr(destination, name)) is not bool:
            yield f"`{name}` is {_shown(getattr(destination, name))}: write True or False"


def _lists(destination: type[Destination]) -> Iterator[str]:
    sound = True
    for name in LISTS:
        said: object = getattr(destination, name)
        if fault := _list_fault(said):
            sound = False
            yield f"`{name}` {fault}"
    kinds: object = destination.kinds
    standard: object = destination.standard_events
    if not isinstance(kinds, Mapping) or not all(
        isinstance(path, str) and isinstance(kind, Kind) for path, kind in kinds.items()
    ):
        yield '`kinds` is no map from parameters to kinds: write {"currency": CURRENCY}'
    if sound_events(standard) is None:
        yield '`standard_events` is no StandardEvents of texts: write StandardEvents({"purchase": "Purchase"})'
    if sound:
        try:
            PayloadFields(destination.hashed, destination.clear)
        except BadPath as bad:
            yield f"hashed or clear: {bad}"


def _list_fault(said: object) -> str | None:
    if isinstance(said, str):
        return f"is the one text {_shown(said)}: write ({_shown(said)},), with the comma"
    if not isinstance(said, tuple | list | set | frozenset):
        return f"is {type(said).__name__} in place of a list of texts"
    if strange := [one for one in said if not isinstance(one, str) or not one]:
        return f"holds {_shown(strange[0])}: every entry is a path, as text"
    return None


def _consent(destination: type[Destination]) -> Iterator[str]:
    needs: object = destination.consent
    if not isinstance(needs, ConsentNeeds):
        yield f'`consent` is {type(needs).__name__}: write ConsentNeeds(("ad_storage",))'
        return
    if fault := _list_fault(needs.purposes):
        yield f"`consent.purposes` {fault}"
        return
    for purpose in needs.purposes:
        if purpose not in PURPOSES:
            yield f"`consent` needs the purpose {_shown(purpose)}, which there is not: known are {', '.join(PURPOSES)}"
    for name in ("restricted", "processor"):
        if type(getattr(needs, name)) is not bool:
            yield f"`consent.{name}` is {_shown(getattr(needs, name))}: write True or False"
    locates: object = needs.locates
    if locates is not None and (isinstance(locates, str) or _list_fault(locates)):
        yield "`consent.locates` is no set of regions: write frozenset({'US-CA'}), or None"
    if destination.ads is True and not set(AD_PURPOSES) & set(needs.purposes):
        yield (
            "a destination for ads must state the consent it needs: "
            f"name one of {', '.join(AD_PURPOSES)} in `consent`, or say ads = False"
        )


def _limits(destination: type[Destination]) -> Iterator[str]:
    limits: object = destination.limits
    if not isinstance(limits, Limits):
        yield f"`limits` is {type(limits).__name__}: write Limits(events=100)"
        return
    for name in COUNTS:
        said = getattr(limits, name)
        if type(said) is not int or said < 1:
            yield f"`limits.{name}` is {_shown(said)}: write a whole number of at least 1"
    for name in AMOUNTS:
        said = getattr(limits, name)
        if said is not None and not (type(said) in (int, float) and math.isfinite(said) and said > 0):
            yield f"`limits.{name}` is {_shown(said)}: write a number above zero, or None for no limit"


def _methods(destination: type[Destination]) -> Iterator[str]:
    for name in (*METHODS, "exchange", "deliver"):
        method = getattr(destination, name)
        if not callable(method):
            yield f"`{name}` is {type(method).__name__}: write a method, def {name}(self, …)"
        elif name in METHODS and inspect.iscoroutinefunction(method):
            yield f"`{name}` is async: it is called and not waited for, so write a plain def"
    for name, what in _needed(destination):
        if getattr(destination, name) is getattr(Destination, name):
            yield f"`{name}` is missing: write {what}"


def _needed(destination: type[Destination]) -> Iterator[tuple[str, str]]:
    yield "hosts", "def hosts(self, settings), which gives the hosts that are called"
    yield "build", "def build(self, event, parameters, settings, mode)"
    if destination.exchange is Destination.exchange:
        yield "request", "def request(self, payloads, settings)"
    if destination.sink is True:
        yield "deliver", "async def deliver(self, payloads, settings), for what is not sent by HTTP"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _example(said: object) -> str:
    return _shown(said) if isinstance(said, str) else '"…"'
