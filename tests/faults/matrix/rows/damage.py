"""A queue's file that is not as it was left: damaged, foreign, of another version."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.faults.matrix.child import DidNotStart
from tests.faults.matrix.world import Server, World

PAGE = 4096
LEAF = 0x0D
"""The first byte of a leaf page of a table."""


def damaged(world: World) -> None:
    """New events are taken in every case; what is damaged is kept aside, what can be read of it is saved, and what is
    lost is counted."""
    vendor = world.vendor()
    world.configure()
    lost = 0
    for name, (clean, damage, noticed) in CASES.items():
        vendor.order(do="status", status=503)
        folder = world.folder / name
        _filled(world, folder, name, clean=clean)
        damage(world, folder / "outbox.db")
        vendor.order(do="ok")
        server = _supervised(world, folder)
        if server is None:
            continue
        world.produce(f"after-{name}", 50).ends(30)
        counts = world.settled()
        ready = server.get("/readyz")
        said = ready.json()
        aside = list(folder.glob("outbox.db.damaged-*"))
        world.fault(name)
        world.expect(ready.status == 200, f"{name}: it is not ready")
        if noticed:
            world.expect(said["status"] == "degraded" and "damaged" in said.get("notice", ""), f"{name}: health {said}")
            world.expect(aside, f"{name}: the damaged file is not kept")
        gone = counts["erased"] if noticed else 200 + 50 - counts["delivered"]
        world.expect(gone == 0 or name not in WHOLE, f"{name}: {gone} are lost, which could all be saved")
        world.numbers[f"{name} lost"] = gone
        lost += gone
        world.judge(lost=lost, extra=250 * (len(world.faults) + 1))
        server.stop()
    _foreign(world)


def _filled(world: World, folder: Path, name: str, *, clean: bool) -> None:
    """A folder with deliveries that the vendor does not have: in the file after a clean end, else in its -wal."""
    server = world.serve("--data", str(folder)).up()
    world.produce(f"before-{name}", 200).ends(30)
    if clean:
        server.stop()
    else:
        server.kill()


def _supervised(world: World, folder: Path) -> Server | None:
    """The server as a supervisor runs it: started again when it ends, a few times."""
    for _ in range(4):
        server = world.serve("--data", str(folder))
        try:
            server.up()
        except DidNotStart:
            continue
        if server.ends(1.5) is None:
            return server
    world.failures.append(f"{folder.name}: it does not come up: {server.text()[-500:]}")
    return None


def _overwrite(path: Path, at: int, garbage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(garbage)


def _header(world: World, path: Path) -> None:
    _overwrite(path, 0, b"SQLite format 4\0")


def _leaf(world: World, path: Path) -> None:
    content = path.read_bytes()
    leaves = [at for at in range(PAGE, len(content), PAGE) if content[at] == LEAF]
    for at in world.chance.sample(leaves, min(3, len(leaves))):
        _overwrite(path, at, b"\xff" * 8)


def _wal(world: World, path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    _overwrite(log, log.stat().st_size // 2, b"\xff" * 64)


def _half(world: World, path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _empty(world: World, path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)


def _no_wal(world: World, path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


CASES: dict[str, tuple[bool, Callable[[World, Path], None], bool]] = {
    "header": (True, _header, True),
    "leaf": (True, _leaf, True),
    "half": (True, _half, True),
    "empty": (False, _empty, True),
    # SQLite ends the log at the first frame that does not fit its sum: what comes after is silently not there.
    "wal": (False, _wal, False),
    "no-wal": (False, _no_wal, False),
}
"""Name → whether the server ends clean before, the damage, and whether the next one can notice it."""
WHOLE = ("header", "empty")
"""Damages that spare every delivery."""


def _foreign(world: World) -> None:
    folder = world.folder / "foreign"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "outbox.db")) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")
        theirs.commit()
    _refused(world, folder, "is not a queue of tagserver")
    world.fault("foreign")


def newer(world: World) -> None:
    """It is refused with a sentence, and not touched."""
    vendor = world.vendor()
    world.configure()
    folder = world.folder / "newer"
    vendor.order(do="status", status=503)
    _filled(world, folder, "newer", clean=True)
    with closing(sqlite3.connect(folder / "outbox.db")) as file:
        known = file.execute("PRAGMA user_version").fetchone()[0]
        file.execute(f"PRAGMA user_version={known + 1}")
    _refused(world, folder, "newer tagserver")
    world.fault("newer files")
    with closing(sqlite3.connect(folder / "outbox.db")) as file:
        file.execute(f"PRAGMA user_version={known}")
    vendor.order(do="ok")
    world.serve("--data", str(folder)).up()
    world.judge(extra=0)


def _refused(world: World, folder: Path, sentence: str) -> None:
    before = _sums(folder)
    refused = world.serve("--data", str(folder))
    code = refused.ends(20)
    world.expect(code == 1, f"{folder.name}: it ended with {code}")
    world.expect(sentence in refused.text(), f"{folder.name}: it says {refused.text()[-300:]}")
    world.expect(_sums(folder) == before, f"{folder.name}: the file was changed")


def _sums(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("outbox.db*")
        if path.suffix == ".db"
    }
