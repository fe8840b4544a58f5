"""`server.yaml`: who may send, where the queue lies, what may be called. Operations' half of the configuration. Its
larger parts have files of their own: `admin`, `collect`, `cookies`, `queue`, `records`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from tagserver.config import schema_parts as parts
from tagserver.config.admin import ADMIN, AdminConfig
from tagserver.config.clients import NO_CLIENTS, ClientsConfig, read_clients
from tagserver.config.collect import COLLECT, CollectConfig, read_collect
from tagserver.config.cookies import COOKIES_BLOCK, CookiesConfig, read_cookies_block
from tagserver.config.keys import (
    DURATION,
    FLAG,
    SIZE,
    WRONG,
    Block,
    Key,
    ValueType,
    choice,
    each,
    group,
    key,
    text_like,
)
from tagserver.config.queue import QUEUE, QueueConfig
from tagserver.config.records import RECORDS, RecordsConfig
from tagserver.config.references import ExternalValues, Rights, ServerDecoder
from tagserver.config.schema_parts import one_of
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.consent.model.reading import Reading
from tagserver.inbound.clients.datalayer import CLIENT
from tagserver.logs.logs import Format
from tagserver.plugin.registry import Registry

_HOST = re.compile(r"[a-z0-9]([a-z0-9.\-]{0,251}[a-z0-9])?\Z")
_PATH_PREFIX = re.compile(r"(/[A-Za-z0-9_~][A-Za-z0-9_~.\-]{0,99}){1,8}\Z")
"""No segment begins with a dot, and none is the `-` of the admin's addresses."""
_SECRET = text_like(
    re.compile(r"\A(?:[A-Za-z_*][A-Za-z0-9_*]*\Z|/.)"),
    "names no variable or file",
    "write META_ACCESS_TOKEN, META_* or /run/secrets/*",
)
_ENVIRONMENT = each(text_like(re.compile(r"\A[A-Za-z_][A-Za-z0-9_]*\Z"), "is no name of a variable"), frozenset)


@dataclass(frozen=True, slots=True)
class ShutdownConfig:
    """`shutdown:`, in seconds. `pre_stop`: how long events are still taken after readiness has gone, so that a load
    balancer can leave; `drain`: what requests to vendors get to end."""

    pre_stop: float = key(
        DURATION,
        "0s",
        "after SIGTERM, how long events are still taken while `/readyz` says 503, so that a load balancer can "
        "leave; 5s under an orchestrator",
    )
    drain: float = key(
        DURATION,
        "15s",
        "how long requests to vendors may take to finish; unfinished ones stay queued. Sinks (files) have five "
        "seconds more to close, and a plugin that does not end at all is abandoned after four more",
    )


@dataclass(frozen=True, slots=True)
class ForgetConfig:
    """`forget:`. `refuse`: seconds for which events of an erased person are not sent."""

    refuse: float = key(
        DURATION,
        "30d",
        "how long events of an erased person are not sent, whatever they say; `0s`: later events are sent again",
    )


def _audit_size(d: Decoder, node: Node, path: str) -> int | None:
    if isinstance(node, Scalar) and node.value == "auto":
        return None
    return d.size(node, path, 0) or None


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """`audit:`. `keep` in seconds, `max_size` of all its files in bytes; what is older or beyond is removed, the oldest
    first. `max_size` None: by the size of the disk, see `audit.forecast.room_for`."""

    keep: float = key(DURATION, "395d", "how long the audit is kept: 13 months")
    max_size: int | None = key(
        ValueType({"anyOf": [SIZE.schema, one_of("auto")]}, _audit_size),
        "auto",
        "of the audit on disk; beyond it the oldest files are removed, and a row says so. `auto`: a tenth of the "
        "disk, at least 1 GiB and at most 32. A GiB is about 30 million deliveries; when that does not last for "
        "`audit.keep`, [`doctor` and `status.json` say so](operate/sizing.md#the-audit)",
    )


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`log:`. `events`: a line for each event that is accepted and each delivery that has arrived."""

    format: Format = key(
        choice("text", "json"),
        "text",
        "`json`: one object a line. `serve --log-format` takes precedence. See [logs](operate/logs.md)",
    )
    events: bool = key(
        FLAG,
        "false",
        "`true`: one short line for each accepted event and each delivery, to find single ones by their `event_id`",
    )


def _allowed(d: Decoder, node: Node, path: str) -> Any:
    text = d.filled(node, path)
    if text is None:
        return WRONG
    entry = text.lower()
    try:
        return str(ipaddress.ip_network(entry))
    except ValueError:
        if _HOST.match(entry) and not entry.replace(".", "").isdigit():
            return entry
    hint = 'write a host name ("proxy.internal") or a network ("10.0.0.0/8")'
    d.problems.add("E115", node.place, path, f'"{d.text(node, path)}" is neither a host nor a network', hint)
    return WRONG


_EGRESS = Block(
    "Whom the server may call.",
    Key(
        "allow",
        each(ValueType(parts.TEXT, _allowed)),
        "hosts and networks that may be called beyond the plugins' own hosts",
        "[]",
    ),
)


def _path_prefix(d: Decoder, node: Node, path: str) -> Any:
    text = d.text(node, path)
    if text is None or text == "/":
        return ""
    prefix = text.removesuffix("/")
    if not _PATH_PREFIX.match(prefix):
        hint = "write a path that begins with a slash, such as /metrics, and that every browser writes alike"
        d.problems.add("E115", node.place, path, f'"{text}" is no path for addresses', hint)
        return WRONG
    return prefix


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """All of `server.yaml`. `egress`: host names and networks beyond the plugins' own; `environment`: variables for
    all; `secrets`: which variables and files marketing's secret fields may name, None for all. `reload`: whether
    changed files are taken by themselves, and whether their tests must pass first. `path_prefix`: below which path the
    public addresses lie, "" for none. `debug`: this server is for tests, which variables of the container can ask."""

    collect: CollectConfig = group(CollectConfig, COLLECT, read_collect)
    clients: ClientsConfig = key(
        ValueType(parts.table(parts.ANY), lambda d, node, path: WRONG),  # it is read after everything else
        "",
        "inbound clients beside the data layer, by their type, each with its settings: `{pixel: {}, webhooks: {NAME: "
        "{…}}}`. Each sender has a `secret` (a reference, or two while one is replaced), and may have `consent` with a "
        "`basis`. [The pixel](doors/pixel.md), [Meta's own door](doors/meta.md), [Google Analytics](doors/ga4.md), "
        "[webhooks](../plugins/webhooks/README.md), [Segment](../plugins/segment/README.md), "
        "[Stape](../plugins/stape/README.md)",
        shown="none",
        otherwise=NO_CLIENTS,
    )
    cookies: CookiesConfig | None = key(
        ValueType(COOKIES_BLOCK.schema, read_cookies_block, COOKIES_BLOCK),
        "",
        "[first-party cookies](doors/cookies.md) that the answer of `/collect` sets, once the visitor has granted "
        "their purpose. Off unless this block is there; `{}` takes all defaults",
        shown="off",
    )
    admin: AdminConfig = group(AdminConfig, ADMIN)
    queue: QueueConfig = group(QueueConfig, QUEUE)
    shutdown: ShutdownConfig = group(ShutdownConfig, Block.of(ShutdownConfig, "How the server ends."))
    forget: ForgetConfig = group(ForgetConfig, Block.of(ForgetConfig, "After tagserver forget."))
    audit: AuditConfig = group(AuditConfig, Block.of(AuditConfig, "The record of decisions."))
    records: RecordsConfig = group(RecordsConfig, RECORDS)
    log: LogConfig = group(LogConfig, Block.of(LogConfig, "What the server writes to standard error."))
    egress: tuple[str, ...] = group(tuple, _EGRESS, lambda d, node, path: _EGRESS.read(d, node, path).get("allow", ()))
    environment: frozenset[str] = key(
        ValueType(_ENVIRONMENT.schema, lambda d, node, path: WRONG),  # it was read before everything else
        "",
        "variables that the other files may read outside secret fields",
        shown="`[]`",
        otherwise=frozenset(),
    )
    secrets: tuple[str, ...] | None = key(
        each(_SECRET),
        "",
        "variables and files that secret fields of the other files may name: `[META_*, /run/secrets/*]`. Never the "
        "admin tokens, keys of `collect`, what `queue` is opened with, and files of the data folder (a running server "
        "knows which that is; `check` does not)",
        shown="all",
    )
    reload: Literal["auto", "require_tests", "manual"] = key(
        choice("auto", "require_tests", "manual"),
        "auto",
        "how edits of marketing's files are [published](guide.md#publish): `manual` by `tagserver reload` alone "
        "(`tagserver init` writes that); `auto` by the server itself, when they are valid and change the meaning; "
        "`require_tests` like `auto`, if the cases of `*.test.yaml` pass, also for `tagserver reload`",
    )
    path_prefix: str = key(
        ValueType({"type": "string", "pattern": r"^(/[A-Za-z0-9_~][A-Za-z0-9_~.\-]{0,99}){0,8}/?$"}, _path_prefix),
        "/",
        "the path below which the public endpoints are, such as `/metrics`, for a "
        "[proxy](operate/proxies.md#below-a-path-of-the-shop) that keeps the path. `/healthz` and `/readyz` answer "
        "there and at the root; `/-/` does not move",
    )
    debug: bool = key(
        FLAG,
        "false",
        "`true`: this server is for tests. Nothing changes but what `{container: debug}` says: a table makes a "
        "test code of it",
    )

    @property
    def orders_meet(self) -> bool:
        """Whether copies of one order may come by several doors: one that a client brings, or one for which a contract
        may grant what its visitor has refused with another."""
        return bool(self.clients.by_type) or any(one.consent is not None for one in self.collect.keys.values())

    def consent_of(self, source: str) -> Reading | None:
        """What the contract behind a key of `collect` says, if there is one."""
        key = self.collect.keys.get(source)
        return key.consent if key else None

    @property
    def sources(self) -> tuple[str, ...]:
        """Who may send, by name, beside browsers."""
        return (*self.collect.keys, *(name for one in self.clients.by_type.values() for name in one.contracts))

    def sender(self, source: str) -> tuple[str, Reading | None]:
        """The client by which a source sends, and what its contract says: where only its name is known, as in `try`."""
        if source not in self.collect.keys and (found := self.clients.source(source)) is not None:
            return found
        return CLIENT, self.consent_of(source)


SERVER = Block.of(ServerConfig, "")


def listed_environment(root: Node | None, problems: Problems) -> frozenset[str]:
    """The names under `environment:`; read before everything else."""
    if not isinstance(root, Map) or (node := root.get("environment")) is None:
        return frozenset()
    found: frozenset[str] = _ENVIRONMENT.read(Decoder(problems), node, "environment")
    return found


def read_server(
    root: Node | None, external: ExternalValues, problems: Problems, registry: Registry
) -> tuple[ServerConfig, Rights]:
    """The settings, and what marketing's files may read under them; with problems noted, defaults stand in for what is
    wrong."""
    d = ServerDecoder(external, problems)
    nodes = SERVER.nodes(d, root, "")
    last = {name: nodes.pop(name) for name in ("admin",) if name in nodes}  # compared with all that was read before
    clients = nodes.pop("clients", None)
    config = ServerConfig(**SERVER.values(d, {**nodes, **last}, ""), environment=external.listed)
    collect = config.collect
    config = replace(config, clients=read_clients(d, clients, registry, collect.keys, collect.max_event))
    _warn_of_copies(d, config, root)
    return config, d.rights(config.secrets)


def _warn_of_copies(d: Decoder, config: ServerConfig, root: Node | None) -> None:
    """Where several doors tell of one order and none hides what another says, it counts as often as it is told."""
    collect = config.collect
    if collect.dedup != "per_source" or not isinstance(root, Map) or not isinstance(part := root.get("collect"), Map):
        return
    doors = [name for one in config.clients.by_type.values() for name in one.contracts]
    doors = ["/collect", *doors] if collect.origins or collect.keys else doors
    if len(doors) > 1 and (node := part.get("dedup")) is not None:
        message = f"an order that comes by {' and by '.join(doors[:3])} counts more than once under per_source"
        hint = "take collect.dedup out, unless each kind of order comes by one of them alone"
        d.problems.add("W317", node.place, "collect.dedup", message, hint)


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
