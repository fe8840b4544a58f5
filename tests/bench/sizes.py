"""What a rate of events needs: every number of `config/operate/sizing.md`. Bytes on the disk are counted (`stored`);
processor, memory and writes are those of a real server, and a search in the audit is timed, which depend on the
machine."""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import time
from pathlib import Path

import uvloop

from tagserver.audit.files import FOLDER, files_of, rows_about, size_of
from tagserver.audit.index import index_of, write_index
from tests.bench import stored
from tests.bench.backlog import intake
from tests.bench.container import write_config
from tests.bench.load import ClosedLoop
from tests.bench.purchase import Requests, some_prefix
from tests.bench.server import Server, pin_load, tagserver
from tests.bench.vendor import Vendor
from tests.destinations.nine import NAMES

HOLDING = b'"consent": {"default": {"ad_storage": "denied", "ad_user_data": "denied", "wait_for_update": 60000}}'
_GRANTED = b'"consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted", '
NOBODY = "f" * 16


def show(what: str, value: float, unit: str) -> None:
    """One line."""
    print(f"{what:<56}{value:>12,.2f} {unit}", flush=True)


async def on_the_disk(events: int, names: list[str]) -> None:
    """Counted bytes."""
    for name in names:
        one = await stored.of_destination(name, events)
        show(f"{name}: payload", one.payload, "bytes")
        show(f"{name}: a delivery that waits", one.row, "bytes")
        show(f"{name}: a dead letter", one.letter, "bytes")
    left = await stored.of_destination(names[0], 10 * events)
    show("keys that a purchase leaves behind (repeat and order)", left.keys, "bytes")
    show("a key without a mark", await stored.of_key(50_000), "bytes")
    show("a tombstone (an identifier, a purpose)", await stored.of_tombstone(20_000), "bytes")


def audit(events: int, copies: int) -> None:
    """Bytes of a delivery, and the time of a search in so many packed files."""
    for names in (("meta",), stored.FIVE):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / FOLDER
            whole, index = stored.of_audit(names, events, folder)
            show(f"audit: a delivery, {len(names)} for each event", whole, "bytes")
            show(f"audit: of these, its index, {len(names)} for each event", index, "bytes")
            if copies and len(names) > 1:
                search(folder, copies)


def search(folder: Path, copies: int) -> None:
    """The same files again and again, until there are so many: how long an event is looked for that is in none, with
    the indexes and without."""
    originals = files_of(folder)
    for number in range(len(originals) + 1, copies + 1):
        like, copy = originals[number % len(originals)], folder / f"{number:08}.jsonl.gz"
        shutil.copyfile(like, copy)
        shutil.copyfile(index_of(like), index_of(copy))
    show("audit: searched in", size_of(folder) / (1 << 20), "MiB")
    began = time.perf_counter()
    list(rows_about(folder, NOBODY))
    show("audit: an event is looked for", time.perf_counter() - began, "s")
    index_of(originals[0]).unlink()
    began = time.perf_counter()
    list(rows_about(folder, NOBODY))
    one = time.perf_counter() - began
    write_index(originals[0])
    began = time.perf_counter()
    list(rows_about(folder, NOBODY))
    without = max(0.0, one - (time.perf_counter() - began))
    show("audit: more for each file that has no index", without, "s")


class Held(Requests):
    """Events that wait for consent."""

    def __next__(self) -> bytes:
        head, _, body = super().__next__().partition(b"\r\n\r\n")
        end = body.index(b"}", body.index(_GRANTED))
        body = body[: body.index(_GRANTED)] + HOLDING + body[end + 1 :]
        head = head[: head.rindex(b":")] + b": %d" % len(body)
        return head + b"\r\n\r\n" + body


async def running(events: int) -> None:
    """Of a real server, one event a request."""
    vendor = Vendor()
    listening = await vendor.listen()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, {"meta": vendor.port})
        async with tagserver(folder, folder / "data") as server:
            await intake(server, events // 5, 1)
            await vendor.has(events // 5)
            cpu, written = server.cpu(), server.written()
            await intake(server, events, 1)
            await vendor.has(events // 5 + events)
            show("processor, an event from request to vendor", (server.cpu() - cpu) / events * 1e6, "us")
            show("written to the disk, an event", (server.written() - written) / events, "bytes")
            show("memory after that", server.rss(), "MB")
            await connections(server, 1000)
            await held(server, 5000)
    request = next(Requests(1, "e"))
    show("network: a request of a page", len(request), "bytes")
    listening.close()


async def connections(server: Server, number: int) -> None:
    """Clients that are connected and say nothing."""
    before = server.rss()
    made = []
    for _ in range(number):
        one = socket.create_connection(("127.0.0.1", server.port))
        one.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        one.recv(1000)
        made.append(one)
    show("memory: a connection", (server.rss() - before) * 1000 / number, "kB")
    for one in made:
        one.close()


async def held(server: Server, number: int) -> None:
    """Events that wait for consent."""
    before = server.rss()
    answers = await ClosedLoop(Held(1, some_prefix()), number).run(server.port)
    if answers.refused:
        raise SystemExit(f"{answers.refused} of {number} requests were refused")
    show("memory: an event that waits for consent", (server.rss() - before) * 1000 / number, "kB")


async def main(events: int, names: list[str], files: int) -> None:
    """Measure and print."""
    await on_the_disk(300, names)
    audit(40_000 if files else 4000, files)
    await running(events)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="that the real server gets")
    parser.add_argument("--audit-files", type=int, default=1100, help="packed files that are searched, or 0")
    arguments = parser.parse_args()
    pin_load()
    uvloop.run(main(arguments.events, NAMES, arguments.audit_files))
