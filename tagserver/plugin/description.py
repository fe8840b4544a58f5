"""What an installed plugin says of itself: for `tagserver plugins show`, and for the page of plugins."""

from __future__ import annotations

import dataclasses
from typing import Any

from tagserver.plugin import Destination, Variable
from tagserver.plugin.client import Client
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.privacy.rules import is_personal


def describe(destination: type[Destination], settings: Any = None) -> dict[str, Any]:
    """What a destination may see and call, what it needs, and its settings. `depends`: there are no settings, and what
    is seen, called or sent in the clear depends on them. Raises PluginFailed."""
    plugin = destination()
    depends = settings is None and (
        destination.sees is not Destination.sees or destination.in_clear is not Destination.in_clear
    )
    try:
        with PluginCode(plugin, "hosts"):
            hosts = list(plugin.hosts(settings))
    except PluginFailed:  # it looks at its settings, and there are none
        if settings is not None:
            raise
        hosts, depends = [], True
    reads = sorted(set(destination.reads if settings is None else plugin.sees(settings)))
    limits = destination.limits
    return {
        "type": destination.type,
        "doc": (destination.__doc__ or "").strip().partition("\n")[0],
        "api_version": destination.api_version,
        "ads": destination.ads,
        "consent": {"purposes": list(destination.consent.purposes), "restricted": destination.consent.restricted},
        "reads": reads,
        "personal": [path for path in reads if is_personal(path)],
        "hashed": list(destination.hashed if settings is None else plugin.hashes(settings)),
        "clear": list(destination.clear if settings is None else plugin.in_clear(settings)),
        "events": dict(destination.standard_events.names if settings is None else plugin.event_names(settings)),
        "hosts": hosts,
        "depends": depends,
        "limits": dataclasses.asdict(limits),
        "settings": settings_of(destination.Settings),
    }


def settings_of(settings: type) -> list[dict[str, Any]]:
    """The settings of a dataclass: name, a sentence, whether it is needed, whether it says whose account it is, and
    whether a tag may set it for itself."""
    return [
        {
            "name": field.name,
            "doc": field.metadata.get("doc", ""),
            "needed": field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            "identity": bool(field.metadata.get("identity")),
            "per_tag": bool(field.metadata.get("per_tag")),
        }
        for field in dataclasses.fields(settings)
    ]


def describe_variable(variable: Variable) -> dict[str, Any]:
    """A kind of variable, and what may be handed in."""
    inputs = [{"name": name, "doc": doc, "needed": name in variable.needed} for name, doc in variable.inputs.items()]
    doc = (variable.__doc__ or "").strip().partition("\n")[0]
    return {"variable": variable.type, "doc": doc, "inputs": inputs}


def describe_client(client: type[Client]) -> dict[str, Any]:
    """An inbound client: its addresses, and what is set for it and for each of its senders."""
    return {
        "client": client.type,
        "doc": (client.__doc__ or "").strip().partition("\n")[0],
        "api_version": client.api_version,
        "addresses": [f"{one.method} {one.pattern}" for one in client.addresses],
        "reads": list(client.reads),
        "headers": list(client.headers),
        "refuses": list(client.refuses),
        "passes": list(client.passes),
        "keyed": client.keyed,
        "settings": settings_of(client.Settings),
        "sources": settings_of(client.Source),
    }
