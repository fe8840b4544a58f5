"""The entries under `destinations:`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from tagserver.config.lint.near_names import NearNames, VendorNames
from tagserver.config.model import NO_FIELDS, PURCHASE, ConfiguredDestination
from tagserver.config.references import ExternalValues
from tagserver.config.settings import SettingsReader
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.config.yaml.suggestions import did_you_mean
from tagserver.event.event import Event, Facts
from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import Destination
from tagserver.plugin.destination import sound_events
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.payload_check import PayloadFields
from tagserver.plugin.registry import Registry
from tagserver.plugin.settings import addresses_in, ending
from tagserver.plugin.statement import Misstated, stated, stated_hosts
from tagserver.system.egress import literal_refusal, refusal


class DestinationCompiler:
    """Makes destinations of nodes. `egress`: what operations allow beyond the plugins' hosts; `today`: by which the
    vendors' API versions are looked at, None for not at all."""

    def __init__(
        self,
        registry: Registry,
        external: ExternalValues,
        egress: tuple[str, ...],
        near: NearNames,
        problems: Problems,
        today: date | None = None,
    ) -> None:
        self._near = near
        self._today = today
        self._registry = registry
        self._external = external
        self._egress = egress
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, name: str, key: Scalar, node: Node) -> ConfiguredDestination | None:
        """One destination, or None after a problem."""
        path = f"destinations.{name}"
        entries = self._decoder.map(node, path)
        kind = entries.pop("type", None)
        aliases = self._decoder.texts(entries.pop("aliases")[1], f"{path}.aliases") if "aliases" in entries else ()
        if kind is None:
            self._no_type(key, node, entries, path)
            return None
        type_name = self._decoder.text(kind[1], f"{path}.type")
        if type_name is None:
            return None
        cls = self._registry.destinations.get(type_name)
        if cls is None:
            return self._unknown_type(name, type_name, key, kind[1])
        reader = SettingsReader(self._external, self._problems, path)
        plugin: Destination = _Absent()
        try:
            with PluginCode(cls, f"the plugin {type_name}", Misstated):
                plugin = cls()
                settings = reader.read(cls.Settings, key, entries)
                hosts = stated_hosts(plugin.hosts(settings)) if settings is not None else ()
                reads = _reads(plugin, settings)
                fields = _payload_fields(plugin, settings)
                names = _vendor_names(plugin, type_name, settings)
                ends = plugin.version_ends(settings) if settings is not None else None
                said = ending(ends, self._today) if self._today is not None else None
                purchase = _purchase_name(plugin, settings)
        except (PluginFailed, Misstated) as error:  # a bad plugin is isolated
            why = _failed(type_name, error)
            self._problems.add("P211", key.place, path, why)
            return _paused(name, type_name, plugin, why, key)
        if (shadowed := self._registry.shadowed.get(type_name)) is not None:
            self._problems.add("W315", kind[1].place, f"{path}.type", shadowed)
        if settings is None and not reader.unusable:
            return None
        if settings is not None and not self._addresses_allowed(settings, hosts, path, entries):
            return None
        self._look_at(settings, names, path, entries)
        if said is not None:
            self._problems.add("W305", key.place, path, f"{path}: {said}", "set a newer version, and try it first")
        return ConfiguredDestination(
            name=name,
            type=type_name,
            plugin=plugin,
            settings=settings,
            paused="; ".join(reader.missing) or None,
            identity=_fingerprint(type_name, settings) if settings is not None else "",
            hosts=hosts,
            egress=self._egress,
            reads=reads,
            place=key.place,
            aliases=aliases,
            fields=fields,
            purchase=purchase,
            names=names,
        )

    def _no_type(self, key: Scalar, node: Node, entries: Mapping[str, tuple[Scalar, Node]], path: str) -> None:
        """Say that the type is missing, or misspelt; what is no map was named already."""
        for word, (written, _) in entries.items():
            if hint := self._problems.mean(path, word, ("type",)):
                self._problems.add("E110", written.place, f"{path}.{word}", f'unknown key "{word}" in {path}', hint)
                return
        if isinstance(node, Map) or (isinstance(node, Scalar) and node.value is None):
            hint = f"installed are {', '.join(self._registry.destinations)}"
            self._decoder.missing(key.place, path, "type", hint)

    def for_tag(self, one: ConfiguredDestination, node: Node, path: str) -> ConfiguredDestination | None:
        """A destination as one tag has it, with some of its settings set anew; None after a problem."""
        entries = self._decoder.map(node, path)
        if one.settings is None:  # it is paused, and nobody can tell
            return one
        reader = SettingsReader(self._external, self._problems, path)
        try:
            with PluginCode(one.plugin, f"the plugin {one.type}", Misstated):
                if (settings := reader.for_tag(one.settings, entries)) is None:
                    return None
                reads, fields = _reads(one.plugin, settings), _payload_fields(one.plugin, settings)
                names = _vendor_names(one.plugin, one.type, settings)
        except (PluginFailed, Misstated) as error:  # a bad plugin is isolated
            self._problems.add("P211", node.place, path, _failed(one.type, error))
            return dataclasses.replace(one, settings=None, paused=f"{path}: {_failed(one.type, error)}")
        self._look_at(settings, names, path, entries)
        return dataclasses.replace(one, settings=settings, reads=reads, fields=fields, names=names)

    def _look_at(
        self, settings: Any, names: VendorNames, path: str, entries: Mapping[str, tuple[Scalar, Node]]
    ) -> None:
        """Say what looks misspelt in settings that name events or fields of one."""
        for field in dataclasses.fields(settings) if settings is not None else ():
            means = field.metadata.get("means")
            if means is None or field.name not in entries:
                continue
            where, node = f"{path}.{field.name}", entries[field.name][1]
            pairs = node.entries if isinstance(node, Map) else ()
            values = node.items if isinstance(node, Sequence) else [held for _, held in pairs]
            keys = {key.text for key, _ in pairs}
            for key, _ in pairs if means == "events" else ():
                self._near.event(key.text, key.place, f"{where}.{key.text}", beside=keys)
            for one in values:
                if isinstance(one, Scalar) and means == "paths":
                    self._near.field(one.text, one.place, where)
                elif isinstance(one, Scalar) and names.standard.vendors:
                    self._near.vendor(one.text, dataclasses.replace(names, names={}), one.place, where)

    def _unknown_type(self, name: str, type_name: str, key: Scalar, node: Node) -> ConfiguredDestination | None:
        path = f"destinations.{name}.type"
        known = self._registry.destinations
        alike = did_you_mean(type_name, known)
        missing = self._registry.why_missing(type_name, sure=bool(alike))
        if missing is not None:
            why = f'the type "{type_name}" cannot be used: {missing}'
            self._problems.add("P211", node.place, path, why)
            return _paused(name, type_name, _Absent(), why, key)
        hint = alike or f"installed are {', '.join(known)}; a server knows what was installed before its start"
        self._problems.add("E140", node.place, path, f'no plugin has the type "{type_name}"', hint)
        return None

    def _addresses_allowed(
        self, settings: Any, hosts: tuple[str, ...], path: str, entries: Mapping[str, tuple[Scalar, Node]]
    ) -> bool:
        sound = True
        for field, value in addresses_in(settings):
            why = refusal(value, hosts, self._egress)
            if why is None and field.name in entries and (never := literal_refusal(value, self._egress)) is not None:
                place = entries[field.name][1].place
                message = f"{path}.{field.name}: {never}, and is never called"
                hint = "operations can allow it: egress.allow in server.yaml"
                self._problems.add("W311", place, f"{path}.{field.name}", message, hint)
            if why is not None and field.name in entries:
                place = entries[field.name][1].place
                hint = "operations can allow an address: egress.allow in server.yaml"
                self._problems.add("E141", place, f"{path}.{field.name}", f"{path}.{field.name}: {why}", hint)
                sound = False
        return sound


def _reads(plugin: Destination, settings: Any) -> Reads:
    """What it sees of an event."""
    seen = stated("sees", plugin.sees(settings)) if settings is not None else ()
    return Reads(seen, shared=plugin.pure is True)


def _payload_fields(plugin: Destination, settings: Any) -> PayloadFields:
    """What a plugin says of its payload under these settings."""
    if settings is None:
        return NO_FIELDS
    return PayloadFields(stated("hashes", plugin.hashes(settings)), stated("in_clear", plugin.in_clear(settings)))


def _failed(type_name: str, error: PluginFailed | Misstated) -> str:
    """What people are told of a plugin that cannot be set up."""
    return f"the plugin {type_name} cannot be used: {error}" if isinstance(error, Misstated) else str(error)


def _vendor_names(plugin: Destination, type_name: str, settings: Any) -> VendorNames:
    """What its vendor calls events. Raises Misstated."""
    standard = sound_events(plugin.standard_events)
    if standard is None:
        raise Misstated("standard_events is no StandardEvents of texts")
    names = dict(standard.names if settings is None else plugin.event_names(settings))
    stated("event_names", (*names, *names.values()))
    return VendorNames(type_name, standard, MappingProxyType(names))


def _purchase_name(plugin: Destination, settings: Any) -> str:
    """The vendor's name for a purchase. A plugin that fails here fails for each event, too, and says so there."""
    try:
        with PluginCode(plugin, "event_name"):
            name = plugin.event_name(_A_PURCHASE, settings)
    except PluginFailed:
        return PURCHASE
    return name if isinstance(name, str) else PURCHASE


_A_PURCHASE = Event(PURCHASE, PURCHASE, 0, {"event": PURCHASE}, Facts("", 0))


class _Absent(Destination):
    """Stands for a destination whose plugin could not be loaded; it is never asked anything but its needs."""

    type = "absent"


def _paused(name: str, type_name: str, plugin: Destination, why: str, key: Scalar) -> ConfiguredDestination:
    return ConfiguredDestination(name, type_name, plugin, None, why, "", (), (), Reads(()), key.place)


def _fingerprint(type_name: str, settings: Any) -> str:
    """Whose account it is, as a short hash; secrets are no part of it, so that a new token changes nothing."""
    said = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if field.metadata.get("identity")
    }
    text = json.dumps([type_name, said], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
