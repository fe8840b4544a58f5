"""`collect:` of `server.yaml`: who may send events, how many, and how large."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from tagserver.config import schema_parts as parts
from tagserver.config.keys import FLAG, SIZE, WRONG, Block, Key, ValueType, choice, compiled, each, key, whole
from tagserver.config.references import ServerDecoder
from tagserver.config.schema_parts import table
from tagserver.config.source_keys import BASIS, CONSENT, read_contract
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar
from tagserver.consent.model.reading import Reading
from tagserver.event.event import BROWSER
from tagserver.event.ip_address import Locate, nowhere, open_database
from tagserver.system.secret import Secret

MERGED, MADE = 2, 8
"""How much larger than the largest body a request may become: by `ctx`, which is no more worth than to write it out,
and on its way to the queue, where hashes and names are longer than what they stand for."""
_ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?\Z|https?://\[[0-9a-f:.]+\](:\d{1,5})?\Z")
_RATE = re.compile(r"(\d{1,9})/s\Z")


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A server that may send. `consent` is what the contract behind it says for all its events, or None."""

    secret: Secret
    consent: Reading | None = None


def _origin(d: Decoder, node: Node, path: str) -> Any:
    written = d.filled(node, path)
    if written is None:
        return WRONG
    origin = written.lower()
    if origin == "*":
        d.problems.add("W303", node.place, path, "every web page may post here", "list your pages' origins")
    elif not _ORIGIN.match(origin):
        d.problems.add("E115", node.place, path, f'"{d.text(node, path)}" is no origin', _origin_hint(origin))
        return WRONG
    return _without_default_port(origin)


def _locate(d: Decoder, node: Node, path: str) -> Locate:
    """Opened anew whenever the configuration is read. A file that has gone stops nobody: regions are unknown then,
    which is the strict reading."""
    file = d.filled(node, path)
    if file is None:
        return nowhere
    try:
        return open_database(file)
    except ImportError:
        hint = "install it: pip install 'tagserver[geo]'"
        d.problems.add("E115", node.place, path, f"{path} needs the library maxminddb", hint)
    except (OSError, ValueError) as error:
        hint = "regions stay unknown, and an unknown one asks for an opt-in"
        why = getattr(error, "strerror", None) or error
        d.problems.add("W308", node.place, path, f"{path} cannot be used: {why}", hint)
    return nowhere


def _per_address(d: Decoder, node: Node, path: str) -> Any:
    off = isinstance(node, Scalar) and node.value in ("off", False)
    return None if off else d.whole(node, path, WRONG, 1)


def _rate(d: Decoder, node: Node, path: str) -> float | None:
    text = d.text(node, path)
    if text is None or text in ("off", "false"):
        return None
    found = _RATE.match(text)
    if not found or int(found[1]) == 0:
        d.problems.add("E115", node.place, path, f'"{text}" is no rate', "write off, or 100/s")
        return None
    return float(found[1])


_SOURCE = Block(
    "a source with a key",
    Key("secret", compiled(parts.SECRET), "required: `${env:…}` or `${file:…}`", needed=True),
    CONSENT,
    BASIS,
)


def _keys(d: ServerDecoder, node: Node, path: str) -> Mapping[str, SourceKey]:
    keys: dict[str, SourceKey] = {}
    for name, (key_of_it, value) in d.map(node, path).items():
        where = f"{path}.{name}"
        if name == BROWSER:
            d.problems.add("E123", key_of_it.place, where, "a key may not be called browser", "browsers have no key")
            continue
        nodes = _SOURCE.nodes(d, value, where)
        if "secret" not in nodes:
            d.missing(key_of_it.place, where, "secret", 'write secret: "${env:NAME}"')
            continue
        found = d.secret(nodes["secret"], f"{where}.secret")
        twin = next((one for one, held in keys.items() if found and held.secret.reveal() == found), None)
        if twin is not None:
            message = f"{where} has the same secret as {path}.{twin}: nobody could tell them apart"
            d.problems.add("E115", nodes["secret"].place, f"{where}.secret", message, "give each its own")
        elif found is not None:
            keys[name] = SourceKey(Secret(found), read_contract(d, name, where, nodes, key_of_it))
    return MappingProxyType(keys)


_COUNT = whole(1)
_OFF = {"enum": ["off", False]}


@dataclass(frozen=True, slots=True)
class CollectConfig:
    """`collect:`. `locate` finds the region of an address in `geo_database`. Sizes in bytes; `rate` in events a second
    for each key or address, None for off; `max_connections_per_address` None for off. `dedup_orders`: whether an order
    counts once, whatever its event_id."""

    origins: tuple[str, ...] = key(
        each(ValueType(parts.TEXT, _origin)),
        "[]",
        'who may post from a browser: each origin as browsers write it. `"*"` accepts every page, with a warning',
    )
    keys: Mapping[str, SourceKey] = key(
        ValueType(table(_SOURCE.schema), _keys, _SOURCE, "NAME."),
        "{}",
        "who may post from a server: `NAME: {secret: …}`. Sent as `Authorization: Bearer SECRET`, or as the user "
        "name of basic authentication",
    )
    trusted_proxies: int = key(
        whole(),
        "0",
        "how many proxies of yours stand in front: the visitor's address is that entry of X-Forwarded-For, from "
        "the right. 0 ignores the header",
    )
    geo_headers: tuple[str, ...] = key(
        ValueType(parts.TEXTS, lambda d, node, path: tuple(name.lower() for name in d.texts(node, path))),
        "[]",
        "headers with the visitor's country or region, see [regions](#regions); needs `trusted_proxies`",
    )
    locate: Locate = key(
        ValueType(parts.TEXT, _locate),
        "",
        "a file in MaxMind's format that tells the region of an address, see [regions](#regions)",
        name="geo_database",
        otherwise=nowhere,
    )
    max_body: int = key(
        SIZE,
        "1MiB",
        "of a request, unpacked; above it 413. With `ctx` added to each event a request may become twice as large, "
        "as payloads for one tag eight times",
    )
    max_event: int = key(SIZE, "256KiB", "of one event with `ctx` added; above it that event is rejected")
    max_events: int = key(_COUNT, "1000", "in one request")
    max_connections: int = key(
        _COUNT,
        "10000",
        "at once; one more gets 503. Never more than the process may open files (`LimitNOFILE`). Read at the start",
    )
    max_connections_per_address: int | None = key(
        ValueType({"anyOf": [_COUNT.schema, _OFF]}, _per_address),
        "1000",
        "of one address at once (of IPv6: of one network of 64 bits), or `off`. Without effect behind "
        "`trusted_proxies`: there all connections are the proxies'",
    )
    rate: float | None = key(
        ValueType({"anyOf": [_OFF, {"type": "string", "pattern": r"^\d{1,9}/s$"}]}, _rate),
        "off",
        "`50/s`: events a second for each key, or each visitor's address; bursts of ten seconds' worth are "
        "accepted. Above it 429",
    )
    dedup: Literal["shared", "per_source"] = key(
        choice("shared", "per_source"),
        "shared",
        "`per_source`: events of one source do not hide those of another, by `event_id`, order or `once_per`. For "
        "sites where a stranger could guess order ids",
    )
    dedup_orders: bool = key(
        FLAG, "true", "whether [an order counts once](recipes.md#an-order-counts-once), whatever its `event_id`"
    )

    @property
    def max_merged(self) -> int:
        """Bytes that the events of one request may have with `ctx` beneath each."""
        return MERGED * self.max_body

    @property
    def max_made(self) -> int:
        """Bytes that the payloads of one request for one tag may have."""
        return MADE * self.max_body


COLLECT = Block.of(CollectConfig, "Who may send, and how much.")


def read_collect(d: Decoder, node: Node, path: str) -> CollectConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = COLLECT.nodes(d, node, path)
    made = CollectConfig(**COLLECT.values(d, nodes, path))
    if made.geo_headers and not made.trusted_proxies:
        message = "geo headers can be forged by anybody while no proxy is trusted"
        d.problems.add(
            "E115", nodes["geo_headers"].place, f"{path}.geo_headers", message, f"set {path}.trusted_proxies"
        )
    if made.trusted_proxies:  # all connections come from their few addresses: no limit there
        return replace(made, max_connections_per_address=None)
    return made


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
