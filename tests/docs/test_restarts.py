"""How it is restarted: what the page shows is taken by systemd, and a socket that systemd passes is served on."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tagserver.runtime import states
from tagserver.server import ending, succession

from ..faults.process import ADMIN, ends_with_parent, write_config
from .pages import OPERATE, blocks

(PAGE,) = (page for page in OPERATE if page.name == "restarts.md")
(SERVICE,) = (page for page in OPERATE if page.name == "service.md")
(BACKUP,) = (page for page in OPERATE if page.name == "backup.md")
TEXT = PAGE.read_text("utf-8")


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """The socket, and the service with all that is said beside it."""
    if (systemd := shutil.which("systemd-analyze")) is None:
        pytest.skip("there is no systemd-analyze")
    held, beside, template = (one.text for one in blocks(PAGE, language="ini"))
    (unit,) = (one.text for one in blocks(SERVICE, language="ini") if "ExecStart" in one.text)
    (journal,) = (one.text for one in blocks(BACKUP, language="ini"))
    (tmp_path / "tagserver.socket").write_text(held)
    (tmp_path / "tagserver.service").write_text(re.sub(r"=/srv/tagserver/\S+/tagserver .+", "=/bin/true", unit))
    (tmp_path / "tagserver.service.d").mkdir()
    (tmp_path / "tagserver.service.d" / "socket.conf").write_text(beside)
    (tmp_path / "tagserver.service.d" / "journal.conf").write_text(
        re.sub(r"=/srv/\S+/tagserver .+", "=/bin/true", journal)
    )
    assert "Type=notify\n" in unit, "what the page says of a start and of a reload is so"
    for key in ("ExecStart", "ReadWritePaths"):
        (line,) = re.findall(rf"^{key}=.*$", template, re.MULTILINE)
        unit = re.sub(rf"^{key}=.*$", line, unit, flags=re.MULTILINE)
    (tmp_path / "tagserver@.service").write_text(re.sub(r"=/srv/tagserver/\S+/tagserver ", "=/bin/true ", unit))
    units = [str(tmp_path / f"tagserver{name}") for name in (".socket", ".service", "@8081.service")]
    done = subprocess.run(
        [systemd, "verify", *units],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where systemd's own tool listens; it starts the server with the first connection."""
    if (tool := shutil.which("systemd-socket-activate")) is None:
        pytest.skip("there is no systemd-socket-activate")
    with socket.create_server(("127.0.0.1", 0)) as free:
        where = f"127.0.0.1:{free.getsockname()[1]}"
    write_config(tmp_path, "http://127.0.0.1:9")
    command = [tool, "-l", where, "-E", "META_TOKEN=t", "-E", f"TAGSERVER_ADMIN_TOKEN={ADMIN}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, sys.executable, "-m", "tagserver", "serve", "--port", "1"],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            preexec_fn=ends_with_parent(),
        )
    until = time.monotonic() + 10
    while b"Listening on" not in (tmp_path / "log").read_bytes():
        assert time.monotonic() < until
        time.sleep(0.02)
    yield f"http://{where}"
    process.terminate()
    process.wait(30)


def test_a_socket_that_systemd_passes_is_served_on(tmp_path: Path, address: str) -> None:
    """It waits until the server is up; the address that is printed is the socket's, whatever the options say."""
    assert httpx.get(f"{address}/healthz", trust_env=False, timeout=30).status_code == 200
    assert (tmp_path / "data" / "address").read_text().strip() == address
    assert f"listens on {address}," in (tmp_path / "log").read_text()


def test_the_sentences_are_those_of_the_log() -> None:
    """What the page says of the log stands in the program."""
    section = TEXT[TEXT.index("## Hand over") : TEXT.index("## A socket")]
    shown = re.findall(r"^\| `([^`…]+)…?` \|", section, re.MULTILINE)
    source = "".join(Path(one.__file__).read_text() for one in (ending, states, succession))
    shown = [one.removeprefix("the server is not ready (draining): ") for one in shown]
    assert shown
    for words in shown:
        assert words.strip() in source or words.startswith("tagserver"), words
