"""`tagserver serve`: run until told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from tagserver import __version__
from tagserver.cli.options import GivenPath, config_option, data_option, open_folder, print_problems
from tagserver.cli.process import exit_now, exit_soon, other_threads_run, run
from tagserver.cli.terminal import give_up, say
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.references import ADMIN_TOKEN, unfit_token
from tagserver.config.server import LogConfig
from tagserver.logs.logs import LEVELS, Format, Logs
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import NoConfiguration
from tagserver.publishing.store import Store
from tagserver.queue.data_folder import unusable
from tagserver.queue.errors import OutboxStartError
from tagserver.queue.sqlite.snapshot import newer_than_this
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tagserver.runtime.server_files import ADDRESS_FILE, TOKEN_FILE, leave_address, leave_token, write_token
from tagserver.runtime.unwritten import Unwritten
from tagserver.server.app import connection_limits, create_app
from tagserver.server.ending import Ending, Supervisor
from tagserver.server.listening import WrongSocket, address_of, is_loopback, listen, passed
from tagserver.server.serving import serving
from tagserver.server.succession import REHEARSE, Inherited, inherited
from tagserver.system.files import os_fault, os_reason
from tagserver.system.secret import hide
from tagserver.system.time import Time

log = logging.getLogger("tagserver")


@click.command()
@config_option
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--strict", is_flag=True, help="Exit 1 when today's files have errors, even if an earlier version could serve."
)
@click.option(
    "--journal",
    type=GivenPath(dir_okay=False),
    help="Write withdrawals and erasures to this file, too: on another disk, for a restore.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="In place of log.format in server.yaml.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.option(REHEARSE, "rehearse", is_flag=True, help="Only say whether a start would succeed.")
def serve(
    config: Path,
    env_file: Path | None,
    data: Path,
    host: str,
    port: int,
    strict: bool,
    journal: Path | None,
    log_format: Format | None,
    log_level: str,
    rehearse: bool,
) -> None:
    """Run the server. SIGHUP renews server.yaml and secrets; SIGUSR2 hands over to the program that is installed now;
    SIGTERM drains and stops."""
    logs = Logs(log_format, log_level)
    try:
        bound = passed(os.environ)
    except WrongSocket as wrong:
        give_up(str(wrong))
    left = inherited(os.environ)
    folder = open_folder(config, env_file, data)
    token = folder.environment().get(ADMIN_TOKEN) or None
    if token is not None and (why := unfit_token(token)) is not None:
        give_up(f"{ADMIN_TOKEN} {why}: take another one, such as openssl rand -base64 24 makes")
    if token is None and not is_loopback(bound.getsockname()[0] if bound else host):
        where = f"the socket {address_of(bound)}, which was passed to tagserver," if bound else f"--host {host}"
        give_up(f"{where} can be reached from outside: set {ADMIN_TOKEN} first")
    if journal is not None and journal.absolute().parent.resolve().is_relative_to(data.resolve()):
        give_up(f"--journal {journal} lies in the data folder, and would be lost with it: take another disk")
    try:
        if rehearse:
            _say_whether_it_would_start(folder, data, strict=strict)
            return
        code = run(lambda: _serve(folder, data, Endpoint(host, port, bound, left), strict, token, logs, journal))
    except NoConfiguration as nothing:
        print_problems(nothing.problems, config)
        give_up(str(nothing) if not strict else "the configuration has errors (--strict)")
    except OutboxStartError as error:
        give_up(str(error))
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        give_up(unusable(data, error))
    except OSError as error:
        give_up(f"the server cannot go on: {os_fault(error)}")
    if code:
        # The storage has failed: not even SQLite's own closing may touch it any more.
        exit_now(code)
    if other_threads_run():
        exit_soon(code)


def _say_whether_it_would_start(folder: ConfigurationFolder, data: Path, *, strict: bool) -> None:
    """All that a start does before it needs the data folder for itself. Writes nothing. Raises what a start raises, and
    ends the command with a sentence where this version cannot open the queue."""
    configuration = Publishing(folder, Store(data), Time()).start(strict=strict)
    if (why := newer_than_this(data / configuration.server.queue.file)) is not None:
        give_up(why)
    say(f"a start would succeed: version {configuration.serving.number} would serve")
    if number := len(configuration.refused or configuration.wrong):
        some = "1 problem" if number == 1 else f"{number} problems"
        say(f"today's files have {some} and would not be taken: tagserver check shows them")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where clients come in: at a socket that was passed to this process, else at one of its own."""

    host: str
    port: int
    passed: socket.socket | None
    left: Inherited

    def open(self) -> socket.socket:
        """The listening socket."""
        try:
            return self.passed or listen(self.host, self.port)
        except OSError as error:
            give_up(f"cannot listen on {self.host}:{self.port}: {os_reason(error)}")

    @property
    def kept(self) -> bool:
        """Whether another process holds the socket, too."""
        return self.passed is not None and self.left.kept


async def _serve(
    folder: ConfigurationFolder,
    data: Path,
    endpoint: Endpoint,
    strict: bool,
    token: str | None,
    logs: Logs,
    journal: Path | None,
) -> int:
    fatal = asyncio.Event()

    def on_fatal(error: BaseException) -> None:
        log.critical("the outbox cannot go on: %s", error)
        fatal.set()

    def take_log(config: LogConfig) -> None:
        logs.take(config.format, events=config.events)

    async with running(folder, data, strict=strict, on_fatal=on_fatal, log=take_log, journal=journal) as runtime:
        bound = endpoint.open()
        made = token or _made_token(data, runtime.unwritten)
        hide(made)
        if token is not None:
            _remove(data / TOKEN_FILE)  # of an earlier start: it would mislead commands
        app = create_app(runtime, made)
        server = serving(app, connection_limits(runtime))
        supervisor = Supervisor(os.environ.get("NOTIFY_SOCKET"))
        ending = Ending(runtime, server, bound, supervisor, kept=endpoint.kept)
        address = address_of(bound)

        def ready() -> None:
            supervisor.ready(f"listens on {address}, version {runtime.publisher.now.serving.number} serves")

        server.inherited, server.on_started = endpoint.left.connections, ready
        reloads: set[asyncio.Task[None]] = set()

        async def renewed() -> None:
            supervisor.reloading("renews server.yaml and secrets")
            await runtime.renew()
            ready()

        def renew() -> None:
            task = asyncio.create_task(renewed())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, ending.stop)
        loop.add_signal_handler(signal.SIGINT, ending.stop)
        loop.add_signal_handler(signal.SIGHUP, renew)
        loop.add_signal_handler(signal.SIGUSR2, ending.hand_over)
        watch = asyncio.create_task(_fail_when(fatal, ending.fail))
        _say_how_it_starts(runtime, address)
        if token is None and sys.stderr.isatty():
            say(f"Log in: {address}{app.state.login_path()}", err=True)
        gc.collect()
        gc.freeze()
        gc.set_threshold(7_000, 20, 20)
        runtime.unwritten.attempt(
            "address", partial(leave_address, data, address), "commands do not find this server by its data folder"
        )
        try:
            await server.serve(sockets=[bound])
        finally:
            if not ending.hands_over:
                runtime.unwritten.drop("address")
                _remove(data / ADDRESS_FILE)
            watch.cancel()
    if ending.hands_over and not fatal.is_set():
        await ending.become_the_next()
        return 1 if ending.hands_over else 0
    if fatal.is_set():
        return 1
    waiting = sum(counts.pending for counts in runtime.outbox.counts().values())
    log.info(
        "tagserver has ended; in the queue %s", "1 delivery waits" if waiting == 1 else f"{waiting} deliveries wait"
    )
    return 0


def _say_how_it_starts(runtime: Runtime, address: str) -> None:
    now = runtime.publisher.now
    log.info(
        "tagserver %s listens on %s, version %s (container %s) serves",
        *(__version__, address, now.serving.number, now.container.version),
    )
    for problem in now.problems:
        if problem.severity != "pause" or not problem.destination:  # that is a state, and said as such
            level = logging.WARNING if problem.severity == "warning" else logging.ERROR
            log.log(level, "%s:%s: %s", problem.place.file, problem.place.line, problem.message)
    if now.remark is not None:
        log.warning("%s", now.remark)


async def _fail_when(fatal: asyncio.Event, fail: Callable[[], None]) -> None:
    await fatal.wait()
    fail()


def _made_token(data: Path, unwritten: Unwritten) -> str:
    """A token where the environment has none, left in the data folder for commands."""
    made = secrets.token_urlsafe(32)
    try:
        return leave_token(data, made)
    except OSError:
        hide(made)
        unwritten.attempt(
            "admin token",
            partial(write_token, data, made),
            f"nobody can log in; set {ADMIN_TOKEN} in the env file and restart, or make room",
        )
        return made


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("remove %s: it misleads commands (%s)", path, os_reason(error))
