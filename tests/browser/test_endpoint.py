"""Where the script posts to: beside itself, wherever that is, unless the page says else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from tagserver.server.script import shipped

SHOP = "https://shop.example"
VERSION = shipped().version


@pytest.mark.browser
@pytest.mark.parametrize(
    ("script", "settings", "posted"),
    [
        ("/t.js", "", "/collect"),
        ("/t/VERSION.js", "", "/collect"),
        ("/metrics/t.js", "", "/metrics/collect"),
        ("/metrics/t.js?v=1", "", "/metrics/collect"),
        ("/metrics/t/VERSION.js", "", "/metrics/collect"),
        ("/a/t/t.js", "", "/a/t/collect"),
        ("/a/t/t/VERSION.js", "", "/a/t/collect"),
        ("/metrics/own-name.js", "", "/metrics/collect"),
        ("/metrics/t.js", "/collect", "/collect"),
        ("/metrics/t.js", "https://shop.example/elsewhere", "/elsewhere"),
        ("/metrics/t.js", "in", "/metrics/in"),
        ("/metrics/t/VERSION.js", "in", "/metrics/in"),
    ],
)
def test_where_events_go(page: Page, script: str, settings: str, posted: str) -> None:
    """The folder of `t.js` counts; a version stands for the `t.js` one folder above."""
    src = script.replace("VERSION", VERSION)
    endpoint = f'data-endpoint="{settings}"' if settings else ""
    shown = f'<script>dataLayer = [{{event: "purchase"}}]</script><script src="{src}" {endpoint}></script>'

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=202, json={"events": []})
        elif route.request.url == f"{SHOP}/":
            route.fulfill(body=shown, content_type="text/html")
        else:
            route.fulfill(body=shipped().bodies["identity"], content_type="text/javascript")

    page.route(f"{SHOP}/**", answer)
    with page.expect_request(lambda request: request.method == "POST") as asked:
        page.goto(f"{SHOP}/")
    assert asked.value.url == SHOP + posted


@pytest.mark.browser
@pytest.mark.parametrize(
    ("script", "second"),
    [
        ("/t.js", "/t/more.VERSION.js"),
        ("/t/VERSION.js", "/t/more.VERSION.js"),
        ("/metrics/t.js?v=1", "/metrics/t/more.VERSION.js"),
        ("/a/t/t/VERSION.js", "/a/t/t/more.VERSION.js"),
    ],
)
def test_where_second_files_are(page: Page, script: str, second: str) -> None:
    """Beside it, with the version that they belong to."""
    shown = f'<script>window.fbq = () => {{}}</script><script src="{script.replace("VERSION", VERSION)}"></script>'
    files = {f"/{name}": bodies["identity"] for name, bodies in shipped().files().items()}

    def answer(route: Route) -> None:
        if route.request.url == f"{SHOP}/":
            route.fulfill(body=shown, content_type="text/html")
        else:
            body = files["/more" if "more" in route.request.url else "/"]
            route.fulfill(body=body, content_type="text/javascript", headers={"access-control-allow-origin": "*"})

    page.route(f"{SHOP}/**", answer)
    with page.expect_request("**/more.*") as asked:
        page.goto(f"{SHOP}/")
    assert asked.value.url == SHOP + second.replace("VERSION", VERSION)
    page.wait_for_function("!!tagserver._.extra.listen")
