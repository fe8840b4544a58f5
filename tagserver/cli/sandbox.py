"""`tagserver sandbox`: a stand-in for Meta on this machine."""

from __future__ import annotations

import asyncio
import signal

import click

from tagserver.cli.process import run
from tagserver.cli.terminal import give_up, say
from tagserver.sandbox import create_sandbox
from tagserver.server.listening import address_of, listen
from tagserver.server.serving import serving
from tagserver.system.files import os_reason


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9090, show_default=True, type=click.IntRange(0, 65535))
def sandbox(host: str, port: int) -> None:
    """Run a stand-in for Meta's Graph API: checks events as documented, counts pairs, fails on demand."""
    raise SystemExit(run(lambda: _sandbox(host, port)))


async def _sandbox(host: str, port: int) -> int:
    try:
        bound = listen(host, port)
    except OSError as error:
        give_up(f"cannot listen on {host}:{port}: {os_reason(error)}")
    server = serving(create_sandbox())
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    say(f"Stand-in for Meta: {address_of(bound)}   (api_url for a destination; counts at /stats.json)")
    await server.serve(sockets=[bound])
    return 0
