"""A kind of variable that a plugin brings. Authors import this from `tagserver.plugin`.

    variables:
      initials: {initials: {first: "{{ user_data.address.first_name }}"}}

The key that tells the kind apart is the class's `type`; what stands below it are its inputs.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, ClassVar

from tagserver.plugin.destination import API_VERSION

RESERVED = frozenset(
    {"path", "constant", "header", "cookie", "query", "template", "lookup", "url", "device", "truncate_ip", "hash"}
    | {"time", "random", "coalesce", "split", "property", "object", "list", "environment", "container", "choose"}
    | {"regex", "items", "calculate", "default", "format", "notes"}
)
"""Kinds and keys that are built in."""


class Variable:
    """Base class of a kind of variable: a pure function of its inputs, one instance for all variables of the kind.

    It gets the values that the configuration hands it, and nothing else of the event: so what it can tell a vendor is
    written in the configuration.
    """

    type: ClassVar[str]
    """The key in YAML: `{initials: {…}}`."""
    api_version: ClassVar[int] = API_VERSION
    inputs: ClassVar[Mapping[str, str]] = {}
    """What may be handed in: the name of each input, and a sentence for the reference."""
    needed: ClassVar[tuple[str, ...]] = ()
    """The inputs that must stand in the configuration. At an event even they may be missing."""

    def value(self, given: Mapping[str, Any]) -> Any:
        """The value: plain data, or MISSING. `given` holds the inputs that have a value at this event.

        An exception, or what JSON cannot hold, means that the variable has no value; `try` says so.
        """
        raise NotImplementedError  # abstract


def variable_fault(variable: Any) -> str | None:
    """What is wrong with a registered class, if anything."""
    if not (isinstance(variable, builtins.type) and issubclass(variable, Variable)):
        return f"{variable!r} is not a Variable class"
    name = variable.__name__
    kind = getattr(variable, "type", None)
    if not isinstance(kind, str) or not kind:
        return f"{name} has no type"
    if kind in RESERVED:
        return f"the kind {kind} is built in"
    if variable.api_version != API_VERSION:
        return f"{name} is written for plugin API {variable.api_version}, and this is {API_VERSION}: update one of them"
    inputs: object = variable.inputs
    if not isinstance(inputs, Mapping) or not all(isinstance(one, str) for one in (*inputs, *inputs.values())):
        return f"{name} does not name its inputs, each with a sentence"
    if unknown := [one for one in variable.needed if one not in inputs]:
        return f"{name} needs {unknown[0]}, which is not among its inputs"
    return None
