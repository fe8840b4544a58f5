"""A disk that is lost and comes back, with every command killed; and a pause that holds, whatever happens meanwhile."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable

from tests.faults.matrix.child import Child
from tests.faults.matrix.events import email
from tests.faults.matrix.rows import kills
from tests.faults.matrix.world import Server, World

PAUSE = {"destination": "meta", "by": "the matrix"}


def lost_and_restored(world: World) -> None:
    """What waited is held and sent once, who was forgotten meanwhile is not sent, and the account holds."""
    vendor = world.vendor()
    world.configure()
    server = world.serve("--journal", "journal").up()
    producer = world.produce("load", 6_000 if world.long else 1_500, seconds=200, rate=150)
    world.until(lambda: server.status()["accepted"] > 200)
    times = 40 if world.long else 8
    _cut(world, "backups", times, lambda: ["backup", "b.tar", "--force"])
    _expect(world, "backup", "b.tar", "--force")
    world.expect(server.post("/-/pause.json", PAUSE).status == 200, "it cannot be paused")
    world.until(lambda: not vendor.stats()["busy"], 10, "a request does not end")
    producer.ends(200)
    counts, arrived = server.status(), vendor.stats()["arrivals"]
    world.expect(counts["pending"] > 20, f"only {counts['pending']} wait")
    _cut(world, "backups", times, lambda: ["backup", "b.tar", "--force"])
    _expect(world, "backup", "b.tar", "--force")
    gone = next(one for one, outcome, *_ in reversed(world.history("load")) if outcome == "ok")
    _expect(world, "forget", "--email", email(gone))
    server.kill()
    (world.folder / "data").rename(world.folder / "lost")
    words = ["restore", "b.tar", "--journal", "journal"]
    _cut(world, "restores", times, lambda: [*words, "--force"])
    done = json.loads(_expect(world, *words, "--force", "--json"))
    world.expect(done["held"] == counts["pending"], f"{done['held']} are held of {counts['pending']}")
    server = world.serve("--journal", "journal").up()
    world.expect(server.status()["state"] == "paused", "the pause is not in the backup")
    server.post("/-/resume.json", PAUSE)
    _expect(world, "dead", "retry", "--all")
    time.sleep(1)
    world.expect(vendor.stats()["arrivals"] == arrived, "something was sent before anybody has decided")
    _cut(world, "resends", times, lambda: ["restore", "--resend", "--yes"])
    _expect(world, "restore", "--resend", "--yes")
    world.settled()
    world.expect(gone not in vendor.ids(), "who was forgotten after the backup was sent")
    shutil.rmtree(world.folder / "lost")
    world.judge(extra=0, lost=1)


def stands_still(world: World) -> None:
    """Nothing arrives while it is paused, and everything afterwards."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    times = 20 if world.long else 6
    producer = world.produce("load", times * 1_500, seconds=times * 20, rate=100)
    acts = list(ACTS.items())
    for number in range(times):
        name, act = acts[number % len(acts)]
        server = _paused_while(world, server, name, act)
        world.fault(name, producer.process.poll() is None)
    producer.signal(signal.SIGTERM)
    producer.ends(20)
    world.settled()
    world.judge(extra=0)


def _paused_while(world: World, server: Server, name: str, act: Callable[[World, Server], Server]) -> Server:
    vendor = world.vendors["meta"]
    world.until(lambda: vendor.stats()["unique"], 20, "nothing arrives")
    world.expect(server.post("/-/pause.json", PAUSE).status == 200, "it cannot be paused")
    world.until(lambda: not vendor.stats()["busy"], 10, "a request does not end")
    before = vendor.stats()["arrivals"]
    server = act(world, server)
    accepted = server.status()["accepted"]
    world.until(lambda: server.status()["accepted"] > accepted + 20, 20, "no events come")
    world.expect(vendor.stats()["arrivals"] == before, f"something was sent while it was paused: {name}")
    world.expect(server.status()["state"] == "paused", "it is not paused any more")
    world.expect(server.post("/-/resume.json", PAUSE).status == 200, "it does not go on")
    world.until(lambda: vendor.stats()["arrivals"] > before, 20, "nothing arrives after it")
    return server


def _killed(world: World, server: Server) -> Server:
    server.kill()
    return kills.again(world, server)


def _handed_over(world: World, server: Server) -> Server:
    """Twice asked, it does it once."""
    said = server.text().count("listens on")
    server.signal(signal.SIGUSR2)
    server.signal(signal.SIGUSR2)
    world.until(lambda: server.text().count("listens on") > said, 30, "the next program does not serve")
    return server


def _ended(world: World, server: Server) -> Server:
    """At any moment of a hand-over."""
    server.signal(signal.SIGUSR2)
    time.sleep(world.chance.uniform(0.0, 2.0))
    server.signal(signal.SIGTERM)
    world.expect(server.ends(30) in (0, -signal.SIGTERM), "SIGTERM during a hand-over is lost")
    return kills.again(world, server)


def _killed_young(world: World, server: Server) -> Server:
    """The successor, while it starts."""
    server.signal(signal.SIGUSR2)
    world.until(lambda: "hands over" in server.text(), 20, "it does not hand over")
    time.sleep(world.chance.uniform(0.0, 1.0))
    server.kill()
    return kills.again(world, server)


def _renewed(world: World, server: Server) -> Server:
    """SIGHUP during the rehearsal."""
    said = server.text().count("listens on")
    server.signal(signal.SIGUSR2)
    time.sleep(world.chance.uniform(0.0, 0.5))
    server.signal(signal.SIGHUP)
    world.until(lambda: server.text().count("listens on") > said, 30, "the next program does not serve")
    return server


def _asked(world: World, server: Server) -> Server:
    """A reload, and an order for all dead letters."""
    server.post("/-/reload")
    server.post("/-/dead.json", {"action": "retry", "all": True})
    return server


ACTS: dict[str, Callable[[World, Server], Server]] = {
    "kills": _killed,
    "hand-overs": _handed_over,
    "ends of hand-overs": _ended,
    "killed successors": _killed_young,
    "SIGHUPs": _renewed,
    "reloads and retries": _asked,
}


def _cut(world: World, name: str, times: int, words: Callable[[], list[str]]) -> None:
    """The same command many times, killed at a random moment of its life."""
    for _ in range(times):
        child: Child = world.start(f"cut-{name}", sys.executable, "-m", "tagserver", *words())
        time.sleep(world.chance.uniform(0.2, 1.3))
        world.fault(f"{name} cut", child.process.poll() is None)
        child.kill()


def _expect(world: World, *words: str) -> str:
    done = world.command(*words)
    world.expect(done.returncode == 0, f"tagserver {' '.join(words)}: {done.stdout[-300:]}{done.stderr[-300:]}")
    return done.stdout
