"""One browser for a file, a new context and a new collector for each test.

Playwright keeps an event loop running in the main thread while its browser is open: no test beside it can be async,
and it is closed before the tests of the next file, which may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.recorder import Recorder, listening, running

CHROMIUM = Path("/usr/bin/chromium")
SHELL = Path("/usr/lib/chromium/chromium-headless-shell")
"""The same browser without a window's frame around it: a page costs a third of the time. Not on every system."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=SHELL if SHELL.exists() else CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own. Whatever is thrown in it fails the test."""
    thrown: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: thrown.append(str(error)))
    yield page
    context.close()
    assert not thrown


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with listening() as bound:
        recorder = Recorder(port=bound.getsockname()[1])
        with running(recorder.app(), bound):
            yield recorder
