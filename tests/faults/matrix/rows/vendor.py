"""Faults on the way to vendors: down, silent, slow, leading elsewhere."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from email.utils import formatdate
from itertools import pairwise
from typing import Any

from tests.faults.matrix.child import Child
from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.judge import usage
from tests.faults.matrix.web import free_port
from tests.faults.matrix.world import Cannot, Server, Vendor, World, everything_to, meta

chapter = Chapter("Vendor: the way")


@chapter.row("V1", "500, 502, 503, 504, 429, with Retry-After in seconds, as a date, negative, huge, junk", quick=True)
def errors(world: World) -> None:
    """It asks rarely, does what Retry-After says within an hour, and delivers everything afterwards."""
    outage = 60.0 if world.long else 1.5
    orders: dict[str, dict[str, Any]] = {
        "plain": {"status": 500},
        "gateway": {"status": 502, "retry_after": "soon"},
        "seconds": {"status": 503, "retry_after": "2"},
        "date": {"status": 503, "retry_after": formatdate(time.time() + outage, usegmt=True)},
        "negative": {"status": 504, "retry_after": "-1"},
        "limited": {"status": 429},
        "huge": {"status": 429, "retry_after": "1000000000"},
    }
    for name, order in orders.items():
        world.vendor(name).order(do="status", **order)
    world.configure()
    server = world.serve().up()
    world.produce("load", 200, rate=200).ends()
    time.sleep(outage)
    for name, vendor in world.vendors.items():
        asked = [at for at, _ in vendor.requests()]
        world.fault("error answers", vendor.stats()["faults"])
        world.expect(server.status(name)["state"] in ("retrying", "open"), f"{name} does not count as failing")
        # Two at the same time at first, then at least half a second between them.
        world.expect(len(asked) <= 4 + 2 * (outage + 3), f"{name} is asked {len(asked)} times in {outage:g} s")
        vendor.order(do="ok")
    late = len(world.vendors["huge"].requests())
    for name in orders if world.long else ("plain", "seconds"):
        if name != "huge":
            world.settled(name, 60)
    gaps = _gaps([at for at, _ in world.vendors["seconds"].requests()])
    world.expect(min(gaps, default=0) > 1.9, f"Retry-After: 2, and it comes after {min(gaps, default=0):.1f} s")
    world.expect(len(world.vendors["huge"].requests()) == late, "a huge Retry-After is not heard")
    # Waits are kept in memory: a new process asks at once.
    world.restart()
    world.judge()


def _gaps(moments: list[float]) -> list[float]:
    """Seconds between requests; those at the same time count as one."""
    return [later - earlier for earlier, later in pairwise(moments) if later - earlier > 0.3]


@chapter.row(
    "V2",
    "refused, reset at accept and half-way, TLS error, no such name, black hole; one destination is well",
    quick=True,
)
def unreachable(world: World) -> None:
    """All is kept; the destination that is well does not feel it."""
    well, resets, halves = (world.vendor(name) for name in ("well", "resets", "halves"))
    resets.order(do="refuse_connection")
    halves.order(do="half")
    tls, tls_port = _self_signed(world)
    hole = _BlackHole()
    addresses = {
        "resets": resets.address,
        "halves": halves.address,
        "refused": f"http://127.0.0.1:{free_port()}",
        "tls": f"https://127.0.0.1:{tls_port}",
        "name": "https://vendor.invalid",
        "hole": f"http://127.0.0.1:{hole.port}",
    }
    server = _alive_then(world, well, addresses)
    for name in addresses:
        world.until(lambda name=name: server.status(name)["reason"], 8, f"{name} does not say what is wrong")
        counts = server.status(name)
        world.expect((counts["pending"], counts["dead"]) == (200, 0), f"{name} keeps {counts['pending']} of 200")
        world.numbers[name] = counts["reason"]
        world.fault("ways to fail", bool(counts["reason"]))
    world.expect("ConnectTimeout" in world.numbers["hole"], "the black hole was none")
    world.until(lambda: "SSL routines" in tls.text(), 5, "nobody has complained about the certificate")
    _compare(world, well)
    for vendor in (resets, halves):
        vendor.order(do="ok")
    world.restart()
    for name in ("resets", "halves"):
        world.settled(name)
        world.expect(world.vendors[name].stats()["unique"] == 200, f"{name} lacks events")
    world.judge(vendors={"well": well.control})


def _self_signed(world: World) -> tuple[Child, int]:
    """A TLS server whose certificate nobody has signed."""
    port = free_port()
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -days 1 -keyout tls.key -out tls.pem"
    try:
        if world.start("certificate", *made.split()).ends(20) != 0:
            raise Cannot("openssl makes no certificate")
        serve = f"openssl s_server -accept 127.0.0.1:{port} -cert tls.pem -key tls.key -www"
        child: Child = world.start("tls", *serve.split())
    except FileNotFoundError:
        raise Cannot("openssl is not installed") from None
    child.says("ACCEPT")
    return child, port


class _BlackHole:
    """A port that answers nothing any more: its queue of connections is full."""

    def __init__(self) -> None:
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(0)
        self.port: int = self._listening.getsockname()[1]
        self._waiting = [socket.socket() for _ in range(4)]
        for one in self._waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))


def _alive_then(world: World, well: Vendor, addresses: Mapping[str, str]) -> Server:
    """A server that sends everything to `well` and to destinations that are alive; then these get other addresses. The
    same number of events in both times."""
    alive = world.vendor("alive")
    del world.vendors["alive"]
    first = everything_to({name: meta(alive.address) for name in addresses} | {"well": meta(well.address)})
    world.configure({"egress": {"allow": ["127.0.0.0/8", "vendor.invalid"]}}, first)
    server = world.serve().up()
    world.produce("alive", 200, rate=150).ends()
    for name in ("well", *addresses):
        world.settled(name)
    then = everything_to({name: meta(address) for name, address in addresses.items()} | {"well": meta(well.address)})
    world.write("container.yaml", then)
    world.expect(server.post("/-/reload").status == 200, "the other addresses are not taken")
    world.produce("dead", 200, rate=150).ends()
    return server


def _compare(world: World, well: Vendor) -> None:
    """Latency of the destination that is well, beside others alive and beside others dead, in this run. The numbers are
    noted; only another order of size counts as a failure, because the machine is not ours alone."""
    before, after = world.latencies("alive", well), world.latencies("dead", well)
    if not all((*before, *after)):
        world.expect(False, "too little has arrived to compare anything")
        return
    for what, alive, dead in zip(("answer", "arrival"), before, after, strict=True):
        for name, times in (("alive", alive), ("dead", dead)):
            middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
            world.numbers[f"{what} ms p50/p99, others {name}"] = f"{middle:.0f}/{late:.0f}"
        middle, most = dead[len(dead) // 2], 3 * alive[len(alive) // 2] + 50
        world.expect(middle <= most, f"the {what} takes {middle:.0f} ms beside dead destinations, not {most:.0f}")


@chapter.row("V3", "an endless body, a gigabyte announced, a flood of headers, a gzip bomb in the answer", quick=True)
def too_much(world: World) -> None:
    """Answers are cut, memory stays, and the request is repeated."""
    for name in ("endless", "headers", "bomb"):
        world.vendor(name).order(do=name, next=2)
    world.configure()
    server = world.serve().up()
    before = usage(server.pid)
    world.produce("load", 200, rate=200).ends()
    for vendor in world.vendors.values():
        world.until(lambda vendor=vendor: vendor.stats()["faults"] >= 2, 10, "the bad answer was not asked for twice")
        world.fault("bad answers", vendor.stats()["faults"])
    world.judge(before=before, growth_mib=40)
    world.numbers["peak mib"] = usage(server.pid)["peak_mib"]
    world.expect(usage(server.pid)["peak_mib"] < before["peak_mib"] + 60, "memory has grown with the answer")


@chapter.row("V3b", "an answer at one byte a second")
def trickle(world: World) -> None:
    """It is cut after 15 seconds, whatever keeps coming."""
    vendor = world.vendor()
    vendor.order(do="trickle", next=2)
    world.configure()
    world.serve().up()
    world.produce("load", 50).ends()
    world.until(lambda: vendor.stats()["busy"], 5)
    began = time.monotonic()
    world.until(lambda: not vendor.stats()["busy"], 25, "the slow answer is waited for")
    world.fault("slow answers", vendor.stats()["faults"])
    world.numbers["cut after s"] = round(time.monotonic() - began, 1)
    world.expect(10 < time.monotonic() - began < 20, "it was not cut after 15 s")
    world.judge(extra=0)


def _taken_and_silent(world: World, vendor: Vendor, silent: float, requests: int) -> None:
    """The vendor counts the events of some requests and answers nothing."""
    vendor.order(do="hang", after=True, seconds=silent, next=requests)
    world.configure()
    world.serve().up()
    world.produce("load", 200, rate=200).ends()
    world.until(lambda: vendor.stats()["faults"] >= requests, 40, "too few requests")
    world.settled()
    stats = vendor.stats()
    world.fault("silent answers", stats["faults"])
    world.expect(stats["arrivals"] > stats["unique"], "nothing was repeated")
    world.judge(extra=requests * 200)


@chapter.row("V9", "the vendor takes the events and closes without an answer", quick=True)
def taken_and_closed(world: World) -> None:
    """They are repeated with the same event_id, and counted once."""
    _taken_and_silent(world, world.vendor(), silent=0.5, requests=2)


@chapter.row("V9b", "the vendor takes the events and never answers")
def taken_and_silent(world: World) -> None:
    """As V9, after the time-out."""
    vendor = world.vendor()
    began = time.monotonic()
    _taken_and_silent(world, vendor, silent=60, requests=2)
    world.expect(time.monotonic() - began > 10, "nothing has timed out")


@chapter.row("V11", "the vendor needs 5 seconds for everything, then is fast again")
def slow(world: World) -> None:
    """It gets few requests at a time, the intake does not feel it, and the backlog goes when it is fast."""
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    world.produce("alone", 400, rate=100).ends()
    world.settled()
    vendor.order(do="ok", delay=5)
    producer = world.produce("beside", 2_000, rate=100)
    busy = []
    for _ in range(40):
        time.sleep(0.5)
        busy.append(vendor.stats()["busy"])
    producer.ends()
    world.numbers["at a time"] = f"{max(busy)} most, {busy[-1]} at the end"
    world.fault("slow answers", sum(at > 0 for at in busy))
    world.expect(max(busy) <= 8, f"{max(busy)} requests at a time are too many")
    pending = server.status()["pending"]
    vendor.order(do="ok")
    world.settled()
    world.numbers["backlog"] = pending
    alone, beside = world.latencies("alone", vendor)[0], world.latencies("beside", vendor)[0]
    middle, most = beside[len(beside) // 2], 3 * alone[len(alone) // 2] + 50
    world.expect(middle <= most, f"an answer takes {middle:.0f} ms while the vendor is slow, not {most:.0f}")
    world.judge()


@chapter.row("V12", "the vendor is down and up in turn")
def flapping(world: World) -> None:
    """While it is down it is asked rarely, and by few events; while it is up everything goes."""
    half = 10.0 if world.long else 5.0
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", int(6 * half * 100), rate=100, seconds=300)
    for _ in range(3):
        vendor.order(do="status", status=503)
        began = time.monotonic()
        time.sleep(half)
        asked = [size for at, size in vendor.requests() if at >= began]
        world.fault("outages", bool(asked))
        world.expect(len(asked) <= 4 + 2 * half, f"{len(asked)} requests in {half:g} s of an outage")
        before = vendor.stats()["unique"]
        vendor.order(do="ok")
        time.sleep(half)
        world.until(lambda before=before: vendor.stats()["unique"] > before, 15, "nothing arrives between two outages")
    producer.ends(60)
    world.numbers["state"] = server.status()["state"]
    world.judge()


@chapter.row("V13", "redirects to this machine and to a cloud's metadata address", quick=True, untimed=True)
def redirected(world: World) -> None:
    """They are not followed; somebody is called, and everything is kept."""
    trap = world.vendor("trap")
    del world.vendors["trap"]
    targets = {
        "found": (302, trap.address),
        "temporary": (307, trap.address),
        "cloud": (302, "http://169.254.169.254/"),
    }
    for name, (status, location) in targets.items():
        world.vendor(name).order(do="redirect", status=status, location=f"{location}/v26.0/1/events")
    world.configure()
    server = world.serve().up()
    world.produce("load", 100, rate=200).ends()
    for name, vendor in world.vendors.items():
        world.until(lambda name=name: server.status(name)["state"] == "paused", 5, f"{name} is not paused")
        world.numbers["reason"] = server.status(name)["reason"]
        world.fault("redirects", vendor.stats()["faults"])
        vendor.order(do="ok")
    world.expect(trap.stats()["connections"] == 0, "a redirect was followed")
    server.post("/-/reload")
    world.judge()


@chapter.row("V14", "nine of ten destinations are dead")
def nine_dead(world: World) -> None:
    """The tenth does not feel it."""
    well = world.vendor("well")
    dead = {f"dead{number}": f"http://127.0.0.1:{free_port()}" for number in range(9)}
    server = _alive_then(world, well, dead)
    for name in dead:
        counts = server.status(name)
        world.fault("dead destinations", counts["state"] in ("retrying", "open"))
        world.expect(counts["pending"] == 200, f"{name} keeps {counts['pending']} of 200")
    world.settled("well")
    _compare(world, well)
    world.judge()
