"""Faults of the configuration: broken, half-written, changed under load."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.world import ADMIN, TOKEN, Server, World, everything_to, meta

chapter = Chapter("Configuration")

Container = dict[str, Any]


def _with_tag(container: Container, **tag: Any) -> str:
    return json.dumps(container | {"tags": [*container["tags"], container["tags"][0] | tag]})


def _bomb(container: Container) -> str:
    lists = [f"a{one}: &a{one} [{', '.join([f'*a{one - 1}'] * 9) if one else 'x'}]" for one in range(12)]
    return "\n".join(lists)


BROKEN: Mapping[str, tuple[str, Callable[[Container], str]]] = {
    "not YAML": ("E101", lambda good: json.dumps(good)[:-9]),
    "a tab": ("E101", lambda good: "tags:\n\t- name: x\n"),
    "a key twice": ("E102", lambda good: "tags: []\ntags: []\n"),
    "alias bomb": ("E103", _bomb),
    "too large": ("E104", lambda good: json.dumps(good) + "\n" + "#" * (2 << 20)),
    "unknown key": ("E110", lambda good: json.dumps(good | {"tagz": []})),
    "dangling reference": ("E112", lambda good: _with_tag(good, name="Other", destination="nowhere")),
    "name twice": ("E114", lambda good: _with_tag(good)),
}


@chapter.row(
    "C1",
    "not YAML, a tab, a key twice, alias bomb, too large, unknown key, dangling, name twice",
    quick=True,
    untimed=True,
)
def broken_reload(world: World) -> None:
    """The old container serves on without a gap, and the problem is named with its line."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    good = world.container()
    version = _version(server)
    producer = world.produce("load", 600, rate=200)
    for what, (code, text) in BROKEN.items():
        world.write("container.yaml", text(good))
        answer = server.post("/-/reload")
        problems = [one for one in answer.json()["problems"] if one["code"] == code]
        world.expect(answer.status == 409 and problems, f"{what}: answered {answer.status}, {answer.body[:200]!r}")
        world.expect(all(one["file"] and one["line"] for one in problems), f"{what}: the place is not said")
        ready = server.get("/readyz")
        world.expect((ready.status, ready.json()["status"]) == (200, "degraded"), f"{what}: {ready.body[:100]!r}")
        world.fault("broken files", answer.status == 409)
    world.expect(_version(server) == version, "another container serves")
    world.write("container.yaml", good)
    world.expect(server.post("/-/reload").status == 200, "a sound file is not taken")
    producer.ends()
    _without_a_gap(world, "load")
    world.judge()


def _version(server: Server) -> str:
    version: str = server.get("/-/status.json").json()["container"]["version"]
    return version


def _without_a_gap(world: World, prefix: str) -> None:
    refused = [line for line in world.history(prefix) if line[1] != "ok"]
    world.expect(not refused, f"{len(refused)} requests were not answered ok, such as {refused[:2]}")


@chapter.row(
    "C2",
    "a broken configuration at the start, with and without an earlier one that was sound",
    quick=True,
    untimed=True,
)
def broken_start(world: World) -> None:
    """The earlier one serves; without one it ends and lists every problem at once."""
    world.vendor()
    world.configure()
    world.serve().up().stop()
    good = world.container()
    world.write("container.yaml", good | {"tagz": [], "triggers": {"t": {"evnt": "purchase"}}})
    first = world.serve("--data", "other")
    world.expect(first.ends(15) == 1, "without an earlier one it does not end with 1")
    for word in ("tagz", "evnt", "container.yaml:"):
        world.expect(word in first.text(), f"it does not name {word}")
    strict = world.serve("--strict")
    world.expect(strict.ends(15) == 1, "--strict does not end with 1")
    server = world.serve().up()
    ready = server.get("/readyz")
    world.expect((ready.status, ready.json()["status"]) == (200, "degraded"), f"readiness is {ready.body[:200]!r}")
    world.expect(len(ready.json()["problems"]) >= 2, "not all problems are shown")
    world.fault("broken starts", 3)
    world.produce("load", 100, rate=400).ends()
    world.judge()


@chapter.row("C3", "a sound reload every 100 ms under load, beside a destination that is down")
def many_reloads(world: World) -> None:
    """Nothing is lost, repeated or refused, and a vendor that is down is not asked more often for it."""
    vendor, down = world.vendor(), world.vendor("down")
    down.order(do="status", status=500)
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", 600, rate=200)
    container = world.container()
    versions = set()
    began = time.monotonic()
    while producer.process.poll() is None:
        container["tags"][0]["notes"] = f"note {world.faults['reloads']}"
        world.write("container.yaml", container)
        answer = server.post("/-/reload")
        world.expect(answer.status == 200, f"a sound file is not taken: {answer.body[:200]!r}")
        versions.add(answer.json()["version"])
        world.fault("reloads")
        time.sleep(0.1)
    took = time.monotonic() - began
    world.expect(len(versions) == world.faults["reloads"], "not every reload was taken")
    _without_a_gap(world, "load")
    asked = len(down.requests())
    world.numbers["requests to the one that is down"] = asked
    world.expect(asked <= 4 + 2 * took, f"{asked} requests in {took:.1f} s to a vendor that is down")
    world.judge(vendors={"meta": vendor.control})


@chapter.row("C4", "destinations and tags removed, renamed, put back, moved to another account, added, with a backlog")
def backlog_of_the_removed(world: World) -> None:
    """What is removed keeps its backlog a day; what its tag or account has lost is a dead letter, and none is lost."""
    names = ("stays", "removed", "renamed", "tagless", "moved")
    for name in names:
        world.vendor(name).order(do="status", status=503)
    world.configure()
    server = world.serve().up()
    world.produce("load", 100, rate=400).ends()
    destinations = {name: meta(vendor.address) for name, vendor in world.vendors.items()}
    changed = {name: destinations[name] for name in ("stays", "tagless", "moved")}
    changed["new name"] = destinations["renamed"]
    changed["moved"] = changed["moved"] | {"pixel_id": "2"}
    changed["added"] = meta(world.vendor("added").address)
    container = everything_to(changed)
    container["tags"] = [tag for tag in container["tags"] if tag["destination"] != "tagless"]
    for tag in container["tags"]:
        if tag["destination"] == "new name":
            tag["name"] = "Tag renamed"
    world.write("container.yaml", container)
    world.expect(server.post("/-/reload").status == 200, "the change is not taken")
    for vendor in world.vendors.values():
        world.fault("outages", vendor.stats()["faults"] > 0)
        vendor.order(do="ok")
    world.settled("stays")
    for name, reason in (("tagless", "tag_removed"), ("moved", "destination_changed")):
        counts = world.settled(name)
        world.expect(counts["dead_by_reason"] == {reason: 100}, f"{name} has dead letters {counts['dead_by_reason']}")
    for name in ("removed", "renamed"):
        counts = server.status(name)
        shown = (counts["state"], counts["pending"], counts["dead"])
        world.expect(shown == ("disabled", 100, 0), f"{name} is {shown}")
    world.expect(server.status("added")["accepted"] == 0, "what was added has a backlog")
    world.write("container.yaml", everything_to(destinations))
    world.expect(server.post("/-/reload").status == 200, "they cannot be put back")
    for name in ("tagless", "moved"):
        world.expect(server.post("/-/dead.json", {"action": "retry", "all": True}).status == 200, "no retry")
        world.settled(name)
    del world.vendors["added"]
    world.judge()


@chapter.row("C5", "a secret is missing in the environment; one stands in the file", quick=True, untimed=True)
def secret_missing(world: World) -> None:
    """The variable is named, no value is ever printed; the destination keeps everything until it comes."""
    literal = f"EAA{world.chance.getrandbits(160):x}"
    vendor, waiting = world.vendor(), world.vendor("waiting")
    world.configure()
    destinations = {"meta": meta(vendor.address), "waiting": meta(waiting.address, access_token=literal)}
    world.write("container.yaml", everything_to(destinations))
    check = world.command("check")
    world.expect(check.returncode == 1 and "E201" in check.stdout + check.stderr, "a secret in the file is no problem")
    destinations["waiting"]["access_token"] = "${env:LATE_TOKEN}"  # no secret, its name
    world.write("container.yaml", everything_to(destinations))
    missing = world.command("check")
    world.expect(missing.returncode == 1 and "LATE_TOKEN" in missing.stdout + missing.stderr, "it is not named")
    env_file = world.folder / "secrets.env"
    env_file.write_text("# nothing yet\n")
    server = world.serve("--env-file", str(env_file)).up()
    counts = server.status("waiting")
    world.expect(counts["state"] == "paused" and "LATE_TOKEN" in counts["reason"], f"it is {counts['state']}")
    world.fault("missing secrets", counts["state"] == "paused")
    world.produce("load", 100, rate=400).ends()
    world.settled("meta")
    env_file.write_text(f"LATE_TOKEN={literal}\n")
    server.signal(signal.SIGHUP)
    world.settled("waiting", 5)
    printed = "".join([check.stdout, check.stderr, missing.stdout, missing.stderr, server.get("/readyz").body.decode()])
    world.expect(literal not in printed and TOKEN not in printed, "a secret is printed")
    world.judge(secrets=[ADMIN, TOKEN, literal])


@chapter.row("C6", "a file half-written, renamed into place, behind a symbolic link that moves, with mode 000")
def unstable_file(world: World) -> None:
    """It waits until nobody writes any more; what cannot be read changes nothing but the problems shown."""
    vendor = world.vendor()
    world.configure()
    server = world.serve(prepare=_without_rights_over_files).up()
    producer = world.produce("load", 2_000, rate=100, seconds=60)
    path = world.folder / "config" / "container.yaml"
    container = world.container()

    def noted(note: str) -> str:
        container["tags"][0]["notes"] = note
        return json.dumps(container, indent=1)

    before = _version(server)
    _write_slowly(path, noted("slowly"), 3.0)
    world.expect(_version(server) == before, "half a file was taken")
    world.expect(not _degraded(server), "half a file was read")
    world.fault("half-written files")
    _taken(world, server, before, "slowly written")
    before = _version(server)
    world.write("container.yaml", noted("renamed into place"))
    _taken(world, server, before, "renamed into place")
    _linked(world, server, path, noted)
    before = _version(server)
    world.write("container.yaml", noted("closed"))
    path.chmod(0)
    if world.until(lambda: _degraded(server), 6):
        world.expect(_version(server) == before, "a file that cannot be read was taken")
        world.fault("closed files")
    path.chmod(0o644)
    _taken(world, server, before, "opened again")
    producer.ends(60)
    _without_a_gap(world, "load")
    world.judge(vendors={"meta": vendor.control})


def _linked(world: World, server: Server, path: Path, noted: Callable[[str], str]) -> None:
    """As Kubernetes mounts a ConfigMap: the file is a link through a link, and that one is moved."""
    for number in range(2):
        before = _version(server)
        folder = path.parent / f"..version{number}"
        folder.mkdir()
        (folder / path.name).write_text(noted(f"linked {number}"))
        (path.parent / "..new").symlink_to(folder.name)
        (path.parent / "..new").replace(path.parent / "..data")
        if not path.is_symlink():
            aside = path.with_name("..link")
            aside.symlink_to(f"..data/{path.name}")
            aside.replace(path)
        _taken(world, server, before, f"linked {number}")
        world.fault("moved links")


def _write_slowly(path: Path, text: str, seconds: float) -> None:
    """Over the old content, a piece at a time, as slow copies do."""
    step = len(text) // 10
    with path.open("w") as file:
        for at in range(0, len(text), step):
            file.write(text[at : at + step])
            file.flush()
            time.sleep(seconds * step / len(text))


def _taken(world: World, server: Server, before: str, what: str) -> None:
    world.until(lambda: _version(server) != before and not _degraded(server), 6, f"{what}: it is not taken")


def _degraded(server: Server) -> bool:
    return bool(server.get("/readyz").json()["status"] == "degraded")


DROP_FROM_BOUNDING_SET = 24
OVERRIDES = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: with these root reads what is closed to everybody."""


def _without_rights_over_files() -> None:
    """Run by a child before it becomes the server."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in OVERRIDES:
            libc.prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)
