"""How it is run as a service: the systemd unit and the container file of the documentation."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tagserver.cli import main

from .pages import CONFIG, blocks


def test_the_image_starts_the_server() -> None:
    """The command of the container file is one."""
    (block,) = blocks(CONFIG, language="dockerfile")
    words = json.loads(block.text.rpartition("CMD ")[2])
    assert words[0] == "tagserver"
    main.commands[words[1]].make_context(words[1], words[2:])


def test_the_unit_starts_the_server(tmp_path: Path) -> None:
    """Its command is one, and systemd takes it."""
    (block,) = (one for one in blocks(CONFIG, language="ini") if "ExecStart" in one.text)
    (line,) = re.findall(r"^ExecStart=(.+)$", block.text, re.MULTILINE)
    program, command, *words = line.split()
    assert program.endswith("/tagserver")
    main.commands[command].make_context(command, words)
    if (systemd := shutil.which("systemd-analyze")) is None:
        pytest.skip("there is no systemd-analyze")
    unit = tmp_path / "tagserver.service"
    unit.write_text(block.text.replace(line, "/bin/true"))
    done = subprocess.run([systemd, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_asks_for_its_health() -> None:
    """By a program that ends with 0 when the server answers, and with something else when it does not."""
    (block,) = blocks(CONFIG, language="dockerfile")
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
