"""`config/frontend.md`, played: each example in a browser, or by the compiler."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tagserver.server.script import shipped
from tests.browser.recorder import Recorder
from tests.browser.test_types import STRICT, compiled, installed
from tests.docs.pages import ROOT, blocks, names, rows

PAGE = ROOT / "config" / "frontend.md"
HOST = "https://tags.shop.example"
Play = Callable[[Page, Recorder, list[str]], None]
BASE = "<!doctype html><title>Page</title><body>"


def sections() -> dict[str, list[str]]:
    """Heading → the code below it."""
    text = PAGE.read_text("utf-8")
    heads = [(found.start(), found[1]) for found in re.finditer(r"^## (.+)$", text, re.MULTILINE)]
    found: dict[str, list[str]] = {}
    for block in blocks(PAGE):
        place = text.index(block.text)
        _, head = max((start, head) for start, head in heads if start < place)
        found.setdefault(head, []).append(block.text)
    return found


def opened(page: Page, recorder: Recorder, html: str) -> None:
    recorder.pages["/page"] = BASE + html.replace(HOST, recorder.tags)
    page.goto(f"{recorder.shop}/page")


def first_event(page: Page, recorder: Recorder, shown: list[str]) -> None:
    tag, push = shown
    opened(page, recorder, tag)
    page.evaluate(f"() => {{ {push} }}")
    (event,) = recorder.events(1)
    assert (event["event"], event["ecommerce"]["value"]) == ("add_to_cart", 59.9)


def consent(page: Page, recorder: Recorder, shown: list[str]) -> None:
    """The event waits for the choice, and has both words."""
    tag, choice = shown
    opened(page, recorder, tag + "<script>dataLayer.push({event: 'add_to_cart'})</script>")
    page.wait_for_function("window.tagserver && dataLayer.find((one) => one.event_id)")
    assert recorder.taken == []
    page.evaluate(f"() => {{ {choice} }}")
    (event,) = recorder.events(1)
    said = event["consent"]
    assert (said["default"]["ad_storage"], said["update"]["ad_storage"]) == ("denied", "granted")


def thank_you(page: Page, recorder: Recorder, shown: list[str]) -> None:
    opened(page, recorder, shown[0])
    recorder.events(1)
    page.reload()
    assert [event["event_id"] for event in recorder.events(2)] == ["purchase_ORD-1"] * 2


def single_page(page: Page, recorder: Recorder, shown: list[str]) -> None:
    page.goto(recorder.page())
    before = page.url
    page.evaluate(f"() => {{ tagserver.track('page_view'); {shown[0]} }}")
    _, second = recorder.events(2)
    assert second["page"] == {"location": f"{recorder.shop}/cart", "referrer": before, "title": "Cart"}


def automatic(page: Page, recorder: Recorder, shown: list[str]) -> None:
    page.goto(recorder.page(after=shown[0]))
    assert [event["event"] for event in recorder.events(1)] == ["page_view"]


def policies(page: Page, recorder: Recorder, shown: list[str]) -> None:
    """An event that needs the second file shows that this one may be loaded, too."""
    header, tag = shown
    name, _, policy = " ".join(header.split()).partition(": ")
    assert name == "Content-Security-Policy"
    meta = f'<meta http-equiv="{name}" content="{policy}">'
    opened(page, recorder, meta + tag)
    page.wait_for_function("window.tagserver")
    page.evaluate("void tagserver.track('purchase', {debug: 'x'.repeat(40000)})")
    assert recorder.events(1)[0]["truncated"] == ["debug"]


def sandboxed(page: Page, recorder: Recorder, shown: list[str]) -> None:
    """The frame tells its page; what posts from the frame itself has no origin, and others' messages are no events."""
    order = "{event: 'purchase', ecommerce: {transaction_id: 'T', value: 5, currency: 'EUR'}}"
    recorder.pages["/checkout"] = f"{BASE}<script>onload = () => parent.postMessage({order}, '*')</script>"
    opened(page, recorder, shown[0] + f"<script>postMessage({order}, '*')</script>")
    (event,) = recorder.events(1)
    assert (event["event_id"], event["ecommerce"]["value"]) == ("purchase_T", 5)
    page.wait_for_timeout(500)
    assert len(recorder.taken) == 1
    assert page.frames[1].evaluate("origin") == "null"


def kept(page: Page, recorder: Recorder, shown: list[str]) -> None:
    opened(page, recorder, shown[0])
    page.wait_for_function("window.tagserver && tagserver._.extra.keep.length === 2")
    recorder.answers = [(503, {"retry-after": "60"})]
    page.evaluate("void tagserver.track('purchase')")
    page.wait_for_function("Object.keys(localStorage).some((name) => name.startsWith('ts_keep.'))")


PLAYED: dict[str, Play] = {
    "The first event": first_event,
    "Consent": consent,
    "Thank-you pages": thank_you,
    "Single-page apps": single_page,
    "gtag's automatic events": automatic,
    "Content Security Policy and Trusted Types": policies,
    "Checkouts in a sandbox": sandboxed,
    "What is kept in the browser": kept,
}


@pytest.mark.browser
@pytest.mark.parametrize("head", PLAYED)
def test_each_example_does_what_it_says(page: Page, recorder: Recorder, head: str) -> None:
    PLAYED[head](page, recorder, sections()[head])


def test_none_is_left_out() -> None:
    assert set(sections()) == {*PLAYED, "Next, React and other bundlers"}


SHIMS = """
declare module "react" { export function useEffect(run: () => void | (() => void), on?: unknown[]): void }
declare module "next/navigation" { export function usePathname(): string }
"""
"""As much of them as the example uses."""


def test_the_component_compiles(tmp_path: Path) -> None:
    _, component = sections()["Next, React and other bundlers"]
    installed(tmp_path)
    (tmp_path / "tags.tsx").write_text(component)
    (tmp_path / "shims.d.ts").write_text(SHIMS)
    assert compiled(tmp_path, ["tags.tsx", "shims.d.ts"], STRICT | {"jsx": "preserve"}) == ""


def test_the_commands_make_the_package(tmp_path: Path) -> None:
    commands, _ = sections()["Next, React and other bundlers"]
    first = commands.splitlines()[0].split()
    subprocess.run([ROOT / ".venv" / "bin" / first[0], *first[1:]], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "tagserver-page" / "index.d.ts").exists()


def test_the_sizes_are_about_those() -> None:
    """In KB, of what a browser gets with gzip; the part of previews is served as it was written."""
    shown: dict[str, float] = {}
    for row in rows(PAGE, "## The first event"):
        for name, size in zip(names(row[0]), re.findall(r"\d+", row[2]), strict=True):
            shown[re.sub(r"^t/|\.VERSION|\.js", "", name)] = int(size)
    real = {name or "t": bodies.get("gzip", bodies["identity"]) for name, bodies in shipped().files().items()}
    assert {name: -(-len(body) // 1024) for name, body in real.items()} == shown
