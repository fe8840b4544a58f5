"""A whole server in this process: real configuration, real outbox, the sandbox as its vendor through an in-process
transport."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tagserver.sandbox import create_sandbox
from tagserver.server.app import create_app
from tests.server.echoing import Served, a_server

ORIGIN = "https://shop.example"
TOKEN = "admin-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}

SERVER = """
collect:
  origins: ["https://shop.example"]
  max_body: 64KiB
  max_event: 16KiB
  max_events: 50
  keys:
    backend: {secret: "${env:BACKEND_KEY}"}
    crm:
      secret: "${env:CRM_KEY}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: "contract, 2026-03"
queue: {min_free: 1MiB}
egress: {allow: ["vendor.internal"]}
"""
CONTAINER = """
destinations:
  meta:
    type: meta_capi
    pixel_id: "1234567890"
    access_token: "${env:META_TOKEN}"
    api_url: http://vendor.internal
triggers:
  purchase: {event: purchase}
  lead: {event: generate_lead}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
  - {name: Meta lead, destination: meta, triggers: [lead]}
"""
TWO = CONTAINER.replace(
    "  - {name: Meta lead", "  - {name: Meta all, destination: meta, triggers: [all]}\n  - {name: Meta lead"
)
"""With one more tag, for all events."""
ENVIRON = {"BACKEND_KEY": "backend-key", "CRM_KEY": "crm-key", "META_TOKEN": "meta-token-secret"}
SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer under `/-/`."""
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+|\+Inf|NaN)\Z')
"""One line of the Prometheus text format."""


def purchase(event_id: str = "purchase_T-1", **fields: Any) -> dict[str, Any]:
    """A purchase that Meta takes, with full consent; each id is an order of its own."""
    return {
        "event": "purchase",
        "event_id": event_id,
        "page": {"location": "https://shop.example/thanks"},
        "user_data": {"email": "erika@example.com"},
        "ecommerce": {"transaction_id": event_id.removeprefix("purchase_"), "value": 59.9, "currency": "EUR"},
        "consent": GRANTED,
    } | fields


@dataclass
class Running:
    """One server under test: its HTTP client, its runtime, the vendor's counts."""

    http: httpx.AsyncClient
    runtime: Runtime
    vendor: httpx.AsyncClient
    data: Path

    async def collect(self, body: Any, **headers: str) -> httpx.Response:
        """Post to /collect as a page of the shop."""
        return await self.http.post("/collect", json=body, headers={"origin": ORIGIN} | headers)

    async def status(self) -> dict[str, Any]:
        """`/-/status.json`."""
        answer = await self.http.get("/-/status.json", headers={"authorization": f"Bearer {TOKEN}"})
        shown: dict[str, Any] = answer.json()
        return shown

    async def ready(self) -> dict[str, Any]:
        """`/readyz`, as operators see it."""
        answer = await self.http.get("/readyz", headers={"authorization": f"Bearer {TOKEN}"})
        shown: dict[str, Any] = answer.json()
        return shown

    async def drained(self) -> dict[str, Any]:
        """The vendor's counts once nothing is pending."""
        for _ in range(500):
            if not any(one["pending"] for one in (await self.status())["destinations"].values()):
                break
            await asyncio.sleep(0.02)
        stats: dict[str, Any] = (await self.vendor.get("/stats.json")).json()
        return stats


@cache
def installed() -> Registry:
    """The plugins, looked for once: nothing changes a registry, and to look reads what every package says of itself."""
    return Registry.load()


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """A function that starts a server: `await start(server=..., container=..., environ=..., vendor=app)`."""
    async with AsyncExitStack() as stack:

        async def begin(
            server: str = SERVER,
            container: str = CONTAINER,
            environ: dict[str, str] | None = None,
            vendor: Starlette | None = None,
            name: str = "one",
            registry: Registry | None = None,
            env_file: Path | None = None,
        ) -> Running:
            config = tmp_path / name / "config"
            config.mkdir(parents=True, exist_ok=True)
            (config / "server.yaml").write_text(server)
            (config / "container.yaml").write_text(container)
            transport = httpx.ASGITransport(vendor or create_sandbox())
            folder = ConfigurationFolder(
                config,
                registry or installed(),
                ENVIRON if environ is None else environ,
                env_file,
                tmp_path / name / "data",
            )
            runtime = await stack.enter_async_context(
                running(folder, tmp_path / name / "data", transport=transport, drain=1.0)
            )
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(create_app(runtime, TOKEN)), base_url="http://tags.shop.example"
            )
            await stack.enter_async_context(http)
            fake = httpx.AsyncClient(transport=transport, base_url="http://vendor.internal")
            await stack.enter_async_context(fake)
            return Running(http, runtime, fake, tmp_path / name / "data")

        yield begin


@pytest.fixture
async def server(start: Start) -> Running:
    """A server with the usual configuration."""
    running_server: Running = await start()
    return running_server


def samples(text: str) -> dict[str, float]:
    """A strict reading of the Prometheus text format: every sample after its HELP and TYPE, none twice."""
    found: dict[str, float] = {}
    family, kind = "", ""
    announced: set[str] = set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in announced
            announced.add(family)
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == family
            kind = line.split(" ")[3]
            assert kind in ("counter", "gauge", "histogram")
        else:
            match = SAMPLE.match(line)
            assert match, line
            name = match[1]
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert name in [family + ending for ending in endings], line
            assert kind != "counter" or name.endswith("_total")
            key = line.rpartition(" ")[0]
            assert key not in found
            found[key] = float(match[3])
    return found


def container(server: Running) -> Path:
    """The file that marketing edits."""
    return server.data.parent / "config" / "container.yaml"


async def post(server: Running, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """An order to the admin addresses."""
    answer = await server.http.post(f"/-/{path}", json=body, headers=BEARER)
    return answer.status_code, answer.json()


def form_token_in(page: str) -> str:
    """What a page's forms bring back."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found is not None, page[:500]
    return found[1]


async def tags(server: Running) -> list[str]:
    """The tags that serve now."""
    body = {"event": {"event": "purchase"}}
    return [tag["tag"] for tag in (await post(server, "try.json", body))[1]["tags"]]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A server under test."""
    async with a_server() as made:
        yield made


@pytest.fixture
def port(served: Served) -> int:
    """Where a server listens."""
    return served.port
