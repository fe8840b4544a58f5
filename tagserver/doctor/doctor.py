"""Is this machine fit to run the server? Each check is one function that gives findings in plain sentences."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from tagserver import __version__
from tagserver.audit.chain import Check
from tagserver.audit.files import FOLDER, WHAT_TO_DO, files_of, rows_of, shortage, size_of
from tagserver.audit.forecast import room_for
from tagserver.config.compile import Loaded
from tagserver.config.model import ConfiguredDestination
from tagserver.delivery.outcomes import is_plugins
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.registry import unloaded_in
from tagserver.plugin.settings import ending
from tagserver.queue.dead_letters import RESTORED
from tagserver.system.files import os_fault, os_reason
from tagserver.system.machine import affordable, this_user
from tagserver.system.text import size

SLOW_SYNC = 0.02
"""Seconds for one fsync beyond which every answer is noticeably late."""
TOKEN_LENGTH = 20
ENOUGH = 20
"""Requests from which on something can be said about all of them."""


def check_versions() -> Iterator[Finding]:
    """Python and SQLite."""
    found = f"tagserver {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    if sys.version_info < (3, 11) or sqlite3.sqlite_version_info < (3, 35):
        yield Finding("error", "versions", found, "Python 3.11 and SQLite 3.35 are the oldest that work")
    else:
        yield Finding("ok", "versions", found)


def check_configuration(loaded: Loaded) -> Iterator[Finding]:
    """Whether the files are sound; the details are `tagserver check`'s."""
    serious = [problem for problem in loaded.problems if problem.severity != "warning"]
    if serious:
        yield Finding("error", "configuration", _some(len(serious), "problem"), "see them with tagserver check")
    else:
        yield Finding("ok", "configuration", f"sound, {_some(len(loaded.problems), 'warning')}")


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def check_folder(data: Path, min_free: int) -> Iterator[Finding]:
    """Whether the data folder can be written, how fast its disk commits, how much room there is."""
    place = data if data.exists() else data.absolute().parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            times = []
            for _ in range(20):
                file.write(b"x" * 4096)
                file.flush()
                began = time.perf_counter()
                os.fsync(file.fileno())
                times.append(time.perf_counter() - began)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        todo = "make room: nothing is taken in, what is queued is delivered" if full else "give it to the server's user"
        yield Finding("error", "disk", f"{place} cannot be written: {os_reason(error)}", todo)
        return
    middle, worst = sorted(times)[len(times) // 2], max(times)
    message = f"fsync takes {middle * 1000:.1f} ms, at worst {worst * 1000:.1f} ms"
    if middle > SLOW_SYNC:
        yield Finding("warning", "disk", message, "a local SSD answers in about one; every 202 waits for this")
    else:
        yield Finding("ok", "disk", message)
    free = shutil.disk_usage(place).free
    if free < 2 * min_free:
        hint = "below queue.min_free nothing is taken in" if free >= min_free else "make room: nothing is taken in"
        level: Level = "warning" if free >= min_free else "error"
        yield Finding(level, "room", f"{size(free)} free, {size(min_free)} are kept free", hint)
    else:
        yield Finding("ok", "room", f"{size(free)} free")


def check_secrecy(data: Path, token: str | None) -> Iterator[Finding]:
    """Whether others on this machine can read the data folder, and whether the admin token can be guessed. `token`:
    what the variable holds; without it the server makes a good one."""
    if data.exists() and data.stat().st_mode & 0o077:
        yield Finding("warning", "folder", f"{data} can be read by others on this machine", f"chmod 700 {data}")
    if token is not None and len(token) < TOKEN_LENGTH:
        hint = "take 32 random characters: openssl rand -base64 24"
        yield Finding("warning", "token", f"the admin token has {len(token)} characters and could be guessed", hint)


def check_clock(kept: bool | None) -> Iterator[Finding]:
    """Whether a time service keeps the clock, as the system says; None: it does not say."""
    if kept is False:
        hint = "run a time service (NTP): vendors refuse events of the future, and old ones"
        yield Finding("warning", "clock", "no time service keeps this machine's clock", hint)
    elif kept:
        yield Finding("ok", "clock", "kept by a time service")


def check_files(connections: int, most: int) -> Iterator[Finding]:
    """Whether a process may open a file for each connection (`most`: what the system allows)."""
    possible = affordable(connections, most)
    if possible < connections:
        message = f"{most} open files are allowed: at most {possible} of {connections} connections"
        yield Finding("warning", "files", message, "raise LimitNOFILE (ulimit -n), or lower collect.max_connections")
    else:
        yield Finding("ok", "files", f"{most} may be open")


def check_server(readiness: Mapping[str, Any]) -> Iterator[Finding]:
    """What a server says that runs on the data folder: the object of `/readyz`."""
    said = f"runs, container {readiness.get('container')}: {readiness.get('status')}"
    why = str(readiness.get("detail") or readiness.get("notice") or "")
    if problems := readiness.get("problems"):
        more = f"{_some(len(problems), 'problem')} in the configuration; see them with tagserver check"
        why = f"{why}; {more}" if why else more
    level: Level = "error" if not readiness.get("ready") else "ok" if readiness.get("status") == "ok" else "warning"
    yield Finding(level, "server", said, why)


def check_running_destinations(status: Mapping[str, Any]) -> Iterator[Finding]:
    """What a server that runs says of each destination and of what fails: the object of `/-/status.json`. What waits
    for a vendor mends itself; what is paused or fails waits for somebody."""
    problems = status.get("container", {}).get("problems", ())
    unloaded = unloaded_in((str(one.get("code")), str(one.get("path"))) for one in problems)
    for name, one in status.get("destinations", {}).items():
        state, reason = str(one.get("state")), str(one.get("reason") or "")
        said = f"{state}: {reason}" if reason else state
        if waiting := one.get("pending"):
            said += f" ({waiting} {'delivery waits' if waiting == 1 else 'deliveries wait'})"
        if one.get("pause") is not None:
            yield Finding("warning", name, said.removeprefix("paused: "), remedy(name, one, unloaded))
        elif state != "ok":
            level: Level = "error" if state in ("paused", "failing") else "warning"
            yield Finding(level, name, said, remedy(name, one, unloaded))
        if held := one.get("dead_by_reason", {}).get(RESTORED):
            message = (
                f"{'1 delivery' if held == 1 else f'{held} deliveries'} of a restored backup: held until you decide"
            )
            hint = f"tagserver restore --resend {name}, or --drop {name}; after queue.keep_dead they are gone"
            yield Finding("warning", name, message, hint)
    for one in status.get("failing", ()):
        for what in ("variable", "client"):
            if what in one:
                yield Finding("error", f"{what} {one[what]}", f"failing: {one['reason']}", _WHAT_TO_DO["failing"])


def remedy(name: str, one: Mapping[str, Any], unloaded: Collection[str] = ()) -> str:
    """What to do about the state of a destination, by its entry in `/-/status.json`; empty where it is `ok`.
    `unloaded`: those whose plugin could not be loaded."""
    state = str(one.get("state"))
    if one.get("pause") is not None:
        return f"everything is kept; tagserver resume {name} lets it go on"
    if state == "paused":
        state = "unloaded" if name in unloaded else "stands" if is_plugins(str(one.get("reason") or "")) else state
    return _WHAT_TO_DO.get(state, "")


_WHAT_TO_DO = {
    "unloaded": "what waits is kept, new events are not kept for it; when its plugin is mended, restart the server",
    "stands": "everything is kept; its plugin has to be mended by its author, and the server restarted",
    "paused": "everything is kept; when the cause is mended, tagserver reload --server asks at once",
    "failing": "its plugin has to be mended by its author; the rest goes on",
    "retrying": "nothing to do yet: everything is kept and tried again by itself",
    "open": "everything is kept; one small request at a time asks whether the vendor is back, and then all is sent",
    "disabled": "it is not configured: what waits for it becomes dead letters after a day (no_destination)",
}


def check_forwarded(trusted: int, seen: Mapping[int, int]) -> Iterator[Finding]:
    """Whether as many proxies stand in front as the configuration says. `seen`: how many of a running server's requests
    of browsers had so many entries in X-Forwarded-For. What most have counts: a few may be forged."""
    total = sum(seen.values())
    if total < ENOUGH:
        return
    usual = max(seen, key=lambda entries: seen[entries])
    if seen[usual] * 2 <= total or usual == trusted:
        return
    message = f"trusted_proxies is {trusted}, but X-Forwarded-For of {seen[usual]} of {total} requests counts {usual}"
    if usual < trusted:
        hint = "the missing ones are not written: every visitor has the address of the nearest proxy"
    else:
        hint = f"if all of them are proxies of yours, set collect.trusted_proxies: {usual}"
    yield Finding("warning", "proxies", message, hint)


def check_port(host: str, port: int, ours: str = "") -> Iterator[Finding]:
    """Whether the address is free, or who answers there. `ours`: the address of the server that runs already."""
    if ours.rpartition(":")[2] == str(port):
        yield Finding("ok", "port", f"{ours}: the server that runs")
        return
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            yield Finding(
                "warning", "port", f"{host}:{port}: {os_reason(error)}", "fine when it is this server already"
            )
            return
    yield Finding("ok", "port", f"{host}:{port} is free")


def check_proxies(trusted: int, geo_headers: Sequence[str]) -> Iterator[Finding]:
    """What the configuration says about proxies; whether it is true only operations know."""
    if trusted:
        yield Finding("ok", "proxies", f"{trusted} in front: the visitor's address is read from X-Forwarded-For")
    else:
        hint = "behind a proxy or CDN set collect.trusted_proxies, or every visitor has the proxy's address"
        yield Finding("ok", "proxies", "none in front", hint)
    if geo_headers and not trusted:
        yield Finding("warning", "proxies", "geo_headers are set and no proxy is trusted: they are not read")


def check_destination(name: str, destination: ConfiguredDestination, today: date) -> Iterator[Finding]:
    """Its set-up, and the age of its API version."""
    if destination.paused:
        yield Finding("error", name, f"paused: {destination.paused}")
    if destination.settings is None:
        return
    try:
        with PluginCode(destination.plugin, "version_ends"):
            ends = destination.plugin.version_ends(destination.settings)
            said = ending(ends, today)
    except PluginFailed as failed:  # a bad plugin is isolated
        yield Finding("error", name, f"its plugin: {failed}")
        ends = said = None
    if ends is not None and said is not None:
        yield Finding("error" if ends <= today else "warning", name, said, "set a newer one")


# ── what an examination says

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one matter, and what to do."""

    level: Level
    matter: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"level": self.level, "matter": self.matter, "message": self.message, "hint": self.hint}


# ── the audit


def check_audit(data: Path, max_size: int | None, keep: float) -> Iterator[Finding]:
    """How large the audit is, how long its room lasts (`max_size` in bytes or by the disk, `keep` in seconds), and
    whether its newest file holds together; of all files `tagserver audit --verify` knows."""
    try:
        yield from _checked(data, max_size, keep)
    except OSError as error:
        yield Finding("error", "audit", f"{os_fault(error)} (as {this_user()})", "run this as the user of the server")


def _checked(data: Path, max_size: int | None, keep: float) -> Iterator[Finding]:
    folder = data / FOLDER
    files = files_of(folder)
    if not files:
        return
    room = room_for(max_size, data)
    check = Check()
    broken = next(check.follow(rows_of(files[-1])), None)
    if broken is not None:
        yield Finding("error", "audit", str(broken), "see tagserver audit --verify: rows were altered or are missing")
    elif check.end is not None:
        message = (
            f"{check.end.number} rows so far, {size(size_of(folder))} of {size(room)}, and the newest file is whole"
        )
        yield Finding("ok", "audit", message)
    if (short := shortage(data, max_size, keep)) is not None:
        yield Finding("warning", "audit", short, WHAT_TO_DO)
