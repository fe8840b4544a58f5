"""`/-/plugins`: what is installed, what it may see and call, its settings, and why something could not be loaded."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.plugin import Destination
from tagserver.plugin.description import describe, describe_client, describe_variable
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.registry import Registry
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE
from tagserver.server.pages.rendering import page


class Plugins:
    """The page, and the same for machines."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._described: dict[str, Any] | None = None

    async def page(self, request: Request) -> Response:
        """For people."""
        return page(request, "plugins.html", **await self._shown())

    async def json(self, request: Request) -> Response:
        """`{"plugins": [as `tagserver plugins --json`], "destinations": [as `plugins show --json`, with "plugin" and
        "used_by"], "variables": […], "clients": […]}`."""
        return JSONResponse(await self._shown(), headers=SAFE)

    async def _shown(self) -> dict[str, Any]:
        """What is installed does not change while a process runs, and is asked for once: aside, for it is strangers'
        code. What the configuration uses of it does."""
        if self._described is None:
            self._described = await asyncio.to_thread(_described, self._runtime.comparing.registry)
        configured = self._runtime.container.destinations.values()
        named = self._runtime.server.clients.by_type
        return {
            **self._described,
            "destinations": [
                {**one, "used_by": [each.name for each in configured if each.type == one["type"]]}
                for one in self._described["destinations"]
            ],
            "clients": [
                {
                    **one,
                    "on": one["client"] in named,
                    "senders": list(named[one["client"]].contracts) if one["client"] in named else [],
                }
                for one in self._described["clients"]
            ],
        }


def _described(registry: Registry) -> dict[str, Any]:
    brought_by = {  # a destination and a client may have one name, and are other plugins
        (what, kind): one
        for one in registry.plugins
        for what, kinds in (("destination", one.destinations), ("variable", one.variables), ("client", one.clients))
        for kind in kinds
    }

    def plugin(what: str, kind: str) -> dict[str, str]:
        one = brought_by.get((what, kind))
        return {"name": one.name, "package": one.package, "version": one.version} if one is not None else {}

    return {
        "plugins": [msgspec.to_builtins(one) for one in registry.plugins],
        "destinations": [
            {**_told(one), "plugin": plugin("destination", kind)} for kind, one in sorted(registry.destinations.items())
        ],
        "variables": [
            {**describe_variable(one), "plugin": plugin("variable", kind)}
            for kind, one in sorted(registry.variables.items())
        ],
        "clients": [
            {**describe_client(one), "plugin": plugin("client", kind)} for kind, one in sorted(registry.clients.items())
        ],
    }


def _told(destination: type[Destination]) -> dict[str, Any]:
    """What it says of itself; of one that fails at that, how (`error`)."""
    try:
        with PluginCode(destination, f"the plugin {destination.type}"):
            return {**describe(destination), "error": None}
    except PluginFailed as failed:  # a bad plugin is isolated
        return {"type": destination.type, "doc": "", "error": str(failed), "settings": []}
