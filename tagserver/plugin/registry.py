"""The destinations, kinds of variables and inbound clients that are installed, and who has a type that several
plugins bring.

A registry is a value: a test makes its own, and nothing is loaded at import. Of a type ours is ours; of strangers
nobody has it, since the order in which they are found would decide where a site's data goes.
"""

from __future__ import annotations

import logging
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, distributions, entry_points
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import pluggy

from tagserver.logs.logs import redacted
from tagserver.plugin import Destination, Variable, hookspecs
from tagserver.plugin.client import Client
from tagserver.plugin.client_statement import client_faults
from tagserver.plugin.fault import OR, PluginCode, PluginFailed, client_name, variable_name
from tagserver.plugin.statement import statement_faults
from tagserver.plugin.variable import variable_fault
from tagserver.system.text import printable


@dataclass(eq=False)
class Brought:
    """What one plugin registers: what is sound, what is wrong with the rest, and the types of that.

    `is_ours`: it belongs to tagserver's own package.
    """

    name: str
    package: str = ""
    version: str = ""
    is_ours: bool = False
    destinations: list[type[Destination]] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    clients: list[type[Client]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def refuse(self, kind: Any, why: str) -> None:
        """What it brought under a type is not used."""
        self.errors.append(why)
        if isinstance(kind, str):
            self.refused.append(kind)

    @property
    def label(self) -> str:
        """Its package with the version, as `pip` names it."""
        return f"{self.package} {self.version}" if self.package else self.name


T = TypeVar("T")


@dataclass
class Settled(Generic[T]):
    """`owned`: type → who has it, with what was brought. `conflicts`: types that nobody has, because several strangers
    brought them, `shadowed`: types of ours that a stranger brought, too; each with the sentence that names the
    packages."""

    owned: dict[str, tuple[Brought, T]] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    shadowed: dict[str, str] = field(default_factory=dict)

    def of(self, brought: Brought) -> tuple[str, ...]:
        """The types that one plugin has."""
        return tuple(kind for kind, (owner, _) in self.owned.items() if owner is brought)


def settled(claims: Iterable[tuple[Brought, str, T]], word: str) -> Settled[T]:
    """Give every type to one plugin, or to none, and tell those that do not get it. `claims`: who, which type, and
    what; `word`: what a type is called."""
    by_type: dict[str, list[tuple[Brought, T]]] = {}
    for one, kind, thing in claims:
        named = by_type.setdefault(kind, [])
        if not any(_class(thing) is _class(other) for _, other in named):  # a package may name a module twice
            named.append((one, thing))
    made: Settled[T] = Settled()
    for kind, claimed in by_type.items():
        ours = [claim for claim in claimed if claim[0].is_ours]
        if len(claimed) == 1 or len(ours) == 1:
            made.owned[kind] = owner, _ = (ours or claimed)[0]
            losers = [one for one, _ in claimed if one is not owner]
        else:
            losers = [one for one, _ in claimed]
        if not losers:
            continue
        why = _shadowed(kind, word, losers) if kind in made.owned else _conflict(kind, word, losers)
        (made.shadowed if kind in made.owned else made.conflicts)[kind] = why
        for loser in dict.fromkeys(losers):
            loser.refuse(kind, why)
    return made


def _class(thing: object) -> type:
    return thing if isinstance(thing, type) else type(thing)


def _shadowed(kind: str, word: str, losers: Sequence[Brought]) -> str:
    return (
        f"the {word} {kind} is tagserver's own, and that of {_listed(losers)} is not used: it needs a {word} of its own"
    )


def _conflict(kind: str, word: str, losers: Sequence[Brought]) -> str:
    if len(dict.fromkeys(losers)) == 1:
        return f"{losers[0].label} brings the {word} {kind} {len(losers)} times, and none of them is used: keep one"
    return f"{_listed(losers)} bring the {word} {kind}, and nobody's is used: remove all but one of them"


def _listed(brought: Sequence[Brought]) -> str:
    return " and ".join(dict.fromkeys(one.label for one in brought))


log = logging.getLogger("tagserver.plugins")

GROUP = "tagserver"
LONGEST_ERROR = 500
"""Characters of what is said of one plugin: its text is a stranger's."""
OURS = "tagserver"
"""The package whose destinations win: the one that carries this server. Nobody else's can have its name, since a
package is installed once."""


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin: where it comes from, what it brought, and why it could not be loaded, if so, in one line.

    `package`: the distribution that it was installed with. `refused`: types and kinds that it brought and that are not
    used.
    """

    name: str
    version: str
    destinations: tuple[str, ...] = ()
    error: str | None = None
    variables: tuple[str, ...] = ()
    package: str = ""
    refused: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows what it would have brought."""
        return self.error is not None and not (self.destinations or self.variables or self.clients or self.refused)


@dataclass(frozen=True, slots=True)
class Registry:
    """Destination classes, kinds of variables and inbound clients by their type, and the list of plugins with their
    errors.

    `conflicts`: types and kinds that several strangers brought and nobody has, `shadowed`: types of ours that a
    stranger's plugin has, too; each with the sentence that names the packages.
    """

    destinations: Mapping[str, type[Destination]]
    plugins: tuple[PluginInfo, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=lambda: MappingProxyType({}))
    conflicts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    shadowed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    clients: Mapping[str, type[Client]] = field(default_factory=lambda: MappingProxyType({}))
    served: bool = False
    """What is compiled has served before: a type that nobody has now is that of a plugin that is gone."""

    @property
    def failed(self) -> tuple[PluginInfo, ...]:
        """Plugins that could not be loaded, wholly or in part."""
        return tuple(plugin for plugin in self.plugins if plugin.error is not None)

    def why_missing(self, kind: str, *, sure: bool = False) -> str | None:
        """Why nobody has this type or kind although a plugin brought it, or may have brought it; or None. `sure`: only
        what is known of this one."""
        if kind in self.conflicts:
            return self.conflicts[kind]
        failed = [one for one in self.failed if kind in one.refused or one.name == kind]
        if not failed and not sure:
            failed = [one for one in self.failed if one.is_lost]
        if failed:
            return f"{failed[0].name} could not be loaded ({failed[0].error})"
        return "the plugin that brought it is not installed any more" if self.served else None

    def packages(self) -> Mapping[str, str]:
        """Each module that a plugin's code is in, and the packages around it → its type: who a line of a stack belongs
        to. What several have in common has the names of all of them."""
        owners: dict[str, dict[str, None]] = {}
        classes: Mapping[str, type] = self.destinations
        kinds = {variable_name(name): type(one) for name, one in self.variables.items()}
        clients = {client_name(name): one for name, one in self.clients.items()}
        for name, cls in [*classes.items(), *kinds.items(), *clients.items()]:
            top = cls.__module__.partition(".")[0]
            for module in {one.__module__ for one in cls.__mro__ if one.__module__.partition(".")[0] == top}:
                while module:
                    owners.setdefault(module, {})[name] = None
                    module = module.rpartition(".")[0]
        return {module: OR.join(names) for module, names in owners.items() if module.partition(".")[0] != OURS}

    @classmethod
    def of(
        cls,
        *classes: type[Destination],
        variables: Iterable[type[Variable]] = (),
        clients: Iterable[type[Client]] = (),
    ) -> Registry:
        """A registry of given classes."""
        kinds = MappingProxyType({one.type: one() for one in variables})
        known = MappingProxyType({one.type: one for one in clients})
        return cls(MappingProxyType({one.type: one for one in classes}), variables=kinds, clients=known)

    @classmethod
    def load(cls, points: Iterable[EntryPoint] | None = None) -> Registry:
        """All installed plugins (entry-point group `tagserver`), one by one: one that fails is listed and hurts
        nobody. Who has a type does not depend on their order."""
        found = sorted(_installed() if points is None else points, key=lambda point: point.name)
        brought = [_bring(point) for point in found]
        types = settled(((one, cls.type, cls) for one in brought for cls in one.destinations), "type")
        kinds = settled(((one, kind.type, kind) for one in brought for kind in one.variables), "kind")
        clients = settled(((one, client.type, client) for one in brought for client in one.clients), "client")
        return cls(
            MappingProxyType({kind: destination for kind, (_, destination) in types.owned.items()}),
            tuple(_info(one, types.of(one), kinds.of(one), clients.of(one)) for one in brought),
            MappingProxyType({kind: variable for kind, (_, variable) in kinds.owned.items()}),
            MappingProxyType({**types.conflicts, **kinds.conflicts, **clients.conflicts}),
            MappingProxyType({**types.shadowed, **kinds.shadowed, **clients.shadowed}),
            MappingProxyType({kind: client for kind, (_, client) in clients.owned.items()}),
        )


def _installed() -> Iterable[EntryPoint]:
    """The entry points of this group. One package whose list cannot be read, a plugin's or not, makes Python's own look
    fail for all: then each package is asked by itself."""
    try:
        return entry_points(group=GROUP)
    except Exception:
        found: dict[str, list[EntryPoint]] = {}
        for one in distributions():
            try:
                found.setdefault(one.name, [point for point in one.entry_points if point.group == GROUP])
            except Exception as error:
                log.warning("a package's list of plugins cannot be read (%s), and is left out", type(error).__name__)
        return [point for points in found.values() for point in points]


def _package_of(point: EntryPoint) -> tuple[str, str]:
    """The package and its version; empty where an installation that was broken off has left nothing to tell it."""
    try:
        return (point.dist.name or "", point.dist.version or "") if point.dist else ("", "")
    except Exception:
        return "", ""


def _bring(point: EntryPoint) -> Brought:
    """What one plugin registers, without what is wrong with it."""
    package, version = _package_of(point)
    brought = Brought(point.name, package, version, is_ours=package.lower() == OURS)
    destinations: list[type[Destination]] = []
    variables: list[type[Variable]] = []
    clients: list[type[Client]] = []
    try:
        with PluginCode(str(point.value).partition(":")[0].partition(".")[0], "the plugin"):
            manager = pluggy.PluginManager(GROUP)
            manager.add_hookspecs(hookspecs)
            manager.register(point.load(), point.name)
            manager.check_pending()
            manager.hook.register_destinations(register=destinations.append)
            manager.hook.register_variables(register=variables.append)
            manager.hook.register_clients(register=clients.append)
    except PluginFailed as failed:  # a bad plugin is isolated
        brought.errors.append(_why(failed))
        return brought
    for destination in destinations:
        fault = _looked_at(destination, _fault) or _again(destination, brought.destinations, "type")
        if fault is None:
            brought.destinations.append(destination)
        else:
            brought.refuse(_type_of(destination), fault)
    for variable in variables:
        fault = _looked_at(variable, variable_fault)
        fault = fault or _again(variable, [type(one) for one in brought.variables], "kind")
        if fault is None:
            try:
                with PluginCode(variable, variable.__name__):
                    brought.variables.append(variable())
            except PluginFailed as failed:  # a bad plugin is isolated
                fault = str(failed)
        if fault is not None:
            brought.refuse(_type_of(variable), fault)
    for client in clients:
        fault = _looked_at(client, _client_fault) or _again(client, brought.clients, "client")
        if fault is None:
            brought.clients.append(client)
        else:
            brought.refuse(_type_of(client), fault)
    return brought


def _client_fault(client: type[Client]) -> str | None:
    faults = "; ".join(client_faults(client))
    if not faults:
        for stated in (client.Settings, client.Source):
            typing.get_type_hints(stated)
    return f"{getattr(client, '__name__', None) or repr(client)}: {faults}" if faults else None


def _fault(destination: type[Destination]) -> str | None:
    """What is wrong with a registered class, if anything."""
    faults = "; ".join(statement_faults(destination))
    if not faults:
        for stated in (destination.Settings, destination.Parameters):
            typing.get_type_hints(stated)  # names in them that there are not: its author hears of them, not marketing
    return f"{getattr(destination, '__name__', None) or repr(destination)}: {faults}" if faults else None


def _looked_at(cls: Any, fault: Callable[[Any], str | None]) -> str | None:
    try:
        with PluginCode(cls, "a class that it registers"):
            return fault(cls)
    except PluginFailed as failed:  # a class may do anything when it is looked at
        return f"{failed} when it is looked at"


def _type_of(cls: Any) -> object:
    try:
        with PluginCode(cls, "type"):
            return getattr(cls, "type", None)
    except PluginFailed:  # as above
        return None


def _why(failed: PluginFailed) -> str:
    """Where it fails and what it says: no event is there yet whose data could be in that."""
    try:
        with PluginCode("", "its error"):
            said = str(failed.__cause__)[:LONGEST_ERROR]
    except PluginFailed:  # an error of its own that cannot be shown
        said = ""
    return f"{failed.error}: {said}" + (f" ({failed.place})" if failed.place else "") if said else failed.cause


def _again(cls: type[Destination | Variable | Client], before: Sequence[type], word: str) -> str | None:
    return f"another plugin has the {word} {cls.type} already" if cls in before else None


def _info(brought: Brought, types: tuple[str, ...], kinds: tuple[str, ...], clients: tuple[str, ...]) -> PluginInfo:
    error = redacted(printable("; ".join(brought.errors)))
    if len(error) > LONGEST_ERROR:
        error = f"{error[:LONGEST_ERROR]}…"
    refused = tuple(dict.fromkeys(brought.refused))
    return PluginInfo(brought.name, brought.version, types, error or None, kinds, brought.package, refused, clients)


def unloaded_in(problems: Iterable[tuple[str, str]]) -> set[str]:
    """The destinations whose plugin could not be loaded, or not be set up, by code and path of the problems."""
    return {path.split(".")[1] for code, path in problems if code == "P211" and path.startswith("destinations.")}
