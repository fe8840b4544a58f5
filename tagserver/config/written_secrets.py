"""Secrets that somebody wrote into a file, against the rule: where files are shown, they are not repeated."""

from __future__ import annotations

import typing
from typing import Any

from tagserver.plugin.registry import Registry
from tagserver.system.secret import Secret

MASK = "a literal secret"


def without_secrets(destination: Any, registry: Registry) -> Any:
    """An entry of `destinations:` as plain data. Of a type that is not installed nobody knows which settings are
    secret: all its texts are hidden but references."""
    if not isinstance(destination, dict):
        return destination
    known = registry.destinations.get(str(destination.get("type")))
    hints = typing.get_type_hints(known.Settings) if known is not None else {}
    return {
        name: _masked(value) if (known is None and name != "type") or _is_secret(hints.get(name)) else value
        for name, value in destination.items()
    }


def without_keys(server: dict[str, Any]) -> dict[str, Any]:
    """`server.yaml` as plain data, without the secrets of `collect.keys`."""
    collect = server.get("collect")
    keys = collect.get("keys") if isinstance(collect, dict) else None
    if not isinstance(collect, dict) or not isinstance(keys, dict):
        return server
    hidden = {
        name: {field: _masked(value) if field == "secret" else value for field, value in key.items()}
        if isinstance(key, dict)
        else key
        for name, key in keys.items()
    }
    return {**server, "collect": {**collect, "keys": hidden}}


def _is_secret(hint: Any) -> bool:
    return hint is Secret or Secret in typing.get_args(hint)


def _masked(value: Any) -> Any:
    return value if value is None or (isinstance(value, str) and value.startswith("${")) else MASK
