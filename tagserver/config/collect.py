"""`collect:` of `server.yaml`: who may send events, how many, and how large."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from tagserver.config.references import Outside
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node, Scalar
from tagserver.config.yaml.suggestions import did_you_mean
from tagserver.consent.merge import source_consent
from tagserver.consent.needs import PURPOSES
from tagserver.consent.state import Reading
from tagserver.event.geoip import Locate, nowhere, open_database
from tagserver.system.secret import Secret

BROWSER = "browser"
"""The source of all events that come without a key."""
MERGED, MADE = 2, 8
"""How much larger than the largest body a request may become: by `ctx`, which is no more worth than to write it out,
and on its way to the queue, where hashes and names are longer than what they stand for."""
_ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?\Z|https?://\[[0-9a-f:.]+\](:\d{1,5})?\Z")
_RATE = re.compile(r"(\d{1,9})/s\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """A server that may send. `consent` is what the contract behind it says for all its events, or None."""

    secret: Secret
    consent: Reading | None = None


@dataclass(frozen=True, slots=True)
class CollectConfig:
    """`collect:`. `locate` finds the region of an address in `geo_database`. Sizes in bytes; `rate` in events a second
    for each key or address, None for off; `max_connections_per_address` None for off. `dedup_orders`: whether an order
    counts once, whatever its event_id."""

    origins: tuple[str, ...] = ()
    keys: Mapping[str, Key] = field(default_factory=lambda: MappingProxyType({}))
    trusted_proxies: int = 0
    geo_headers: tuple[str, ...] = ()
    locate: Locate = nowhere
    max_body: int = 1 << 20
    max_event: int = 256 << 10
    max_events: int = 1000
    max_connections: int = 10_000
    max_connections_per_address: int | None = 1000
    rate: float | None = None
    dedup: Literal["shared", "per_source"] = "shared"
    dedup_orders: bool = True

    @property
    def max_merged(self) -> int:
        """Bytes that the events of one request may have with `ctx` beneath each."""
        return MERGED * self.max_body

    @property
    def max_made(self) -> int:
        """Bytes that the payloads of one request for one tag may have."""
        return MADE * self.max_body


class CollectReader:
    """Reads `collect:`. `filled` gives a text with its references filled in; `keep` is told of each secret: as it is
    written, its value, and whose it is."""

    def __init__(
        self,
        outside: Outside,
        problems: Problems,
        filled: Callable[[Node, str], str | None],
        keep: Callable[[str, str, str], None],
    ) -> None:
        self._outside = outside
        self._problems = problems
        self._decoder = Decoder(problems)
        self._filled = filled
        self._keep = keep

    def read(self, node: Node | None) -> CollectConfig:
        """The settings; with problems noted, defaults stand in for what is wrong."""
        d = self._decoder
        known = [
            "origins",
            "keys",
            "trusted_proxies",
            "geo_headers",
            "geo_database",
            "max_body",
            "max_event",
            "max_events",
            "max_connections",
            "max_connections_per_address",
            "rate",
            "dedup",
            "dedup_orders",
        ]
        nodes = {name: value for name, (_, value) in d.map(node, "collect", known).items()}
        proxies = d.whole(nodes.get("trusted_proxies"), "collect.trusted_proxies", 0)
        geo = tuple(name.lower() for name in d.texts(nodes.get("geo_headers"), "collect.geo_headers"))
        if geo and not proxies:
            self._problems.add(
                "E115",
                nodes["geo_headers"].place,
                "collect.geo_headers",
                "geo headers can be forged by anybody while no proxy is trusted",
                "set collect.trusted_proxies",
            )
        dedup = d.choice(nodes.get("dedup"), "collect.dedup", ("shared", "per_source"), "shared")
        return CollectConfig(
            origins=self._origins(nodes.get("origins")),
            keys=self._keys(nodes.get("keys")),
            trusted_proxies=proxies,
            geo_headers=geo,
            locate=self._locate(nodes.get("geo_database")),
            max_body=d.size(nodes.get("max_body"), "collect.max_body", 1 << 20),
            max_event=d.size(nodes.get("max_event"), "collect.max_event", 256 << 10),
            max_events=d.whole(nodes.get("max_events"), "collect.max_events", 1000, 1),
            max_connections=d.whole(nodes.get("max_connections"), "collect.max_connections", 10_000, 1),
            max_connections_per_address=self._per_address(nodes.get("max_connections_per_address"), proxies),
            rate=self._rate(nodes.get("rate")),
            dedup="per_source" if dedup == "per_source" else "shared",
            dedup_orders=d.flag(nodes.get("dedup_orders"), "collect.dedup_orders", True),
        )

    def _locate(self, node: Node | None) -> Locate:
        """Opened anew whenever the configuration is read. A file that has gone stops nobody: regions are unknown then,
        which is the strict reading."""
        path = "collect.geo_database"
        file = self._filled(node, path) if node is not None else None
        if file is None or node is None:
            return nowhere
        try:
            return open_database(file)
        except ImportError:
            hint = "install it: pip install 'tagserver[geo]'"
            self._problems.add("E115", node.place, path, f"{path} needs the library maxminddb", hint)
            return nowhere
        except (OSError, ValueError) as error:
            hint = "regions stay unknown, and an unknown one asks for an opt-in"
            why = getattr(error, "strerror", None) or error
            self._problems.add("W308", node.place, path, f"{path} cannot be used: {why}", hint)
            return nowhere

    def _origins(self, node: Node | None) -> tuple[str, ...]:
        origins = []
        for item, path in self._decoder.list(node, "collect.origins"):
            written = self._filled(item, path)
            if written is None:
                continue
            origin = written.lower()
            if origin == "*":
                self._problems.add("W303", item.place, path, "every web page may post here", "list your pages' origins")
                origins.append(origin)
            elif _ORIGIN.match(origin):
                origins.append(_without_default_port(origin))
            else:
                shown = self._decoder.text(item, path)
                self._problems.add("E115", item.place, path, f'"{shown}" is no origin', _origin_hint(origin))
        return tuple(origins)

    def _per_address(self, node: Node | None, proxies: int) -> int | None:
        """Behind proxies all connections come from their few addresses: no limit there."""
        if isinstance(node, Scalar) and node.value in ("off", False):
            return None
        most = self._decoder.whole(node, "collect.max_connections_per_address", 1000, 1)
        return None if proxies else most

    def _rate(self, node: Node | None) -> float | None:
        text = self._decoder.text(node, "collect.rate")
        if text is None or node is None or text in ("off", "false"):
            return None
        found = _RATE.match(text)
        if not found or int(found[1]) == 0:
            self._problems.add("E115", node.place, "collect.rate", f'"{text}" is no rate', "write off, or 100/s")
            return None
        return float(found[1])

    def _keys(self, node: Node | None) -> Mapping[str, Key]:
        keys: dict[str, Key] = {}
        for name, (key, value) in self._decoder.map(node, "collect.keys").items():
            path = f"collect.keys.{name}"
            if name == BROWSER:
                self._problems.add("E123", key.place, path, "a key may not be called browser", "browsers have no key")
                continue
            nodes = {
                one: held for one, (_, held) in self._decoder.map(value, path, ("secret", "consent", "basis")).items()
            }
            if "secret" not in nodes:
                self._decoder.missing(key.place, path, "secret", 'write secret: "${env:NAME}"')
                continue
            written = self._decoder.text(nodes["secret"], f"{path}.secret")
            if written is None:
                continue
            found = self._outside.secret(written, nodes["secret"].place, f"{path}.secret", self._problems)
            self._keep(written, found[0] if found else "", f"{path}.secret")
            twin = next(
                (one for one, held in keys.items() if found and found[0] and held.secret.reveal() == found[0]), None
            )
            if twin is not None:
                message = f"{path} has the same secret as collect.keys.{twin}: nobody could tell them apart"
                self._problems.add("E115", nodes["secret"].place, f"{path}.secret", message, "give each its own")
            elif found is not None:
                keys[name] = Key(Secret(found[0]), self._consent(name, path, nodes, key))
        return MappingProxyType(keys)

    def _consent(self, name: str, path: str, nodes: Mapping[str, Node], key: Scalar) -> Reading | None:
        if "consent" not in nodes:
            if "basis" in nodes:
                place = nodes["basis"].place
                self._problems.add(
                    "E130", place, path, f"{path} has a basis without consent", "say which purposes it covers"
                )
            return None
        words: dict[str, str] = {}
        for purpose, (purpose_key, value) in self._decoder.map(nodes["consent"], f"{path}.consent").items():
            where = f"{path}.consent.{purpose}"
            if purpose not in PURPOSES:
                hint = did_you_mean(purpose, PURPOSES)
                self._problems.add("E130", purpose_key.place, where, f'unknown purpose "{purpose}"', hint)
                continue
            words[purpose] = self._decoder.choice(value, where, ("granted", "denied"), "denied")
        basis = self._decoder.text(nodes.get("basis"), f"{path}.basis")
        if not basis:
            self._problems.add(
                "E130",
                key.place,
                path,
                f"{path} states consent without a basis",
                'say where it comes from: basis: "contract, 2026-03"',
            )
            return None
        return source_consent(name, words, basis)


def _without_default_port(origin: str) -> str:
    """As browsers write it: without the scheme's own port."""
    if origin.startswith("https://"):
        return origin.removesuffix(":443")
    return origin.removesuffix(":80")


def _origin_hint(origin: str) -> str:
    try:
        parts = urlsplit(origin if "://" in origin else f"https://{origin}")
        if parts.hostname and parts.scheme in ("http", "https"):
            return f'write "{parts.scheme}://{parts.netloc.rpartition("@")[2]}"'
    except ValueError:
        pass
    return 'write "https://shop.example"'
