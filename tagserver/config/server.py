"""`server.yaml`: who may send, where the queue lies, what may be called. Operations' half of the configuration. Its
larger parts have files of their own: `collect`, `queue`, `retention`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal, cast

from tagserver.config.collect import CollectConfig, CollectReader
from tagserver.config.queue import QueueConfig, read_queue
from tagserver.config.references import ADMIN_TOKEN, Outside, Rights, has_reference, reference, references
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.consent.state import Reading

Format = Literal["text", "json"]


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`log:`. `events`: a line for each event that is accepted and each delivery that has arrived."""

    format: Format = "text"
    events: bool = False


def read_log(decoder: Decoder, node: Node | None) -> LogConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "log", ("format", "events")).items()}
    return LogConfig(
        format=cast(Format, decoder.choice(nodes.get("format"), "log.format", ("text", "json"), "text")),
        events=decoder.flag(nodes.get("events"), "log.events"),
    )


DAY = 86400.0


@dataclass(frozen=True, slots=True)
class ForgetConfig:
    """`forget:`. `refuse`: seconds for which events of somebody who asked to be forgotten are not sent."""

    refuse: float = 30 * DAY


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """`audit:`. `keep` in seconds, `max_size` of all its files in bytes; what is older or beyond is removed, the oldest
    first. `max_size` None: by the size of the disk, see `audit.forecast.room_for`."""

    keep: float = 395 * DAY
    max_size: int | None = None


def read_audit(decoder: Decoder, node: Node | None) -> AuditConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "audit", ("keep", "max_size")).items()}
    return AuditConfig(
        keep=decoder.duration(nodes.get("keep"), "audit.keep", 395 * DAY),
        max_size=_max_size(decoder, nodes.get("max_size")),
    )


def _max_size(decoder: Decoder, node: Node | None) -> int | None:
    if node is None or (isinstance(node, Scalar) and node.value == "auto"):
        return None
    return decoder.size(node, "audit.max_size", 0) or None


def read_forget(decoder: Decoder, node: Node | None) -> ForgetConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "forget", ("refuse",)).items()}
    return ForgetConfig(refuse=decoder.duration(nodes.get("refuse"), "forget.refuse", 30 * DAY))


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
    all. `path_prefix`: below which path the public addresses lie, "" for none. `debug`: this server is for tests, which
    variables of the container can ask."""

    collect: CollectConfig = field(default_factory=CollectConfig)
    queue: QueueConfig = field(default_factory=QueueConfig)
    shutdown: ShutdownConfig = ShutdownConfig()
    forget: ForgetConfig = field(default_factory=ForgetConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    log: LogConfig = field(default_factory=LogConfig)
    egress: tuple[str, ...] = ()
    environment: frozenset[str] = frozenset()
    reload: Literal["auto", "require_tests", "manual"] = "auto"
    path_prefix: str = ""
    debug: bool = False

    def consent_of(self, source: str) -> Reading | None:
        """What the contract behind a source's key says, if there is one."""
        key = self.collect.keys.get(source)
        return key.consent if key else None


ROOT_KEYS = (
    *("collect", "queue", "shutdown", "forget", "audit", "log", "egress", "environment", "secrets", "reload"),
    *("path_prefix", "debug"),
)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.\-]{0,251}[a-z0-9])?\Z")
_PATH_PREFIX = re.compile(r"(/[A-Za-z0-9_~][A-Za-z0-9_~.\-]{0,99}){1,8}\Z")
"""No segment begins with a dot, and none is the `-` of the admin's addresses."""
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
            collect=CollectReader(self._outside, self._problems, self._filled, self._keep).read(nodes.get("collect")),
            queue=read_queue(self._decoder, self._problems, nodes.get("queue"), self._filled),
            shutdown=self._shutdown(nodes.get("shutdown")),
            forget=read_forget(self._decoder, nodes.get("forget")),
            audit=read_audit(self._decoder, nodes.get("audit")),
            log=read_log(self._decoder, nodes.get("log")),
            egress=self._allow(egress["allow"][1]) if "allow" in egress else (),
            reload=cast(
                Literal["auto", "require_tests", "manual"],
                self._decoder.choice(nodes.get("reload"), "reload", ("auto", "require_tests", "manual"), "auto"),
            ),
            environment=self._outside.listed,
            path_prefix=self._path_prefix(nodes.get("path_prefix")),
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

    def _shutdown(self, node: Node | None) -> ShutdownConfig:
        d = self._decoder
        nodes = {name: value for name, (_, value) in d.map(node, "shutdown", ("pre_stop", "drain")).items()}
        return ShutdownConfig(
            pre_stop=d.duration(nodes.get("pre_stop"), "shutdown.pre_stop", 0.0),
            drain=d.duration(nodes.get("drain"), "shutdown.drain", 15.0),
        )

    def _path_prefix(self, node: Node | None) -> str:
        text = None if node is None else self._decoder.text(node, "path_prefix")
        if node is None or text is None or text == "/":
            return ""
        prefix = text.removesuffix("/")
        if not _PATH_PREFIX.match(prefix):
            hint = "write a path that begins with a slash, such as /metrics, and that every browser writes alike"
            self._problems.add("E115", node.place, "path_prefix", f'"{text}" is no path for addresses', hint)
            return ""
        return prefix

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


SECTIONS = ("queue", "audit")
_SPELT = {"queue.file": "queue.url"}


def waiting(started: ServerConfig, now: ServerConfig) -> tuple[str, ...]:
    """The keys, as `server.yaml` spells them, whose value is another one than at the start."""
    found = []
    for section in SECTIONS:
        before, after = getattr(started, section), getattr(now, section)
        for one in fields(after):
            if getattr(before, one.name) != getattr(after, one.name):
                key = f"{section}.{one.name}"
                found.append(_SPELT.get(key, key))
    if started.collect.max_connections != now.collect.max_connections:
        found.append("collect.max_connections")
    return tuple(found)


def sentence(keys: tuple[str, ...]) -> str:
    """What to tell somebody who has changed them; empty for none."""
    if not keys:
        return ""
    has, count = ("has", "counts") if len(keys) == 1 else ("have", "count")
    return f"{', '.join(keys)} {has} changed and {count} from the next start on"
