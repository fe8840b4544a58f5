"""All that the author of a plugin imports, with three modules beside it: `tagserver.plugin.table` (a payload as a table
of fields), `tagserver.plugin.values` (kinds of values, money, items, times) and `tagserver.plugin.identity` (who it
was). The guide is plugins/README.md.

Each name is defined in a small module of its own idea; this one is the public list of them, and keeps its promise by
`API_VERSION`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pluggy

from tagserver.event.event import MISSING, Event
from tagserver.plugin.contract import (
    Built,
    Mode,
    Omitted,
    Outcome,
    Outcomes,
    Payload,
    Request,
    Response,
    Skip,
    default_outcome,
    json_object,
)
from tagserver.plugin.destination import API_VERSION, ConsentNeeds, Destination, Limits, StandardEvents
from tagserver.plugin.fields import Given, Group, Kind
from tagserver.plugin.settings import setting
from tagserver.plugin.variable import Variable
from tagserver.system.secret import Secret

__all__ = [
    "API_VERSION",
    "MISSING",
    "Built",
    "ConsentNeeds",
    "Destination",
    "Event",
    "Given",
    "Group",
    "Kind",
    "Limits",
    "Mode",
    "Omitted",
    "Outcome",
    "Outcomes",
    "Payload",
    "Request",
    "Response",
    "Secret",
    "Skip",
    "StandardEvents",
    "Variable",
    "default_outcome",
    "hookimpl",
    "json_object",
    "setting",
]

hookimpl = pluggy.HookimplMarker("tagserver")
"""Marks a plugin's `register_destinations` and `register_variables`."""

_MOVED = ("tagserver.plugin.values", "tagserver.plugin.identity")
"""Where names stand now that version 0.1.0 had here: plugins that were written for it go on as they are."""


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module in map(import_module, _MOVED):
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
