"""Meta's own SDKs at Meta's own door, with nothing changed but Graph's address: what they are answered, and what comes
out at Meta, field by field beside what they send there by themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tagserver.sandbox.rules import first_refusal
from tagserver.sandbox.upload import fields_of
from tests.faults.process import ADMIN, Process
from tests.processes import ends_with_parent

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
NODE = ROOT / ".venv" / "node" / "node_modules"
SDKS = ("python", "node")
PIXEL = "1234567890"
TOKEN, SIGNED, UNSIGNED, BUSY = (
    "token-of-the-shop-1",
    "token-of-the-app-2",
    "token-without-app-3",
    "token-of-the-busy-4",
)
OURS = "metas-own-token-of-the-destination"
APP_SECRET, SHOP_SECRET = "secret-of-the-app", "secret-of-the-shop"
GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")
CONTRACT = f'consent: {json.dumps(GRANTED)}, basis: "terms, 2026-03"'
SERVER = f"""
collect:
  origins: ["https://shop.example"]
  rate: 20/s
clients:
  webhooks: {{orders: {{style: shopify, secret: "${{env:SHOP_SECRET}}", {CONTRACT}}}}}
  meta:
    access_tokens:
      shop: {{secret: "${{env:TOKEN}}", {CONTRACT}}}
      app: {{secret: "${{env:SIGNED}}", app_secret: "${{env:APP_SECRET}}", {CONTRACT}}}
      half: {{secret: "${{env:UNSIGNED}}", app_secret: "${{env:MISSING}}", {CONTRACT}}}
      busy: {{secret: "${{env:BUSY}}", {CONTRACT}}}
egress: {{allow: ["127.0.0.0/8"]}}
environment: [GRAPH]
queue: {{min_free: 1MiB}}
log: {{events: true}}
"""
CONTAINER = """
destinations:
  meta:
    {type: meta_capi, pixel_id: "1234567890", access_token: "${env:OURS}", api_url: "${env:GRAPH}", external_id: raw}
  other: {type: meta_capi, pixel_id: "77", access_token: "${env:OURS}", api_url: "${env:GRAPH}"}
  archive: {type: file, path: archive}
triggers: {purchase: {event: purchase}}
tags:
  - {name: Meta, destination: meta, triggers: [all]}
  - {name: Another pixel, destination: other, triggers: [all]}
  - {name: Archive, destination: archive, triggers: [all], consent: [ad_storage]}
"""


class Graph:
    """A stand-in for Meta that keeps whole bodies, and takes what Meta would take."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fields = fields_of(body, self.headers["content-type"])
                path = urlsplit(self.path)
                assert parse_qs(path.query) or self.headers["authorization"] == f"Bearer {OURS}"
                graph.requests.append((path.path, fields))
                answer = {"events_received": len(fields["data"]), "messages": [], "fbtrace_id": "A"}
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *given: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def events(self, pixel: str = PIXEL) -> list[Mapping[str, Any]]:
        """Those that have come for a pixel, in their order."""
        return [one for path, fields in self.requests if path.split("/")[2] == pixel for one in fields["data"]]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Sdk:
    """One of Meta's SDKs in a process of its own, which takes a call a line."""

    def __init__(self, name: str, log: Path) -> None:
        words = [sys.executable, "-m", "tests.doors.meta_sdk"] if name == "python" else ["node", "meta_sdk.cjs"]
        environ = {"PATH": os.environ["PATH"], "NODE_PATH": str(NODE), "NO_PROXY": "*"}
        self.log = log
        self._errors = log.open("wb")
        self._process = subprocess.Popen(
            words,
            cwd=ROOT if name == "python" else HERE,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            preexec_fn=ends_with_parent(),
        )

    def __call__(self, graph: str, kind: str = "lead", **call: Any) -> dict[str, Any]:
        """What the SDK gives or raises."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        said = {"graph": graph, "kind": kind, "token": TOKEN, "pixel": PIXEL, "time": int(time.time()), **call}
        self._process.stdin.write(json.dumps(said).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self.log.read_text()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._errors.close()


class World:
    """A server behind which Meta is recorded, and both SDKs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.graph = folder, Graph()
        (folder / "config").mkdir()
        (folder / "config" / "server.yaml").write_text(SERVER)
        (folder / "config" / "container.yaml").write_text(CONTAINER)
        self.secrets = {
            "TOKEN": TOKEN,
            "SIGNED": SIGNED,
            "UNSIGNED": UNSIGNED,
            "BUSY": BUSY,
            "OURS": OURS,
            "APP_SECRET": APP_SECRET,
            "SHOP_SECRET": SHOP_SECRET,
            "TAGSERVER_ADMIN_TOKEN": ADMIN,
        }
        environ = {"PATH": os.environ["PATH"], "GRAPH": self.graph.address, **self.secrets}
        self.server = Process(
            *("serve", "--port", "0"), cwd=folder, pattern=r"listens on (http://127\.0\.0\.1:\d+)", environ=environ
        )
        self.sdks = {name: Sdk(name, folder / f"{name}.log") for name in SDKS}

    @property
    def address(self) -> str:
        return self.server.address.rstrip("/")

    def settled(self) -> None:
        """Until nothing is pending."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        for _ in range(600):
            answer = httpx.get(f"{self.address}/-/status.json", headers=headers, trust_env=False)
            if not any(one["pending"] for one in answer.json()["destinations"].values()):
                return
            time.sleep(0.03)
        raise AssertionError("deliveries are pending")

    def sent(self, event_id: str) -> list[Mapping[str, Any]]:
        """What has come to Meta under an id, once nothing is pending."""
        self.settled()
        return [one for one in self.graph.events() if one["event_id"] == event_id]

    def close(self) -> None:
        for sdk in self.sdks.values():
            sdk.close()
        assert self.server.stop() == 0
        self.graph.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all tests: their events have ids of their own."""
    made = World(tmp_path_factory.mktemp("meta"))
    yield made
    made.close()


REQUEST = {"test_event_code": "TEST77", "partner_agent": "myshop", "upload_tag": "spring"}


@pytest.mark.parametrize("name", SDKS)
def test_meta_gets_what_the_sdk_sends(world: World, name: str) -> None:
    """Field by field and byte for byte; but for the currency in upper case, as is documented."""
    direct = Graph()
    try:
        call = {"kind": "whole", "event_id": f"whole-{name}", "time": int(time.time()) - 5, "request": REQUEST}
        assert world.sdks[name](direct.address, **call)["received"] == 1
        ((_, said),) = direct.requests
    finally:
        direct.close()
    answer = world.sdks[name](world.address, **call)
    kept = "data.0: test_event_code goes on to Meta where a destination says sender_test_code: true"
    assert answer == {"received": 1, "messages": [kept], "trace": f"whole-{name}"}
    (arrived,) = world.sent(f"whole-{name}")
    (wanted,) = said["data"]
    assert len(wanted["user_data"]) >= 22  # it is everything that the SDK has
    wanted["custom_data"]["currency"] = "EUR"
    assert arrived == wanted
    assert first_refusal([arrived], time.time()) is None
    beside = next(fields for _, fields in world.graph.requests if arrived in fields["data"])
    assert {key: beside.get(key) for key in REQUEST} == REQUEST | {"test_event_code": None}
    assert world.graph.events("77") == []  # it was for another pixel


@pytest.mark.parametrize("name", SDKS)
def test_other_vendors_get_hashes_where_they_are_the_same(world: World, name: str) -> None:
    """The file's is Google's form: a telephone number has its plus sign, so that this one is no use."""
    world.sdks[name](world.address, kind="whole", event_id=f"hashes-{name}")
    world.settled()
    files = (path for path in world.folder.rglob("archive/**/*.jsonl") if path.is_file())
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    found = next(one for one in map(json.loads, lines) if one["event_id"] == f"hashes-{name}")
    assert found["event"] == "purchase"
    email = hashlib.sha256(f"erika.hashes-{name}@example.com".encode()).hexdigest()
    assert email in found["user_data"]["sha256_email_address"]
    assert "sha256_phone_number" not in found["user_data"]
    assert found["currency"] == "EUR"
    assert found["items"][0]["item_id"] == "MUG-1"


def test_personal_data_is_no_custom_data(world: World) -> None:
    """It is taken out there as everywhere, whoever writes it there."""
    event = {
        "event_name": "Lead",
        "event_time": int(time.time()),
        "event_id": "personal",
        "action_source": "website",
        "event_source_url": "https://shop.example/?email=erika@example.com&plan=gold",
        "user_data": {"external_id": "7", "client_ip_address": "10.0.0.1"},
        "custom_data": {"note": "write to erika@example.com", "customer_email": "erika", "plan": "gold"},
    }
    address = f"{world.address}/v26.0/{PIXEL}/events?access_token={TOKEN}"
    assert httpx.post(address, json={"data": [event]}, trust_env=False).json()["events_received"] == 1
    (arrived,) = world.sent("personal")
    assert arrived["custom_data"]["plan"] == "gold"
    assert arrived["event_source_url"] == "https://shop.example/?plan=gold"
    assert "client_ip_address" not in arrived["user_data"]
    assert "erika" not in json.dumps(arrived)


OLD = int(time.time()) - 8 * 86_400
FAILURES: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
    ("token", {"token": "token-of-nobody"}, {"status": 401, "code": 190, "subcode": None, "transient": False}),
    (
        "old",
        {"last": OLD, "kind": "whole", "event_id": "never"},
        {"status": 400, "code": 100, "subcode": 2804003, "transient": False, "blamed": [["data[1][event_time]"]]},
    ),
    (
        "future",
        {"time": int(time.time()) + 86_400},
        {"status": 400, "code": 100, "subcode": None, "blamed": [["data[0][event_time]"]]},
    ),
    ("pixel", {"pixel": "me"}, {"status": 400, "code": 100, "subcode": 33}),
    ("unsigned", {"token": SIGNED}, {"status": 401, "code": 104, "transient": False}),
    ("busy", {"token": BUSY, "count": 500}, {"status": 429, "code": 4, "transient": True}),
    ("many", {"token": BUSY, "count": 1001}, {"status": 400, "code": 100}),
    ("trouble", {"token": UNSIGNED}, {"status": 503, "code": 2, "transient": True}),
    ("large", {"count": 900, "kind": "whole", "event_id": "never"}, {"status": 413, "code": 100}),
]


@pytest.mark.parametrize(("what", "call", "wanted"), FAILURES, ids=[one[0] for one in FAILURES])
@pytest.mark.parametrize("name", SDKS)
def test_the_sdk_raises_what_it_raises_at_meta(
    world: World, name: str, what: str, call: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    """Each kind of trouble, with what a sender's own code looks at; and nothing of the request is taken."""
    if what == "busy":  # the first may take more than there is
        world.sdks[name](world.address, **call)
    answer = world.sdks[name](world.address, **call)
    assert answer.get("raised") == "FacebookRequestError", answer
    assert answer["type"] == "OAuthException"
    assert {key: answer[key] for key in wanted} == wanted
    assert answer["message"].startswith(f"(#{wanted['code']}) ")
    assert world.sent("never") == []


def test_a_request_that_is_signed_with_the_app_secret_is_taken(world: World) -> None:
    """As the SDK signs it; and whose token has no app secret may sign as well."""
    sdk = world.sdks["python"]
    assert sdk(world.address, token=SIGNED, app_secret=APP_SECRET)["received"] == 1
    assert sdk(world.address, token=SIGNED, app_secret="another")["code"] == 104
    assert sdk(world.address, app_secret="another")["received"] == 1


def page(world: World, number: int, email: str) -> None:
    event = {
        "event": "purchase",
        "user_data": {"email": email},
        "ecommerce": {"transaction_id": str(number), "value": 59.9, "currency": "EUR"},
        "consent": GRANTED,
    }
    headers = {"origin": "https://shop.example"}
    answer = httpx.post(f"{world.address}/collect", json=event, headers=headers, trust_env=False)
    assert answer.status_code == 202, answer.text


def webhook(world: World, number: int, email: str) -> None:
    order = {
        "id": number,
        "financial_status": "paid",
        "currency": "EUR",
        "total_price": "59.90",
        "email": email,
        "line_items": [{"variant_id": 8, "price": "59.90", "quantity": 1}],
    }
    content = json.dumps(order).encode()
    signature = base64.b64encode(hmac.digest(SHOP_SECRET.encode(), content, hashlib.sha256)).decode()
    headers = {"x-shopify-topic": "orders/paid", "x-shopify-hmac-sha256": signature}
    answer = httpx.post(f"{world.address}/webhook/orders", content=content, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text


def sdk(world: World, number: int, email: str) -> None:
    answer = world.sdks["python"](world.address, kind="order", order_id=str(number), email=email)
    assert answer["received"] == 1, answer
    assert answer["trace"] == f"purchase_{number}"


def test_an_order_that_other_doors_tell_as_well_counts_once(world: World) -> None:
    """In whichever order its copies come; none has an id of its own."""
    ways = list(itertools.permutations((page, webhook, sdk)))
    for turn in range(3):
        for number, doors in enumerate(ways, 7000):
            doors[turn](world, number, f"erika.{number}@example.com")
        world.settled()
    for number in range(7000, 7000 + len(ways)):
        assert len(world.sent(f"purchase_{number}")) == 1


def test_no_log_holds_a_token_or_a_person(world: World) -> None:
    """The tokens stand in the query of each request. (It comes last, when all has been said.)"""
    for name in SDKS:
        world.sdks[name](world.address, kind="whole", event_id=f"logged-{name}")
        world.sdks[name](world.address, token="token-of-nobody", kind="whole", event_id=f"logged-{name}")
    world.settled()
    log = world.server.text()
    assert "logged-python" in log  # there is a line for each
    email = hashlib.sha256(b"e.mustermann@example.com").hexdigest()
    personal = ("erika", "Erika", "901820", "203.0.113.9", "IwAR1", "1234567890123456", "customer-", email[:20])
    assert [one for one in (*personal, *world.secrets.values(), "token-of-nobody") if one in log] == []
