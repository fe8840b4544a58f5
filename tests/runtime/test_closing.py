"""At the end everything is closed, whatever one part of it says; and what was raised first is told."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.closing import Closing
from tagserver.runtime.running import running
from tagserver.sandbox import create_sandbox
from tests.server.conftest import CONTAINER, ENVIRON, SERVER


def step(name: str, said: list[str], error: BaseException | None = None) -> Callable[[], Any]:
    """Something that is closed, and fails where it has an error."""

    async def close() -> None:
        await asyncio.sleep(0)
        said.append(name)
        if error is not None:
            raise error

    return close


async def closed(said: list[str], *errors: BaseException | None, body: BaseException | None = None) -> None:
    async with Closing() as closing:
        for number, error in enumerate(errors):
            closing.add(f"part {number}", step(str(number), said, error))
        closing.add("what waits for nobody", lambda: said.append("now"))
        if body is not None:
            raise body


async def test_all_are_closed_in_their_order() -> None:
    said: list[str] = []
    await closed(said, None, None)
    assert said == ["0", "1", "now"]


@pytest.mark.parametrize("first", [OSError("disk"), asyncio.CancelledError()], ids=["fails", "is-cancelled"])
async def test_one_that_fails_keeps_no_other_from_its_turn(
    first: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    with caplog.at_level(logging.ERROR), pytest.raises(type(first)) as raised:
        await closed(said, None, first, ValueError("later"), None)
    assert raised.value is first
    assert said == ["0", "1", "2", "3", "now"]
    assert [text.partition(" (")[0] for text in caplog.messages] == [
        "at the end part 1 failed",
        "at the end part 2 failed",
    ]


async def test_what_went_wrong_before_the_end_is_what_is_told() -> None:
    said: list[str] = []
    with pytest.raises(KeyError, match="before"):
        await closed(said, OSError("disk"), None, body=KeyError("before"))
    assert said == ["0", "1", "now"]


class Unclosable(httpx.ASGITransport):
    """A network that fails when it is closed."""

    async def aclose(self) -> None:
        raise OSError("the network does not close")


async def test_a_server_whose_network_does_not_close_leaves_nothing_running(tmp_path: Path) -> None:
    """No thread watches on, and the next server opens the data: nothing is locked, and no file's log is left behind."""
    before = set(threading.enumerate())
    config, data = tmp_path / "config", tmp_path / "data"
    config.mkdir()
    (config / "server.yaml").write_text(SERVER)
    (config / "container.yaml").write_text(CONTAINER)
    for transport in (Unclosable(create_sandbox()), httpx.ASGITransport(create_sandbox())):
        folder = ConfigurationFolder(config, Registry.load(), ENVIRON, None, data)
        closing = running(folder, data, transport=transport, drain=0.0)
        if isinstance(transport, Unclosable):
            with pytest.raises(OSError, match="does not close"):
                async with closing:
                    pass
        else:
            async with closing:
                pass
        left = {one.name for one in set(threading.enumerate()) - before if one.name.startswith("tagserver")}
        assert left == set()
        assert not (data / "outbox.db-wal").exists()
        assert not (data / "records.db-wal").exists()
