"""The goals, each a ratio or a figure that is printed beside its floor. Nothing here is asserted: a machine that is
busy with other things must not fail a build."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What is measured, in words, and what is hoped for."""

    text: str
    hope: str


GOALS = {
    "echo": Goal("events/s at 1 a request, of a JSON echo's", "at least 0.60"),
    "sdk": Goal("events a CPU second at 1 a request, of the SDK's", "at least 8"),
    "sdk20": Goal("events a CPU second at 20 a request, of the SDK's", "at least 20"),
    "open p50": Goal("open loop, p50 in ms", "at most 3"),
    "open p99": Goal("open loop, p99 in ms", "at most 15"),
    "other tag": Goal("one more tag of another event, us", "at most 0.02"),
    "same tag": Goal("one more tag of the same event, us", "at most 0.5"),
    "outage intake": Goal("intake while the vendor is down, of that with an empty queue", "at least 0.90"),
    "outage memory": Goal("resident with a full queue, of that at rest", "at most 20 MB more"),
    "drain": Goal("events/s of a drain", "at least 20,000"),
    "fill": Goal("how full the requests of a drain are", "at least 0.90"),
    "restart": Goal("seconds until a server with this queue is ready", "at most 5"),
    "rest": Goal("resident at rest, MB", "at most 80"),
    "neighbour": Goal("p99 of a live vendor beside a dead one, of that alone", "at most 1.10"),
}


def report(name: str, value: float, beside: str = "") -> None:
    """One line. `beside`: the floor of the same run, or what the value is made of."""
    goal = GOALS[name]
    print(f"{goal.text:<64}{value:>10,.3f}   ({goal.hope}){f'; {beside}' if beside else ''}", flush=True)


def left_out(name: str, why: str) -> None:
    """One line for what could not be measured."""
    print(f"{GOALS[name].text:<64}{'-':>10}   ({why})", flush=True)
