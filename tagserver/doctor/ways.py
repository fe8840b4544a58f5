"""Which hosts the configured destinations really call: those of their settings, not those that are usual."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from tagserver.config.model import ConfiguredDestination
from tagserver.plugin.settings import addresses_in
from tagserver.system.finding import Finding

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
