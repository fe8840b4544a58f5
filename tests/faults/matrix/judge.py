"""The judge: after the faults have stopped, was every promise kept? Reads one Case (JSON) from standard input, prints
a Verdict (JSON).

Healthy, drained, then: conservation, integrity, duplicates, accounting, liveness, hygiene, meaning.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.matrix.events import DOMAIN, ORIGIN, digest, event
from tests.faults.matrix.web import call

HEALTHY_WITHIN = 10.0
FRESH = "judge-"
"""How the ids of the judge's own events begin."""


@dataclass
class Case:
    """What happened, and what is allowed to follow from it.

    `vendors`: destination → the oracle's control address, for destinations that must have everything.
    `extra`: arrivals beyond one for each event. `reasons`: reasons for which letters may be dead.
    `pending`: whether deliveries may still wait. `tracebacks`: libraries may write some.
    `before`: file descriptors and threads of the idle server.
    """

    server: str
    pid: int
    admin: str
    vendors: dict[str, str]
    histories: list[str]
    logs: list[str]
    secrets: list[str]
    faults: dict[str, int]
    least: int = 20
    extra: int = 0
    lost: int = 0
    reasons: list[str] = field(default_factory=list)
    pending: bool = False
    drain: float = 30.0
    live: float = 2.0
    before: dict[str, int] = field(default_factory=dict)
    growth_mib: int = 150
    tracebacks: bool = False


@dataclass
class Verdict:
    """`void`: the run shows nothing. `numbers`: for the report."""

    failures: list[str] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)


def judge(case: Case) -> Verdict:
    """All questions, in order."""
    verdict = Verdict()
    ok, sent = _histories(case)
    verdict.numbers |= {"ok": len(ok), "sent": len(sent), **case.faults}
    if len(ok) < case.least:
        verdict.void.append(f"only {len(ok)} events were answered ok, {case.least} are needed")
    if not any(case.faults.values()):
        verdict.void.append("not one of the intended faults was observed")
    if not _healthy(case):
        verdict.failures.append(f"not ready within {HEALTHY_WITHIN:.0f} s")
        return verdict
    status = _drained(case)
    for name, control in case.vendors.items():
        _judge_destination(case, verdict, name, control, status[name], ok, sent)
    for name, counts in status.items():
        settled = sum(counts[key] for key in ("delivered", "pending", "dead", "erased"))
        if counts["accepted"] != settled:
            verdict.failures.append(f"accounting: {name} accepted {counts['accepted']}, accounts for {settled}")
    _live(case, verdict)
    _hygiene(case, verdict)
    return verdict


def _histories(case: Case) -> tuple[set[str], set[str]]:
    ok, sent = set(), set()
    for name in case.histories:
        for line in Path(name).read_text().splitlines():
            event_id, outcome, *_ = json.loads(line)
            sent.add(event_id)
            if outcome == "ok":
                ok.add(event_id)
    return ok, sent


def _healthy(case: Case) -> bool:
    until = time.monotonic() + HEALTHY_WITHIN
    while time.monotonic() < until:
        try:
            if call("GET", f"{case.server}/readyz").status == 200:
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def _admin(case: Case, path: str) -> Any:
    return call("GET", f"{case.server}{path}", headers={"authorization": f"Bearer {case.admin}"}).json()


def _drained(case: Case) -> dict[str, dict[str, Any]]:
    """The counts once the judged destinations have nothing pending, or as much time as may be has passed."""
    until = time.monotonic() + case.drain
    while True:
        status: dict[str, dict[str, Any]] = _admin(case, "/-/status.json")["destinations"]
        left = sum(status[name]["pending"] for name in case.vendors)
        if not left or case.pending or time.monotonic() > until:
            return status
        time.sleep(0.1)


def _judge_destination(
    case: Case, verdict: Verdict, name: str, control: str, counts: dict[str, Any], ok: set[str], sent: set[str]
) -> None:
    seen = call("GET", f"{control}/ids", timeout=60).json()
    stats = call("GET", f"{control}/stats").json()
    letters = _admin(case, f"/-/dead.json?destination={name}&limit=1000")["letters"]
    dead = {letter["event_id"] for letter in letters}
    if counts["pending"] and not case.pending:
        verdict.failures.append(
            f"{name}: {counts['pending']} still pending after {case.drain:.0f} s ({counts['state']})"
        )
    missing = ok - seen.keys() - dead
    excused = counts["pending"] + case.lost
    if len(missing) > excused:
        verdict.failures.append(f"conservation: {name} lacks {len(missing)} ok events, such as {sorted(missing)[:3]}")
    reasons = {letter["reason"] for letter in letters} - set(case.reasons)
    if reasons:
        verdict.failures.append(f"{name} has dead letters for {sorted(reasons)}")
    stranger = {one for one in seen.keys() - sent if not one.startswith(FRESH)}
    if stranger:
        verdict.failures.append(
            f"integrity: {name} has {len(stranger)} events that nobody sent: {sorted(stranger)[:3]}"
        )
    altered = [one for one, (_, _, found) in seen.items() if one in sent and found != digest(one)]
    if altered:
        verdict.failures.append(f"integrity: {name} got {len(altered)} altered payloads, such as {altered[:3]}")
    if stats["clear_text"]:
        verdict.failures.append(f"integrity: {name} got {stats['clear_text']} requests with an address in clear text")
    extra = stats["arrivals"] - stats["unique"]
    if extra > case.extra:
        verdict.failures.append(f"duplicates: {name} got {extra} events again, {case.extra} are allowed")
    verdict.numbers |= {
        f"{name} unique": stats["unique"],
        f"{name} again": extra,
        f"{name} requests": stats["requests"],
    }


def _live(case: Case, verdict: Verdict) -> None:
    """A fresh event arrives soon."""
    fresh = f"{FRESH}{time.monotonic_ns()}"
    answer = call("POST", f"{case.server}/collect", event(fresh), {"origin": ORIGIN})
    if answer.status != 202:
        verdict.failures.append(f"liveness: a fresh event is answered {answer.status} {answer.body[:200]!r}")
        return
    began = time.monotonic()
    waiting = {} if case.pending else dict(case.vendors)
    while waiting and time.monotonic() < began + case.live:
        for name, control in list(waiting.items()):
            if call("GET", f"{control}/seen/{fresh}").json():
                del waiting[name]
        time.sleep(0.02)
    if waiting:
        verdict.failures.append(f"liveness: a fresh event is not at {', '.join(waiting)} after {case.live:g} s")
    verdict.numbers["fresh ms"] = round((time.monotonic() - began) * 1000)


def _hygiene(case: Case, verdict: Verdict) -> None:
    for name in case.logs:
        text = Path(name).read_text(errors="replace")
        for unwanted in ("Traceback", f"@{DOMAIN}", *case.secrets):
            if unwanted in text and not (case.tracebacks and unwanted == "Traceback"):
                shown = "a secret" if unwanted in case.secrets else unwanted
                verdict.failures.append(f"hygiene: {shown} is in a log {text.count(unwanted)} times")
    if case.before:
        after = usage(case.pid)
        for key in ("fds", "threads"):
            allowed = case.before[key] * 1.1 + 12
            until = time.monotonic() + 5
            while after[key] > allowed and time.monotonic() < until:
                time.sleep(0.2)
                after = usage(case.pid)
            if after[key] > allowed:
                verdict.failures.append(f"hygiene: {key} went from {case.before[key]} to {after[key]}")
        if after["rss_mib"] > case.before["rss_mib"] + case.growth_mib:
            verdict.failures.append(f"hygiene: memory went from {case.before['rss_mib']} to {after['rss_mib']} MiB")
        verdict.numbers["rss mib"] = after["rss_mib"]


def usage(pid: int) -> dict[str, int]:
    """File descriptors, threads and memory of a process."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "fds": sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        "threads": int(lines["Threads"]),
        "rss_mib": int(lines["VmRSS"].split()[0]) >> 10,
        "peak_mib": int(lines["VmHWM"].split()[0]) >> 10,
    }


if __name__ == "__main__":
    print(json.dumps(asdict(judge(Case(**json.load(sys.stdin))))))
