"""Stape's own SDK for Node against a real server: the address of its server is all that is changed. It takes https
alone, and sets no headers; so TLS ends in front, and the key stands in the address."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.docs.proxies import Certificate
from tests.faults.process import ADMIN, Process
from tests.processes import ends_with_parent

SDK = Path(__file__).parents[2] / ".venv" / "node" / "node_modules" / "stape-sgtm-nodejs"
"""`tests/run` installs it there."""
KEY = "key-of-the-till"
SERVER = """
collect: {origins: ["https://shop.example"]}
clients:
  stape:
    keys:
      till:
        secret: "${env:TILL_KEY}"
        consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted, analytics_storage: granted}
        basis: terms
queue: {min_free: 1MiB}
log: {events: true}
"""
CONTAINER = """
destinations: {archive: {type: file, path: events}}
tags: [{name: All, destination: archive, triggers: [all], consent: [analytics_storage]}]
"""
PROGRAM = """
const { default: StapeSGTM, transformations } = require(process.argv[2]);
const data = {
  client_id: '123456.123456', currency: 'EUR', value: 20, transaction_id: 'SDK-1', ip_override: '203.0.113.9',
  page_location: 'https://shop.example/thanks', user_agent: 'Firefox',
  user_data: {
    sha256_email_address: transformations.sha256hex(' Erika@Example.com '),
    address: { first_name: 'Erika' },
  },
};
const send = async (key) => {
  const sgtm = new StapeSGTM({ gtm_server_domain: `https://${key}localhost:${process.argv[3]}` });
  try { return await sgtm.sendEventData('purchase', data); } catch (error) { return error.details; }
};
(async () => {
  const keys = [process.env.TILL_KEY + '@', process.env.TILL_KEY + '@', 'another@', ''];
  const told = [];
  for (const key of keys) told.push(await send(key));
  console.log(JSON.stringify(told));
})();
"""


@contextmanager
def tls(certificate: Certificate, port: int) -> Iterator[int]:
    """The port of one that ends TLS, and passes on what is in it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(65536):
                writer.write(some)
                await writer.drain()
        writer.close()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, onward = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, onward), pump(inner, writer))

    loop = asyncio.new_event_loop()
    listens = loop.run_until_complete(asyncio.start_server(passed_on, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listens.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listens.close()
        loop.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """A server with Stape's door and a key."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "server.yaml").write_text(SERVER)
    (tmp_path / "config" / "container.yaml").write_text(CONTAINER)
    environ = {"PATH": os.environ["PATH"], "TILL_KEY": KEY, "TAGSERVER_ADMIN_TOKEN": ADMIN}
    pattern = r"listens on http://127\.0\.0\.1:(\d+)"
    made = Process("serve", "--port", "0", cwd=tmp_path, pattern=pattern, environ=environ)
    yield made
    made.stop()


def test_the_sdk_sends_by_another_address_alone(server: Process, tmp_path: Path) -> None:
    """It gets the answer that it knows, and errors as such; the order is kept once, and nothing personal is logged."""
    assert SDK.exists(), "Stape's SDK is not installed: tests/run does that"
    certificate = Certificate.made(tmp_path, "localhost")
    (tmp_path / "send.cjs").write_text(PROGRAM)
    with tls(certificate, int(server.address)) as port:
        done = subprocess.run(
            ["node", "send.cjs", SDK, str(port)],
            cwd=tmp_path,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(certificate.certificate), "TILL_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            preexec_fn=ends_with_parent(),
        )
    first, again, wrong, none = json.loads(done.stdout)
    assert set(first) == set(again) == {"timestamp", "unique_event_id"}
    assert [one["status"] for one in (wrong, none)] == [401, 403]
    assert server.stop() == 0
    (kept,) = tmp_path.glob("data/events/*/*.jsonl")
    (row,) = map(json.loads, kept.read_text().splitlines())
    assert (row["event_id"], row["source"], row["client_id"]) == ("purchase_SDK-1", "till", "123456.123456")
    assert len(row["user_data"]["sha256_email_address"][0]) == 64
    logged = server.text()
    assert "purchase_SDK-1" in logged
    assert [one for one in ("rika", "203.0.113.9", "123456", KEY) if one in logged] == []
