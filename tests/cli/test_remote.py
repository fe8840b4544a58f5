"""Commands that ask a running server: what they say when it is not there, or asks for its token."""

from __future__ import annotations

import fcntl
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tagserver.cli import main

TOKEN = "a-token-of-this-test"


@contextmanager
def answering(status: int, content: bytes, seen: list[bytes] | None = None) -> Iterator[str]:
    """The address of something that gives everybody the same answer; of status 0, the content alone. `seen` gets what
    it was asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Any path."""
            if seen is not None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                seen.append(f"{self.requestline} \n{self.headers}".encode() + body)
            if status == 0:
                self.wfile.write(content)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("retry-after", "7")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 (the library's name)

        def log_message(self, *words: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def held(data: Path) -> Iterator[None]:
    """The data folder as long as a server has it."""
    data.mkdir(exist_ok=True)
    with (data / "outbox.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def asked(
    folder: Path,
    command: str,
    address: str | None,
    token: str | None,
    *,
    lives: bool = True,
    environ: dict[str, str] | None = None,
) -> tuple[int, str]:
    """The end and the words of a command, with a server that left its address in the data folder."""
    data = folder / "data"
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "container.yaml").write_text("tags: []\n")
    with held(data) if lives else nullcontext():
        if address is not None:
            (data / "address").write_text(address + "\n")
        words = [*command.split(), "--data", str(data)]
        words += ["--config", str(folder / "config")] if command.startswith("doctor") else []
        result = CliRunner().invoke(main, words, env={"TAGSERVER_ADMIN_TOKEN": token, **(environ or {})})
    assert token is None or token not in result.output
    return result.exit_code, result.output


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_no_server_was_started(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "dead list", None, TOKEN, lives=False)
    assert (code, "no server runs on the data folder" in said) == (3, True)
    assert "which does not exist" in said


def test_a_server_that_starts_or_ends(tmp_path: Path) -> None:
    """It has the folder, and no address stands there yet, or any more."""
    code, said = asked(tmp_path, "dead list", None, TOKEN)
    assert (code, "about to start, or to end; try again" in said) == (3, True)


def test_nothing_listens(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "dead list", nobody(), TOKEN)
    assert (code, "(connection refused): the server starts, ends or hangs; look into its log" in said) == (3, True)


@pytest.mark.parametrize("command", ["dead list", "reload", "rollback 1", "forget --email erika@example.com"])
def test_a_server_that_was_killed_is_gone_and_whoever_listens_there_now_is_told_nothing(
    tmp_path: Path, command: str
) -> None:
    """Neither the token nor what was to be forgotten."""
    seen: list[bytes] = []
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "outbox.db.lock").touch()
    with answering(200, b"{}", seen) as address:
        code, said = asked(tmp_path, command, address, TOKEN, lives=False)
    assert (code, "has ended without removing" in said, "start it with tagserver serve" in said) == (3, True, True)
    assert seen == []


OURS = b'{"problems": [{"code": "x", "message": "said by the server", "path": ""}]}'
LATER = b'{"problems": [{"code": "too_many_guesses", "message": "too many wrong tokens; wait", "path": ""}]}'

ANSWERS: list[tuple[int, bytes, int, str]] = [
    (401, OURS, 1, "does not take the admin token of TAGSERVER_ADMIN_TOKEN; set TAGSERVER_ADMIN_TOKEN to the one"),
    (429, LATER, 1, "takes no token from here for 7 s, for too many wrong ones came; wait as long"),
    (400, OURS, 2, "said by the server"),
    (413, OURS, 1, "said by the server"),
    (503, OURS, 1, "said by the server"),
    (503, b"{}", 1, "the server answered 503"),
    (404, b"Not Found", 1, "it is a tagserver of another version than this command"),
    (401, b"<html>", 3, "is no tagserver: it refuses in a way of its own (401)"),
    (429, b"slow down", 3, "is no tagserver: it refuses in a way of its own (429)"),
    (200, b"<html>", 3, "is no tagserver: it answers 200 with something that is no JSON"),
    (301, b"", 3, "is no tagserver: it answers 301"),
    (0, b"SSH-2.0-x\r\n", 3, "gave no whole answer (RemoteProtocolError)"),
    (0, b"", 3, "gave no whole answer (RemoteProtocolError)"),
]


@pytest.mark.parametrize(("status", "content", "code", "says"), ANSWERS)
def test_each_refusal_is_a_sentence_of_its_own(
    tmp_path: Path, status: int, content: bytes, code: int, says: str
) -> None:
    """And the exit code is that of a server that is not there only where there is none."""
    with answering(status, content) as address:
        found, said = asked(tmp_path, "dead list", address, TOKEN)
    assert (found, says in said) == (code, True), said
    assert "cannot be reached" not in said


@pytest.mark.parametrize("command", ["dead list", "reload", "rollback 1", "forget --email erika@example.com"])
def test_without_a_token_it_is_said_how_to_bring_one(tmp_path: Path, command: str) -> None:
    """Before anything is sent that somebody else should not read."""
    seen: list[bytes] = []
    with answering(401, OURS, seen) as address:
        code, said = asked(tmp_path, command, address, None)
    assert code == 1
    assert "asks for its admin token: TAGSERVER_ADMIN_TOKEN is not set, and there is no" in said
    assert "set TAGSERVER_ADMIN_TOKEN to the one that the server was started with" in said
    assert "--env-file FILE" in said
    assert "reached" not in said
    (request,) = seen
    assert request.startswith(b"GET /-/status.json ")
    assert b"erika" not in request


def test_a_file_of_the_token_that_only_the_server_may_read(tmp_path: Path) -> None:
    """The commonest case of an operator who is another user. (A folder in its place is as unreadable, also for
    root.)"""
    (tmp_path / "data" / "admin-token").mkdir(parents=True)
    with answering(401, OURS) as address:
        code, said = asked(tmp_path, "dead list", address, None)
    assert (code, "admin-token cannot be read by the user" in said, "Is a directory; set" in said) == (1, True, True)
    (tmp_path / "data" / "address").unlink()
    (tmp_path / "data" / "address").mkdir()
    code, said = asked(tmp_path, "dead list", None, None)
    assert (code, "address cannot be read by the user" in said, "run this as the user" in said) == (1, True, True)


@pytest.mark.parametrize(
    "text", ["", "\n", "ftp://x", "127.0.0.1:8080", "http://x/path?y", "http://x y", "http://\x1b"]
)
def test_a_file_that_holds_no_address(tmp_path: Path, text: str) -> None:
    code, said = asked(tmp_path, "dead list", text, TOKEN)
    assert (code, "holds no address of a server; restart the server" in said) == (1, True)
    assert "\x1b" not in said


@pytest.mark.parametrize("token", ["two words", " blank-before", "line-end\n", "stra\u00dfe-und-weg"])
def test_a_text_that_can_be_no_token(tmp_path: Path, token: str) -> None:
    """Said here, for nothing could be sent; and a server does not start with it."""
    with answering(200, b"{}") as address:
        code, said = asked(tmp_path, "dead list", address, token)
    assert (code, "TAGSERVER_ADMIN_TOKEN holds a blank, a line end or a sign beyond ASCII" in said) == (1, True)
    result = CliRunner().invoke(main, ["serve", "--port", "0"], env={"TAGSERVER_ADMIN_TOKEN": token})
    assert (result.exit_code, "TAGSERVER_ADMIN_TOKEN holds a blank" in result.output) == (1, True)


@pytest.mark.parametrize("named", ["by the option", "by its variable"])
def test_the_token_of_an_env_file(tmp_path: Path, named: str) -> None:
    """As the server takes it."""
    file = tmp_path / "secrets.env"
    file.write_text(f"TAGSERVER_ADMIN_TOKEN={TOKEN}\n")
    command, environ = ("reload --server", {"TAGSERVER_ENV_FILE": str(file)})
    if named == "by the option":
        command, environ = (f"reload --server --env-file {file}", {"TAGSERVER_ENV_FILE": "/nowhere"})
    seen: list[bytes] = []
    done = b'{"problems": [], "ok": true, "number": 1, "version": "x", "ended": null, "detail": ""}'
    with answering(200, done, seen) as address:
        code, _ = asked(tmp_path, command, address, "another", environ=environ)
    assert code == 0
    assert f"authorization: bearer {TOKEN}".encode() in seen[0].lower()


def leaves(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words."""
    for word, command in group.commands.items():
        words = f"{name} {word}".strip()
        if isinstance(command, click.Group):
            yield from leaves(command, words)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield words, command


ALONE = {"versions", "audit", "init"}
"""They read the data folder, or write an empty configuration; they ask no server, and need no variable."""


@pytest.mark.parametrize("name", sorted(name for name, _ in leaves(main)))
def test_every_command_that_needs_variables_takes_an_env_file(name: str, tmp_path: Path) -> None:
    """And says at once, by path and reason, that it cannot be read."""
    command = dict(leaves(main))[name]
    options = {one.name for one in command.params}
    if not {"config", "data"} & options or name in ALONE:
        assert "env_file" not in options
        return
    for spoilt, why in (("missing.env", "No such file or directory"), (".", "is no regular file")):
        result = CliRunner().invoke(main, [*name.split(), "--env-file", str(tmp_path / spoilt)])
        assert result.exit_code == 2
        assert f"--env-file: {tmp_path / spoilt} cannot be read by the user" in result.output
        assert why in result.output


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


@pytest.mark.parametrize(
    ("token", "says", "todo"),
    [
        (None, "asks for its admin token: TAGSERVER_ADMIN_TOKEN is not set", "set TAGSERVER_ADMIN_TOKEN to the one"),
        (TOKEN, "does not take the admin token of TAGSERVER_ADMIN_TOKEN", "set TAGSERVER_ADMIN_TOKEN to the one"),
    ],
)
def test_doctor_says_that_the_server_runs(tmp_path: Path, token: str | None, says: str, todo: str) -> None:
    with answering(401, OURS) as address:
        _, said = asked(tmp_path, "doctor --offline", address, token)
    assert f"server: the server at {address} {says}" in said
    assert f"  {todo}" in said
    assert f"port: {address}: the server that runs" in said or "port: 127.0.0.1:8080" in said


def test_doctor_says_that_the_server_is_gone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "outbox.db.lock").touch()
    with closing(sqlite3.connect(tmp_path / "data" / "outbox.db")) as database:
        database.execute("PRAGMA user_version = 99")
    address = nobody()
    code, said = asked(tmp_path, "doctor --offline", address, TOKEN, lives=False)
    assert f"server: the server that was at {address} has ended" in said
    assert said.count(" server: ") == 1
    assert (code, "outbox.db is of a newer tagserver" in said) == (1, True), "why it does not come back"
