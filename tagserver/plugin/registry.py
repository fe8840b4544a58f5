"""The destinations, kinds of variables and inbound clients that are installed, and who has a type that several
plugins bring.

A registry is a value: a test makes its own, and nothing is loaded at import. Of a type ours is ours; of strangers
nobody has it, since the order in which they are found would decide where a site's data goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from types import MappingProxyType
from typing import Generic, TypeVar

from tagserver.logs.logs import redacted
from tagserver.plugin import Destination, Variable
from tagserver.plugin.client import Client
from tagserver.plugin.fault import OR, client_name, variable_name
from tagserver.plugin.loading import LONGEST_ERROR, OURS, Brought, bring, installed
from tagserver.system.text import printable

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
        found = sorted(installed() if points is None else points, key=lambda point: point.name)
        brought = [bring(point) for point in found]
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


def _info(brought: Brought, types: tuple[str, ...], kinds: tuple[str, ...], clients: tuple[str, ...]) -> PluginInfo:
    error = redacted(printable("; ".join(brought.errors)))
    if len(error) > LONGEST_ERROR:
        error = f"{error[:LONGEST_ERROR]}…"
    refused = tuple(dict.fromkeys(brought.refused))
    return PluginInfo(brought.name, brought.version, types, error or None, kinds, brought.package, refused, clients)


def unloaded_in(problems: Iterable[tuple[str, str]]) -> set[str]:
    """The destinations whose plugin could not be loaded, or not be set up, by code and path of the problems."""
    return {path.split(".")[1] for code, path in problems if code == "P211" and path.startswith("destinations.")}
