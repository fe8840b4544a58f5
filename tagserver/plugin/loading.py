"""What one plugin brings: found among the installed packages, loaded, and looked at class by class.

A plugin may do anything when it is loaded or looked at: what is wrong with it is said in `Brought`, and the rest of it
is used.
"""

from __future__ import annotations

import logging
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any

import pluggy

from tagserver.plugin import Destination, Variable, hookspecs
from tagserver.plugin.client import Client
from tagserver.plugin.client_statement import client_faults
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.statement import statement_faults
from tagserver.plugin.variable import variable_fault

log = logging.getLogger("tagserver.plugins")

GROUP = "tagserver"
LONGEST_ERROR = 500
"""Characters of what is said of one plugin: its text is a stranger's."""
OURS = "tagserver"
"""The package whose destinations win: the one that carries this server. Nobody else's can have its name, since a
package is installed once."""


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


def installed() -> Iterable[EntryPoint]:
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


def bring(point: EntryPoint) -> Brought:
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
    _take(brought, destinations, brought.destinations, _destination_fault, "type")
    _take(brought, variables, brought.variables, variable_fault, "kind", made=True)
    _take(brought, clients, brought.clients, _client_fault, "client")
    return brought


def _take(
    brought: Brought,
    classes: Iterable[Any],
    taken: list[Any],
    fault_of: Callable[[Any], str | None],
    word: str,
    *,
    made: bool = False,
) -> None:
    """Put those that are sound behind what is taken; `made`: one of each, in place of the class."""
    for cls in classes:
        fault = _looked_at(cls, fault_of) or _again(cls, [type(one) for one in taken] if made else taken, word)
        if fault is None:
            try:
                with PluginCode(cls, cls.__name__):
                    taken.append(cls() if made else cls)
            except PluginFailed as failed:  # a bad plugin is isolated
                fault = str(failed)
        if fault is not None:
            brought.refuse(_type_of(cls), fault)


def _destination_fault(destination: type[Destination]) -> str | None:
    return _stated(destination, statement_faults(destination), ("Settings", "Parameters"))


def _client_fault(client: type[Client]) -> str | None:
    return _stated(client, client_faults(client), ("Settings", "Source"))


def _stated(cls: type, found: Iterable[str], structs: Sequence[str]) -> str | None:
    """What is wrong with a class, if anything. Names in the types of its structs that there are not: its author hears
    of them, not marketing."""
    faults = "; ".join(found)
    if not faults:
        for name in structs:
            typing.get_type_hints(getattr(cls, name))
    return f"{getattr(cls, '__name__', None) or repr(cls)}: {faults}" if faults else None


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
