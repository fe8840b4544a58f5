"""Pages that the browser prerenders, in a Chromium that nothing drives: it prerenders nothing under a debugger."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.recorder import Recorder
from tests.processes import ends_with_parent

pytestmark = pytest.mark.browser

Visit = Callable[[str], None]
SHOWN = 2_500
"""Milliseconds after which the visitor goes to the prerendered page, if ever."""


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    """Open an address in a browser of its own."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    started: list[subprocess.Popen[bytes]] = []

    def start(address: str) -> None:
        command = [str(CHROMIUM), "--headless", f"--user-data-dir={tmp_path}", *ARGUMENTS, address]
        quiet = subprocess.DEVNULL
        started.append(subprocess.Popen(command, stdout=quiet, stderr=quiet, preexec_fn=ends_with_parent()))

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def first(recorder: Recorder, rules: str, *, go: bool) -> tuple[str, str]:
    """A page that has another one fetched or prerendered, and perhaps goes there; and the path of the other."""
    there = recorder.page(
        before="const early = document.prerendering;",
        after="dataLayer.push({event: 'page_view', early}, {event: 'purchase', early, timestamp: 5e12});",
    )
    recorder.pages["/first"] = (
        f'<script type="speculationrules">{{"{rules}": [{{"urls": ["{there}"], "eagerness": "immediate"}}]}}</script>'
        + (f"<script>setTimeout(() => {{ location.href = '{there}' }}, {SHOWN})</script>" if go else "")
    )
    return f"{recorder.shop}/first", there.removeprefix(recorder.shop)


def test_a_page_that_is_never_shown_sends_nothing(visit: Visit, recorder: Recorder) -> None:
    address, there = first(recorder, "prerender", go=False)
    visit(address)
    recorder.wait(lambda: there in recorder.asked, "the prerendered page")
    time.sleep(2)
    assert recorder.posts == []


def test_a_prerendered_page_sends_once_when_it_is_shown(visit: Visit, recorder: Recorder) -> None:
    """And its events happened then, if it does not say otherwise."""
    address, there = first(recorder, "prerender", go=True)
    visit(address)
    recorder.wait(lambda: there in recorder.asked, "the prerendered page")
    began = time.time() * 1000
    view, purchase = recorder.events(2)
    assert (view["event"], view["early"]) == ("page_view", True)
    assert (purchase["event"], purchase["early"], purchase["timestamp"]) == ("purchase", True, 5e12)
    assert view["timestamp"] - began > SHOWN / 2
    assert not any("sec-purpose" in post.headers for post in recorder.posts)


def test_a_page_that_is_only_prefetched_is_as_ever(visit: Visit, recorder: Recorder) -> None:
    address, _ = first(recorder, "prefetch", go=True)
    visit(address)
    assert [event["early"] for event in recorder.events(2)] == [False, False]
