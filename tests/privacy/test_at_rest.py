"""What rests in the data folder while nothing can be delivered, over all destinations: each row holds
in the clear what its destination declares, and nothing else; with a key, nothing at all can be read."""

from __future__ import annotations

import asyncio
import base64
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.payload_check import PayloadFields
from tagserver.plugin.registry import Registry
from tagserver.queue.dead_letters import Account, Choice
from tagserver.queue.encryption import MAGIC
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tagserver.server.app import create_app
from tagserver.testing import NOW
from tests.destinations.nine import CONFIG, NAMES, TOKENS
from tests.fake_time import OtherWallClock

ORIGIN = "https://shop.example"
KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
BROWSER = {
    "origin": ORIGIN,
    "user-agent": "Mozilla/5.0 (Fixture; Agent 7.31)",
    "accept-language": "de-DE",
    "cookie": "_ga=GA1.1.987654321.1700000000; _fbp=fb.1.1700000000000.55555; _scid=scid-fixture; _ttp=ttp-fixture; "
    "_rdt_uuid=1700000000000.uuid-fixture; session=session-fixture",
    "x-forwarded-for": "203.0.113.77",
}
CLEAR_SOMEWHERE = {
    "address": "203.0.113.77",
    "agent": "Fixture; Agent 7.31",
    "first name": "Erikafirst",
    "last name": "Musterlast",
    "user id": "customer-fixture-7",
    "client id": "987654321.1700000000",
    "cookie": "fb.1.1700000000000.55555",
    "cookie of Snap": "scid-fixture",
    "cookie of TikTok": "ttp-fixture",
    "cookie of Reddit": "uuid-fixture",
    "city": "fixturecity",
}
"""What some vendor needs so. Other values of the event are needed in the clear by nobody."""
NEVER_CLEAR = {
    "e-mail": "erika.fixture@example.com",
    "telephone": "30 5550199",
    "digits of the telephone": "49305550199",
    "street": "Fixturestreet",
    "e-mail in the title": "title.fixture",
    "e-mail in the address": "address.fixture",
    "e-mail in an item": "item.fixture",
    "e-mail as a custom id": "custom.fixture",
    "telephone in a search": "5550123",
    "card": "4111111111111111",
    "name in a parameter": "Hiddenname",
    "fragment": "fragment-fixture",
    "another cookie": "session-fixture",
}
EVENT: dict[str, Any] = {
    "event": "purchase",
    "event_id": "order-1001",
    "timestamp": NOW,
    "client_id": "987654321.1700000000",
    "user_id": "customer-fixture-7",
    "search_term": "+49 30 5550123",
    "first_name": "Hiddenname",
    "customer": "custom.fixture@example.com",
    "paid_with": "4111 1111 1111 1111",
    "page": {
        "location": f"{ORIGIN}/a?email=address.fixture%40example.com&color=red&fbclid=fb-1#fragment-fixture",
        "referrer": f"{ORIGIN}/?q=address.fixture@example.com",
        "title": "Thanks, title.fixture@example.com",
    },
    "consent": dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted"),
    "user_data": {
        "email": "Erika.Fixture@Example.com",
        "phone_number": "+49 30 5550199",
        "date_of_birth": "1970-03-09",
        "address": {
            "first_name": "Erikafirst",
            "last_name": "Musterlast",
            "street": "Fixturestreet 1",
            "city": "Fixturecity",
            "postal_code": "10115",
            "country": "DE",
        },
    },
    "ecommerce": {
        "transaction_id": "T-1001",
        "value": 5,
        "currency": "EUR",
        "items": [
            {"item_id": "4006381333931", "item_name": "for item.fixture@example.com", "card": "4111111111111111"}
        ],
    },
}


async def nobody(request: httpx.Request) -> httpx.Response:
    """A network that is down."""
    raise httpx.ConnectError("down")


class Vendor:
    """Takes everything, and remembers it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        answer = {"events_received": request.content.count(b'"event_name":'), "code": 0, "num_events_processed": 1}
        return httpx.Response(200, stream=httpx.ByteStream(msgspec.json.encode(answer)))


def written(folder: Path, queue: str = "") -> Path:
    """The configuration of all destinations, with more under `queue:`."""
    config = folder / "config"
    shutil.copytree(CONFIG, config, dirs_exist_ok=True)
    server = (
        (CONFIG / "server.yaml").read_text().replace("queue: {min_free: 1MiB}", f"queue: {{min_free: 1MiB{queue}}}")
    )
    (config / "server.yaml").write_text(server.replace("collect: {", "collect: {trusted_proxies: 1, "))
    return config


@asynccontextmanager
async def served(folder: Path, queue: str = "", vendor: Any = nobody, drain: float = 0.0) -> AsyncIterator[Runtime]:
    """All of it, over one data folder. Where the file destination writes is a file, so that it waits, too."""
    (folder / "no-folder").touch()
    environ = TOKENS | {"ARCHIVE": str(folder / "no-folder" / "x"), "KEY_1": KEYS[0], "KEY_2": KEYS[1]}
    data = folder / "data"
    made = ConfigurationFolder(
        written(folder, queue), Registry.load(), environ, None, data, time=OtherWallClock(lambda: NOW)
    )
    transport = httpx.MockTransport(vendor)
    async with running(made, data, time=OtherWallClock(lambda: NOW), transport=transport, drain=drain) as runtime:
        yield runtime


async def send(runtime: Runtime, **changes: Any) -> None:
    """The event, from a browser behind a proxy; under another id it is another order."""
    event = EVENT | changes
    if "event_id" in changes:
        event["ecommerce"] = EVENT["ecommerce"] | {"transaction_id": changes["event_id"]}
    transport = httpx.ASGITransport(create_app(runtime, "admin-token-of-tests"), client=("198.51.100.1", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://tags.example") as http:
        answer = await http.post("/collect", json=event, headers=BROWSER)
    assert answer.status_code == 202, answer.text
    assert answer.json()["events"][0]["status"] == "accepted"


def another(event_id: str) -> dict[str, Any]:
    """What makes the event another sale, with an order of its own."""
    return {"event_id": event_id, "ecommerce": EVENT["ecommerce"] | {"transaction_id": event_id}}


def contents(folder: Path) -> bytes:
    """All bytes of the data folder, in lower case."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()).lower()


def found(data: bytes, *groups: Mapping[str, str]) -> list[str]:
    """Which of some values stand in some bytes."""
    return [name for group in groups for name, value in group.items() if value.lower().encode() in data]


def tables(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of every table, as the table's name and the columns."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f"SELECT * FROM {name}"):
                yield name, dict(row)


def texts(value: Any, way: tuple[str, ...] = (), parent: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """The values of a payload as text, each with the names that lead to it and its object."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from texts(one, (*way, name), value)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one, way, parent)
    else:
        yield way, str(value), parent or {}


def declared(fields: PayloadFields, way: tuple[str, ...], parent: Mapping[str, Any]) -> bool:
    return any(fields.is_clear(way[:length], parent) for length in range(1, len(way) + 1))


async def test_each_row_holds_in_the_clear_what_its_destination_declares(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(tmp_path) as runtime:
        await send(runtime)
        container = runtime.container
    data = tmp_path / "data"
    rested: dict[str, dict[str, Any]] = {}
    for table, row in tables(data / "outbox.db"):
        if table == "delivery":
            rested[row["destination"]] = msgspec.json.decode(row.pop("body"))
        assert found(repr(row).lower().encode(), CLEAR_SOMEWHERE, NEVER_CLEAR) == [], table
    assert sorted(rested) == sorted(NAMES)
    everywhere = set()
    for name, body in rested.items():
        for way, text, parent in texts(body):
            here = found(text.lower().encode(), CLEAR_SOMEWHERE, NEVER_CLEAR)
            everywhere |= set(here)
            assert not here or declared(container.destinations[name].fields, way, parent), (name, way, here)
    assert everywhere == CLEAR_SOMEWHERE.keys(), "the test looks for what really rests"
    assert found(contents(data), NEVER_CLEAR) == []
    others = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file() and "outbox.db" not in path.name)
    assert found(others.lower() + caplog.text.lower().encode(), CLEAR_SOMEWHERE, NEVER_CLEAR) == []


async def test_with_a_key_nothing_can_be_read(tmp_path: Path) -> None:
    """Neither while rows wait nor afterwards, nor where they are dead letters."""
    async with served(tmp_path, ', encrypt: "${env:KEY_1}"') as runtime:
        await send(runtime)
        while_waiting = contents(tmp_path / "data")
    assert b"order-1001" in while_waiting, "the event's id is no person"
    assert found(while_waiting, CLEAR_SOMEWHERE, NEVER_CLEAR) == []
    assert found(contents(tmp_path / "data"), CLEAR_SOMEWHERE, NEVER_CLEAR) == []
    bodies = [row["body"] for table, row in tables(tmp_path / "data" / "outbox.db") if table == "delivery"]
    assert len(bodies) == len(NAMES)
    assert all(body.startswith(MAGIC) for body in bodies)
    assert KEYS[0].encode().lower() not in contents(tmp_path / "data")


async def delivered(runtime: Runtime, count: int, names: Sequence[str] = ("meta",)) -> None:
    async with asyncio.timeout(20):
        while any(runtime.outbox.counts()[name].delivered < count for name in names):
            await asyncio.sleep(0.01)


BOTH = ", encrypt: ['${env:KEY_2}', '${env:KEY_1}']"


async def test_what_was_stored_before_and_under_an_older_key_is_sent(tmp_path: Path) -> None:
    """In the clear, under the first key, under the second: all of it arrives, and is what the vendor takes."""
    for number, queue in enumerate(("", ', encrypt: "${env:KEY_1}"', BOTH)):
        async with served(tmp_path, queue) as runtime:
            await send(runtime, **another(f"order-{number}"))
    vendor = Vendor()
    async with served(tmp_path, BOTH, vendor, drain=5.0) as runtime:
        await delivered(runtime, 3, ("meta", "shop"))
    sent = b"".join(vendor.bodies)
    assert all(f'"order-{number}"'.encode() in sent for number in range(3))
    assert MAGIC not in sent


async def test_a_lost_key_buries_with_its_reason_and_a_found_one_sends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, ', encrypt: "${env:KEY_1}"') as runtime:
        await send(runtime)
    vendor = Vendor()
    async with served(tmp_path, ', encrypt: "${env:KEY_2}"', vendor) as runtime:
        await send(runtime, **another("order-1002"))
        await delivered(runtime, 1)
        (letter,) = await runtime.outbox.dead(Choice(destinations=("meta",)), 10)
        assert (letter.reason, letter.event_id) == ("locked", "order-1001")
        assert "which queue.encrypt does not list" in letter.detail
        assert runtime.outbox.counts()["meta"].dead_by_reason == {"locked": 1}
    assert caplog.text.count("order-1001 for meta is a dead letter: locked it is encrypted") == 1, "it is said once"
    async with served(tmp_path, BOTH, vendor) as runtime:
        account = Account(runtime.container.destinations["meta"].identity)
        done = await runtime.outbox.retry_dead(
            Choice(destinations=("meta",), reasons=("locked",)), {"meta": account}, 10
        )
        assert done.moved == {"meta": 1}
        runtime.dispatcher.reconfigured(runtime.container.destinations)  # type: ignore[union-attr]  # (there is one)
        await delivered(runtime, 2)
    assert b"order-1001" in b"".join(vendor.bodies)


async def test_a_salvaged_queue_keeps_what_is_encrypted(tmp_path: Path) -> None:
    async with served(tmp_path, ', encrypt: "${env:KEY_1}"') as runtime:
        await send(runtime)
    (tmp_path / "data" / "outbox.db.damaged").touch()
    vendor = Vendor()
    async with served(tmp_path, ', encrypt: "${env:KEY_1}"', vendor) as runtime:
        assert f"{len(NAMES)} waiting deliveries" in str(runtime.outbox.notice())
        await delivered(runtime, 1)
    assert b"order-1001" in b"".join(vendor.bodies)
