"""How it is run as a service: the systemd unit and the container file of the documentation."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagserver.cli import main

from .jail import USER, Jail, until
from .pages import OPERATE, blocks

PURCHASE = {
    "event": "purchase",
    "event_id": "o-1",
    "ecommerce": {"transaction_id": "o-1", "value": 5, "currency": "EUR"},
    "consent": {"analytics_storage": "granted"},
}
OTHER_TOKEN = "another-token-of-32-characters-9z"
(SERVICE,) = (page for page in OPERATE if page.name == "service.md")


@pytest.fixture
def jail() -> Iterator[Jail]:
    """A folder that the unit's paths stand for, and a way to run commands in it as its user."""
    with Jail.made() as made:
        yield made


def test_the_image_starts_the_server() -> None:
    """The command of the container file is one."""
    (block,) = blocks(SERVICE, language="dockerfile")
    words = json.loads(block.text.rpartition("CMD ")[2])
    assert words[0] == "tagserver"
    main.commands[words[1]].make_context(words[1], words[2:])


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Systemd takes it."""
    (block,) = (one for one in blocks(SERVICE, language="ini") if "ExecStart" in one.text)
    if (systemd := shutil.which("systemd-analyze")) is None:
        pytest.skip("there is no systemd-analyze")
    unit = tmp_path / "tagserver.service"
    unit.write_text(re.sub(r"=/srv/tagserver/\S+/tagserver .+", "=/bin/true", block.text))
    done = subprocess.run([systemd, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_may_ask_whether_the_clock_is_kept() -> None:
    """A filter that forbids `adjtimex` would leave a single vendor's wrong clock to be believed. Of lines of a filter
    the later one counts."""
    (unit,) = (one.text for one in blocks(SERVICE, language="ini") if "ExecStart" in one.text)
    filters = re.findall(r"^SystemCallFilter=(.+)$", unit, re.MULTILINE)
    assert filters.index("adjtimex") > filters.index("~@privileged @resources")
    assert "ProtectClock" not in unit
    assert "CapabilityBoundingSet=\n" in unit, "nobody can set it"


def test_the_unit_runs_where_it_is_installed(jail: Jail) -> None:
    """As the page says: an unprivileged user, a system that can be read, and one folder that can be written. It takes
    an event, delivers it below that folder, and is reloaded."""
    (unit,) = (one.text for one in blocks(SERVICE, language="ini") if "ExecStart" in one.text)
    jail.install(next(one.text for one in blocks(SERVICE, language="sh") if "install -d" in one.text))
    (start,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    check, hang_up = re.findall(r"^ExecReload=(.+)$", unit, re.MULTILINE)
    assert hang_up == "/bin/kill -HUP $MAINPID"
    server = jail.serve(f"{start} --port 0")

    assert server.collect(PURCHASE).json()["events"][0]["status"] == "accepted"
    rows = jail.data / "events"
    assert until(lambda: list(rows.glob("dt=*/events-0001.jsonl")))
    (file,) = rows.glob("dt=*/events-0001.jsonl")
    assert json.loads(file.read_text())["event_id"] == "o-1"
    assert file.stat().st_uid == USER
    archive = {"state": "ok", "delivered": 1, "pending": 0}
    assert until(lambda: archive.items() <= server.status("destinations")["archive"].items())

    edited = jail.config / "server.yaml"
    sound = edited.read_text()
    edited.write_text(sound.replace("origins:", "origin:"))
    refused = jail.run(check)
    assert refused.returncode == 1
    assert "server.yaml:6" in refused.stdout
    assert "origins" in refused.stdout
    edited.write_text(sound)
    assert jail.run(check).returncode == 0
    jail.secrets.write_text(jail.secrets.read_text().replace(jail.token, OTHER_TOKEN))
    server.process.send_signal(signal.SIGHUP)
    assert until(lambda: server.answers(OTHER_TOKEN))
    assert server.process.poll() is None


def test_the_image_asks_for_its_health() -> None:
    """By a program that ends with 0 when the server answers, and with something else when it does not."""
    (block,) = blocks(SERVICE, language="dockerfile")
    (asked,) = re.findall(r"HEALTHCHECK .*\\\n\s+CMD (\[.*\])$", block.text, re.MULTILINE)
    _, *words = json.loads(asked)
    with socket.create_server(("127.0.0.1", 0)) as server:
        words[-1] = words[-1].replace("8080", str(server.getsockname()[1]))

        def answer(status: bytes) -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1000).startswith(b"GET /healthz ")
                connection.sendall(b"HTTP/1.1 " + status + b" x\r\ncontent-length: 0\r\n\r\n")

        for status, fine in ((b"200", True), (b"503", False)):
            answering = threading.Thread(target=answer, args=(status,))
            answering.start()
            done = subprocess.run([sys.executable, *words], capture_output=True, timeout=20, check=False)
            answering.join()
            assert (done.returncode == 0) is fine
    assert subprocess.run([sys.executable, *words], capture_output=True, timeout=20, check=False).returncode != 0
