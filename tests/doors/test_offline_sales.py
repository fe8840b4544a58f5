"""Sales and leads without a page, from a file by the command through a real server to what Meta gets: each way of
selling with its own age limit, and what an event was before."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.process import ADMIN, Process
from tests.warm import tagserver

DAY = 86_400
SERVER = """
collect:
  keys:
    till:
      secret: "${env:TILL_KEY}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: terms of the shop
egress: {allow: ["127.0.0.0/8"]}
environment: [META]
queue: {min_free: 1MiB}
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", api_url: "${env:META}"}
tags:
  - {name: Meta, destination: meta, triggers: [all]}
"""
ENVIRON = {"TILL_KEY": "key-of-the-till", "META_TOKEN": "t", "TAGSERVER_ADMIN_TOKEN": ADMIN}
COLUMNS = "Event;Date;Order ID;Value;Currency;E-mail;Action source;Lead ID;Original event name;Original event time"


class Meta(http.server.BaseHTTPRequestHandler):
    """Keeps what it gets."""

    got: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Takes everything."""
        events = json.loads(self.rfile.read(int(self.headers["content-length"])))["data"]
        self.got.extend(events)
        content = json.dumps({"events_received": len(events)}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name for it)
        """Says nothing."""


@pytest.fixture
def meta() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its address, and what it got."""
    got: list[dict[str, Any]] = []
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Meta,), {"got": got}))
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", got
    listening.shutdown()
    listening.server_close()


def test_each_way_of_selling_has_its_own_age(tmp_path: Path, meta: tuple[str, list[dict[str, Any]]]) -> None:
    """A till's sale of sixty days ago arrives, a call's of eight days ago does not; a lead of the CRM has Meta's id."""
    address, got = meta
    now = int(time.time())

    def ago(days: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M", time.gmtime(now - days * DAY))

    rows = [
        f"purchase;{ago(60)};T1;10,50;EUR;ann@example.com;physical_store;;;",
        f"purchase;{ago(63)};T2;10,50;EUR;ann@example.com;physical_store;;;",
        f"purchase;{ago(6)};T3;10,50;EUR;ann@example.com;phone_call;;;",
        f"purchase;{ago(8)};T4;10,50;EUR;ann@example.com;phone_call;;;",
        f"generate_lead;{ago(1)};;;;bob@example.com;system_generated;1234567890123456;;",
        f"generate_lead;{ago(8)};;;;bob@example.com;system_generated;1234567890123457;;",
        f"purchase;{ago(1)};T5;99,00;EUR;ann@example.com;physical_store;;purchase;{ago(30)}",
    ]
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "server.yaml").write_text(SERVER)
    (tmp_path / "config" / "container.yaml").write_text(CONTAINER)
    (tmp_path / "sales.csv").write_text("\n".join([COLUMNS, *rows, ""]))
    environ = ENVIRON | {"META": address}
    pattern = r"listens on (http://127\.0\.0\.1:\d+)"
    server = Process("serve", "--port", "0", cwd=tmp_path, pattern=pattern, environ=environ)
    try:
        done = tagserver("send", "sales.csv", "--source", "till", "--yes", cwd=tmp_path, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        for _ in range(200):
            headers = {"authorization": f"Bearer {ADMIN}"}
            shown = httpx.get(f"{server.address}/-/status.json", headers=headers, trust_env=False).json()
            if not shown["destinations"]["meta"]["pending"]:
                break
            time.sleep(0.05)
    finally:
        server.stop()
    found = {one.get("custom_data", {}).get("order_id") or one["user_data"]["lead_id"]: one for one in got}
    assert sorted(map(str, found)) == ["1234567890123456", "T1", "T3", "T5"]
    assert {name: one["action_source"] for name, one in found.items()} == {
        "T1": "physical_store",
        "T3": "phone_call",
        "T5": "physical_store",
        "1234567890123456": "system_generated",
    }
    assert abs(found["T1"]["event_time"] - (now - 60 * DAY)) < 61
    original = found["T5"]["original_event_data"]
    assert original["event_name"] == "purchase"
    assert abs(original["event_time"] - (now - 30 * DAY)) < 61
