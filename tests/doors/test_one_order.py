"""One order by three doors at once, with real programs: a page, Shopify's webhook and a file. Whichever comes first, it
is sent once to each of nine destinations; and where its visitor has refused, not at all."""

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
clients: {{webhooks: {{shop: {{style: shopify, secret: "${{env:SHOP_SECRET}}", {CONTRACT}}}}}}}
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


ORDERS = [
    *(Order(9000 + n, doors) for n, doors in enumerate(itertools.permutations(("page", "webhook", "file")))),
    *(Order(9100 + n, doors, own=True) for n, doors in enumerate(itertools.permutations(("page", "webhook", "file")))),
    Order(9200, ("page", "webhook", "file"), refused=True),
    Order(9201, ("page", "file", "webhook"), own=True, refused=True),
    Order(9202, ("webhook", "file", "page"), refused=True),
    Order(9203, ("webhook", "page", "file"), own=True, refused=True),
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
    }
    for turn in range(3):
        for name, send in doors.items():
            if orders := [one for one in ORDERS if one.doors[turn] == name]:
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
