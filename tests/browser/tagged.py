"""A whole server in a thread, for pages of a shop on another port; the sandbox is its vendor, in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.sandbox import create_sandbox
from tagserver.server.app import create_app
from tests.browser.recorder import listening

TOKEN = "admin-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:META_TOKEN}", api_url: "http://vendor.internal"}
triggers:
  purchase: {event: purchase}
  lead: {event: generate_lead}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
  - {name: Meta lead, destination: meta, triggers: [lead]}
"""


@dataclass(frozen=True)
class Tagged:
    """The server. `vendor`: the sandbox, asked for what has arrived."""

    address: str

    def ask(self, path: str, body: Any = None) -> Any:
        """An admin address: posted to where there is a body."""
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, f"{self.address}/-/{path}", json=body, headers=BEARER)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delivered(self) -> int:
        """Deliveries that the vendor has."""
        delivered: int = self.ask("status.json")["destinations"]["meta"]["delivered"]
        return delivered


@contextlib.contextmanager
def tagged(folder: Path, shop: str) -> Iterator[Tagged]:
    """The server, for pages of one origin."""
    config = folder / "config"
    config.mkdir()
    (config / "container.yaml").write_text(CONTAINER)
    server_yaml = (
        f'collect: {{origins: ["{shop}"]}}\nqueue: {{min_free: 1MiB}}\negress: {{allow: ["vendor.internal"]}}\n'
    )
    (config / "server.yaml").write_text(server_yaml)
    environ = {"META_TOKEN": "meta-token-secret"}
    files = ConfigurationFolder(config, Registry.load(), environ, None, folder / "data")
    ready, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        transport = httpx.ASGITransport(create_sandbox())
        async with running(files, folder / "data", transport=transport, drain=1.0) as runtime:
            server = uvicorn.Server(
                uvicorn.Config(create_app(runtime, TOKEN), lifespan="off", ws="none", log_config=None, access_log=False)
            )
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # of some versions
            serving = asyncio.create_task(server._serve(sockets=[bound]))
            ready.set()
            while not ended.is_set():
                await asyncio.sleep(0.05)
            server.should_exit = True
            await serving

    with listening() as bound:
        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="tagged")
        thread.start()
        try:
            assert ready.wait(30)
            yield Tagged(f"http://127.0.0.1:{bound.getsockname()[1]}")
        finally:
            ended.set()
            thread.join(20)
            assert not thread.is_alive()
