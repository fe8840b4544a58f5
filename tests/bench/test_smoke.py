"""The parts of the benchmark start, deliver everything, and say every row. Never that a number is good: machines
differ."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench import destinations, full, openloop, stage_profile, table
from tests.bench.container import write_config
from tests.bench.goals import GOALS, Goal, Report
from tests.bench.records import LEVELS, TAGS
from tests.bench.server import echo, tagserver
from tests.bench.vendor import Vendor

_row = re.compile(r"(?P<text>.+?)  +(?P<value>-?[\d.,]+) ").match


def values(report: Report) -> dict[str, float]:
    """What the rows say, by their goals."""
    found = {one["text"]: float(one["value"].replace(",", "")) for line in report.lines if (one := _row(line))}
    return {name: found[goal.text] for name, goal in GOALS.items() if goal.text in found}


async def test_servers_start_and_deliver(tmp_path: Path) -> None:
    vendor = Vendor()
    listening = await vendor.listen()
    write_config(tmp_path, {"meta": vendor.port})
    found: table.Rounds = {}
    async with echo() as floor:
        found["echo", 1] = [await table.one_round(floor, None, 1, 40, floor.rss())]
        assert len((await openloop.at_pace(floor, 100, 0.2)).latencies) == 20
    async with tagserver(tmp_path, tmp_path / "data") as ours:
        for batch in (1, 20):
            found["ours", batch] = [await table.one_round(ours, vendor, batch, 40, ours.rss())]
        before = vendor.events
        assert len((await openloop.at_pace(ours, 100, 0.2)).latencies) == 20
        await vendor.has(before + 50 + 20)
    listening.close()
    assert vendor.events == (4 + 40) + (20 + 40) + (50 + 20)
    report = Report()
    table.show_ratios(report, found)
    assert set(values(report)) == {"echo", "echo20", "rest"}
    assert all(value > 0 for value in values(report).values())
    assert sum("it is not installed" in line for line in report.lines) == 4


async def test_every_stage_is_seen_in_the_counts() -> None:
    costs = await stage_profile.profile(batch=2, events=20, repeats=1)
    for stage in stage_profile.STAGES:
        assert sum(costs.counts.get(stage, (0.0,))) > 0, stage


def test_the_share_of_a_destination_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    destinations.main(report, repeats=1, events=2)
    assert set(values(report)) == {"added"}
    assert capsys.readouterr().out.count(" us more, ") == len(destinations.NAMES) - 1


def test_every_row_has_a_switch() -> None:
    within = {"calls": {"calls", "files"}, "destinations": {"added"}, "stages": {"other tag", "same tag"}}
    within |= {"openloop": {"open"}, "neighbours": {"neighbour"}, "echo": {"echo", "rest"}}
    within |= {"backlog": {"outage intake", "outage memory", "restart", "drain", "fill"}}
    within |= {"records": {f"{level} {tags}{many}" for level in LEVELS[1:] for tags in TAGS for many in ("", ", 20")}}
    switched = set[str]().union(*(within.get(part, {part}) for part in full.PARTS))
    assert switched == set(GOALS)


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (Goal("a rate", 0.4, 0.8), 0.39, "NOT met"),
        (Goal("a rate", 0.4, 0.8), 0.4, "met"),
        (Goal("a rate", 0.4, 0.8), 0.8, "aim met"),
        (Goal("calls", 150, 80, "less"), 151, "NOT met"),
        (Goal("calls", 150, 80, "less"), 150, "met"),
        (Goal("calls", 150, 80, "less"), 80, "aim met"),
        (Goal("memory", 80), 80, "met"),
    ],
)
def test_verdicts(goal: Goal, value: float, verdict: str) -> None:
    assert goal.verdict(value) == verdict
