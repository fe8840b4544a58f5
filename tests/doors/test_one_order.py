"""One order by all doors at once, with real programs: a page, Shopify's webhook, a file, hits of Google's tag and of
Stape's, and calls of Segment's and Meta's libraries. Whichever comes first, it is sent once to each of nine
destinations; and where its visitor has refused, not at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.faults.process import ADMIN, Process, start_sandbox
from tests.warm import tagserver

ROOT = Path(__file__).parents[2]
EVERYONE = ROOT / "tagserver" / "demo" / "everyone" / "everyone.yaml"
SECRET = "secret-of-the-shop"
GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")
CONTRACT = f'consent: {json.dumps(GRANTED)}, basis: "terms, 2026-03"'
SERVER = f"""
collect:
  origins: ["https://shop.example"]
  keys: {{till: {{secret: "${{env:TILL_KEY}}", {CONTRACT}}}}}
clients:
  webhooks: {{shop: {{style: shopify, secret: "${{env:SHOP_SECRET}}", {CONTRACT}}}}}
  ga4: {{measurement_ids: [G-SHOP]}}
  stape: {{}}
  segment: {{write_keys: {{backend: {{secret: "${{env:SEGMENT_KEY}}", {CONTRACT}}}}}}}
  meta: {{access_tokens: {{sdk: {{secret: "${{env:SDK_TOKEN}}", {CONTRACT}}}}}}}
egress: {{allow: ["127.0.0.0/8"]}}
environment: [DEMO_META, DEMO_VENDORS, DEMO_ARCHIVE]
queue: {{min_free: 1MiB}}
log: {{events: true}}
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:DEMO_TOKEN}", api_url: "${env:DEMO_META}"}
triggers:
  purchase: {event: purchase}
  way to an order: {event: view_item}
  staging: {event: never}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
"""
NAMES = {"meta", "ga4", "linkedin", "pinterest", "reddit", "snapchat", "tiktok", "webhook", "file"}
PERSONAL = ("erika", "901820", "203.0.113.9", "Agent-Of-Erika", "IwAR1-of-erika", ".5678", "secret-path")
"""What stands in the copies and must not stand in a log, nor does any secret."""


@dataclass(frozen=True)
class Order:
    """`doors`: in the order in which its copies come; `own`: the page gives it an id of its own; `refused`: its visitor
    refuses with the first copy."""

    number: int
    doors: Sequence[str]
    own: bool = False
    refused: bool = False

    @property
    def email(self) -> str:
        """Each is another person's: who refuses takes back what he has allowed with other orders, too."""
        return f"erika.{self.number}@example.com"


DOORS = ("page", "webhook", "file", "ga4", "segment", "meta", "stape")
ALLOWED, REFUSED = {"gcs": "G111", "gcd": "13n3n3n3n5"}, {"gcs": "G100", "gcd": "13m3m3m3m5"}
"""Consent as Google's tag writes it."""
WITH_A_WORD = ("page", "webhook", "ga4", "segment", "stape")
"""Doors by which the visitor's own refusal comes here."""
ORDERS = [
    *(Order(9000 + n, doors) for n, doors in enumerate(itertools.permutations(("page", "webhook", "file")))),
    *(Order(9100 + n, doors, own=True) for n, doors in enumerate(itertools.permutations(("page", "webhook", "file")))),
    Order(9200, ("page", "webhook", "file"), refused=True),
    Order(9201, ("page", "file", "webhook"), own=True, refused=True),
    Order(9202, ("webhook", "file", "page"), refused=True),
    Order(9203, ("webhook", "page", "file"), own=True, refused=True),
    *(Order(9300 + n, (*DOORS[n:], *DOORS[:n]), own=n % 2 == 1) for n in range(len(DOORS))),
    *(Order(9400 + n, (door, "webhook", "meta", "file"), refused=True) for n, door in enumerate(WITH_A_WORD)),
]


class Shop:
    """A server that runs, and who sends to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vendors = start_sandbox(folder)
        (folder / "config").mkdir()
        (folder / "config" / "server.yaml").write_text(SERVER)
        (folder / "config" / "container.yaml").write_text(CONTAINER)
        (folder / "config" / "everyone.yaml").write_text(EVERYONE.read_text())
        self.environ = {
            "PATH": os.environ["PATH"],
            "DEMO_META": self.vendors.address,
            "DEMO_VENDORS": f"{self.vendors.address}/vendors",
            "DEMO_ARCHIVE": str(folder / "archive"),
            "DEMO_TOKEN": "demo-token-of-this-test",
            "DEMO_SECRET": "whsec_" + base64.b64encode(b"0" * 32).decode(),
            "TILL_KEY": "key-of-the-till",
            "SHOP_SECRET": SECRET,
            "SEGMENT_KEY": "key-of-the-backend",
            "SDK_TOKEN": "token-of-the-sdk",
            "TAGSERVER_ADMIN_TOKEN": ADMIN,
        }
        self.server = Process(
            *("serve", "--port", "0"), cwd=folder, pattern=r"listens on (http://127\.0\.0\.1:\d+)", environ=self.environ
        )

    def page(self, orders: Sequence[Order]) -> None:
        """Their purchases as the thank-you page pushes them; one that refuses does so itself."""
        for one in orders:
            event = {
                "event": "purchase",
                "page": {"location": "https://shop.example/thanks?fbclid=IwAR1-of-erika"},
                "client_id": f"{one.number}.5678",
                "user_data": {"email": one.email, "phone_number": f"+49 30 901820{one.number}"},
                "ecommerce": {"transaction_id": str(one.number), "value": 59.9, "currency": "EUR"},
                "consent": dict.fromkeys(GRANTED, "denied") if one.refused else GRANTED,
            }
            if one.own:
                event["event_id"] = f"of-the-page-{one.number}"
            headers = {"origin": "https://shop.example", "user-agent": "Agent-Of-Erika"}
            answer = httpx.post(f"{self.server.address}/collect", json=event, headers=headers, trust_env=False)
            assert answer.status_code == 202, answer.text

    def webhook(self, orders: Sequence[Order]) -> None:
        """As Shopify tells of them; of one that refuses, by what the page has put into its cart."""
        for one in orders:
            said = json.dumps(dict.fromkeys(GRANTED, "denied"))
            order: dict[str, Any] = {
                "id": one.number,
                "financial_status": "paid",
                "source_name": "web",
                "currency": "EUR",
                "total_price": "59.90",
                "email": one.email,
                "phone": f"+4930901820{one.number}",
                "landing_site": "/p/mug?fbclid=IwAR1-of-erika",
                "order_status_url": "https://shop.example/1/orders/secret-path/authenticate?key=k",
                "client_details": {"browser_ip": "203.0.113.9", "user_agent": "Agent-Of-Erika"},
                "line_items": [{"variant_id": 8, "title": "Mug", "price": "59.90", "quantity": 1}],
            }
            if one.refused and one.doors[0] == "webhook":
                order["note_attributes"] = [{"name": "_consent", "value": said}]
            content = json.dumps(order).encode()
            signature = base64.b64encode(hmac.digest(SECRET.encode(), content, hashlib.sha256)).decode()
            headers = {"x-shopify-topic": "orders/paid", "x-shopify-hmac-sha256": signature}
            answer = httpx.post(
                f"{self.server.address}/webhook/shop", content=content, headers=headers, trust_env=False
            )
            assert answer.status_code == 200, answer.text

    def ga4(self, orders: Sequence[Order]) -> None:
        """As Google's tag sends it: everything of a visitor in the address."""
        for one in orders:
            hit = {
                "v": "2",
                "tid": "G-SHOP",
                "cid": f"{one.number}.5678",
                "_p": str(one.number),
                "_s": "1",
                **(REFUSED if one.refused else ALLOWED),
                "en": "purchase",
                "_c": "1",
                "dl": "https://shop.example/thanks?fbclid=IwAR1-of-erika",
                "cu": "EUR",
                "epn.value": "59.9",
                "epn.transaction_id": str(one.number),
                "pr1": "idMUG-1~nmMug~pr59.9~qt1",
                "ep.user_data.email": one.email,
                "ep.user_data.phone_number": f"+4930901820{one.number}",
            }
            self._page("GET", f"/g/collect?{urlencode(hit)}", 204)

    def stape(self, orders: Sequence[Order]) -> None:
        """As Stape's tag sends it."""
        for one in orders:
            event = {
                "client_id": f"{one.number}.5678",
                "page_location": "https://shop.example/thanks?fbclid=IwAR1-of-erika",
                "user_data": {"email": one.email},
                "transaction_id": str(one.number),
                "value": 59.9,
                "currency": "EUR",
                "consent_state": dict.fromkeys(GRANTED, not one.refused),
            }
            self._page("POST", "/data?v=2&event_name=purchase", 200, json.dumps(event))

    def _page(self, method: str, path: str, status: int, content: str | None = None) -> None:
        headers = {"origin": "https://shop.example", "user-agent": "Agent-Of-Erika", "content-type": "text/plain"}
        answer = httpx.request(
            method, f"{self.server.address}{path}", content=content, headers=headers, trust_env=False
        )
        assert answer.status_code == status, answer.text

    def segment(self, orders: Sequence[Order]) -> None:
        """As a backend calls Segment's library."""
        for one in orders:
            products = [{"product_id": "MUG-1", "name": "Mug", "price": 59.9, "quantity": 1}]
            consent = {"categoryPreferences": {"C0002": False, "C0004": False}}
            call = {
                "type": "track",
                "event": "Order Completed",
                "messageId": f"message-{one.number}",
                "anonymousId": f"{one.number}.5678",
                "properties": {"order_id": one.number, "total": 59.9, "currency": "EUR", "products": products},
                "context": {"traits": {"email": one.email}} | ({"consent": consent} if one.refused else {}),
            }
            self._server("/v1/batch", {"batch": [call]}, {"authorization": _basic("key-of-the-backend")})

    def meta(self, orders: Sequence[Order]) -> None:
        """As a backend calls Meta's library: with hashes alone, and its token in the address."""
        events = [
            {
                "event_name": "Purchase",
                "event_time": int(time.time()),
                "action_source": "website",
                "user_data": {"em": [hashlib.sha256(one.email.encode()).hexdigest()]},
                "custom_data": {"value": 59.9, "currency": "eur", "order_id": str(one.number)},
            }
            for one in orders
        ]
        self._server("/v26.0/1234567890/events?access_token=token-of-the-sdk", {"data": events}, {})

    def _server(self, path: str, body: Any, headers: dict[str, str]) -> None:
        answer = httpx.post(f"{self.server.address}{path}", json=body, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text

    def file(self, orders: Sequence[Order]) -> None:
        """All of them in one table, by the command."""
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        rows = [f"{one.number};{now};59,90;EUR;{one.email}" for one in orders]
        name = f"till-{orders[0].number}-{time.monotonic_ns()}.csv"
        (self.folder / name).write_text("\n".join(["Order ID;Date;Value;Currency;E-mail", *rows, ""]))
        words = ("--source", "till", "--set", "event=purchase", "--yes")
        done = tagserver("send", name, *words, cwd=self.folder, env=self.environ)
        assert done.returncode == 0, done.stdout + done.stderr

    def delivered(self) -> dict[str, int]:
        """By destination, once nothing is pending."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        for _ in range(600):
            answer = httpx.get(f"{self.server.address}/-/status.json", headers=headers, trust_env=False)
            found = answer.json()["destinations"]
            if not any(one["pending"] for one in found.values()):
                break
            time.sleep(0.05)
        return {name: one["delivered"] for name, one in found.items()}


def _basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A server with nine destinations, before their stand-ins."""
    made = Shop(tmp_path)
    yield made
    made.server.stop()
    made.vendors.stop()


def test_it_counts_once_at_each_destination(shop: Shop) -> None:
    """By the vendors' own count; and nothing personal and no secret is in any log."""
    doors: dict[str, Callable[[Sequence[Order]], None]] = {
        "page": shop.page,
        "webhook": shop.webhook,
        "file": shop.file,
        "ga4": shop.ga4,
        "segment": shop.segment,
        "meta": shop.meta,
        "stape": shop.stape,
    }
    for turn in range(len(DOORS)):
        for name, send in doors.items():
            if orders := [one for one in ORDERS if one.doors[turn : turn + 1] == (name,)]:
                send(orders)
        shop.delivered()
    wanted = sum(not one.refused for one in ORDERS)
    assert shop.delivered() == dict.fromkeys(NAMES, wanted)
    meta = httpx.get(f"{shop.vendors.address}/stats.json", trust_env=False).json()
    assert (meta["arrivals"], meta["unique"]) == (wanted, wanted)
    assert shop.server.stop() == 0
    logged = shop.server.text() + shop.vendors.text()
    assert "purchase_9000" in logged  # there is a line for each
    secrets = [value for name, value in shop.environ.items() if name.endswith(("TOKEN", "KEY", "SECRET"))]
    assert [one for one in (*PERSONAL, *secrets) if one in logged] == []
