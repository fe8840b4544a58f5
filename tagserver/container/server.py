"""`server.yaml`: who may send, where the queue lies, what may be called. Operations' half of the configuration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, cast
from urllib.parse import urlsplit

from tagserver.consent.needs import PURPOSES
from tagserver.consent.sources import source_consent
from tagserver.consent.state import Reading
from tagserver.container.decode import Decoder
from tagserver.container.problems import Problems, did_you_mean
from tagserver.container.queue import QueueConfig, read_queue
from tagserver.container.references import ADMIN_TOKEN, Outside, Rights, has_reference, reference, references
from tagserver.container.retention import AuditConfig, ForgetConfig, read_audit, read_forget
from tagserver.container.source import Map, Node, Scalar
from tagserver.inbound.whereabouts import Locate, nowhere, open_database
from tagserver.secret import Secret


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


@dataclass(frozen=True, slots=True)
class ShutdownConfig:
    """`shutdown:`, in seconds. `pre_stop`: how long events are still taken after readiness has gone, so that a load
    balancer can leave; `drain`: what requests to vendors get to end."""

    pre_stop: float = 0.0
    drain: float = 15.0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """All of `server.yaml`. `reload`: whether changed files are taken by themselves, and whether their tests must pass
    first. `egress`: host names and networks beyond the plugins' own; `environment`: variables for
    all. `debug`: this server is for tests, which variables of the container can ask."""

    collect: CollectConfig = CollectConfig()
    queue: QueueConfig = field(default_factory=QueueConfig)
    shutdown: ShutdownConfig = ShutdownConfig()
    forget: ForgetConfig = field(default_factory=ForgetConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    egress: tuple[str, ...] = ()
    environment: frozenset[str] = frozenset()
    reload: Literal["auto", "require_tests", "manual"] = "auto"
    debug: bool = False

    def consent_of(self, source: str) -> Reading | None:
        """What the contract behind a source's key says, if there is one."""
        key = self.collect.keys.get(source)
        return key.consent if key else None


MERGED, MADE = 2, 8
"""How much larger than the largest body a request may become: by `ctx`, which is no more worth than to write it out,
and on its way to the queue, where hashes and names are longer than what they stand for."""
ROOT_KEYS = ("collect", "queue", "shutdown", "forget", "audit", "egress", "environment", "secrets", "reload", "debug")
_ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?\Z|https?://\[[0-9a-f:.]+\](:\d{1,5})?\Z")
_RATE = re.compile(r"(\d{1,9})/s\Z")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.\-]{0,251}[a-z0-9])?\Z")
_SECRET = re.compile(r"[A-Za-z_*][A-Za-z0-9_*]*\Z|/.")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def listed_environment(root: Node | None, problems: Problems) -> frozenset[str]:
    """The names under `environment:`; read before everything else."""
    if not isinstance(root, Map) or (node := root.get("environment")) is None:
        return frozenset()
    decoder = Decoder(problems)
    names = []
    for item, path in decoder.list(node, "environment"):
        name = decoder.text(item, path)
        if name is not None and not _ENV_NAME.match(name):
            problems.add("E115", item.place, path, f'"{name}" is no name of a variable')
        elif name is not None:
            names.append(name)
    return frozenset(names)


class ServerReader:
    """Reads `server.yaml`."""

    def __init__(self, outside: Outside, problems: Problems) -> None:
        self._outside = outside
        self._problems = problems
        self._decoder = Decoder(problems)
        self._owned: dict[str, str] = {reference("env", ADMIN_TOKEN): "the admin token"}
        self._values: dict[str, str] = {}
        if token := outside.environ.get(ADMIN_TOKEN):
            self._values[token] = "the admin token"

    def _keep(self, written: str, value: str, owner: str) -> None:
        """What is read here is a secret of operations."""
        self._owned |= dict.fromkeys(references(written), owner)
        if value and has_reference(written):
            self._values[value] = owner

    def rights(self, root: Node | None) -> Rights:
        """What marketing's files may read, once this file was read."""
        node = root.get("secrets") if isinstance(root, Map) else None
        patterns = None if node is None else tuple(self._patterns(node))
        return Rights(patterns, self._owned, self._values)

    def _patterns(self, node: Node) -> Iterator[str]:
        for item, path in self._decoder.list(node, "secrets"):
            text = self._decoder.text(item, path)
            if text is not None and _SECRET.match(text):
                yield text
            elif text is not None:
                hint = "write META_ACCESS_TOKEN, META_* or /run/secrets/*"
                self._problems.add("E115", item.place, path, f'"{text}" names no variable or file', hint)

    def read(self, root: Node | None) -> ServerConfig:
        """The settings; with problems noted, defaults stand in for what is wrong."""
        entries = self._decoder.map(root, "", ROOT_KEYS)
        nodes = {name: node for name, (_, node) in entries.items()}
        egress = self._decoder.map(nodes.get("egress"), "egress", ("allow",))
        return ServerConfig(
            collect=self._collect(nodes.get("collect")),
            queue=read_queue(self._decoder, self._problems, nodes.get("queue"), self._filled),
            shutdown=self._shutdown(nodes.get("shutdown")),
            forget=read_forget(self._decoder, nodes.get("forget")),
            audit=read_audit(self._decoder, nodes.get("audit")),
            egress=self._allow(egress["allow"][1]) if "allow" in egress else (),
            reload=cast(
                Literal["auto", "require_tests", "manual"],
                self._decoder.choice(nodes.get("reload"), "reload", ("auto", "require_tests", "manual"), "auto"),
            ),
            environment=self._outside.listed,
            debug=self._decoder.flag(nodes.get("debug"), "debug"),
        )

    def _filled(self, node: Node, path: str) -> str | None:
        text = self._decoder.text(node, path)
        if text is None:
            return None
        filled = self._outside.text(text, node.place, path, self._problems, free=True)
        if filled is None:
            return None
        value, why = filled
        if path.startswith("queue."):
            self._keep(text, value, path)
        if why is not None:
            self._problems.add("E115", node.place, path, f"{path}: {why}")
            return None
        return value

    def _collect(self, node: Node | None) -> CollectConfig:
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
            if name == "browser":
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

    def _shutdown(self, node: Node | None) -> ShutdownConfig:
        d = self._decoder
        nodes = {name: value for name, (_, value) in d.map(node, "shutdown", ("pre_stop", "drain")).items()}
        return ShutdownConfig(
            pre_stop=d.duration(nodes.get("pre_stop"), "shutdown.pre_stop", 0.0),
            drain=d.duration(nodes.get("drain"), "shutdown.drain", 15.0),
        )

    def _allow(self, node: Node) -> tuple[str, ...]:
        allowed = []
        for item, path in self._decoder.list(node, "egress.allow"):
            text = self._filled(item, path)
            if text is None:
                continue
            entry = text.lower()
            try:
                allowed.append(str(ipaddress.ip_network(entry)))
            except ValueError:
                if _HOST.match(entry) and not entry.replace(".", "").isdigit():
                    allowed.append(entry)
                else:
                    hint = 'write a host name ("proxy.internal") or a network ("10.0.0.0/8")'
                    shown = self._decoder.text(item, path)
                    self._problems.add("E115", item.place, path, f'"{shown}" is neither a host nor a network', hint)
        return tuple(allowed)


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
