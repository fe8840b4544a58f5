"""A whole server with its vendor, as processes of their own, and somebody before it with a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import CHROMIUM
from tests.faults.process import ADMIN, Process, start_sandbox, start_server

GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
SERVER = """
collect: {origins: ["https://shop.example"]}
queue: {min_free: 1MiB}
egress: {allow: ["127.0.0.1"]}
records: {level: full}
"""


class Site:
    """`server`: its settings; `container`: marketing's file, in which `VENDOR` stands for the vendor's address."""

    def __init__(self, folder: Path, container: str, server: str = SERVER) -> None:
        self._config = folder / "config"
        self.vendor = start_sandbox(folder)
        self._config.mkdir()
        (self._config / "server.yaml").write_text(server)
        self.write(container)
        self.server: Process = start_server(folder)

    def write(self, container: str) -> None:
        """Edit marketing's file."""
        (self._config / "container.yaml").write_text(container.replace("VENDOR", self.vendor.address))

    def collect(self, *events: dict[str, Any], origin: str = "https://shop.example") -> None:
        """What a page of the shop sends."""
        httpx.post(f"{self.server.address}/collect", json=list(events), headers={"origin": origin}, trust_env=False)

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """An order or a question to the admin addresses."""
        bearer = {"authorization": f"Bearer {ADMIN}"}
        return httpx.request(method, f"{self.server.address}/-/{path}", json=body, headers=bearer, trust_env=False)

    def record(self, event: dict[str, Any]) -> None:
        """Send an event, and wait until it is on record."""
        self.collect(event)
        for _ in range(600):
            if self.ask("GET", f"events/{event['event_id']}.json").is_success:
                return
            time.sleep(0.05)
        raise AssertionError(f"{event['event_id']} did not come on record")

    def refuse(self, *event_ids: str) -> None:
        """The vendor will not take these."""
        httpx.post(f"{self.vendor.address}/control", json={"bad_ids": event_ids}, trust_env=False).raise_for_status()

    def arrivals(self) -> int:
        """How many events the vendor was sent."""
        arrived: int = httpx.get(f"{self.vendor.address}/stats.json", trust_env=False).json()["arrivals"]
        return arrived

    def enter(self, page: Page, path: str) -> None:
        """Log in, and go to a page."""
        page.goto(f"{self.server.address}/-/login")
        page.get_by_label("Token").fill(ADMIN)
        page.get_by_role("button", name="Log in").click()
        page.goto(f"{self.server.address}/-/{path}")


@contextmanager
def a_site(folder: Path, container: str, server: str = SERVER) -> Iterator[Site]:
    """One for a while. Skips the test where there is no browser."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    site = Site(folder, container, server)
    try:
        yield site
    finally:
        site.server.kill()
        site.vendor.kill()


@contextmanager
def somebody(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a context of its own. Nothing may be thrown in it, and no rule of ours about scripts be broken."""
    wrong: list[str] = []
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    yield page
    context.close()
    assert not wrong
