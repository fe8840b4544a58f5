"""Public addresses below a path: what moves, and what does not."""

from __future__ import annotations

import pytest

from tagserver.server.script import shipped

from .conftest import SERVER, Running, Start, purchase

VERSION = shipped().version
SERVER_BELOW = SERVER + "path_prefix: /shop/metrics/\n"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/shop/metrics/t.js", 200),
        (f"/shop/metrics/t/{VERSION}.js", 200),
        ("/shop/metrics/healthz", 200),
        ("/shop/metrics/readyz", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/-/status.json", 401),
        ("/t.js", 404),
        (f"/t/{VERSION}.js", 404),
        ("/collect", 404),
        ("/shop/metrics", 404),
        ("/shop/metrics/", 404),
        ("/shop/metricst.js", 404),
        ("/shop/metrics/shop/metrics/t.js", 404),
        ("/shop/metrics/-/", 404),
        ("/shop/metrics/-/status.json", 404),
        ("/shop/metrics/-/login", 404),
        ("/shop/metrics//-/login", 404),
        ("/shop/metrics/%2d/login", 404),
    ],
)
async def test_what_lies_below_it(start: Start, path: str, status: int) -> None:
    """Everything that a page asks for, and nothing of the admin."""
    server: Running = await start(server=SERVER_BELOW)
    answer = await server.http.get(path)
    assert answer.status_code == status


async def test_events_are_taken_below_it(start: Start) -> None:
    """And nowhere else."""
    server: Running = await start(server=SERVER_BELOW)
    post = {"json": purchase(), "headers": {"origin": "https://shop.example"}}
    assert (await server.http.post("/collect", **post)).status_code == 404
    assert (await server.http.post("/shop/metrics/collect", **post)).status_code == 202
