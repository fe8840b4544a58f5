"""Faults of the process: killed, stopped, ended, started twice."""

from __future__ import annotations

import signal
import time

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.world import World

chapter = Chapter("Process")


@chapter.row("P1", "kill -9 at random moments under load", quick=True)
def killed(world: World) -> None:
    """Nothing that was answered `ok` is lost; each kill may repeat what was in flight."""
    kills, count = (100, 200_000) if world.long else (3, 2_000)
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", count, seconds=1200 if world.long else 30)
    for _ in range(kills):
        time.sleep(world.chance.uniform(0.1, 0.8))
        server.kill()
        world.fault("kills")
        server = world.serve("--port", server.address.rpartition(":")[2]).up()
    producer.ends(1200)
    world.judge(extra=kills * vendor.stats()["largest"] * 8)


@chapter.row("P3", "SIGTERM under load", quick=True)
def terminated(world: World) -> None:
    """It ends with 0 and repeats nothing, and no running request is cut."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", 4_000, seconds=30)
    time.sleep(1.0)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    world.fault("SIGTERM")
    code = server.ends(30)
    world.expect(code == 0, f"it ended with {code}")
    world.numbers["end s"] = round(time.monotonic() - began, 1)
    world.serve("--port", server.address.rpartition(":")[2]).up()
    producer.ends(40)
    world.judge(extra=0)
