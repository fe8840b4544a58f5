"""Faults of plugins: they raise, hang, leak, and return nonsense."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.faults.matrix.authors import destination
from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import DOMAIN
from tests.faults.matrix.judge import usage
from tests.faults.matrix.world import Server, Vendor, World, everything_to, meta

chapter = Chapter("Plugins")


def _beside(world: World, sources: Mapping[str, str], **settings: str) -> tuple[Server, Vendor]:
    """A server with these plugins, a destination for each (listed first, all at one vendor), and `well` beside them."""
    well, theirs = world.vendor("well"), world.vendor("theirs")
    del world.vendors["theirs"]
    for name, source in sources.items():
        world.plugin(f"matrix_{name}", source)
    destinations = {name: {"type": name, "api_url": theirs.address, **settings} for name in sources}
    world.configure(container=everything_to(destinations | {"well": meta(well.address)}))
    return world.serve().up(), theirs


RAISES = {
    "imports": destination("imports", head="raise RuntimeError('at import')"),
    "exits": destination("exits", head="raise SystemExit('at import')"),
    "interrupts": destination("interrupts", "def hosts(self, settings): raise KeyboardInterrupt"),
    "constructs": destination("constructs", "def __init__(self): raise RuntimeError('constructor')"),
    "hosts": destination("hosts", "def hosts(self, settings): raise RuntimeError('hosts')"),
    "sees": destination("sees", "def sees(self, settings): raise RuntimeError('sees')"),
    "builds": destination("builds", "def build(self, event, parameters, settings, mode): raise KeyError(event.data)"),
    "requests": destination("requests", "def request(self, payloads, settings): raise ValueError(payloads[0].body)"),
    "classifies": destination(
        "classifies",
        """
        def classify(self, response, payloads):
            if any(one.event_id.endswith("-7") for one in payloads):
                raise ValueError(payloads[0].body)
            return super().classify(response, payloads)
        """,
    ),
    "delivers": destination(
        "delivers", "sink = True\nasync def deliver(self, payloads, settings): raise ValueError(payloads)"
    ),
    "leaves": destination("leaves", "def request(self, payloads, settings): raise SystemExit(payloads[0].body)"),
    "cancels": destination(
        "cancels",
        "sink = True\nasync def deliver(self, payloads, settings): raise asyncio.CancelledError(payloads)",
    ),
    "sometimes": destination(
        "sometimes",
        """
        def request(self, payloads, settings):
            if any(one.event_id.endswith("-7") for one in payloads):
                raise SystemExit(payloads[0].body)
            return super().request(payloads, settings)
        """,
    ),
}


@chapter.row("G1", "it raises: at import, in its constructor, in hosts, build, request, classify, deliver", quick=True)
def raises(world: World) -> None:
    """Its own destination alone suffers: paused when it always fails, and after an answer; dead letters with the place
    when it sometimes fails before anything has left. At the door it is seen."""
    server, _ = _beside(world, RAISES)
    world.produce("load", 100, rate=200).ends()
    world.settled("well")
    for name in ("imports", "exits", "interrupts", "constructs", "hosts", "sees"):
        counts = server.status(name)
        world.expect(counts["state"] == "paused" and counts["reason"], f"{name} is {counts['state']}")
        world.fault("plugins that fail", counts["state"] == "paused")
    for name in ("requests", "delivers", "leaves", "cancels", "classifies"):
        world.until(lambda name=name: server.status(name)["state"] == "paused", 5, f"{name} is not paused")
        counts = server.status(name)
        world.expect(counts["dead"] <= 3 and "plugin_error" in counts["reason"], f"{name} is {counts}")
    world.expect(server.status("classifies")["dead"] == 0, "an event has died of an answer that was not read")
    world.expect('reason="plugin_error"} 100' in server.get("/-/metrics").body.decode(), "builds is not counted")
    counts = server.status("builds")
    seen = counts["state"] == "failing" and "build fails with KeyError at matrix_builds.py:" in counts["reason"]
    world.expect(seen, f"builds is {counts}")
    world.expect('"degraded"' in server.get("/readyz").body.decode(), "readiness does not tell")
    world.expect("destination builds is failing: build fails with KeyError" in server.text(), "the log does not tell")
    counts = world.settled("sometimes")
    world.expect(counts["dead_by_reason"] == {"plugin_error": 1}, f"sometimes has {counts['dead_by_reason']}")
    letters = server.letters(destination="sometimes")
    world.expect(letters and letters[0]["event_id"] == "load-7", f"buried are {letters}")
    world.expect(letters and "matrix_sometimes.py:" in letters[0]["detail"], "the place is not said")
    world.judge()


BLOCKS = destination(
    "blocks",
    """
    def classify(self, response, payloads):
        if any(one.event_id == "load-5" for one in payloads):
            time.sleep(1.5)
        return super().classify(response, payloads)
    """,
)
HANGS = destination(
    "hangs",
    """
    sink = True
    calls = 0
    async def deliver(self, payloads, settings):
        Changed.calls += 1
        if Changed.calls == 1:
            await asyncio.Event().wait()
        return Outcome.delivered()
    """,
)
SPINS = destination("spins", "def request(self, payloads, settings):\n    while True: pass")


@chapter.row("G2", "it sleeps 1.5 s on the event loop, or waits for ever without holding it", quick=True)
def hangs(world: World) -> None:
    """The one that holds the loop is named; the one that only waits is felt by nobody."""
    server, _ = _beside(world, {"blocks": BLOCKS, "hangs": HANGS})
    producer = world.produce("load", 300, rate=150)
    held = "the event loop has been held for .* by blocks"
    world.until(lambda: re.search(held, server.text()), 5, "the log does not name the plugin that blocks")
    producer.ends()
    world.settled("well")
    world.fault("blockings", len(re.findall(held, server.text())))
    metrics = server.get("/-/metrics").body.decode()
    world.expect('tagserver_loop_blocked_total{culprit="blocks"}' in metrics, "the metrics do not name it")
    world.expect(server.status("hangs")["pending"] > 0, "it did not hang")
    world.settled("blocks")
    answers, arrivals = world.latencies("load", world.vendors["well"])
    for what, times in (("answer", answers), ("arrival", arrivals)):
        middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
        world.numbers[f"{what} ms p50/p99"] = f"{middle:.0f}/{late:.0f}"
    world.judge()


@chapter.row("G2b", "it waits for ever, until its time is over; it never gives the event loop back")
def hangs_for_ever(world: World) -> None:
    """The first is cut after 15 seconds and its events go out later. Nobody can stop the second; it is named, and after
    a kill nothing is lost."""
    server, _ = _beside(world, {"hangs": HANGS})
    world.produce("load", 100, rate=400).ends()
    world.until(lambda: server.status("hangs")["state"] == "retrying", 20, "it is not cut")
    world.fault("time-outs", server.status("hangs")["state"] == "retrying")
    world.settled("hangs", 10)
    world.judge()
    container = world.container()
    world.plugin("matrix_spins", SPINS)
    spinning = everything_to(
        {"well": meta(world.vendors["well"].address), "spins": {"type": "spins", "api_url": "http://127.0.0.1:9"}}
    )
    world.write("container.yaml", spinning)
    server = world.restart()
    world.produce("spin", 30, connections=2, seconds=3)
    held = "the event loop has been held for .* by spins"
    world.until(lambda: re.search(held, server.text()), 10, "the log does not name it")
    world.fault("endless loops", bool(re.search(held, server.text())))
    server.kill()
    world.write("container.yaml", container)
    world.serve().up()
    world.judge(extra=30)


_BUILDS = "def build(self, event, parameters, settings, mode): return "
NONSENSE = {
    "none": destination("none", f"{_BUILDS}None"),
    "text": destination("text", f"{_BUILDS}'a text'"),
    "set": destination("set", f"{_BUILDS}Built({{'a': object()}}, event.name, event.time)"),
    "nameless": destination("nameless", f"{_BUILDS}Built({{'a': 1}}, None, event.time)"),
    "timeless": destination("timeless", f"{_BUILDS}Built({{'a': 1}}, event.name, 'now')"),
    "endless": destination("endless", f"{_BUILDS}Built({{'a': 1}}, event.name, event.time, expires=float('inf'))"),
    "group": destination("group", f"{_BUILDS}Built({{'a': 1}}, event.name, event.time, group=['g'])"),
    "half": destination("half", f"{_BUILDS}Built({{'a': 1}}, chr(0xd800), event.time, group=chr(0xdfff))"),
    "omits": destination("omits", f"{_BUILDS}Built({{'a': 1}}, event.name, event.time, omitted=[7])"),
    "huge": destination("huge", f"{_BUILDS}Built({{'a': 'x' * (16 << 20)}}, event.name, event.time)"),
}
LATER_NONSENSE = {
    "norequest": destination("norequest", "def request(self, payloads, settings): return None"),
    "badrequest": destination(
        "badrequest",
        "def request(self, payloads, settings): return Request(None, settings.api_url, {'a': 1}, iter(()))",
    ),
    "nooutcome": destination("nooutcome", "def classify(self, response, payloads): return None"),
    "toofew": destination("toofew", "def classify(self, response, payloads): return [Outcome.delivered()] * 99"),
    "waits": destination("waits", "def classify(self, response, payloads): return Outcome.retry(None, after='x')"),
}


@chapter.row("G3", "it returns None, a text, objects, wrong types in every field, 16 MiB", quick=True, untimed=True)
def nonsense(world: World) -> None:
    """Nothing of it is stored or sent as if it were right, and no event is refused to the page for it."""
    server, theirs = _beside(world, NONSENSE | LATER_NONSENSE)
    before = usage(server.pid)
    world.produce("load", 40, rate=80, connections=4).ends()
    world.settled("well")
    refused = [line for line in world.history("load") if line[1] != "ok"]
    world.expect(not refused, f"{len(refused)} requests were not answered ok, such as {refused[:2]}")
    metrics = server.get("/-/metrics").body.decode()
    for name in NONSENSE:
        error = f'tagserver_decisions_total{{tag="Tag {name}",decision="error",reason="plugin_error"}} 40'
        world.expect(error in metrics, f"{name} is no plugin_error")
        world.expect(server.status(name)["accepted"] == 0, f"{name} has stored something")
        world.fault("kinds of nonsense", error in metrics)
    for name in LATER_NONSENSE:
        counts = server.status(name)
        world.expect(counts["state"] == "paused" and "plugin_error" in counts["reason"], f"{name} is {counts['state']}")
        world.expect(counts["delivered"] == 0 and counts["dead"] <= 3, f"{name} has {counts}")
    world.numbers["arrivals from them"] = theirs.stats()["arrivals"]
    world.judge(before=before, growth_mib=200)


chapter.waits("G3b", "it leaks 1 MB at each call", "memory counted for each plugin")

SECRET = "a-secret-of-the-matrix"
TALKS = destination(
    "talks",
    """
    def build(self, event, parameters, settings, mode):
        logging.getLogger("talks").warning("building %s with %s", event.data, settings.token.reveal())
        logging.warning("for %s", event.user_data["email"])
        return super().build(event, parameters, settings, mode)

    def request(self, payloads, settings):
        logging.getLogger("talks").error("sent %r", [one.body for one in payloads])
        return super().request(payloads, settings)
    """,
)


@chapter.row("G4", "it logs the event, the payload and its secret")
def talks(world: World) -> None:
    """The log holds none of them."""
    world.environment["TALKS_TOKEN"] = SECRET
    server, _ = _beside(world, {"talks": TALKS}, token="${env:TALKS_TOKEN}")
    world.produce("load", 50, rate=100).ends()
    world.settled("talks")
    text = server.text()
    world.fault("lines of the plugin", len(re.findall("WARNING talks", text)))
    world.expect(SECRET not in text, "the secret is in the log")
    world.expect(DOMAIN not in text, "an e-mail address is in the log")
    world.expect(not re.search("[0-9a-f]{64}", text), "a hash of a person is in the log")
    world.judge(secrets=[SECRET])


MUTATES = destination(
    "mutates",
    """
    def build(self, event, parameters, settings, mode):
        built = super().build(event, parameters, settings, mode)
        for group in (event.data, event.ecommerce, event.user_data, event.page, event.cookies, parameters):
            for change in ("clear", "sort"):
                try:
                    getattr(group, change)()
                except (AttributeError, TypeError):
                    pass
        return built
    """,
)
SPOILS = destination(
    "spoils",
    """
    def build(self, event, parameters, settings, mode):
        built = super().build(event, parameters, settings, mode)
        event.ecommerce["value"] = 0
        event.user_data["email"] = "nobody@people.example"
        return built
    """,
)


@chapter.row("G5", "it changes the event that it is given")
def mutates(world: World) -> None:
    """The others see what the page has sent."""
    _, theirs = _beside(world, {"mutates": MUTATES, "spoils": SPOILS})
    world.produce("load", 100, rate=200).ends()
    for name in ("mutates", "spoils", "well"):
        counts = world.settled(name)
        world.fault("plugins that change", counts["delivered"] == 100 and name != "well")
        world.expect(counts["delivered"] == 100, f"{name} has delivered {counts['delivered']} of 100")
    world.expect(theirs.stats()["unique"] == 100, "their vendor lacks events")
    world.judge()


@chapter.row("G6", "written for another version of the API; two plugins with one name", quick=True, untimed=True)
def incompatible(world: World) -> None:
    """They are refused with a sentence, both of the two, and the rest works."""
    twin = destination("twin")
    world.plugin("matrix_zwin", twin)
    server, _ = _beside(world, {"future": destination("future", "api_version = 99"), "twin": twin})
    listed = world.command("plugins")
    world.expect(listed.returncode == 1, "`tagserver plugins` finds nothing wrong")
    for sentence in ("written for plugin API 99", "bring the type twin, and nobody's is used"):
        world.expect(sentence in listed.stdout, f"it does not say: {sentence}")
        world.fault("refused plugins", sentence in listed.stdout)
    for name, why in (("future", "API 99"), ("twin", "bring the type twin")):
        counts = server.status(name)
        world.expect(counts["state"] == "paused" and why in counts["reason"], f"{name} is {counts}")
    world.produce("load", 100, rate=400).ends()
    world.judge()
