"""The destinations that are installed. A registry is a value: a test makes its own, and nothing is loaded at
import."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

import pluggy

from tagserver import hookspecs
from tagserver.plugin import API_VERSION, ConsentNeeds, Destination, Limits

GROUP = "tagserver"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin: where it comes from, what it brought, and why it could not be loaded, if so."""

    name: str
    version: str
    destinations: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """Destination classes by their type, and the list of plugins with their errors."""

    destinations: Mapping[str, type[Destination]]
    plugins: tuple[PluginInfo, ...] = ()

    @property
    def failed(self) -> tuple[PluginInfo, ...]:
        """Plugins that could not be loaded, wholly or in part."""
        return tuple(plugin for plugin in self.plugins if plugin.error is not None)

    def packages(self) -> Mapping[str, str]:
        """The top package of each destination's code → its type: who a line of a stack belongs to."""
        return {one.__module__.partition(".")[0]: name for name, one in self.destinations.items()}

    @classmethod
    def of(cls, *classes: type[Destination]) -> Registry:
        """A registry of given classes."""
        return cls(MappingProxyType({one.type: one for one in classes}))

    @classmethod
    def load(cls, points: Iterable[EntryPoint] | None = None) -> Registry:
        """All installed plugins (entry-point group `tagserver`), one by one: one that fails is listed and hurts
        nobody."""
        found: dict[str, type[Destination]] = {}
        plugins = []
        for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
            version = point.dist.version if point.dist else ""
            brought: list[type[Destination]] = []
            try:
                manager = pluggy.PluginManager(GROUP)
                manager.add_hookspecs(hookspecs)
                manager.register(point.load(), point.name)
                manager.check_pending()
                manager.hook.register_destinations(register=brought.append)
            except (Exception, SystemExit) as error:  # a bad plugin hurts only itself
                plugins.append(PluginInfo(point.name, version, (), f"{type(error).__name__}: {error}"))
                continue
            taken, errors = [], []
            for destination in brought:
                fault = _fault(destination) or (
                    f"another plugin has the type {destination.type} already" if destination.type in found else None
                )
                if fault is None:
                    found[destination.type] = destination
                    taken.append(destination.type)
                else:
                    errors.append(fault)
            plugins.append(PluginInfo(point.name, version, tuple(taken), "; ".join(errors) or None))
        return cls(MappingProxyType(found), tuple(plugins))


def _fault(destination: Any) -> str | None:
    """What is wrong with a registered class, if anything."""
    if not (isinstance(destination, type) and issubclass(destination, Destination)):
        return f"{destination!r} is not a Destination class"
    name = destination.__name__
    if not isinstance(getattr(destination, "type", None), str):
        return f"{name} has no type"
    if destination.api_version != API_VERSION:
        return (
            f"{name} is written for plugin API {destination.api_version}, and this is {API_VERSION}: update one of them"
        )
    if not dataclasses.is_dataclass(getattr(destination, "Settings", None)):
        return f"{name} has no Settings dataclass"
    needs: object = destination.consent
    limits: object = destination.limits
    if not isinstance(needs, ConsentNeeds) or not isinstance(limits, Limits):
        return f"{name} does not state its consent and limits"
    return None
