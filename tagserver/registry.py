"""The destinations and kinds of variables that are installed. A registry is a value: a test makes its own, and nothing
is loaded at import."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

import pluggy

from tagserver import hookspecs
from tagserver.kit.variable import variable_fault
from tagserver.plugin import API_VERSION, ConsentNeeds, Destination, Limits, Variable

GROUP = "tagserver"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin: where it comes from, what it brought, and why it could not be loaded, if so."""

    name: str
    version: str
    destinations: tuple[str, ...] = ()
    error: str | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """Destination classes and kinds of variables by their type, and the list of plugins with their errors."""

    destinations: Mapping[str, type[Destination]]
    plugins: tuple[PluginInfo, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def failed(self) -> tuple[PluginInfo, ...]:
        """Plugins that could not be loaded, wholly or in part."""
        return tuple(plugin for plugin in self.plugins if plugin.error is not None)

    def packages(self) -> Mapping[str, str]:
        """The top package of each destination's code → its type: who a line of a stack belongs to."""
        return {one.__module__.partition(".")[0]: name for name, one in self.destinations.items()}

    @classmethod
    def of(cls, *classes: type[Destination], variables: Iterable[type[Variable]] = ()) -> Registry:
        """A registry of given classes."""
        kinds = MappingProxyType({one.type: one() for one in variables})
        return cls(MappingProxyType({one.type: one for one in classes}), variables=kinds)

    @classmethod
    def load(cls, points: Iterable[EntryPoint] | None = None) -> Registry:
        """All installed plugins (entry-point group `tagserver`), one by one: one that fails is listed and hurts
        nobody."""
        found: dict[str, type[Destination]] = {}
        kinds: dict[str, Variable] = {}
        plugins = []
        for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
            version = point.dist.version if point.dist else ""
            brought: list[type[Destination]] = []
            variables: list[type[Variable]] = []
            try:
                manager = pluggy.PluginManager(GROUP)
                manager.add_hookspecs(hookspecs)
                manager.register(point.load(), point.name)
                manager.check_pending()
                manager.hook.register_destinations(register=brought.append)
                manager.hook.register_variables(register=variables.append)
            except (Exception, SystemExit) as error:  # a bad plugin hurts only itself
                plugins.append(PluginInfo(point.name, version, (), f"{type(error).__name__}: {error}"))
                continue
            errors: list[str] = []
            taken = tuple(one.type for one in brought if _take(one, found, errors))
            taken_kinds = tuple(one.type for one in variables if _take_kind(one, kinds, errors))
            plugins.append(PluginInfo(point.name, version, taken, "; ".join(errors) or None, taken_kinds))
        return cls(MappingProxyType(found), tuple(plugins), MappingProxyType(kinds))


def _take(destination: type[Destination], found: dict[str, type[Destination]], errors: list[str]) -> bool:
    """Add one to those that were found, or say what is wrong with it."""
    fault = _fault(destination)
    if fault is None and destination.type in found:
        fault = f"another plugin has the type {destination.type} already"
    if fault is not None:
        errors.append(fault)
        return False
    found[destination.type] = destination
    return True


def _take_kind(variable: type[Variable], kinds: dict[str, Variable], errors: list[str]) -> bool:
    fault = variable_fault(variable)
    if fault is None and variable.type in kinds:
        fault = f"another plugin has the kind {variable.type} already"
    if fault is None:
        try:
            kinds[variable.type] = variable()
            return True
        except Exception as error:  # a bad plugin hurts only itself
            fault = f"{variable.__name__} fails with {type(error).__name__}"
    errors.append(fault)
    return False


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
