"""`tagserver demo`: the server, stand-ins for the vendors and a small shop, on this machine alone."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import httpx

from tagserver.cli.options import installed
from tagserver.cli.process import run
from tagserver.cli.terminal import say
from tagserver.config.configuration import ConfigurationFolder
from tagserver.demo.shop import AD_PURPOSES, EVERYONE, PURPOSES, arrivals, create_shop
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tagserver.sandbox import create_sandbox
from tagserver.server.admin.wanted import NEXT
from tagserver.server.app import create_app
from tagserver.server.listening import address_of, listen
from tagserver.server.serving import Serving, serving

PIXEL = "1234567890"
PATIENCE = 20.0
"""Seconds that `--check` waits for its purchase."""


@click.command()
@click.option("--check", is_flag=True, help="Send one purchase through everything; exit 0 when it was counted once.")
@click.option("--all", "everyone", is_flag=True, help="With all other destinations too, each before its own stand-in.")
@click.option("--port", default=0, help="The shop's port; any free one when not given.", type=click.IntRange(0, 65535))
def demo(check: bool, everyone: bool, port: int) -> None:
    """Show it all on this machine: no account, no network, nothing left behind."""
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tagserver-demo-") as folder:
        raise SystemExit(run(lambda: _demo(Path(folder), check, everyone, port)))


async def _demo(folder: Path, check: bool, everyone: bool, port: int) -> int:
    sockets = {name: listen("127.0.0.1", port if name == "shop" else 0) for name in ("shop", "collect", "meta")}
    addresses = {name: address_of(bound) for name, bound in sockets.items()}
    archive = folder / "archive"
    environ = {
        "DEMO_SHOP": addresses["shop"],
        "DEMO_META": addresses["meta"],
        "DEMO_VENDORS": f"{addresses['meta']}/vendors",
        "DEMO_ARCHIVE": str(archive),
        "DEMO_TOKEN": "demo-token",
        "DEMO_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    configuration = ConfigurationFolder(_container(folder, everyone), installed(), environ)
    async with (
        running(configuration, folder / "data", drain=2.0) as runtime,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        app = create_app(runtime, "demo")

        def page_of(path: str) -> str:
            return f"{addresses['collect']}{app.state.login_path()}&{urlencode({NEXT: path})}"

        async def stats() -> dict[str, Any]:
            shown: dict[str, Any] = (await http.get(f"{addresses['meta']}/stats.json")).json()
            if everyone:
                shown["arrived"] = await arrivals(http, addresses["meta"], archive)
            return shown

        purposes = PURPOSES if everyone else AD_PURPOSES
        servers = {
            "meta": serving(create_sandbox()),
            "collect": serving(app),
            "shop": serving(create_shop(addresses["collect"], addresses["meta"], PIXEL, page_of, stats, purposes)),
        }
        checked = partial(_check, addresses, http, stats, everyone) if check else None
        return await _run(servers, sockets, addresses, runtime, checked)


def _container(folder: Path, everyone: bool) -> Path:
    """The demo's configuration, copied to a folder of its own."""
    config = folder / "config"
    for name in ("container", "everyone") if everyone else ("container",):
        with as_file(files("tagserver.demo").joinpath(name)) as source:
            shutil.copytree(source, config, dirs_exist_ok=True)
    return config


async def _run(
    servers: Mapping[str, Serving],
    sockets: Mapping[str, socket.socket],
    addresses: Mapping[str, str],
    runtime: Runtime,
    check: Callable[[], Awaitable[bool]] | None,
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
            code = 0 if await check() else 1
        else:
            say(f"Open {addresses['shop']}   (stand-in for the vendors: {addresses['meta']})")
            say(f"A page that has nothing but a pixel: {addresses['shop']}/pixel-only")
            say(f"What happens to each event: {addresses['shop']}/see")
            say("Ctrl-C ends it and removes everything.")
            await stopping.wait()
        runtime.draining = True
        for server in servers.values():
            server.should_exit = True
    return code


Stats = Callable[[], Awaitable[dict[str, Any]]]


async def _check(addresses: Mapping[str, str], http: httpx.AsyncClient, stats: Stats, everyone: bool) -> bool:
    """Buy as a page does, and once more as one that has only a pixel; its call without consent stays here."""
    order = f"DEMO-{time.time_ns()}"
    pushed, called = _pushed(addresses, f"purchase_{order}"), _called(f"purchase_{order}-pixel")
    say("The pixel's call without a signal of consent, which must stay here:")
    if not await _post(addresses, http, called, [("accepted", "no_signal")]):
        return False
    for event in (pushed, {**called, "event_id": f"purchase_{order}-again", "consent": pushed["consent"]}):
        say(f"A purchase that {'was pushed to the data layer' if event is pushed else 'the pixel was called for'}:")
        if not await _bought(addresses, http, stats, everyone, event):
            return False
    shown = await stats()
    return all("server" not in one["counts"] for one in shown["events"] if one["event_id"] == called["event_id"])


async def _bought(
    addresses: Mapping[str, str], http: httpx.AsyncClient, stats: Stats, everyone: bool, event: dict[str, Any]
) -> bool:
    """One purchase: the event to our server twice (a page that repeats), the pixel's copy to Meta."""
    event_id = event["event_id"]
    others = set(EVERYONE) - ({"ga4"} if "fbq" in event else set())  # a page without Google's tag has no client_id
    if not await _post(addresses, http, event, [("accepted", ""), ("duplicate", "")]):
        return False
    pixel = {"id": PIXEL, "ev": "Purchase", "eid": event_id, "cd[value]": "59.9", "cd[currency]": "EUR"}
    await http.get(f"{addresses['meta']}/tr", params=pixel)
    until = asyncio.get_running_loop().time() + PATIENCE
    seen: list[dict[str, Any]] = []
    arrived: dict[str, int] | None = None
    while asyncio.get_running_loop().time() < until:
        shown = await stats()
        seen = [one for one in shown["events"] if one["event_id"] == event_id]
        arrived = shown["arrived"].get(event_id, {}) if everyone else None
        pair = bool(seen) and {"server", "browser"} <= seen[0]["counts"].keys()
        if pair and (arrived is None or arrived.keys() == others):
            return _counted_once(seen, arrived)
        await asyncio.sleep(0.05)
    say(f"The purchase did not arrive everywhere within {PATIENCE:.0f} s: {seen} {arrived or ''}")
    return False


def _pushed(addresses: Mapping[str, str], event_id: str) -> dict[str, Any]:
    """A purchase as a page pushes it."""
    return {
        "event": "purchase",
        "event_id": event_id,
        "client_id": "123456789.1700000000",
        "page": {"location": f"{addresses['shop']}/thanks"},
        "consent": dict.fromkeys(PURPOSES, "granted"),
        "user_data": {"email": "erika@example.com"},
        "ecommerce": {
            "transaction_id": event_id,
            "value": 59.9,
            "currency": "EUR",
            "items": [{"item_id": "SKU-1", "price": 59.9, "quantity": 1}],
        },
    }


def _called(event_id: str) -> dict[str, Any]:
    """A purchase as t.js makes it of a pixel's call."""
    params = {"value": 59.9, "currency": "EUR", "order_id": event_id, "content_ids": ["SKU-1"]}
    call = {"call": "track", "name": "Purchase", "pixels": [PIXEL], "params": params}
    person = {"em": "erika@example.com"}
    return {"event": "Purchase", "event_id": event_id, "fbq": {**call, "user_data": person}}


async def _post(
    addresses: Mapping[str, str], http: httpx.AsyncClient, event: dict[str, Any], wanted: list[tuple[str, str]]
) -> bool:
    """Post it as often as there is an answer `wanted`: its status, and the code of a problem."""
    headers = {"origin": addresses["shop"], "user-agent": "tagserver demo"}
    for status, code in wanted:
        answer = await http.post(f"{addresses['collect']}/collect", json=event, headers=headers)
        found: dict[str, Any] = {"status": answer.text, "problems": []}
        if answer.status_code == 202:
            found = answer.json()["events"][0]
        codes = [one["code"] for one in found["problems"]]
        say(" ".join(["POST /collect:", str(answer.status_code), found["status"], *codes]))
        if found["status"] != status or (code and code not in codes):
            return False
    return True


def _counted_once(seen: list[dict[str, Any]], arrived: dict[str, int] | None) -> bool:
    """Say what came, and whether it was counted once everywhere."""
    counts = seen[0]["counts"]
    once = len(seen) == 1 and counts == {"server": 1, "browser": 1}
    say(f"Meta has it {counts['server']} × from the server and {counts['browser']} × from the pixel,")
    say("under one event_id: counted once." if once else "which is not one pair.")
    if arrived is None:
        return once
    say("The others: " + ", ".join(f"{name} {count} ×" for name, count in sorted(arrived.items())))
    return once and set(arrived.values()) == {1}
