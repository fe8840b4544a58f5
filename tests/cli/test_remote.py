"""Commands that ask a running server: what they say when it is not there, or asks for its token."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from tagserver.cli import main

TOKEN = "a-token-of-this-test"


@contextmanager
def answering(status: int, content: bytes) -> Iterator[str]:
    """The address of something that gives everybody the same answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Any path."""
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 (the library's name)

        def log_message(self, *words: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def asked(folder: Path, command: str, address: str | None, token: str | None) -> tuple[int, str]:
    """The end and the words of a command, with a server that left its address in the data folder."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "container.yaml").write_text("tags: []\n")
    if address is not None:
        (data / "address").write_text(address)
    words = [*command.split(), "--data", str(data)]
    words += ["--config", str(folder / "config")] if command.startswith("doctor") else []
    result = CliRunner().invoke(main, words, env={"TAGSERVER_ADMIN_TOKEN": token})
    return result.exit_code, result.output


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_no_server_was_started(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "dead list", None, TOKEN)
    assert (code, "no server runs on the data folder" in said) == (3, True)


def test_a_server_that_is_gone(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "dead list", nobody(), TOKEN)
    assert (code, "cannot be reached (ConnectError)" in said) == (3, True)


def test_without_a_token_the_token_is_asked_for(tmp_path: Path) -> None:
    """And nobody says that the server cannot be reached."""
    with answering(401, b'{"problems": []}') as address:
        code, said = asked(tmp_path, "dead list", address, None)
        assert (code, "asks for its admin token: set TAGSERVER_ADMIN_TOKEN" in said) == (1, True)
        code, said = asked(tmp_path, "dead list", address, TOKEN)
        assert (code, "does not take this token" in said) == (1, True)
    assert TOKEN not in said


def test_somebody_else_answers(tmp_path: Path) -> None:
    with answering(200, b"<html>") as address:
        code, said = asked(tmp_path, "dead list", address, TOKEN)
    assert (code, "is no tagserver" in said) == (3, True)


@pytest.mark.parametrize("command", ["dead list --event-id", "forget --user-id", "reload --note"])
def test_what_is_no_text(tmp_path: Path, command: str) -> None:
    """A terminal that writes Latin-1: it is not the server's fault, and nobody is forgotten under another name."""
    with answering(200, b"{}") as address:
        code, said = asked(tmp_path, f"{command} M\udcfcller", address, TOKEN)
    assert (code, "not text in UTF-8" in said) == (2, True)


def test_a_login_name_that_is_no_text_keeps_nobody_from_publishing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "m\udcfcller")
    with answering(
        200, b'{"problems": [], "ok": true, "number": 1, "version": "x", "ended": null, "detail": ""}'
    ) as it:
        code, said = asked(tmp_path, "reload", it, TOKEN)
    assert (code, said) == (0, "Version 1 serves now (container x).\n")


@pytest.mark.parametrize(("token", "says"), [(None, "asks for its admin token"), (TOKEN, "does not take this admin")])
def test_doctor_says_that_the_server_runs(tmp_path: Path, token: str | None, says: str) -> None:
    with answering(401, b'{"problems": []}') as address:
        _, said = asked(tmp_path, "doctor --offline", address, token)
    assert f"server: {address} runs and {says}" in said
    assert "set TAGSERVER_ADMIN_TOKEN to the one it was started with" in said


def test_doctor_says_that_the_server_is_gone(tmp_path: Path) -> None:
    address = nobody()
    _, said = asked(tmp_path, "doctor --offline", address, TOKEN)
    assert f"server: none answers at {address}" in said
