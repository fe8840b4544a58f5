"""`tagserver demo`: the server, a stand-in for Meta and a small shop, on this machine alone."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click
import httpx

from tagserver.cli.serve import run
from tagserver.configuration import ConfigurationFolder
from tagserver.demo.shop import create_shop
from tagserver.registry import Registry
from tagserver.runtime import Runtime, running, wall_clock
from tagserver.sandbox import create_sandbox
from tagserver.server.app import create_app
from tagserver.server.serving import Serving, address_of, listen, serving
from tagserver.trial import try_event

PIXEL = "1234567890"
PATIENCE = 20.0
"""Seconds that `--check` waits for its purchase."""


@click.command()
@click.option("--check", is_flag=True, help="Send one purchase through everything; exit 0 when it was counted once.")
@click.option("--port", default=0, help="The shop's port; any free one when not given.", type=click.IntRange(0, 65535))
def demo(check: bool, port: int) -> None:
    """Show it all on this machine: no account, no network, nothing left behind."""
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tagserver-demo-") as folder:
        raise SystemExit(run(lambda: _demo(Path(folder), check, port)))


async def _demo(folder: Path, check: bool, port: int) -> int:
    sockets = {name: listen("127.0.0.1", port if name == "shop" else 0) for name in ("shop", "collect", "meta")}
    addresses = {name: address_of(bound) for name, bound in sockets.items()}
    with as_file(files("tagserver.demo").joinpath("container")) as container:
        shutil.copytree(container, folder / "config")
    environ = {"DEMO_SHOP": addresses["shop"], "DEMO_META": addresses["meta"], "DEMO_TOKEN": "demo-token"}
    configuration = ConfigurationFolder(folder / "config", Registry.load(), environ)
    async with (
        running(configuration, folder / "data", drain=2.0) as runtime,
        httpx.AsyncClient(trust_env=False) as http,
    ):

        async def decisions(event: Mapping[str, Any]) -> dict[str, Any]:
            return try_event(runtime.container, runtime.server, {"event": dict(event)}, wall_clock())

        async def stats() -> dict[str, Any]:
            answer = await http.get(f"{addresses['meta']}/stats.json")
            shown: dict[str, Any] = answer.json()
            return shown

        servers = {
            "meta": serving(create_sandbox()),
            "collect": serving(create_app(runtime, "demo")),
            "shop": serving(create_shop(addresses["collect"], addresses["meta"], PIXEL, decisions, stats)),
        }
        return await _run(servers, sockets, addresses, runtime, http, check)


async def _run(
    servers: Mapping[str, Serving],
    sockets: Mapping[str, socket.socket],
    addresses: Mapping[str, str],
    runtime: Runtime,
    http: httpx.AsyncClient,
    check: bool,
) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    code = 0
    async with asyncio.TaskGroup() as group:
        for name, server in servers.items():
            group.create_task(server.serve(sockets=[sockets[name]]))
        if check:
            code = 0 if await _purchase_counts_once(addresses, http) else 1
        else:
            click.echo(f"Open {addresses['shop']}   (stand-in for Meta: {addresses['meta']})")
            click.echo("Ctrl-C ends it and removes everything.")
            await stopping.wait()
        runtime.draining = True
        for server in servers.values():
            server.should_exit = True
    return code


async def _purchase_counts_once(addresses: Mapping[str, str], http: httpx.AsyncClient) -> bool:
    """Buy once as a page does: the event to our server twice (a page that repeats), the pixel's copy to the vendor."""
    event_id = f"purchase_DEMO-{time.time_ns()}"
    event = {
        "event": "purchase",
        "event_id": event_id,
        "page": {"location": f"{addresses['shop']}/thanks"},
        "consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"},
        "user_data": {"email": "erika@example.com"},
        "ecommerce": {
            "transaction_id": event_id,
            "value": 59.9,
            "currency": "EUR",
            "items": [{"item_id": "SKU-1", "price": 59.9, "quantity": 1}],
        },
    }
    headers = {"origin": addresses["shop"], "user-agent": "tagserver demo"}
    for wanted in ("accepted", "duplicate"):
        answer = await http.post(f"{addresses['collect']}/collect", json=event, headers=headers)
        status = answer.json()["events"][0]["status"] if answer.status_code == 202 else answer.text
        click.echo(f"POST /collect: {answer.status_code} {status}")
        if status != wanted:
            return False
    pixel = {"id": PIXEL, "ev": "Purchase", "eid": event_id, "cd[value]": "59.9", "cd[currency]": "EUR"}
    await http.get(f"{addresses['meta']}/tr", params=pixel)
    until = asyncio.get_running_loop().time() + PATIENCE
    seen: list[dict[str, Any]] = []
    while asyncio.get_running_loop().time() < until:
        stats = (await http.get(f"{addresses['meta']}/stats.json")).json()
        seen = [one for one in stats["events"] if one["event_id"] == event_id]
        if seen and {"server", "browser"} <= seen[0]["counts"].keys():
            counts = seen[0]["counts"]
            counted = len(seen) == 1 and counts == {"server": 1, "browser": 1}
            click.echo(
                f"The vendor has it {counts['server']} × from the server and {counts['browser']} × from the pixel,"
            )
            click.echo("under one event_id: counted once." if counted else "which is not one pair.")
            return counted
        await asyncio.sleep(0.05)
    click.echo(f"The purchase did not arrive within {PATIENCE:.0f} s: {seen}")
    return False
