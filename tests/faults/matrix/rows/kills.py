"""`kill -9`, at every moment of a server's life. Which moments, and how many, follow from the seed."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.matrix import disks
from tests.faults.matrix.child import Child, DidNotStart
from tests.faults.matrix.progress import Progress
from tests.faults.matrix.shim import Shim, compiler
from tests.faults.matrix.world import Server, World

READY_WITHIN = 5.0


def again(world: World, server: Server) -> Server:
    """The next server at the address of one that has ended."""
    began = time.monotonic()
    found = world.serve("--port", server.address.rpartition(":")[2]).up()
    took = round(time.monotonic() - began - _starved(found), 1)
    world.numbers["slowest start s"] = max(took, world.numbers.get("slowest start s", 0))
    world.expect(took <= READY_WITHIN, f"a restart took {took} s")
    return found


def _starved(server: Server) -> float:
    """Seconds in which it could have run and no processor was free: other people's work, not its own."""
    known = Path(f"/proc/{server.pid}/schedstat")
    return int(known.read_text().split()[1]) / 1e9 if known.exists() else 0.0


class Kills:
    """The ways to end the present server. Each returns when it has ended, or when the producer has before it.

    `step`: attempts of the producer between two kills, at most.
    """

    def __init__(self, world: World, server: Server, producer: Child, progress: Progress, step: int) -> None:
        self.world = world
        self.server = server
        self.producer = producer
        self.progress = progress
        self.step = step
        self.ways: dict[str, Callable[[], None]] = {
            "load": self.load,
            "reload": self.reload,
            "drain": self.drain,
            "start": self.start,
        }
        if compiler() is not None:
            self.ways |= {"commit": self.commit, "checkpoint": self.checkpoint}

    def make(self, way: str) -> None:
        """One kill, which counts if it came while there was load; then the next server."""
        self.ways[way]()
        if self.server.process.poll() is not None and self.producer.process.poll() is None:
            self.world.fault("kills")
            self.world.fault(f"in {way}")
        self.server = again(self.world, self.server)

    def load(self) -> None:
        """Any moment."""
        self._some_load()
        self.server.kill()

    def reload(self) -> None:
        """While the configuration is read again."""
        self._some_load()
        self.server.signal(signal.SIGHUP)
        time.sleep(self.world.chance.uniform(0, 0.03))
        self.server.kill()

    def drain(self) -> None:
        """While it ends by itself."""
        self._some_load()
        self.server.signal(signal.SIGTERM)
        time.sleep(self.world.chance.uniform(0, 0.15))
        self.server.kill()

    def start(self) -> None:
        """While it starts, with what the last one left."""
        self._some_load()
        self.server.kill()
        address = self.server.address
        self.server = self.world.serve("--port", address.rpartition(":")[2])
        self.server.address = address
        time.sleep(self.world.chance.uniform(0.2, 0.8))
        self.server.kill()

    def commit(self) -> None:
        """In place of the flush that makes a group durable."""
        self.server.kill()
        self._with(Shim(self.world, "kill", file="-wal", after=self.world.chance.randrange(3, 30)))

    def checkpoint(self) -> None:
        """In the middle of carrying pages into the file: at the latest when it ends by itself."""
        self.server.kill()
        self._with(
            Shim(self.world, "kill", call="write", file="outbox.db", after=self.world.chance.randrange(0, 20)),
            then=signal.SIGTERM,
        )

    def _with(self, shim: Shim, then: signal.Signals | None = None) -> None:
        address = self.server.address
        with shim.on():
            self.server = self.world.serve("--port", address.rpartition(":")[2])
        self.server.address = address
        try:
            self.server.up()
        except DidNotStart:
            return
        if then is not None:
            self._some_load()
            self.server.signal(then)
        while self.server.ends(0.02) is None and self.producer.process.poll() is None:
            pass
        if self.server.process.poll() is None:
            self.server.kill()

    def _some_load(self) -> None:
        until = self.progress.attempts() + self.world.chance.randrange(self.step // 20, self.step)
        while self.progress.attempts() < until and self.producer.process.poll() is None:
            time.sleep(0.002)


def killed(world: World) -> None:
    """Nothing that was answered `ok` is lost; each kill may repeat what was in flight."""
    kills, count = (100, 200_000) if world.long else (3, 2_000)
    vendor = world.vendor()
    world.configure()
    _first_starts(world, 12 if world.long else 1)
    server = world.serve().up()
    producer = world.produce("load", count, seconds=2400 if world.long else 40)
    progress = Progress(world.histories[-1])
    making = Kills(world, server, producer, progress, count // (kills + 1))
    ways = ["load"]
    while len(ways) < kills:
        ways += world.chance.sample(sorted(making.ways), len(making.ways))
    for way in ways[:kills]:
        making.make(way)
    producer.ends(2400)
    if world.faults["kills"] < kills:
        world.void.append(f"only {world.faults['kills']} of {kills} kills came while there was load")
    verdict = world.judge(extra=kills * vendor.stats()["largest"] * 8)
    world.expect(verdict.get("numbers", {}).get("ok") == count, "not every event was answered ok in the end")


def _first_starts(world: World, number: int) -> None:
    """Servers that are killed before their folder is complete."""
    for _ in range(number):
        if compiler() is None:
            server = world.serve()
            time.sleep(world.chance.uniform(0.2, 0.6))
        else:
            with Shim(world, "kill", after=world.chance.randrange(0, 8)).on():
                server = world.serve()
            with contextlib.suppress(DidNotStart):
                server.up()
        server.kill()
        world.fault("first starts")


def killed_young(world: World) -> None:
    """It comes up after all, nothing is lost, and no file has grown."""
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", 20_000, seconds=120, rate=600)
    world.until(lambda: vendor.stats()["unique"] > 200)
    server.kill()
    for _ in range(20):
        young = world.serve("--port", server.address.rpartition(":")[2])
        time.sleep(world.chance.uniform(0.05, 1.0))
        young.kill()
        world.fault("kills", producer.process.poll() is None)
    server = again(world, server)
    producer.ends(120)
    size = sum(path.stat().st_size for path in (world.folder / "data").rglob("*") if "ballast" not in path.name)
    world.numbers["data kib"] = size >> 10
    world.expect(size < 40 << 20, f"the data folder has grown to {size >> 20} MiB")
    world.judge(extra=20 * vendor.stats()["largest"] * 8)


def power_cut(world: World) -> None:
    """The power goes: what is left is what was flushed. All that was accepted is in it."""
    vendor = world.vendor()
    world.configure()
    vendor.order(do="status", status=503)  # so that the truth is on the disk alone
    path, disk = disks.image(world, "disk", 256)
    server = world.serve("--data", str(disk / "data")).up()
    producer = world.produce("load", 200_000, seconds=120, rate=1_500)
    world.until(lambda: server.status()["accepted"] > 1_000, 60, "too little is accepted")
    time.sleep(world.chance.uniform(0, 20 if world.long else 3))
    server.signal(signal.SIGSTOP)
    cut = path.with_name("cut.img")
    shutil.copyfile(path, cut)  # no sync before: only what reached the disk is in it
    world.fault("power cuts", producer.process.poll() is None)
    accepted = sum(line[1] == "ok" for line in world.history("load"))
    server.kill()
    producer.signal(signal.SIGTERM)
    producer.ends(20)
    world.serve("--data", str(disks.mounted(world, cut) / "data")).up()
    vendor.order(do="ok")
    world.numbers["accepted before"] = accepted
    world.judge(extra=0, least=500)
