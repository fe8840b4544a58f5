"""Faults of the process: ended, stopped, started twice, without memory or file descriptors. Killed: see `kills`."""

from __future__ import annotations

import resource
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.matrix.child import DidNotStart
from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import event
from tests.faults.matrix.judge import usage
from tests.faults.matrix.rows import backups, kills, restarts
from tests.faults.matrix.web import call
from tests.faults.matrix.world import Server, World

chapter = Chapter("Process")
chapter.row("P1", "kill -9 at random moments under load", quick=True)(kills.killed)
chapter.row("P2", "kill -9 within a second of the start, twenty times")(kills.killed_young)


@chapter.row("P3", "SIGTERM under load", quick=True)
def terminated(world: World) -> None:
    """It says that it goes, ends with 0, repeats nothing, and answers every request that it took."""
    world.vendor()
    world.configure(server={"shutdown": {"pre_stop": "500ms"}})
    server = world.serve().up()
    producer = world.produce("load", 4_000, seconds=30)
    world.until(lambda: server.status()["accepted"] > 500)
    server.signal(signal.SIGTERM)
    began = time.monotonic()
    if producer.process.poll() is None:
        world.fault("SIGTERM")
    seen = []
    while server.process.poll() is None and time.monotonic() < began + 30:
        try:
            seen.append(call("GET", f"{server.address}/readyz", timeout=1).status)
        except OSError:
            time.sleep(0.01)
    # The first question may have been on its way before the signal.
    world.expect(503 in seen and 200 not in seen[1:], f"/readyz says {seen} after SIGTERM")
    world.expect(server.ends(30) == 0, f"it ended with {server.process.poll()}")
    world.numbers["end s"] = round(time.monotonic() - began, 1)
    kills.again(world, server)
    producer.ends(40)
    history = world.history("load")
    world.expect({line[2] for line in history} <= {0, 202, 503}, "a request had another answer than 202 or 503")
    cut = {line[0] for line in history if line[1] == "unknown"}
    world.numbers["without answer"] = len(cut)
    repeated = [line[0] for line in history if line[0] in cut and line[5] == "duplicate"]
    world.expect(not repeated, f"{len(repeated)} requests were carried out and not answered")
    world.judge(extra=0)


@chapter.row("P4", "SIGTERM while the vendor hangs", quick=True)
def terminated_while_sending(world: World) -> None:
    """It ends by its deadline; what was under way is sent again after the restart."""
    vendor = world.vendor()
    world.configure(server={"shutdown": {"drain": "3s"}})
    server, busy = _with_a_hanging_vendor(world)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    world.fault("SIGTERM with requests under way", busy)
    code = server.ends(30)
    world.expect(code == 0, f"it ended with {code}")
    took = round(time.monotonic() - began, 1)
    world.numbers["end s"] = took
    world.expect(3 <= took < 8, f"with three seconds for what is under way it took {took} s")
    vendor.order(do="ok")
    kills.again(world, server)
    world.judge(extra=0)


@chapter.row("P5", "a second SIGTERM or SIGINT")
def told_twice(world: World) -> None:
    """It ends at once and clean, without waiting for the vendor."""
    vendor = world.vendor()
    world.configure()
    for number in (signal.SIGTERM, signal.SIGINT):
        server, busy = _with_a_hanging_vendor(world, number.name)
        server.signal(number)
        time.sleep(world.chance.uniform(0.2, 1.5))
        world.expect(server.process.poll() is None, "the first signal did not wait for what is under way")
        began = time.monotonic()
        server.signal(number)
        code = server.ends(20)
        world.fault(f"{number.name} twice", bool(busy))
        world.expect(code == 0, f"after {number.name} twice it ended with {code}")
        took = time.monotonic() - began
        world.expect(took < 3, f"after the second {number.name} it took {took:.1f} s")
    vendor.order(do="ok")
    kills.again(world, server)
    world.judge(extra=0)


def _with_a_hanging_vendor(world: World, prefix: str = "load") -> tuple[Server, int]:
    """A server whose requests to the vendor are under way, and how many those are."""
    vendor = world.vendors["meta"]
    vendor.order(do="hang")
    server = world.serve().up()
    world.produce(prefix, 100).ends(30)
    world.until(lambda: vendor.stats()["busy"], 5, "no request is under way")
    return server, vendor.stats()["busy"]


@chapter.row("P6", "SIGSTOP for longer than a request may take, then SIGCONT")
def frozen(world: World) -> None:
    """It goes on where it stood: nothing expires, and only what was under way is sent again."""
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", 3_000, seconds=200, rate=400)
    world.until(lambda: vendor.stats()["unique"] > 200)
    vendor.order(do="hang", next=2, after=True)  # these two the vendor has, and its answer is never heard
    world.until(lambda: vendor.stats()["faults"], 10, "no request is under way")
    server.signal(signal.SIGSTOP)
    time.sleep(60 if world.long else 20)
    server.signal(signal.SIGCONT)
    world.fault("stops", producer.process.poll() is None)
    producer.ends(200)
    world.settled()
    world.judge(extra=vendor.stats()["largest"] * 8)


@chapter.row("P7", "a second server on the same folder; --workers 4", quick=True, untimed=True)
def second(world: World) -> None:
    """It is refused with the process that has the folder; the first one goes on."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    world.produce("load", 50).ends(30)
    other = world.command("serve", "--port", "0")
    world.fault("second servers")
    world.expect(other.returncode == 1, f"the second server ended with {other.returncode}")
    world.expect(f"process {server.pid}" in other.stderr, f"it says: {other.stderr[-300:]}")
    workers = world.command("serve", "--port", "0", "--workers", "4")
    world.fault("several workers")
    world.expect(workers.returncode == 2, f"with --workers it ended with {workers.returncode}")
    world.expect("--workers" in workers.stderr, f"with --workers it says: {workers.stderr[-300:]}")
    world.expect("Traceback" not in other.stderr + workers.stderr, "it printed a traceback")
    world.judge(extra=0)


POISON = "poison-7"
PLUGIN = f"""
import os
from dataclasses import dataclass

from tagserver.plugin import Built, ConsentNeeds, Destination, Limits, Request, hookimpl, setting


@dataclass(frozen=True, kw_only=True)
class Settings:
    api_url: str = setting("Where it is.", identity=True)


class Fragile(Destination):
    type = "fragile"
    api_version = 1
    Settings = Settings
    ads = False
    consent = ConsentNeeds(())
    limits = Limits(events=10, bytes=1 << 20)
    reads = ("event_id", "ecommerce.value", "ecommerce.currency", "ecommerce.transaction_id", "user_data.email")

    def hosts(self, settings):
        return ("127.0.0.1",)

    def build(self, event, parameters, settings, mode):
        custom = {{"value": event.get("value"), "currency": "EUR", "order_id": event.event_id}}
        body = {{"event_id": event.event_id, "custom_data": custom, "user_data": {{"em": event.identity.email[0]}}}}
        return Built(body, event.name, event.time)

    def request(self, payloads, settings):
        if any(payload.event_id == "{POISON}" for payload in payloads):
            os._exit(70)
        content = b'{{"data":[' + b",".join(payload.body for payload in payloads) + b"]}}"
        return Request("POST", settings.api_url, {{"content-type": "application/json"}}, content)


@hookimpl
def register_destinations(register):
    register(Fragile)
"""


@chapter.row("P8", "an event that ends the process, in a plugin")
def poisoned(world: World) -> None:
    """After a few crashes it is found and buried; everything else is delivered."""
    vendor = world.vendor("fragile")
    world.plugin("fragile", PLUGIN)
    tag = {"name": "Tag", "destination": "fragile", "triggers": ["all"]}
    world.configure(
        container={"destinations": {"fragile": {"type": "fragile", "api_url": vendor.address}}, "tags": [tag]}
    )
    vendor.order(do="ok", delay=0.3)  # so that neighbours are under way, too
    server = world.serve().up()
    world.send("load", [event(f"poison-{number}") for number in range(60)])
    code = server.ends(10)
    while code == 70 and world.faults["crashes"] < 10:
        world.fault("crashes")
        server = world.serve("--port", server.address.rpartition(":")[2])
        try:
            server.up()
        except DidNotStart:
            code = server.ends(1)
            continue
        code = server.ends(4)
    world.expect(code is None, f"it ended with {code} after {world.faults['crashes']} crashes")
    world.settled("fragile", 20)
    dead = [(letter["event_id"], letter["reason"]) for letter in server.letters()]
    world.expect(dead == [(POISON, "crashed")], f"the dead letters are {dead}")
    world.judge(reasons=["crashed"], extra=world.faults["crashes"] * 60)


@chapter.row("P9", "no memory: an address space little larger than the idle server's, and large requests")
def without_memory(world: World) -> None:
    """It refuses what it has no memory for, and lives; or it ends, and nothing is lost."""
    vendor = world.vendor()
    world.configure(server={"collect": {"max_event": "1MiB", "max_body": "1MiB"}})
    idle = world.serve().up()
    pages = int(Path(f"/proc/{idle.pid}/statm").read_text().split()[0])
    idle.stop()
    most = pages * resource.getpagesize() + (64 << 20)
    server = world.serve(prepare=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most))).up()
    count = 10_000 if world.long else 600
    producer = world.produce("large", count, connections=1000, seconds=600 if world.long else 25, items=380)
    while producer.ends(0.2) is None:
        if server.process.poll() is not None:
            world.fault("deaths")
            world.numbers["ended with"] = server.process.poll()
            server = kills.again(world, server)
    refused = [line for line in world.history("large") if line[1] != "ok"]
    world.fault("refusals", len(refused))
    world.numbers["peak mib"] = usage(server.pid)["peak_mib"]
    world.produce("after", 50).ends(30)
    # What libraries write with their last bytes is not ours to choose.
    world.judge(extra=world.faults["deaths"] * vendor.stats()["largest"] * 8, tracebacks=True)


chapter.row("P10", "a power cut: the disk as it was in that moment")(kills.power_cut)


@chapter.row("P11", "64 file descriptors, and more connections than that")
def without_descriptors(world: World) -> None:
    """It waits or refuses without turning in circles, and takes connections again when there is room."""
    world.vendor()
    world.configure()
    server = world.serve(prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))).up()
    before = world.produce("before", 50)
    before.ends(30)
    parts = urlsplit(server.address)
    held = [socket.create_connection((parts.hostname, parts.port)) for _ in range(200)]
    time.sleep(1)
    began = _cpu_seconds(server)
    time.sleep(4)
    share = (_cpu_seconds(server) - began) / 4
    world.fault("connections above the limit", max(0, len(held) - usage(server.pid)["fds"]))
    world.numbers["cpu share"] = round(share, 2)
    world.expect(share < 0.5, f"it burns {share:.0%} of a processor while it waits for descriptors")
    for one in held:
        one.close()
    world.until(lambda: call("GET", f"{server.address}/readyz", timeout=2).status == 200, 10, "it does not recover")
    world.produce("after", 200).ends(30)
    world.judge(extra=0)


def _cpu_seconds(server: Server) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


chapter.row("P12", "SIGUSR2 under load, again and again; once while the vendor hangs")(restarts.handed_over)
chapter.row("P13", "stop and start on a socket that a service manager holds, again and again")(restarts.restarted)
chapter.row("P14", "a disk is lost; kill -9 of backup, restore and the order to send what is held")(
    backups.lost_and_restored
)
chapter.row("P15", "kills, hand-overs, their ends and reloads while a destination is paused")(backups.stands_still)
