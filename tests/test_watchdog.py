"""Who holds the event loop is named."""

from __future__ import annotations

import asyncio
import time
import types

from tagserver.operations.watchdog import OURS, Watchdog


async def watched(packages: dict[str, str], block: types.FunctionType | None) -> tuple[list[float], list[str]]:
    """What a watchdog has noticed while `block` ran on its loop."""
    lags: list[float] = []
    culprits: list[str] = []
    watchdog = Watchdog(packages, lag=lags.append, blocked=culprits.append)
    watchdog.start()
    await asyncio.sleep(0.15)
    if block is not None:
        block()
    await asyncio.sleep(0.25)
    await watchdog.stop()
    return lags, culprits


async def test_a_loop_that_runs_is_left_in_peace() -> None:
    lags, culprits = await watched({}, None)
    assert lags
    assert culprits == []


async def test_a_plugin_that_blocks_is_named() -> None:
    source = "import time\ndef block():\n    until = time.monotonic() + 0.8\n    while time.monotonic() < until: pass\n"
    module = types.ModuleType("slow_plugin")
    exec(source, module.__dict__)
    lags, culprits = await watched({"slow_plugin": "slow"}, module.block)
    assert culprits == ["slow"]
    assert max(lags) > 0.3


async def test_what_is_no_plugins_is_ours() -> None:
    def block() -> None:
        time.sleep(0.8)

    assert (await watched({"slow_plugin": "slow"}, block))[1] == [OURS]
