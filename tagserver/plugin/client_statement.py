"""What a client must state, and whether it can be so: looked at when a plugin is loaded, and by the kit."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

from tagserver.event.consent_fields import FIELDS
from tagserver.event.spelling import FLAT_PERSON, KNOWN_ROOTS
from tagserver.plugin.client import Client, ClientLimits, Endpoint
from tagserver.plugin.destination import API_VERSION

OF_THE_HOST = frozenset({"secret", "consent", "basis"})
"""What the host reads of each sender."""
RESERVED = ("-", "collect", "t", "t.js", "healthz", "readyz")
"""First segments of addresses that are the server's own."""
OF_EVENTS = frozenset({*KNOWN_ROOTS, *FIELDS, *FLAT_PERSON, "ctx", "gclid", "fbclid"})
"""Keys that mean the same in every event."""
METHODS = frozenset({"GET", "POST", "PUT"})
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_KEY = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")
_HEADER = re.compile(r"[a-z0-9-]{1,64}\Z")
_COOKIE = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_SEGMENT = re.compile(r"[A-Za-z0-9_.~-]{0,80}(?:\{[a-z_]{1,20}\})?[A-Za-z0-9_.~-]{0,80}\Z")
_NOT_HANDED_ON = ("cookie", "authorization")


def client_faults(client: Any) -> Iterator[str]:
    """What is wrong with what a class says of itself, without its name; nothing when it may be loaded."""
    if not (isinstance(client, type) and issubclass(client, Client)):
        yield "is no Client class: register the class itself"
        return
    kind: object = getattr(client, "type", None)
    if not isinstance(kind, str) or not _TYPE.match(kind):
        yield 'it has no type: write type = "acme", of lower-case letters, digits and _'
    if not any("api_version" in vars(cls) for cls in client.__mro__ if cls not in (Client, object)):
        yield "`api_version` is not stated: the version of tagserver.plugin it is written for"
    version: Any = client.api_version
    if type(version) is not int or version != API_VERSION:
        yield f"it is written for plugin API {version!r}, and this is {API_VERSION}: update one of them"
    for name in ("Settings", "Source"):
        settings = getattr(client, name, None)
        if not isinstance(settings, type) or not dataclasses.is_dataclass(settings):
            yield f"it has no {name} dataclass: write a frozen dataclass, its fields made with setting()"
        elif name == "Source" and (taken := OF_THE_HOST & {field.name for field in dataclasses.fields(settings)}):
            yield f"`Source` has the field {min(taken)}, which the host reads itself: take it out"
        elif name == "Settings" and client.addresses and not client.keyed and dataclasses.fields(settings):
            yield '`Settings` has fields where the senders stand: name their key, keyed = "sources"'
    yield from _addresses(client)
    yield from _words(client)
    browser: object = client.browser
    if not isinstance(browser, bool):
        yield "`browser` is no truth value: write browser = True where pages send without a key"
    bare_keys: object = client.bare_keys
    if not isinstance(bare_keys, bool):
        yield "`bare_keys` is no truth value: write bare_keys = True where senders show a key, and sign nothing"
    automatic: object = client.automatic
    if not isinstance(automatic, bool):
        yield "`automatic` is no truth value: write automatic = True where what Google's tag makes by itself comes too"
    limits: object = client.limits
    if not isinstance(limits, ClientLimits):
        yield "`limits` is no ClientLimits: write ClientLimits(rated=False)"
    for name in (*(("identify", "events") if client.addresses else ()), *(("event",) if client.reads else ())):
        if getattr(client, name) is getattr(Client, name):
            yield f"`{name}` is missing: write def {name}(self, …)"
    for name in ("identify", "events", "event", "greet", "claims", "answer", "refused", "is_public"):
        method = getattr(client, name)
        if not callable(method):
            yield f"`{name}` is {type(method).__name__}: write a method"
        elif inspect.iscoroutinefunction(method):
            yield f"`{name}` is async: it is called and not waited for, so write a plain def"


def _addresses(client: type[Client]) -> Iterator[str]:
    said: Any = client.addresses
    if said == () and client.reads:
        return
    if not isinstance(said, tuple) or not said or not all(isinstance(one, Endpoint) for one in said):
        yield '`addresses` is no tuple of endpoints: write (Endpoint("POST", "/acme/{name}"),)'
        return
    for endpoint in client.addresses:
        if (fault := address_fault(endpoint)) is not None:
            yield f"`addresses`: {endpoint.method} {endpoint.pattern} {fault}"


def address_fault(endpoint: Endpoint) -> str | None:
    """Why nobody can have an address, or None."""
    if endpoint.method not in METHODS:
        return f"has a method that is not taken: write one of {', '.join(sorted(METHODS))}"
    path = endpoint.pattern
    if not path.startswith("/") or not all(one and _SEGMENT.match(one) for one in path[1:].split("/")):
        return "is no path with one pair of braces a segment: write /acme/{name}"
    first = path[1:].partition("/")[0]
    if first in RESERVED:
        return "is the server's own: begin with another segment"
    if "{" in first and not first[:1].isalnum():
        return "begins with anything: its first segment needs letters of its own in front"
    return None


def _words(client: type[Client]) -> Iterator[str]:
    for name, like, what in (
        ("headers", _HEADER, "a header in lower case"),
        ("unseen", _HEADER, "a header in lower case"),
        ("cookies", _COOKIE, "the name of a cookie"),
        ("reads", _KEY, "a key of an event that means nothing else"),
        ("refuses", _CODE, "a code such as bad_topic"),
        ("passes", _CODE, "a code such as not_paid"),
    ):
        said: Any = getattr(client, name)
        if not isinstance(said, tuple):
            yield f"`{name}` is no tuple of texts"
        elif strange := [one for one in said if not isinstance(one, str) or not like.match(one)]:
            yield f"`{name}` holds {str(strange[0])[:60]!r}: every entry is {what}"
        elif name == "reads" and (known := [one for one in said if one in OF_EVENTS]):
            yield f"`reads` names {known[0]}, which every event may have: take a key of your own"
        elif name == "headers" and (kept := [one for one in _NOT_HANDED_ON if one in said]):
            yield f"`headers` names {kept[0]}, which is handed on to nobody: identify may look at it"
    keyed: object = client.keyed
    if not isinstance(keyed, str) or (keyed and not _CODE.match(keyed)):
        yield "`keyed` is no name of a setting"
