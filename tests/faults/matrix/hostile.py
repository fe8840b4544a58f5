"""What hostile clients send, byte by byte, and what they see: for the rows on intake and on the admin's addresses."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.faults.matrix.events import ORIGIN
from tests.faults.matrix.judge import usage
from tests.faults.matrix.web import raw
from tests.faults.matrix.world import Server, World

ODD = (None, True, 0, -1e300, 10**30, "", "\x00", "x" * 20_000, [], [[[]]], {}, {"__proto__": {"a": 1}})
"""A value of each kind, where another is expected."""
PAGE = "referer: https://shop.example/a"
"""What a page of the shop shows with an image or a beacon."""


def get(address: str, *lines: str) -> bytes:
    """A whole request without a body. `lines`: in place of what a page of the shop shows."""
    head = [f"GET {address} HTTP/1.1", "host: tags.shop.example", "connection: close", *(lines or (PAGE,))]
    return "\r\n".join([*head, "", ""]).encode("latin-1")


def post(body: bytes | Any, *lines: str, target: str = "/collect", length: bool = True) -> bytes:
    """A whole request of a page of the shop, after which the connection ends. `lines` are further header lines."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"POST {target} HTTP/1.1", "host: tags.shop.example", f"origin: {ORIGIN}", "connection: close", *lines]
    if length:
        head.append(f"content-length: {len(content)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + content


def chunked(pieces: Iterable[bytes]) -> bytes:
    """The body of a request that says no length."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in what came back."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@dataclass(frozen=True)
class Ask:
    """One hostile request and the statuses it may be answered with; 0 stands for a connection that is closed without
    an answer. `within` seconds the answer must be there."""

    name: str
    data: bytes
    allowed: tuple[int, ...]
    within: float = 5.0
    half_close: bool = False


def ask_all(world: World, asks: Iterable[Ask]) -> None:
    """Send each on a connection of its own, and expect what it allows."""
    assert world.server is not None
    for ask in asks:
        began = time.monotonic()
        answer = raw(world.server.address, ask.data, ask.within, half_close=ask.half_close)
        took = time.monotonic() - began
        found = statuses(answer)[:1] or [0]
        world.fault("hostile requests")
        world.expect(found[0] in ask.allowed, f"{ask.name}: answered {found[0]}, not one of {ask.allowed}")
        world.expect(took < ask.within, f"{ask.name}: took {took:.1f} s")


class Onlooker:
    """Somebody who asks /healthz again and again on one connection while others misbehave; `worst` in seconds."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.times: list[float] = []
        self.failures = 0

    def __enter__(self) -> Onlooker:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=10)
        while not self._stop.wait(0.01):
            began = time.monotonic()
            try:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                self.failures += 1
                connection.close()
                continue
            self.times.append(time.monotonic() - began)
        connection.close()

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def metrics(server: Server) -> Mapping[str, float]:
    """Every sample of the Prometheus text."""
    lines = server.get("/-/metrics").body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}


def expect_free_loop(world: World, most: float = 0.25) -> None:
    """No beat of the server's event loop was later than `most` seconds (a bound of its histogram)."""
    assert world.server is not None
    found = metrics(world.server)
    late = found["tagserver_loop_lag_seconds_count"] - found[f'tagserver_loop_lag_seconds_bucket{{le="{most:g}"}}']
    fine = found['tagserver_loop_lag_seconds_bucket{le="0.1"}']
    world.numbers["beats over 0.1 s"] = int(found["tagserver_loop_lag_seconds_count"] - fine)
    world.expect(late == 0, f"the event loop was held for more than {most:g} s, {late:.0f} times")


def bomb() -> bytes:
    """Sixty-four megabytes of blanks, packed."""
    return gzip.compress(b" " * (64 << 20))


class ShopGoesOn:
    """A server with one vendor and these settings, to which a shop's own events go beside what strangers send."""

    def __init__(self, world: World, settings: Mapping[str, Any], **environment: str) -> None:
        world.environment |= environment
        world.vendor()
        world.configure(dict(settings))
        world.serve().up()
        assert world.server is not None
        self.server = world.server
        self._world = world
        self._before = usage(self.server.pid)
        self._producer = world.produce("load", 300, rate=150)

    def to_its_end(self, most: int = 48) -> None:
        """All of them have arrived, and what strangers sent has cost at most so many MiB, and held up nobody."""
        world = self._world
        self._producer.ends(30)
        peak = usage(self.server.pid)["peak_mib"] - self._before["peak_mib"]
        world.expect(peak < most, f"memory grew by {peak} MiB")
        if not world.untimed:
            expect_free_loop(world)
        world.judge(before=self._before)
