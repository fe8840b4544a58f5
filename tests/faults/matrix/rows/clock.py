"""Faults of clocks: ours and the browsers'."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import ORIGIN, event
from tests.faults.matrix.preload import library
from tests.faults.matrix.world import Server, World

chapter = Chapter("Clock")

HOUR = 3600
YEARS = 10 * 365 * 86400


class _Clock:
    """The wall clock of the servers of a world, which can be set."""

    def __init__(self, world: World) -> None:
        self._file = world.folder / "clock"
        self.set(0)
        world.environment |= {"LD_PRELOAD": str(library(world.folder, "clock")), "CLOCK_FILE": str(self._file)}

    def set(self, seconds: int) -> None:
        """Wrong by so many seconds from now on."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


@chapter.row("T1", "our clock is set by an hour and by ten years, forward and back, while the vendor is down")
def steps(world: World) -> None:
    """No loop runs hot, nothing is parked or given up, and all arrives once the vendor is back."""
    vendor = world.vendor()
    world.configure()
    clock = _Clock(world)
    server = world.serve().up()
    for name, wrong in (("+1h", HOUR), ("-1h", 0), ("back", -HOUR), ("+10y", YEARS), ("-10y", 0), ("2016", -YEARS)):
        vendor.order(do="status", status=503)
        world.produce(f"before{name}", 50).ends()
        world.until(lambda: server.status()["state"] != "ok", 5, "the vendor is not down")
        clock.set(wrong)
        busy = _busy(server, 2.0)
        world.numbers[f"busy at {name}"] = f"{busy:.0%}"
        world.expect(busy < 0.5, f"{name}: the processor is busy for {busy:.0%} of the time")
        world.produce(f"after{name}", 50).ends()
        vendor.order(do="ok")
        began = time.monotonic()
        world.settled(seconds=120)
        world.numbers[f"drained at {name}, s"] = round(time.monotonic() - began, 1)
    world.fault("steps", server.text().count("the clock has been set"))
    world.expect(world.faults["steps"] == 6, f"{world.faults['steps']} of 6 steps are in the log")
    world.judge()


@chapter.row("T1b", "our clock is ten years ahead for two minutes while the vendor is down")
def long_step(world: World) -> None:
    """Nothing is given up for a minute. Then what seems too old becomes dead letters, and these can be sent once the
    clock is right."""
    vendor = world.vendor()
    world.configure()
    clock = _Clock(world)
    server = world.serve().up()
    vendor.order(do="status", status=503)
    world.produce("before", 50).ends()
    world.until(lambda: server.status()["state"] != "ok", 5, "the vendor is not down")
    clock.set(YEARS)
    began = time.monotonic()
    world.until(lambda: server.status()["dead"], 120, "what seems ten years old is kept for ever")
    calm = time.monotonic() - began
    world.fault("steps", server.text().count("the clock has been set"))
    world.numbers["given up after s"] = round(calm)
    world.expect(calm > 55, f"after {calm:.0f} s with a wrong clock it gives up")
    vendor.order(do="ok")
    world.expect(world.settled()["dead_by_reason"] == {"expired": 50}, "they are dead for another reason")
    clock.set(0)
    world.expect(server.post("/-/dead.json", {"action": "retry", "reason": "expired"}).status == 200, "no retry")
    world.settled()
    world.judge()


def _busy(server: Server, seconds: float) -> float:
    """The part of the time in which the server uses a processor."""
    before = _used(server)
    time.sleep(seconds)
    return (_used(server) - before) / seconds


def _used(server: Server) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _times(now: datetime) -> Mapping[str, tuple[Any, str, str]]:
    """What browsers send as `timestamp`: value, problem at the door, what Meta's tag says about it."""
    seconds = now.timestamp()
    return {
        "ms": (int(seconds * 1000), "", ""),
        "seconds": (int(seconds), "", ""),
        "float": (seconds, "", ""),
        "digits": (str(int(seconds * 1000)), "", ""),
        "iso": (now.isoformat(), "", ""),
        "zone": (now.astimezone().isoformat(), "", ""),
        "negative": (-1, "bad_time", ""),
        "zero": (0, "bad_time", ""),
        "tiny": (1e-9, "bad_time", ""),
        "endless": (1e300, "bad_time", ""),
        "word": ("yesterday", "bad_time", ""),
        "list": ([1], "bad_time", ""),
        "truth": (True, "bad_time", ""),
        "ahead": (int((seconds + YEARS) * 1000), "", "future"),
        "year-9999": ("9999-12-31T23:59:59Z", "bad_time", ""),
        "old": ((now - timedelta(days=8)).isoformat(), "", "too_old"),
        "2016": (int((seconds - YEARS) * 1000), "", "too_old"),
    }


@chapter.row(
    "T2", "the browsers' clocks are years off; time as float, text, ms, s, negative, nonsense", quick=True, untimed=True
)
def browsers_clocks(world: World) -> None:
    """Every event is taken, what was wrong is said, and the vendor's rule is in the trace."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    times = _times(datetime.now(UTC))
    events = [event(name) | {"timestamp": value} for name, (value, _, _) in times.items()]
    events += [event(f"plain-{number}") for number in range(10)]
    for one, line in zip(events, world.send("times", events), strict=True):
        _, code, meta = times.get(one["event_id"], (None, "", ""))
        codes = [problem["code"] for problem in line["problems"] if problem["path"] == "timestamp"]
        world.expect(line["status"] == "accepted", f"{one['event_id']} is {line['status']}")
        world.expect(codes == [code] * bool(code), f"{one['event_id']} has the problems {codes}")
        tried = server.post("/-/try.json", {"event": one, "headers": {"origin": ORIGIN}}).json()["tags"][0]
        world.fault("wrong times", bool(code or meta))
        if meta == "too_old":
            world.expect(tried["reason"] == "too_old", f"{one['event_id']} is {tried['reason']}")
            continue
        world.expect(tried["request"], f"{one['event_id']}: {tried['reason']} {tried['detail']}")
        if not tried["request"]:
            continue
        said = [left["why"] for left in tried["omitted"] if left["field"] == "event_time"]
        world.expect(any("future" in why for why in said) == (meta == "future"), f"{one['event_id']}: {said}")
        sent = tried["request"]["body"]["data"][0]["event_time"]
        world.expect(abs(sent - time.time()) < 60, f"{one['event_id']} goes out with the time {sent}")
    five_years = 5 * 365 * 86_400_000
    wrong = int(time.time() * 1000) - five_years
    shifted = [event(f"shifted-{number}") | {"timestamp": wrong - 1000} for number in range(10)]
    lines = world.send("shifted", shifted, sent=wrong)
    world.expect(all(line["status"] == "accepted" for line in lines), "a browser that says how late it is, is refused")
    old = sum(meta == "too_old" for _, _, meta in times.values())
    world.judge(lost=old)
    world.expect(server.status()["accepted"] == len(events) + len(shifted) - old + 1, "too many or too few are sent")
