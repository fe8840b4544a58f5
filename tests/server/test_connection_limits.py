"""How many connections there may be: what the configuration says, and what the process may open."""

from __future__ import annotations

import pytest

from tagserver.server.app import connection_limits

from .conftest import SERVER, Running, Start


@pytest.mark.parametrize(
    ("collect", "most"),
    [
        ("", 1000),
        ("  max_connections_per_address: 3\n", 3),
        ("  max_connections_per_address: off\n", None),
        ("  max_connections_per_address: 3\n  trusted_proxies: 1\n", None),
    ],
)
async def test_connections_of_one_address(start: Start, collect: str, most: int | None) -> None:
    """A limit, unless it is off, or all connections come from proxies."""
    server: Running = await start(server=SERVER.replace("collect:\n", f"collect:\n{collect}", 1))
    limits = connection_limits(server.runtime)
    refused = [limits.opened("192.0.2.7") for _ in range(1100)]
    assert sum(why is None for why in refused) == (1100 if most is None else most)


async def test_connections_of_all_addresses(start: Start) -> None:
    """One more is refused and counted by those who connect."""
    server: Running = await start(server=SERVER.replace("collect:\n", "collect:\n  max_connections: 10\n", 1))
    limits = connection_limits(server.runtime)
    refused = [limits.opened(f"192.0.2.{number}") is not None for number in range(11)]
    assert refused == [False] * 10 + [True]
    limits.refused("connections")
    assert 'tagserver_requests_refused_total{reason="connections"} 1' in server.runtime.meters.text(
        await server.runtime.status.picture()
    )
