"""Faults of the disk: full, unwritable, locked, failing, slow, cut off. What is damaged: see `damage`."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sqlite3
import statistics
import time
from pathlib import Path

from tests.faults.matrix import disks
from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import ORIGIN, event
from tests.faults.matrix.judge import usage
from tests.faults.matrix.rows import damage, kills
from tests.faults.matrix.shim import Shim
from tests.faults.matrix.web import Answer, call
from tests.faults.matrix.world import Server, World

chapter = Chapter("Disk")
DISK = 80
RESERVE = 40
"""MiB of the small disk, and of it what the server is told to keep free."""


@chapter.row("D1", "the disk runs full while the vendor is down", quick=True)
def full(world: World) -> None:
    """It refuses before the disk is full, keeps what it has accepted, and drains and takes in again by itself."""
    vendor = world.vendor()
    server, disk = _on_a_small_disk(world)
    vendor.order(do="status", status=503)
    producer = world.produce("load", 100_000, seconds=60, items=350)
    least = shutil.disk_usage(disk).free
    while producer.process.poll() is None and b"kept free" not in (answer := _post(server, "asked")).body:
        least = min(least, shutil.disk_usage(disk).free)
    world.fault("refusals", answer.status == 503)
    world.expect("retry-after" in answer.headers, "a 503 has no Retry-After")
    producer.signal(signal.SIGTERM)
    producer.ends(10)
    world.histories.append(_noted(world, "asked", answer.status))
    world.numbers["least free mib"] = least >> 20
    world.expect(least > RESERVE << 17, f"the disk had {least >> 10} KiB left")
    world.expect(server.get("/readyz").status == 503, "it is ready while it refuses")
    vendor.order(do="ok")
    world.settled(seconds=60)
    world.until(lambda: _post(server, "fresh-again").status == 202, 10, "it does not take in again")
    world.histories.append(_noted(world, "fresh-again", 202))
    world.judge(extra=0)


@chapter.row("D2", "another program fills the disk at once")
def filled(world: World) -> None:
    """It refuses, and still records what the vendor takes: the queue is emptied on a full disk."""
    vendor = world.vendor()
    server, disk = _on_a_small_disk(world)
    vendor.order(do="hang", seconds=1)
    world.produce("load", 500).ends(30)
    _fill(disk)
    world.fault("full disks", shutil.disk_usage(disk).free == 0)
    answer = _post(server, "refused")
    world.expect(answer.status == 503 and "retry-after" in answer.headers, f"a full disk is answered {answer.status}")
    vendor.order(do="ok")
    world.settled(seconds=40)
    world.numbers["free kib while full"] = shutil.disk_usage(disk).free >> 10
    (disk / "theirs").unlink()
    world.until(lambda: server.get("/readyz").status == 200, 10, "it does not take in again")
    world.histories.append(_noted(world, "refused", answer.status))
    world.judge(extra=0)


@chapter.row("D3", "the space returns")
def emptied(world: World) -> None:
    """Taking in begins again within ten seconds, without a restart."""
    world.vendor()
    server, disk = _on_a_small_disk(world)
    producer = world.produce("load", 2_000, seconds=40, rate=500)
    world.until(lambda: server.status()["delivered"] > 100)
    _fill(disk)
    world.until(lambda: server.get("/readyz").status == 503, 10, "it is ready on a full disk")
    time.sleep(0.5)
    (disk / "theirs").unlink()
    began = time.monotonic()
    world.until(lambda: server.get("/readyz").status == 200, 10, "it does not take in again")
    world.numbers["back after s"] = round(time.monotonic() - began, 1)
    producer.ends(60)
    refused = [line for line in world.history("load") if line[2] == 503]
    world.fault("refusals", len(refused))
    world.judge(extra=0)


def _on_a_small_disk(world: World) -> tuple[Server, Path]:
    disk = disks.small(world, DISK)
    world.configure(server={"queue": {"min_free": f"{RESERVE}MiB"}})
    return world.serve("--data", str(disk / "data")).up(), disk


def _fill(disk: Path) -> None:
    """Until not one byte more can be written."""
    with (disk / "theirs").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


def _post(server: Server, event_id: str) -> Answer:
    return call("POST", f"{server.address}/collect", event(event_id), {"origin": ORIGIN})


def _noted(world: World, event_id: str, status: int) -> Path:
    """A history for one event that was posted from here."""
    path = world.folder / f"history-{event_id}.jsonl"
    outcome = "ok" if status == 202 else "refused"
    path.write_text(f'["{event_id}", "{outcome}", {status}, 0, 0, ""]\n')
    return path


@chapter.row("D4", "a folder that cannot be written, at the start", quick=True, untimed=True)
def unwritable(world: World) -> None:
    """It ends with a sentence that names the folder and the user."""
    world.vendor()
    world.configure()
    for name, place in (("data", "data"), ("parent", "parent/data")):
        folder = world.folder / name
        folder.mkdir(mode=0o500)
        ended = world.serve("--data", place, prepare=_without_rights_of_root)
        code = ended.ends(20)
        said = ended.text()
        world.fault("refused folders", code == 1)
        world.expect(code == 1, f"with an unwritable {name} it ended with {code}")
        world.expect("Traceback" not in said, f"with an unwritable {name} it printed a traceback")
        world.expect(place in said, f"the folder is not named: {said[-300:]}")
        world.expect(_user() in said, f"the user is not named: {said[-300:]}")
        folder.rmdir()
    world.serve().up()
    world.produce("load", 50).ends(30)
    world.judge()


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _without_rights_of_root() -> None:
    """Root may write everywhere, unless it gives up the two capabilities that say so."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@chapter.row("D5", "another program locks the queue")
def locked(world: World) -> None:
    """For a short time it only waits; for a long one it refuses, and recovers. Nothing is accepted meanwhile."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", 100_000, seconds=200, rate=200)
    world.until(lambda: server.status()["delivered"] > 50)
    for seconds in (3, 60) if world.long else (1.5, 7):
        theirs = sqlite3.connect(world.folder / "data" / "outbox.db", isolation_level=None, timeout=10)
        theirs.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
        theirs.execute("ROLLBACK")
        theirs.close()
        world.fault("locks")
        world.until(lambda: server.get("/readyz").status == 200, 10, "it is not ready after the lock")
        time.sleep(0.5)
        during = [line for line in world.history("load") if began + 0.3 < line[3] < ended - 0.1]
        accepted = sum(line[1] == "ok" for line in during)
        refused = sum(line[2] == 503 for line in during)
        world.numbers[f"503 in {seconds:g} s"] = refused
        world.expect(not accepted, f"{accepted} events were accepted while the queue was locked for {seconds} s")
        world.expect(bool(refused) == (seconds > 5), f"{refused} were refused in {seconds} s")
    producer.signal(signal.SIGTERM)
    producer.ends(10)
    world.judge(extra=0)


chapter.row("D6", "the queue is damaged: header, leaf page, write-ahead log, cut in half, empty, foreign, log deleted")(
    damage.damaged
)
chapter.row("D7", "a queue of a newer version", quick=True, untimed=True)(damage.newer)


@chapter.row("D8", "a flush to the disk fails", quick=True)
def failing(world: World) -> None:
    """Nothing of that group is accepted, the server ends with a code, and the next one has everything."""
    vendor = world.vendor()
    world.configure()
    vendor.order(do="status", status=503)  # so that the truth is on the disk alone
    shim = Shim(world, "fail", file="-wal", after=world.chance.randrange(20, 120))
    with shim.on():
        server = world.serve().up()
    producer = world.produce("load", 4_000, seconds=60)
    code = server.ends(30)
    world.expect(code not in (0, None), f"after a failed flush it ended with {code}")
    world.fault("failed flushes", len(shim.made()))
    failed = shim.made()[0] if shim.made() else 0.0
    ended = time.monotonic()
    late = [line for line in world.history("load") if line[1] == "ok" and failed + 1 < line[3] < ended]
    world.expect(not late, f"{len(late)} events were accepted after the flush had failed")
    vendor.order(do="ok")
    kills.again(world, server)
    producer.ends(60)
    world.judge(extra=0)


@chapter.row("D9", "a slow disk: every flush takes 200 ms")
def slow(world: World) -> None:
    """Answers take longer, many share one flush, and the loop is not held."""
    world.vendor()
    world.configure()
    shim = Shim(world, "slow", ms=200)
    with shim.on():
        server = world.serve().up()
    producer = world.produce("load", 100_000, connections=64, seconds=8)
    health: list[float] = []
    while producer.process.poll() is None:
        began = time.monotonic()
        call("GET", f"{server.address}/healthz")
        health.append(1000 * (time.monotonic() - began))
        time.sleep(0.02)
    world.fault("slow flushes", len(shim.made()))
    took = sorted(1000 * line[4] for line in world.history("load") if line[1] == "ok")
    world.numbers |= {
        "events/s": round(len(took) / 8),
        "p50 ms": round(statistics.median(took)),
        "p99 ms": round(took[len(took) * 99 // 100]),
        "healthz p90 ms": round(sorted(health)[len(health) * 9 // 10]),
    }
    world.expect(len(took) / 8 > 3 * 5, f"{len(took) / 8:.0f} events a second: they do not share the flushes")
    world.expect(world.numbers["healthz p90 ms"] < 100, f"/healthz took {world.numbers['healthz p90 ms']} ms")
    world.judge(extra=0, live=5.0)


@chapter.row("D10", "a long queue: a vendor that is down for a day")
def long_queue(world: World) -> None:
    """Memory stays flat, a restart is quick, and the queue goes out at once when the vendor is back."""
    vendor = world.vendor()
    tags = [
        {"name": f"Tag {number}", "destination": "meta", "triggers": ["all"], "event_name": f"Name{number}"}
        for number in range(20)
    ]
    world.configure(container={"tags": tags}, server={"collect": {"max_events": 1000}})
    vendor.order(do="status", status=503)
    server = world.serve().up()
    world.send("warm", [event(f"warm-{number}") for number in range(500)])
    idle = usage(server.pid)["rss_mib"]
    rows = 1_000_000 if world.long else 100_000
    began = time.monotonic()
    sent = 0
    while server.status()["pending"] < rows:
        world.send(f"load-{sent}", [event(f"load-{sent}-{number}") for number in range(500)])
        sent += 1
    pending = server.status()["pending"]
    world.fault("pending", pending)
    world.numbers["taken in/s"] = round(pending / (time.monotonic() - began))
    world.numbers["grown mib"] = usage(server.pid)["rss_mib"] - idle
    world.expect(world.numbers["grown mib"] < 60, f"memory has grown by {world.numbers['grown mib']} MiB")
    server.kill()
    server = kills.again(world, server)
    world.expect(server.status()["pending"] == pending, f"{server.status()['pending']} of {pending} are pending")
    vendor.order(do="ok")
    began, before = time.monotonic(), len(vendor.requests())
    world.until(lambda: server.status()["delivered"] >= 20_000, 60, "the queue does not go out")
    moments = [at for at, _ in vendor.requests()[before:]]
    world.numbers["sent/s"] = round(server.status()["delivered"] / (time.monotonic() - began))
    world.numbers["first after s"] = round(moments[0] - began, 2)
    vendor.order(do="status", status=503)
    counts = server.status()
    world.expect(counts["accepted"] == counts["delivered"] + counts["pending"], f"the account is {counts}")
    # Each event arrives once for each of the tags.
    world.judge(extra=vendor.stats()["arrivals"], pending=True, lost=0)
