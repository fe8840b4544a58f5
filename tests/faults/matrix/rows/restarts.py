"""Restarts that nobody notices, by producers that keep their connections and by ones that do not."""

from __future__ import annotations

import signal
import socket

from tests.faults.matrix.child import Child
from tests.faults.matrix.world import Server, World

WAIT_S = 3.0
"""Nobody may wait for longer."""
RATE = 150
"""Events a second of each producer: a machine that is busy with the load alone says nothing of a restart."""
BETWEEN_S = 2.0


def handed_over(world: World) -> None:
    """The process stays. While the vendor hangs its requests are waited for, and events are taken in."""
    vendor = world.vendor()
    world.configure(server={"shutdown": {"drain": "4s"}})
    server = world.serve().up()
    times = 20 if world.long else 3
    producers = _produce(world, times)
    for number in range(times):
        hanging = number == times - 1
        if hanging:
            vendor.order(do="hang")
            world.until(lambda: vendor.stats()["busy"], 10, "no request is under way")
        server.signal(signal.SIGUSR2)
        _says_again(world, server, number + 2)
        vendor.order(do="ok")
        world.fault("handovers", _under_load(producers))
        _more(world, server)
    _judge(world, producers, extra=vendor.stats()["largest"] * 8)


def restarted(world: World) -> None:
    """SIGTERM, the end with 0, and another process on the same socket."""
    world.vendor()
    world.configure()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as world.held:
        server = world.serve().up()
        times = 20 if world.long else 3
        producers = _produce(world, times)
        for _ in range(times):
            _more(world, server)
            world.expect(server.stop() == 0, "it does not end with 0")
            world.fault("restarts", _under_load(producers))
            server = world.serve().up()
        _more(world, server)
        _judge(world, producers, extra=0)
        world.expect(server.stop() == 0, "it does not end with 0")


def _produce(world: World, times: int) -> list[Child]:
    seconds = times * 10
    return [
        world.produce(name, RATE * seconds, seconds=seconds, rate=RATE, fresh=name == "fresh")
        for name in ("kept", "fresh")
    ]


def _under_load(producers: list[Child]) -> int:
    return int(all(one.process.poll() is None for one in producers))


def _says_again(world: World, server: Server, number: int) -> None:
    world.until(lambda: server.text().count("listens on") >= number, 30, "the next program does not serve")


def _more(world: World, server: Server) -> None:
    before = server.status()["accepted"]
    world.until(lambda: server.status()["accepted"] > before + RATE * BETWEEN_S, 20, "no events come")


def _judge(world: World, producers: list[Child], extra: int) -> None:
    for one in producers:
        one.signal(signal.SIGTERM)
        one.ends(20)
    attempts = [attempt for name in ("kept", "fresh") for attempt in world.history(name)]
    world.expect(all(outcome == "ok" for _, outcome, *_ in attempts), f"not taken: {_others(attempts)[:5]}")
    repeated = [one for one, _, _, _, _, said in attempts if said == "duplicate"]
    world.expect(not repeated, f"taken and not answered: {len(repeated)}")
    longest = max(seconds for _, _, _, _, seconds, _ in attempts)
    world.numbers["longest wait s"] = round(longest, 2)
    world.expect(longest < WAIT_S, f"somebody waited for {longest:.1f} s")
    world.settled()
    world.judge(extra=extra)


def _others(attempts: list[list[object]]) -> list[list[object]]:
    return [one[:3] for one in attempts if one[1] != "ok"]
