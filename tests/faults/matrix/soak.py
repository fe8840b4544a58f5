"""A long run at seven tenths of what the server can: a vendor that is slow and sometimes fails, and operators at work.

The first third has a kill and a reload a minute; after it the process lives on, with a reload a minute, so that what
grows can be seen.
"""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.matrix.declared import Row
from tests.faults.matrix.judge import usage
from tests.faults.matrix.rows import kills
from tests.faults.matrix.world import Server, World

SHARE = 0.7
VENDOR_S = 0.2
VENDOR_FAILS = 0.01
WARM = 2
"""Minutes of the last life in which memory may still grow."""
GROWTH_MIB = 0.1
"""A minute, over ten minutes or more."""
KEY_BYTES = 100
"""That an event may leave in the file: its key, known for two days."""


def row(minutes: int) -> Row:
    """The soak as a row of its own."""
    fault = f"{minutes} minutes at {SHARE:.0%} of capacity, a slow vendor, reloads, and kills in the first third"
    return Row("soak", fault, lambda world: soak(world, minutes))


def soak(world: World, minutes: int) -> None:
    """Each minute is a producer of its own, and is judged when the next one is over: so the books stay small."""
    vendor = world.vendor()
    world.configure()
    vendor.order(do="status", status=500, share=VENDOR_FAILS, delay=VENDOR_S)
    server = world.serve().up()
    rate = SHARE * _capacity(world)
    world.numbers["events/s"] = round(rate)
    rss: list[tuple[float, float]] = []
    p99: list[float] = []
    open_files: list[int] = []
    sizes: list[int] = []
    for minute in range(minutes):
        name = f"minute{minute}"
        producer = world.produce(name, round(rate * 60), connections=64, seconds=90, rate=rate)
        moments = sorted(world.chance.uniform(5, 50) for _ in range(2))
        began = time.monotonic()
        killing = minute < max(1, minutes // 3)
        while producer.process.poll() is None:
            now = time.monotonic() - began
            if len(moments) == 2 and now > moments[0]:
                del moments[0]
                server.signal(signal.SIGHUP)
                world.fault("reloads")
            if killing and len(moments) == 1 and now > moments[0]:
                del moments[0]
                server.kill()
                server = kills.again(world, server)
                world.fault("kills")
            if not killing:
                rss.append((time.monotonic() / 60, _rss_mib(server)))
            producer.ends(1)
        if not killing:
            took = sorted(1000 * line[4] for line in world.history(name) if line[1] == "ok")
            p99.append(took[len(took) * 99 // 100])
            open_files.append(usage(server.pid)["fds"])
            sizes.append(_size(world))
        if minute:
            _close(world, f"minute{minute - 1}")
    world.fault("failures of the vendor", vendor.stats()["faults"])
    _growth(world, rss, open_files, p99, sizes, rate)
    vendor.order(do="ok")
    world.judge(extra=(world.faults["kills"] + world.faults["failures of the vendor"]) * vendor.stats()["largest"] * 8)


def _capacity(world: World) -> float:
    """Events a second that are answered when the producer does not wait."""
    producer = world.produce("capacity", 1_000_000, connections=64, seconds=8)
    producer.ends(60)
    moments: list[float] = [line[3] for line in world.history("capacity") if line[1] == "ok"]
    world.settled(seconds=120)
    return len(moments) / (moments[-1] - moments[0])


def _close(world: World, name: str) -> None:
    """What was accepted in a minute that is over is at the vendor; then it is forgotten."""
    vendor = world.vendors["meta"]
    ok = {line[0] for line in world.history(name) if line[1] == "ok"}
    missing: set[str] = set()

    def arrived() -> bool:
        missing.clear()
        missing.update(ok - vendor.ids().keys())
        return not missing

    world.until(arrived, 60)
    world.expect(not missing, f"{name}: the vendor lacks {len(missing)} ok events, such as {sorted(missing)[:3]}")
    world.numbers["closed"] = world.numbers.get("closed", 0) + len(ok)
    vendor.order(forget=f"{name}-")
    history = world.folder / f"history-{name}.jsonl"
    world.histories.remove(history)
    history.unlink()


def _growth(
    world: World,
    rss: Sequence[tuple[float, float]],
    open_files: Sequence[int],
    p99: Sequence[float],
    sizes: Sequence[int],
    rate: float,
) -> None:
    warm = [(at, mib) for at, mib in rss if at - rss[0][0] > WARM]
    if len(sizes) < 2 or len(warm) < 2:
        return
    span = warm[-1][0] - warm[0][0]
    slope = _slope(warm)
    left = (sizes[-1] - sizes[0]) / (rate * 60 * (len(sizes) - 1))
    world.numbers |= {
        "rss mib": round(warm[-1][1]),
        "rss mib a minute": round(slope, 3),
        "fds": open_files[-1],
        "first p99 ms": round(p99[0]),
        "last p99 ms": round(p99[-1]),
        "bytes left an event": round(left),
    }
    world.expect(span < 10 or slope <= GROWTH_MIB, f"memory grows by {slope:.2f} MiB a minute")
    world.expect(open_files[-1] <= open_files[0] + 12, f"open files went from {open_files[0]} to {open_files[-1]}")
    world.expect(p99[-1] <= 2 * p99[0] + 50, f"the 99th percentile went from {p99[0]:.0f} to {p99[-1]:.0f} ms")
    world.expect(left < KEY_BYTES, f"every event leaves {left:.0f} bytes in the data folder")


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line that lies nearest."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def _rss_mib(server: Server) -> float:
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def _size(world: World) -> int:
    return sum(path.stat().st_size for path in (world.folder / "data").glob("outbox.db*"))
