"""What `/-/metrics` says of requests and of dead letters: each answer once, and only work is timed."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess

import httpx
import pytest

from tagserver import __version__

from ..metrics.test_meters import samples
from .conftest import ORIGIN, TOKEN, Running, Start, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
PAGE = {"origin": ORIGIN}
GOOD = b'{"event": "purchase"}'


async def shown(server: Running) -> dict[str, float]:
    return samples((await server.http.get("/-/metrics", headers=BEARER)).text)


@pytest.mark.parametrize(
    ("method", "content", "headers", "status", "timed"),
    [
        ("POST", GOOD, PAGE, 202, "2xx"),
        ("OPTIONS", b"", PAGE, 204, None),
        ("POST", b"no json", PAGE, 400, "4xx"),
        ("POST", GOOD, {"authorization": "Bearer wrong"}, 401, "4xx"),
        ("POST", GOOD, {"origin": "https://elsewhere.example"}, 403, "4xx"),
        ("GET", b"", PAGE, 405, "4xx"),
        ("POST", b"x" * (65 << 10), PAGE, 413, None),
        ("POST", GOOD, PAGE | {"sec-purpose": "prefetch;prerender"}, 503, "5xx"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_each_answer_is_counted_once(
    server: Running, method: str, content: bytes, headers: dict[str, str], status: int, timed: str | None
) -> None:
    """A browser's question before it posts is no work, and a body that was not read to its end has no end."""
    answer = await server.http.request(method, "/collect", content=content, headers=headers)
    assert answer.status_code == status
    found = await shown(server)
    counted = {key: value for key, value in found.items() if key.startswith("tagserver_requests_total") and value}
    assert counted == {f'tagserver_requests_total{{status="{status}"}}': 1}
    times = {kind: found[f'tagserver_request_seconds_count{{class="{kind}"}}'] for kind in ("2xx", "4xx", "5xx")}
    assert times == {"2xx": 0, "4xx": 0, "5xx": 0} | ({timed: 1} if timed else {})


async def test_one_who_went_away_is_counted_and_not_timed(server: Running) -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def nobody(message: object) -> None:
        raise AssertionError("there is nobody to answer")

    transport = server.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    scope = {"type": "http", "path": "/collect", "method": "POST", "headers": [(b"origin", ORIGIN.encode())]}
    await transport.app(scope, gone, nobody)  # type: ignore[arg-type]  # httpx's own narrow type of an app
    found = await shown(server)
    assert found['tagserver_requests_total{status="499"}'] == 1


async def test_dead_letters_by_the_vendors_code(server: Running) -> None:
    """It counts on when they are dropped; the number of those that lie there falls."""
    await server.vendor.post("/control", json={"bad_ids": ["bad"]})
    await server.collect([purchase("bad"), purchase("good")])
    await server.drained()
    found = await shown(server)
    (counted,) = (key for key, value in found.items() if key.startswith("tagserver_dead_total") and value)
    assert (counted, found[counted]) == (
        'tagserver_dead_total{destination="meta",reason="rejected",code="100/2804007"}',
        1,
    )
    await server.http.post("/-/dead.json", json={"action": "drop", "destination": "meta"}, headers=BEARER)
    found = await shown(server)
    assert (found[counted], found['tagserver_deliveries_dead{destination="meta"}']) == (1, 0)


async def test_what_runs_and_what_room_it_has(server: Running) -> None:
    found = await shown(server)
    (info,) = (key for key in found if key.startswith("tagserver_info"))
    assert f'version="{__version__}"' in info
    assert f'sqlite="{sqlite3.sqlite_version}"' in info
    assert found["tagserver_disk_free_bytes"] > 0
    assert found["tagserver_audit_bytes"] <= found["tagserver_audit_limit_bytes"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Debian's package prometheus")
async def test_prometheus_takes_the_page(start: Start) -> None:
    """Names, types, units and escapes, with odd names, and everything counted once."""
    server: Running = await start()
    await server.vendor.post("/control", json={"bad_ids": ["bad"]})
    await server.collect([purchase("bad"), purchase("good")])
    await server.drained()
    server.runtime.meters.blocked('a "plugin"\\\nof two lines')
    text = (await server.http.get("/-/metrics", headers=BEARER)).text
    done = subprocess.run(  # noqa: ASYNC221 (nothing else runs)
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
