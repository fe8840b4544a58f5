"""`tagserver serve`: run until told to stop."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from tagserver import __version__
from tagserver.cli.interrupt import left_to_the_loop
from tagserver.cli.leave import leave_soon, others_run
from tagserver.cli.options import config_option, data_option, give_up, open_folder, print_problems
from tagserver.cli.output import say
from tagserver.configuration import ConfigurationFolder
from tagserver.container.references import ADMIN_TOKEN
from tagserver.delivery.errors import OutboxStartError
from tagserver.operations.admin_token import TOKEN_FILE, unfit
from tagserver.operations.data_folder import unusable
from tagserver.operations.logs import LEVELS, Format, set_up_logs
from tagserver.operations.server_files import ADDRESS_FILE
from tagserver.publishing.serving import NoConfiguration
from tagserver.running import running
from tagserver.secret import hide
from tagserver.server.app import create_app, create_edge
from tagserver.server.serving import address_of, listen, serving

log = logging.getLogger("tagserver")


@click.command()
@config_option
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--strict", is_flag=True, help="Exit 1 when today's files have errors, even if an earlier version could serve."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
def serve(
    config: Path,
    env_file: Path | None,
    data: Path,
    host: str,
    port: int,
    strict: bool,
    log_format: Format,
    log_level: str,
) -> None:
    """Run the server. SIGHUP renews server.yaml and secrets; SIGTERM drains and stops."""
    set_up_logs(log_format, log_level)
    folder = open_folder(config, env_file, data)
    token = folder.environment().get(ADMIN_TOKEN) or None
    if token is not None and (why := unfit(token)) is not None:
        give_up(f"{ADMIN_TOKEN} {why}: take another one, such as openssl rand -base64 24 makes")
    if token is None and not _loopback(host):
        give_up(f"--host {host} can be reached from outside: set {ADMIN_TOKEN} first")
    try:
        code = run(lambda: _serve(folder, data, host, port, strict, token))
    except NoConfiguration as nothing:
        print_problems(nothing.problems, config)
        give_up(str(nothing) if not strict else "the configuration has errors (--strict)")
    except OutboxStartError as error:
        give_up(str(error))
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        give_up(unusable(data, error))
    if code:
        # The storage has failed: not even SQLite's own closing may touch it any more.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if others_run():
        leave_soon(code)


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run a coroutine function on uvloop where there is one. When it has ended, nothing that a plugin has begun keeps
    the process."""
    leaving: list[threading.Timer] = []

    async def ended() -> int:
        code = await main()
        leaving.append(leave_soon(code))
        return code

    try:
        with left_to_the_loop():
            if sys.platform == "win32":
                return asyncio.run(ended())
            import uvloop  # not installed on Windows

            return int(uvloop.run(ended()))
    finally:
        for timer in leaving:
            timer.cancel()


async def _serve(folder: ConfigurationFolder, data: Path, host: str, port: int, strict: bool, token: str | None) -> int:
    fatal = asyncio.Event()

    def on_fatal(error: BaseException) -> None:
        log.critical("the outbox cannot go on: %s", error)
        fatal.set()

    async with running(folder, data, strict=strict, on_fatal=on_fatal) as runtime:
        try:
            bound = listen(host, port)
        except OSError as error:
            give_up(f"cannot listen on {host}:{port}: {error.strerror}")
        made = token or secrets.token_urlsafe(32)
        hide(made)
        if token is None:
            _write_private(data / TOKEN_FILE, made)
        else:
            (data / TOKEN_FILE).unlink(missing_ok=True)  # of an earlier start: it would mislead commands
        app = create_app(runtime, made)
        server = serving(app, create_edge(runtime))
        loop = asyncio.get_running_loop()

        def close() -> None:
            runtime.closing = True
            server.should_exit = True

        def stop() -> None:
            # Readiness first, so that a load balancer leaves; a second signal skips the waiting.
            if runtime.draining:
                server.force_exit = True
                runtime.hurry.set()
                close()
            else:
                runtime.draining = True
                wait = 0.0 if fatal.is_set() else runtime.server.shutdown.pre_stop
                loop.call_later(wait, close)

        reloads: set[asyncio.Task[object]] = set()

        def renew() -> None:
            task: asyncio.Task[object] = asyncio.create_task(runtime.renew())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGTERM, stop)
        loop.add_signal_handler(signal.SIGINT, stop)
        loop.add_signal_handler(signal.SIGHUP, renew)
        watch = asyncio.create_task(_stop_when(fatal, stop))
        address = address_of(bound)
        now = runtime.publisher.now
        log.info(
            "tagserver %s listens on %s, version %s (container %s) serves",
            *(__version__, address, now.serving.number, now.container.version),
        )
        for problem in runtime.status.readiness()[1]["problems"]:
            level = logging.WARNING if problem["severity"] == "warning" else logging.ERROR  # something stands still
            log.log(level, "%s:%s: %s", problem["file"], problem["line"], problem["message"])
        if runtime.status.degraded:
            log.warning("the files in %s have errors: version %s serves", folder.folder, now.serving.number)
        for sentence in (*now.notices, *filter(None, [now.remark])):
            log.warning("%s", sentence)
        if token is None and sys.stderr.isatty():
            say(f"Log in: {address}{app.state.login_path()}", err=True)
        gc.collect()
        gc.freeze()
        gc.set_threshold(7_000, 20, 20)
        _write_private(data / ADDRESS_FILE, address)
        try:
            await server.serve(sockets=[bound])
        finally:
            (data / ADDRESS_FILE).unlink(missing_ok=True)
            watch.cancel()
    return 1 if fatal.is_set() else 0


async def _stop_when(fatal: asyncio.Event, stop: Callable[[], None]) -> None:
    await fatal.wait()
    stop()


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
