"""`clients:` of `server.yaml`: which inbound clients listen, who may send to them, and what their contracts say.

A client that cannot be set up, or whose plugin is missing, hurts nobody else: its addresses answer 503, so that whoever
sends comes again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tagserver.config.keys import Block, Key, compiled
from tagserver.config.references import ServerDecoder
from tagserver.config.schema_parts import SECRET, Schema, described, many, record, table
from tagserver.config.settings import SettingsReader, settings_schema
from tagserver.config.source_keys import BASIS, CONSENT, WAIT, read_contract, read_wait
from tagserver.config.yaml.source import Node, Scalar, Sequence
from tagserver.config.yaml.suggestions import did_you_mean, known_are
from tagserver.consent.model.reading import Reading
from tagserver.event.event import BROWSER
from tagserver.inbound.addresses import Claims
from tagserver.inbound.clients.datalayer import NO_READERS, Reader
from tagserver.inbound.clients.readers import EventReader
from tagserver.plugin.client import Client, Endpoint, KeyedSource
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.registry import Registry
from tagserver.system.secret import Secret

MOST_SECRETS = 2
"""Of one sender at a time: the new one and the old one."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,63}\Z")
_SECRETS = described({"anyOf": [SECRET, many(SECRET)]}, "`${env:…}` or `${file:…}`; two while one is replaced")
_SOURCE = Block("one sender", Key("secret", compiled(_SECRETS), "", needed=True), CONSENT, BASIS, WAIT)


@dataclass(frozen=True, slots=True)
class ConfiguredClient:
    """One client. `client`: None where it cannot be set up. `contracts`: what is said of consent by sender, for all
    senders there are; `waits`: for how many seconds their copies of orders wait for the page's."""

    type: str
    addresses: tuple[Endpoint, ...]
    settings: Any
    sources: Mapping[str, KeyedSource]
    contracts: Mapping[str, Reading | None]
    client: Client | None = field(compare=False, default=None)
    waits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClientsConfig:
    """`clients:`. `claims`: who has an address; None where nobody has, so that nothing is asked. `lost`: nobody knows
    the addresses of a client whose plugin is missing. `readers`: who reads an event of `/collect` that has this key, of
    all that are installed."""

    by_type: Mapping[str, ConfiguredClient] = field(default_factory=dict)
    lost: bool = False
    claims: Claims[ConfiguredClient] | None = field(compare=False, default=None)
    readers: Mapping[str, Reader] = field(compare=False, default_factory=lambda: NO_READERS)

    def automatic(self, kind: str) -> bool:
        """Whether what tags make by themselves comes among the events of a client."""
        one = self.by_type.get(kind)
        return one is not None and one.client is not None and one.client.automatic

    def source(self, name: str) -> tuple[str, Reading | None] | None:
        """The first client that has a sender of this name, and what its contract says; None for none."""
        for one in self.by_type.values():
            if name in one.contracts:
                return one.type, one.contracts[name]
        return None


NO_CLIENTS = ClientsConfig()


def read_clients(
    d: ServerDecoder, node: Node | None, registry: Registry, keys: Collection[str] = (), max_event: int = 0
) -> ClientsConfig:
    """What stands below `clients:`. `keys`: the names of `collect.keys`; `max_event`: bytes that an event may be."""
    made: dict[str, ConfiguredClient] = {}
    names = dict.fromkeys(keys, "collect.keys")
    lost = False
    for kind, (key, held) in d.map(node, "clients").items():
        path = f"clients.{kind}"
        cls = registry.clients.get(kind)
        if cls is None:
            alike = did_you_mean(kind, registry.clients)
            missing = registry.why_missing(kind, sure=bool(alike))
            if missing is not None:
                lost = True
                d.problems.add("P211", key.place, path, f"the client {kind} cannot be used: {missing}")
                continue
            hint = alike or f"installed are {', '.join(registry.clients) or 'none'}"
            d.problems.add("E110", key.place, path, f'no plugin has the client "{kind}"', hint)
            continue
        if (shadowed := registry.shadowed.get(kind)) is not None:
            d.problems.add("W315", key.place, path, shadowed)
        try:
            with PluginCode(cls, f"the client {kind}"):
                made[kind] = one = _Reader(d, cls, path).read(key, held)
        except PluginFailed as failed:  # a bad plugin is isolated
            d.problems.add("P211", key.place, path, str(failed))
            made[kind] = one = ConfiguredClient(kind, cls.addresses, None, {}, {})
        for name in one.sources:
            if (first := names.setdefault(name, path)) != path:
                message = f'"{name}" is also a name in {first}: records and variables cannot tell the two apart'
                d.problems.add("W316", key.place, f"{path}.{name}", message, "give each a name of its own")
    has_addresses = lost or any(one.addresses for one in made.values())
    claims = Claims((one, one.addresses) for one in made.values()) if has_addresses else None
    readers = _readers(made, registry, max_event)
    if not (made or lost or readers):
        return NO_CLIENTS
    return ClientsConfig(MappingProxyType(made), lost, claims, readers)


def _readers(made: Mapping[str, ConfiguredClient], registry: Registry, most: int) -> Mapping[str, Reader]:
    """Of a key that several read, the first has it by its type: it does not depend on how they were found."""
    readers: dict[str, Reader] = {}
    for kind, cls in sorted(registry.clients.items()):
        one = made.get(kind)
        client = one.client if one is not None else None
        for key in cls.reads:
            readers.setdefault(key, EventReader(kind, key, client, named=one is not None, most=most))
    return MappingProxyType(readers)


class _Reader:
    """Reads the entry of one client."""

    def __init__(self, d: ServerDecoder, cls: type[Client], path: str) -> None:
        self._d = d
        self._cls = cls
        self._path = path

    def read(self, key: Scalar, node: Node) -> ConfiguredClient:
        """The client. With problems noted that are errors it is not whole, and not used."""
        cls, path = self._cls, self._path
        bare = isinstance(node, Scalar) and node.value is not None
        if bare:
            self._d.wrong(node, path, "a map", f"write {cls.type}: {{{'NAME: {…}' if cls.addresses else ''}}}")
        entries = self._d.map(None if bare else node, path)
        if not cls.addresses:  # nobody sends to it, so all that stands here are settings
            settings = self._settings(path, cls.Settings, key, entries)
            return ConfiguredClient(cls.type, (), settings, {}, {}, cls(settings, {}) if settings is not None else None)
        where = path
        named = entries
        if cls.keyed:
            where = f"{path}.{cls.keyed}"
            beside = entries.pop(cls.keyed, None)
            named = self._senders(beside[1], where) if beside is not None else {}
            settings = self._settings(path, cls.Settings, key, entries, (cls.keyed,))
        else:
            settings = cls.Settings()
        sources: dict[str, KeyedSource] = {}
        contracts: dict[str, Reading | None] = {}
        waits: dict[str, float] = {}
        for name, (name_key, held) in named.items():
            if (source := self._source(name, f"{where}.{name}", name_key, held, contracts, waits)) is not None:
                sources[name] = source
        client = cls(settings, MappingProxyType(sources)) if settings is not None else None
        said = MappingProxyType(contracts)
        return ConfiguredClient(cls.type, cls.addresses, settings, sources, said, client, MappingProxyType(waits))

    def _senders(self, node: Node, path: str) -> dict[str, tuple[Scalar, Node]]:
        """Senders by their names. A secret alone is what people write first."""
        if isinstance(node, Scalar) and node.value is not None:
            name = path.rpartition(".")[2]
            self._d.wrong(node, path, "a map", f'write {name}: {{NAME: {{secret: "${{env:NAME}}"}}}}')
            return {}
        return self._d.map(node, path)

    def _settings(
        self,
        path: str,
        settings: type,
        key: Scalar,
        entries: Mapping[str, tuple[Scalar, Node]],
        beside: Collection[str] = (),
    ) -> Any | None:
        reader = SettingsReader(self._d.external, self._d.problems, path, self._d, beside)
        return reader.read(settings, key, entries)

    def _source(
        self,
        name: str,
        path: str,
        key: Scalar,
        node: Node,
        contracts: dict[str, Reading | None],
        waits: dict[str, float],
    ) -> KeyedSource | None:
        """One sender, or None after a problem."""
        d = self._d
        if name == BROWSER:
            d.problems.add("E123", key.place, path, "a sender may not be called browser", "browsers have no key")
            return None
        if not _NAME.match(name):
            d.problems.add("E115", key.place, path, f'"{name}" is no name', "write letters, digits, _, -, . and ~")
            return None
        entries = d.map(node, path)
        own = {field: entries.pop(field)[1] for field in _SOURCE.keys if field in entries}
        if "secret" not in own:
            d.missing(key.place, path, "secret", 'write secret: "${env:NAME}"')
            return None
        secrets = self._secrets(own["secret"], f"{path}.secret")
        settings = self._settings(path, self._cls.Source, key, entries, _SOURCE.keys)
        if settings is not None and not self._fits(settings, path, entries):
            settings = None
        contract = read_contract(d, name, path, own, key)
        if secrets is None or settings is None:
            return None
        source = KeyedSource(name, secrets, settings, contract is not None)
        if "consent" in own and self._cls.is_public(settings):
            message = f"{path} is a public key: whoever has it could state the consent of other people"
            d.problems.add("E130", key.place, path, message, "take consent out; the visitor's own word counts")
            return None
        if (said := self._cls.fault(source)) is not None:
            d.problems.add("E115", key.place, path, f"{path}: {said}")
            return None
        contracts[name] = contract
        if wait := read_wait(d, path, own):
            waits[name] = wait
        return source

    def _fits(self, settings: Any, path: str, entries: Mapping[str, tuple[Scalar, Node]]) -> bool:
        """Whether all that is written means something for a sender of this kind; what does not is noted."""
        allowed = self._cls.keys_of(settings)
        strange = [] if allowed is None else [name for name in entries if name not in allowed]
        for name in strange:
            key = entries[name][0]
            every = sorted({*(allowed or ()), *_SOURCE.keys})  # also those that every sender has
            hint = did_you_mean(name, every) or known_are(every)
            message = f'unknown key "{name}" in {path}: a sender like this has no such key'
            self._d.problems.add("E110", key.place, f"{path}.{name}", message, hint)
        return not strange

    def _secrets(self, node: Node, path: str) -> tuple[Secret, ...] | None:
        nodes = (
            [(one, f"{path}[{at}]") for at, one in enumerate(node.items)]
            if isinstance(node, Sequence)
            else [(node, path)]
        )
        if not 1 <= len(nodes) <= MOST_SECRETS:
            self._d.problems.add("E115", node.place, path, f"{path} holds {len(nodes)} secrets", "write one, or two")
            return None
        texts = [self._d.secret(one, where) for one, where in nodes]
        return tuple(Secret(text) for text in texts if text is not None) if None not in texts else None


def clients_schema(known: Mapping[str, type[Client]]) -> Schema:
    """`clients:` with the settings of the installed clients."""
    made = {}
    for name, cls in known.items():
        own = settings_schema(cls.Source)
        needed = [*_SOURCE.schema["required"], *own.get("required", ())]
        sender = record({**_SOURCE.schema["properties"], **own["properties"]}, needed)
        shape = table(sender)
        if cls.keyed or not cls.addresses:
            settings = settings_schema(cls.Settings)
            beside = {cls.keyed: table(sender)} if cls.addresses else {}
            shape = record({**settings["properties"], **beside}, settings.get("required", ()))
            shape["type"] = ["object", "null"]
        made[name] = described(shape, (cls.__doc__ or "").strip().partition("\n")[0])
    return {"type": ["object", "null"], "properties": made, "additionalProperties": False}
