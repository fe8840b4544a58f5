"""`ga4mp`, as it is on its registry, against a real server: its address is all that is changed."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ga4mp import FirebaseMP, GtagMP

from tests.faults.process import ADMIN, Process

SECRET = "secret-of-the-till"
SERVER = """
clients:
  ga4:
    measurement_ids: [G-ABC123DEF4, "1:123:android:abc"]
    api_secrets:
      till:
        secret: "${env:TILL}"
        consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted, analytics_storage: granted}
        basis: terms
queue: {min_free: 1MiB}
log: {events: true}
"""
CONTAINER = """
destinations: {archive: {type: file, path: events}}
tags:
  - name: All
    destination: archive
    triggers: [all]
    consent: [ad_storage]
    parameters: {plan: "{{ user_properties.plan }}"}
"""


class Till(Process):
    """A server, and its folder."""

    folder: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """A server with Google's addresses."""
    folder = tmp_path_factory.mktemp("google")
    (folder / "config").mkdir()
    (folder / "config" / "server.yaml").write_text(SERVER)
    (folder / "config" / "container.yaml").write_text(CONTAINER)
    environ = {"PATH": os.environ["PATH"], "TILL": SECRET, "TAGSERVER_ADMIN_TOKEN": ADMIN}
    pattern = r"listens on (http://127\.0\.0\.1:\d+)"
    made = Till("serve", "--port", "0", cwd=folder, pattern=pattern, environ=environ)
    made.folder = folder
    yield made
    made.stop()


def moved(client: Any, server: Till) -> Any:
    """A client that sends to the server in Google's place."""
    client._base_domain = f"{server.address}/mp/collect"
    client._validation_domain = f"{server.address}/debug/mp/collect"
    return client


def web(server: Till, secret: str = SECRET) -> Any:
    """The library's client for web streams."""
    return moved(GtagMP(api_secret=secret, measurement_id="G-ABC123DEF4", client_id="126970246.1796139883"), server)


def bought(client: Any, order: str) -> Any:
    """An order as the library's own event."""
    event = client.create_new_event(name="purchase")
    event.set_event_param("transaction_id", order)
    event.set_event_param("value", 59.9)
    event.set_event_param("currency", "EUR")
    event.add_item_to_event({"item_id": "MUG", "quantity": 1, "price": 59.9})
    return event


def kept(server: Till, *ids: str) -> list[dict[str, Any]]:
    """What the archive has of events, once all of these are there."""
    until = time.monotonic() + 10
    while True:
        texts = [path.read_text() for path in Path(server.folder, "data", "events").rglob("*.jsonl")]
        rows = [json.loads(line) for text in texts for line in text.splitlines()]
        if {*ids} <= {row["event_id"] for row in rows}:
            return rows
        assert time.monotonic() < until, rows
        time.sleep(0.05)


def test_an_order_counts_once_however_it_is_sent(server: Till) -> None:
    """At once, postponed, or of another day; the library adds a session."""
    client = web(server)
    client.store.set_user_property("plan", "gold")
    client.send([bought(client, "G-1")])
    client.send([bought(client, "G-1"), bought(client, "G-2")], postpone=True)
    client.postponed_send()
    client.send([bought(client, "G-2")], date=datetime.datetime.now() - datetime.timedelta(hours=1))
    client.send([bought(client, "G-3")], validation_hit=True)
    client.send([bought(client, "G-4")])
    rows = kept(server, "purchase_G-1", "purchase_G-2", "purchase_G-4")
    assert [row["event_id"] for row in rows] == ["purchase_G-1", "purchase_G-2", "purchase_G-4"]
    assert "gold" in json.dumps(rows[0])


def test_an_app(server: Till) -> None:
    made = FirebaseMP(api_secret=SECRET, firebase_app_id="1:123:android:abc", app_instance_id="a" * 32)
    client = moved(made, server)
    client.send([bought(client, "A-1")])
    kept(server, "purchase_A-1")


def test_a_wrong_secret_is_told_and_nothing_is_logged(server: Till, capsys: pytest.CaptureFixture[str]) -> None:
    """The library raises what urllib makes of the status."""
    client = web(server, "wrong-secret-0123456789")
    with pytest.raises(Exception, match="401"):
        client.send([bought(client, "W-1")])
    said = server.text()
    assert "purchase_G-1" in said or "listens on" in said
    assert not any(one in said for one in (SECRET, "wrong-secret", "126970246", "api_secret"))
