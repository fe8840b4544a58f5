"""One run of the benchmark: the servers in turn on one core, load and vendor on the other, medians and ratios
printed.

Absolute figures of a shared machine mean little; ratios taken in one run do.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import Load
from tests.bench.vendor import Vendor

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """One server, once: events a second answered, events a CPU second with everything delivered, latencies in ms."""

    rate: float
    per_cpu: float
    p50: float
    p99: float
    rss_mb: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """A loopback port that nobody has now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def write_config(folder: Path, vendor: int, tags: int = 50) -> None:
    """A container of many tags over eight event names; one of them fires on the purchase."""
    names = [
        "purchase",
        "add_to_cart",
        "view_item",
        "begin_checkout",
        "search",
        "sign_up",
        "page_view",
        "generate_lead",
    ]
    lines = [
        "destinations:",
        "  meta:",
        "    type: meta_capi",
        '    pixel_id: "1234567890"',
        '    access_token: "${env:BENCH_TOKEN}"',
        f"    api_url: http://127.0.0.1:{vendor}",
        "triggers:",
        "  purchase: {event: purchase, when: {ecommerce.value: {greater_than: 0}}}",
    ]
    for index in range(1, tags):
        lines.append(
            f"  t{index}: {{event: {names[index % 8]}, "
            f"when: {{page.path: /thanks/{index}, ecommerce.currency: [EUR, USD]}}}}"
        )
    lines += ["tags:", "  - {name: Meta purchase, destination: meta, triggers: [purchase]}"]
    lines += [f"  - {{name: Tag {index}, destination: meta, triggers: [t{index}]}}" for index in range(1, tags)]
    (folder / "container.yaml").write_text("\n".join(lines) + "\n")
    (folder / "server.yaml").write_text(
        'collect: {origins: ["https://shop.example"]}\negress: {allow: ["127.0.0.0/8"]}\nqueue: {min_free: 1MiB}\n'
    )


async def measure(
    name: str, command: list[str], vendor: Vendor, port: int, events: int, total: int, delivers: bool
) -> Round:
    """Start one server on core 0, warm it up, load it, wait until the vendor has everything, stop it."""
    pin = ["taskset", "-c", "0"] if len(os.sched_getaffinity(0)) > 1 or os.cpu_count() != 1 else []
    environ = {"PATH": os.environ["PATH"], "BENCH_TOKEN": "bench", "HOME": "/"}
    if name == "ours":
        environ["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    process = subprocess.Popen(  # noqa: ASYNC220 (nothing else runs yet)
        [*pin, *command], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await _up(port, process)
        seen = vendor.events
        warm = max(1, total // 10 // events)
        await Load(port, "/collect", events, warm, 8, f"{name}-warm-{os.urandom(4).hex()}").run()
        if delivers:
            await _delivered(vendor, seen + warm * events)
        seen, before = vendor.events, cpu_seconds(process.pid)
        requests = total // events
        load = Load(port, "/collect", events, requests, 32, f"{name}-{os.urandom(4).hex()}")
        seconds = await load.run()
        if load.refused:
            raise SystemExit(f"{name}: {load.refused} of {requests} requests were refused")
        if delivers:
            await _delivered(vendor, seen + requests * events)
        cpu = cpu_seconds(process.pid) - before
        latencies = sorted(load.latencies)
        return Round(
            requests * events / seconds,
            requests * events / cpu,
            latencies[len(latencies) // 2] * 1000,
            latencies[int(len(latencies) * 0.99)] * 1000,
            rss_mb(process.pid),
        )
    finally:
        process.terminate()
        process.wait(20)


async def _up(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit("the server did not come up")


async def _delivered(vendor: Vendor, count: int) -> None:
    for _ in range(2400):
        if vendor.events >= count:
            return
        await asyncio.sleep(0.025)
    raise SystemExit(f"the vendor has {vendor.events} of {count} events")


async def run(arguments: argparse.Namespace) -> None:
    """All rounds, interleaved, and the table."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    vendor = Vendor()
    listening, vendor_port = await vendor.start()
    found: dict[tuple[str, int], list[Round]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, vendor_port)
        for number in range(arguments.rounds):
            for events in (1, 20):
                for name in ("echo", "ours", "direct"):
                    if name == "direct" and not arguments.sdk_python:
                        continue
                    port = free_port()
                    total = arguments.events if name != "direct" else max(400, arguments.events // 20)
                    command = {
                        "echo": [sys.executable, str(HERE / "echo.py"), str(port)],
                        "ours": [
                            *[sys.executable, "-m", "tagserver", "serve", "--port", str(port)],
                            *["--config", made, "--data", str(folder / f"data-{number}-{events}")],
                        ],
                        "direct": [arguments.sdk_python or "", str(HERE / "direct.py"), str(port), str(vendor_port)],
                    }[name]
                    result = await measure(
                        name,
                        command,
                        vendor,
                        port,
                        events,
                        total * (4 if events == 20 and name == "ours" else 1),
                        name != "echo",
                    )
                    found.setdefault((name, events), []).append(result)
    listening.close()
    print(f"\n{'':<8}{'ev/req':>7}{'events/s':>11}{'ev/CPU-s':>11}{'p50 ms':>9}{'p99 ms':>9}{'RSS MB':>8}")
    for (name, events), rounds in found.items():
        row = [
            statistics.median(getattr(one, field) for one in rounds)
            for field in ("rate", "per_cpu", "p50", "p99", "rss_mb")
        ]
        print(f"{name:<8}{events:>7}{row[0]:>11,.0f}{row[1]:>11,.0f}{row[2]:>9.1f}{row[3]:>9.1f}{row[4]:>8.0f}")
    print()
    _ratio(found, "ours / echo, events/s, 1 event a request", "rate", ("ours", 1), ("echo", 1), "goal 0.60")
    _ratio(
        found, "ours / SDK, events per CPU second, 1 event a request", "per_cpu", ("ours", 1), ("direct", 1), "goal 8"
    )
    _ratio(
        found,
        "ours / SDK, events per CPU second, 20 events a request",
        "per_cpu",
        ("ours", 20),
        ("direct", 20),
        "goal 20",
    )


def _ratio(
    found: dict[tuple[str, int], list[Round]],
    text: str,
    field: str,
    top: tuple[str, int],
    bottom: tuple[str, int],
    goal: str,
) -> None:
    if bottom not in found:
        print(f"{text}: not measured (needs the SDK's environment)")
        return
    pairs = [getattr(a, field) / getattr(b, field) for a, b in zip(found[top], found[bottom], strict=True)]
    print(f"{text}: {statistics.median(pairs):.2f}  ({min(pairs):.2f} to {max(pairs):.2f}; {goal})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000, help="events per measurement of the fast servers")
    parser.add_argument("--sdk-python", help="the python of an environment that has facebook-business")
    asyncio.run(run(parser.parse_args()))
