"""The libraries of Segment, RudderStack and Jitsu as they are on their registries, with another host and nothing else:
for Python, for Node, and in Chromium, whose page is of another origin than the server. Each is told 503 at first."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, SHELL
from tests.faults.process import ADMIN, Process
from tests.processes import ends_with_parent

HERE = Path(__file__).parent / "segment"
NODE = Path(__file__).parents[2] / ".venv" / "node" / "node_modules"
"""`tests/run` installs them there."""
GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization"), "granted")
SERVERS = {"py": 6001, "pygzip": 6002, "rpy": 6003, "node": 6004, "rnode": 6005, "jitsu": 6006}
"""The key of each → the first order that is told with it."""
PAGES = {"next": 6008, "jweb": 6009, "nextb": 6010}
ORDERS = [*range(6001, 6011)]
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", api_url: "VENDOR"}
triggers: {purchase: {event: purchase}}
tags: [{name: Meta, destination: meta, triggers: [purchase]}]
"""
CONSENT = {"categoryPreferences": {"Advertising": True}}
NEXT = """<!doctype html><title>Shop</title><script src="/next.js"></script><script>
const analytics = AnalyticsNext.AnalyticsBrowser.load(
  {writeKey: "KEY", cdnSettings: {integrations: {"Segment.io": {apiKey: "KEY"}}}},
  {integrations: {"Segment.io": {apiHost: "HOST/v1", protocol: "http", deliveryStrategy: STRATEGY}}});
analytics.page();
analytics.track("Order Completed", ORDER, {context: {traits: {email: "EMAIL"}, consent: CONSENT}});
</script>"""
BATCHES = {"strategy": "batching", "config": {"size": 10, "timeout": 100}}
JITSU = """<!doctype html><title>Shop</title><script type="module">
import {jitsuAnalytics} from "/jitsu.js";
const analytics = jitsuAnalytics({host: "http://HOST", writeKey: "KEY"});
await analytics.identify("u-8", {email: "EMAIL"});
await analytics.track("Order Completed", {...ORDER, consent: GRANTED});
</script>"""


def properties(number: int) -> dict[str, Any]:
    """Of an order in a page."""
    return {"order_id": str(number), "total": 59.9, "currency": "EUR", "products": [{"product_id": "POT-1"}]}


class Handler(BaseHTTPRequestHandler):
    """Requests with their bodies; nothing is printed."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """One answer."""
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """What was posted."""
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def log_message(self, *words: object) -> None:
        """Nothing."""


@contextmanager
def listening(handler: type[Handler]) -> Iterator[str]:
    """Its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class World:
    """A server before a stand-in for Meta, behind one that refuses each key's first request, and a page elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sold: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, int]] = []
        self.pages: dict[str, bytes] = {}
        self.server: Process | None = None
        self.http = httpx.Client(trust_env=False, timeout=20)

    def start(self, vendor: str, shop: str) -> None:
        """The server itself."""
        contract = {"consent": GRANTED, "basis": "terms, 2026-03"}
        keys = {name: {"secret": f"${{env:KEY_{name.upper()}}}", **contract} for name in SERVERS}
        keys |= {name: {"secret": f"${{env:KEY_{name.upper()}}}", "browser": True} for name in PAGES}
        config = {
            "collect": {"origins": [f"http://{shop}", "https://shop.example"]},
            "clients": {"segment": {"write_keys": keys, "consent_categories": {"Advertising": [*GRANTED]}}},
            "egress": {"allow": ["127.0.0.0/8"]},
            "queue": {"min_free": "1MiB"},
            "log": {"events": True},
        }
        (self.folder / "config").mkdir()
        (self.folder / "config" / "server.yaml").write_text(json.dumps(config))
        (self.folder / "config" / "container.yaml").write_text(CONTAINER.replace("VENDOR", f"http://{vendor}"))
        environ = {f"KEY_{name.upper()}": f"key-of-{name}" for name in (*SERVERS, *PAGES)}
        environ |= {"KEY_JITSU": "key-of-jitsu:secret", "TAGSERVER_ADMIN_TOKEN": ADMIN, "META_TOKEN": "token-of-meta"}
        words = ("serve", "--port", "0")
        self.server = Process(*words, cwd=self.folder, pattern=r"listens on (http://127\.0\.0\.1:\d+)", environ=environ)

    def vendor(self) -> type[Handler]:
        """Meta's stand-in."""
        world = self

        class Vendor(Handler):
            def do_POST(self) -> None:
                found = json.loads(self.body())["data"]
                world.sold.extend(found)
                self.answer(200, json.dumps({"events_received": len(found)}).encode())

        return Vendor

    def front(self) -> type[Handler]:
        """What stands before the server, and is overloaded when a key is first used."""
        world = self

        class Front(Handler):
            def do_POST(self) -> None:
                body, key = self.body(), world.key(self.headers)
                first = "jitsu" not in key and "jweb" not in key and key not in [one for one, *_ in world.asked]
                if first:
                    world.asked.append((key, self.path, 503))
                    allowed = {"access_control_allow_origin": self.headers.get("origin") or "*"}
                    self.answer(503, b"{}", retry_after="1", **allowed)
                    return
                self.forward(body, key)

            def do_OPTIONS(self) -> None:
                self.forward(b"", "")

            def forward(self, body: bytes, key: str) -> None:
                assert world.server is not None
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                url = f"{world.server.address}{self.path}"
                answer = world.http.request(self.command, url, content=body, headers=headers)
                world.asked.append((key, self.path, answer.status_code))
                told = {name: value for name, value in answer.headers.items() if name != "content-length"}
                self.answer(answer.status_code, answer.content, **told)

        return Front

    def shop(self) -> type[Handler]:
        """The shop's pages, and the libraries that it serves itself."""
        world = self

        class Shop(Handler):
            def do_GET(self) -> None:
                found = world.pages.get(self.path)
                kind = "text/javascript" if self.path.endswith(".js") else "text/html"
                self.answer(404 if found is None else 200, found or b"", content_type=kind)

        return Shop

    @staticmethod
    def key(headers: Any) -> str:
        """The write key of a request."""
        if found := headers.get("x-write-key"):
            return str(found)
        return base64.b64decode(headers.get("authorization", "").partition(" ")[2]).decode().partition(":")[0]

    def settled(self, count: int) -> None:
        """Once so many orders are sold, and nothing more is pending."""
        assert self.server is not None
        for _ in range(600):
            if len(self.sold) >= count:
                break
            time.sleep(0.05)
        url, bearer = f"{self.server.address}/-/status.json", {"authorization": f"Bearer {ADMIN}"}
        for _ in range(200):
            if not self.http.get(url, headers=bearer).json()["destinations"]["meta"]["pending"]:
                return
            time.sleep(0.05)

    def run(self, *words: str, **environ: str) -> subprocess.Popen[bytes]:
        """One of the programs."""
        clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        with (self.folder / f"{Path(words[1]).name}.log").open("wb") as log:
            return subprocess.Popen(
                words, env={**clean, **environ}, stdout=log, stderr=log, preexec_fn=ends_with_parent()
            )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All libraries have sent what they had to."""
    assert (NODE / "@segment").exists(), "the libraries for Node are not installed: tests/run does that"
    made = World(tmp_path_factory.mktemp("segment"))
    with listening(made.vendor()) as vendor, listening(made.shop()) as shop, listening(made.front()) as front:
        shop = shop.replace("127.0.0.1", "localhost")  # another site
        made.start(vendor, shop)
        assert made.server is not None
        try:
            programs = [
                made.run(sys.executable, str(HERE / "libraries.py"), f"http://{front}"),
                made.run("node", str(HERE / "libraries.cjs"), f"http://{front}", NODE_PATH=str(NODE)),
            ]
            browse(made, shop, front)
            assert [one.wait(60) for one in programs] == [0, 0]
            made.settled(len(ORDERS))
            copies(made)
            made.settled(len(ORDERS))
            yield made
        finally:
            made.server.stop()
            made.http.close()


def browse(world: World, shop: str, front: str) -> None:
    """Both pages, until what they had to tell is told."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    fill = {"HOST": front, "CONSENT": json.dumps(CONSENT), "GRANTED": json.dumps(GRANTED)}
    for name, page, strategy in (("next", NEXT, {}), ("nextb", NEXT, BATCHES), ("jweb", JITSU, {})):
        number = PAGES[name]
        own = {"KEY": f"key-of-{name}", "EMAIL": f"erika.{number}@example.com", "STRATEGY": json.dumps(strategy)}
        for mark, text in {**fill, **own, "ORDER": json.dumps(properties(number))}.items():
            page = page.replace(mark, text)
        world.pages[f"/{name}"] = page.encode()
    world.pages["/next.js"] = (NODE / "@segment/analytics-next/dist/umd/index.js").read_bytes()
    world.pages["/jitsu.js"] = (NODE / "@jitsu/js/dist/jitsu-no-ext.es.js").read_bytes()
    with sync_playwright() as playwright:
        path = SHELL if SHELL.exists() else CHROMIUM
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for name, path in (("next", "/v1/t"), ("nextb", "/v1/b"), ("jweb", "/api/s/track")):
            page = browser.new_page()
            page.goto(f"http://{shop}/{name}")
            for _ in range(300):
                if (f"key-of-{name}", path, 200) in world.asked:
                    break
                page.wait_for_timeout(50)
        browser.close()


def copies(world: World) -> None:
    """The same orders as the page pushes them, with ids of its own."""
    assert world.server is not None
    for number in ORDERS:
        event = {
            "event": "purchase",
            "event_id": f"of-the-page-{number}",
            "page": {"location": "https://shop.example/thanks"},
            "user_data": {"email": f"erika.{number}@example.com"},
            "ecommerce": {"transaction_id": str(number), "value": 59.9, "currency": "EUR"},
            "consent": GRANTED,
        }
        origin = {"origin": "https://shop.example"}
        answer = world.http.post(f"{world.server.address}/collect", json=event, headers=origin)
        assert answer.json()["events"][0]["status"] == "duplicate", number


@pytest.mark.browser
@pytest.mark.parametrize("number", ORDERS)
def test_each_order_is_sold_once(world: World, number: int) -> None:
    """With its value, its person and its id, whatever else was told of it."""
    (sold,) = [one for one in world.sold if one["event_id"] == f"purchase_{number}"]
    email = hashlib.sha256(f"erika.{number}@example.com".encode()).hexdigest()
    assert (sold["event_name"], sold["custom_data"]["value"], sold["custom_data"]["currency"]) == (
        "Purchase",
        59.9,
        "EUR",
    )
    assert sold["custom_data"]["contents"][0]["id"] == "POT-1"
    assert sold["user_data"]["em"] == [email]
    assert abs(sold["event_time"] - time.time()) < 300
    if number < 6006:  # their calls say whose address it was
        assert sold["user_data"]["client_ip_address"] == "203.0.113.9"
        assert sold["user_data"]["client_user_agent"] == "Agent-Of-Erika"


@pytest.mark.browser
def test_nothing_else_is(world: World) -> None:
    assert len(world.sold) == len(ORDERS)


@pytest.mark.browser
@pytest.mark.parametrize(
    "key", [f"key-of-{name}" for name in ("py", "pygzip", "rpy", "node", "rnode", "next", "nextb")]
)
def test_what_was_refused_came_again(world: World, key: str) -> None:
    """503 is no end for any library that has one."""
    answers = [status for one, _, status in world.asked if one == key]
    assert (answers[0], answers[-1]) == (503, 200)


@pytest.mark.browser
def test_the_browser_asks_first(world: World) -> None:
    """Its page is of another origin, and its key in a header."""
    assert {path for key, path, status in world.asked if not key and status == 204} >= {
        "/v1/t",
        "/v1/b",
        "/api/s/track",
    }


@pytest.mark.browser
def test_nothing_personal_is_in_the_log(world: World) -> None:
    """No person, no address, no key, no traits."""
    assert world.server is not None
    logged = world.server.text()
    assert "purchase_6001" in logged  # there is a line for each
    assert [one for one in ("erika", "203.0.113.9", "Agent-Of", "key-of", "u-7", "traits") if one in logged] == []
