"""Faults in what vendors answer: nonsense, refusals of some, of all, of the token, of the age."""

from __future__ import annotations

import math
import signal
import time

from tests.faults.matrix.authors import destination
from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import event
from tests.faults.matrix.world import ADMIN, World, everything_to, meta

chapter = Chapter("Vendor: the answers")

NONSENSE = {
    "garbage": "\x00\xff\x1b[31m",
    "empty": "",
    "page": "<html><body>Welcome</body></html>",
    "truncated": '{"events_received": 10',
    "types": '{"events_received": "all", "error": [[]]}',
    "list": "[1, 2, 3]",
    "fewer": '{"events_received": 0}',
}


@chapter.row("V4", "200 with garbage, nothing, a page, half a JSON, wrong types, a depth of 10,000")
def nonsense(world: World) -> None:
    """An answer that does not say so is no delivery: the events are repeated, none is lost or counted."""
    for name, body in NONSENSE.items():
        world.vendor(name).order(do="body", body=body)
    world.vendor("deep").order(do="deep")
    world.configure()
    server = world.serve().up()
    world.produce("load", 100, rate=400).ends()
    for name, vendor in world.vendors.items():
        world.until(lambda vendor=vendor: vendor.stats()["faults"] > 0, 5, f"{name} was not asked")
        world.fault("nonsense", vendor.stats()["faults"])
        counts = server.status(name)
        shown = (counts["delivered"], counts["pending"], counts["dead"])
        world.expect(shown == (0, 100, 0), f"after nonsense {name} has delivered, pending, dead: {shown}")
        vendor.order(do="ok")
    world.restart()
    world.judge()


@chapter.row("V5", "the whole request is refused for one bad event, four of 600 are bad", quick=True, untimed=True)
def some_bad(world: World) -> None:
    """Exactly these become dead letters, with the vendor's code; the others arrive once, for few requests more."""
    vendor = world.vendor()
    bad = sorted(world.chance.sample(range(600), 4))
    vendor.order(bad_ids=[f"load-{number}" for number in bad], do="status", status=503, next=1)
    world.configure()
    server = world.serve().up()
    world.produce("load", 600, rate=600).ends()
    world.settled()
    letters = {letter["event_id"]: letter for letter in server.letters(destination="meta")}
    world.expect(set(letters) == {f"load-{number}" for number in bad}, f"dead are {sorted(letters)}")
    world.expect(all("100/2804003" in one["detail"] for one in letters.values()), "the vendor's code is not said")
    stats = vendor.stats()
    world.fault("refused requests", stats["faults"] - 1)
    most = len(bad) * 2 * math.ceil(math.log2(600)) + 10
    world.expect(stats["requests"] <= most, f"{stats['requests']} requests, {most} are enough")
    world.judge(reasons=["rejected"])


@chapter.row("V6", "every event is refused", quick=True)
def all_bad(world: World) -> None:
    """The set-up is blamed: it pauses, says so, asks rarely, buries nothing, and goes on once it is mended."""
    vendor = world.vendor()
    vendor.order(refuse_all=2804050)
    world.configure()
    server = world.serve().up()
    world.produce("load", 400, rate=400).ends()
    world.until(lambda: server.status()["state"] == "paused", 5, "it is not paused")
    time.sleep(1)
    counts, stats = server.status(), vendor.stats()
    world.fault("refusals", stats["faults"])
    world.expect("100/2804050" in counts["reason"], f"the reason is {counts['reason']!r}")
    world.expect("is paused" in server.text(), "the log does not call anybody")
    # The first three could have been bad events.
    world.expect(counts["dead"] <= 3, f"{counts['dead']} events are buried")
    world.expect(stats["requests"] <= 40, f"{stats['requests']} requests to a vendor that refuses all")
    vendor.order(refuse_all=None)
    server.post("/-/reload")
    world.judge(reasons=["rejected"])


@chapter.row("V7", "the vendor takes a request and refuses some of its events")
def partly_refused(world: World) -> None:
    """Only those become dead letters, and no request is repeated."""
    world.plugin("matrix_partial", destination("partial"))
    vendor = world.vendor()
    bad = {f"load-{number}" for number in world.chance.sample(range(300), 30)}
    vendor.order(bad_ids=sorted(bad), partial=True)
    world.configure(container=everything_to({"meta": {"type": "partial", "api_url": vendor.address}}))
    server = world.serve().up()
    world.produce("load", 300, rate=300).ends()
    world.settled()
    world.fault("refused events", server.status()["dead"])
    world.expect({letter["event_id"] for letter in server.letters()} == bad, "other events are dead")
    world.judge(reasons=["rejected"])


@chapter.row("V8", "the token has expired (190), 401 and 403; a new one comes by a reload", quick=True, untimed=True)
def token_expired(world: World) -> None:
    """Everything is kept, somebody is called, and the new token needs no restart."""
    tokens = {"old": f"EAA{world.chance.getrandbits(80):x}", "new": f"EAA{world.chance.getrandbits(80):x}"}
    file = world.folder / "token"
    file.write_text(tokens["old"])
    world.vendor("expired").order(dead_tokens=[tokens["old"]])
    world.vendor("denied").order(do="status", status=401)
    world.vendor("forbidden").order(do="status", status=403)
    world.configure(
        container=everything_to(
            {name: meta(vendor.address, access_token=f"${{file:{file}}}") for name, vendor in world.vendors.items()}
        )
    )
    server = world.serve().up()
    world.produce("load", 200, rate=400).ends()
    for name, vendor in world.vendors.items():
        world.until(lambda name=name: server.status(name)["state"] == "paused", 5, f"{name} is not paused")
        world.expect(server.status(name)["pending"] == 200, f"{name} does not keep everything")
        world.fault("refusals", vendor.stats()["faults"])
        vendor.order(do="ok")
    world.expect("190" in server.status("expired")["reason"], "the reason is not said")
    file.write_text(tokens["new"])
    server.signal(signal.SIGHUP)
    world.judge(secrets=[ADMIN, *tokens.values()])


META_WINDOW_MS = (7 * 24 - 4) * 3_600_000


@chapter.row("V10", "the vendor is down until events are too old for it")
def too_old(world: World) -> None:
    """They become dead letters that can be seen and tried again; those that are not too old arrive."""
    vendor = world.vendor()
    vendor.order(do="status", status=503)
    world.configure()
    server = world.serve().up()
    end = time.time() + 2.5
    old = [event(f"old-{number}") | {"timestamp": int(end * 1000) - META_WINDOW_MS} for number in range(20)]
    world.send("old", old)
    world.produce("fresh", 40).ends()
    world.until(lambda: vendor.stats()["faults"] > 0, 5, "the vendor was not asked in time")
    time.sleep(max(0.0, end - time.time()) + 0.1)
    vendor.order(do="ok")
    counts = world.settled()
    world.fault("expired", counts["dead_by_reason"].get("expired", 0))
    world.expect(counts["dead_by_reason"] == {"expired": 20}, f"dead are {counts['dead_by_reason']}")
    again = server.post("/-/dead.json", {"action": "retry", "reason": "expired"})
    world.expect(again.status == 200, "they cannot be tried again")
    counts = world.settled()
    world.expect(counts["dead"] == 20, "what is too old was sent")
    world.judge(reasons=["expired"])
