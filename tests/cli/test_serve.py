"""`tagserver serve` and `demo`: how they refuse to start, and what they leave behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..faults.process import Process
from .conftest import ENVIRON, Shop


@pytest.fixture
def server(shop: Shop) -> Iterator[Process]:
    """A running server without a token of its own."""
    made = Process(
        *["serve", "--port", "0"],
        cwd=shop.folder,
        pattern=r"listens on (http://127\.0\.0\.1:\d+)",
        environ=ENVIRON | {"LANG": "C.UTF-8"},
    )
    until = time.monotonic() + 20
    while not (shop.folder / "data" / "address").exists():
        assert time.monotonic() < until, made.text()
        time.sleep(0.02)
    yield made
    if made.popen.poll() is None:
        made.kill()


def test_a_token_is_made(shop: Shop, server: Process) -> None:
    """In DATA/admin-token for its owner alone; it opens the door, and is not printed where no terminal is."""
    path = shop.folder / "data" / "admin-token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = path.read_text().strip()
    assert len(token) >= 32
    answer = httpx.get(f"{server.address}/-/status.json", headers={"authorization": f"Bearer {token}"}, trust_env=False)
    assert answer.status_code == 200
    assert token not in server.text()
    assert "login" not in server.text()


def test_files_are_for_their_owner_alone(shop: Shop, server: Process) -> None:
    """The data folder, and what lies in it that is secret."""
    data = shop.folder / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("admin-token", "install-key", "last-good.json", "address"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name


def test_what_stands_still_is_an_error_in_the_log(shop: Shop) -> None:
    """At a start as later: nothing of it is sent until somebody acts."""
    made = Process(
        *["serve", "--port", "0"],
        cwd=shop.folder,
        pattern=r"ERROR tagserver.state (destination meta is paused: .*META_TOKEN.* \(container\.yaml:\d+\).*)",
        environ={name: value for name, value in ENVIRON.items() if name != "META_TOKEN"} | {"LANG": "C.UTF-8"},
    )
    made.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(shop: Shop, server: Process, number: signal.Signals) -> None:
    """Exit 0, and its address is gone."""
    os.kill(server.popen.pid, number)
    assert server.popen.wait(30) == 0
    assert not (shop.folder / "data" / "address").exists()
    assert "Traceback" not in server.text()


def test_one_process_owns_the_data(shop: Shop, server: Process) -> None:
    """A second server on the same folder: exit 1 and one sentence."""
    done = shop("serve", "--port", "0")
    assert done.code == 1
    assert "data" in done.err
    assert httpx.get(f"{server.address}/healthz", trust_env=False).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example"])
def test_a_public_host_needs_a_token(shop: Shop, host: str) -> None:
    """Refused with the name of the variable; and nothing was begun."""
    done = shop("serve", "--host", host, "--port", "0")
    assert done.code == 1
    assert "TAGSERVER_ADMIN_TOKEN" in done.err
    assert not (shop.folder / "data").exists()


def test_a_port_that_is_taken(shop: Shop) -> None:
    """Exit 1 and one sentence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = shop("serve", "--port", str(port))
    assert done.code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.err


@pytest.mark.parametrize("port", ["-1", "65536", "http", ""])
def test_a_port_that_is_none(shop: Shop, port: str) -> None:
    """Wrong usage."""
    assert shop("serve", "--port", port).code == 2


@pytest.mark.parametrize("words", [["--config", "nowhere"], ["--config", "config/server.yaml"]])
def test_no_configuration(shop: Shop, words: list[str]) -> None:
    """Exit 1 with the problem."""
    done = shop("serve", "--port", "0", *words)
    assert done.code == 1
    assert "there is no container file here" in done.err


@pytest.mark.parametrize(
    "words",
    [["serve", "--nonsense"], ["serve", "extra"], ["demo", "extra"], ["demo", "--port", "x"], ["try", "--nonsense"]],
)
def test_wrong_usage(shop: Shop, words: list[str]) -> None:
    """Exit 2."""
    assert shop(*words).code == 2


def test_no_server_is_reachable(shop: Shop) -> None:
    """Commands that ask a server exit 3 when there is none."""
    done = shop("dead", "list")
    assert (done.code, done.out) == (3, "")
    (shop.folder / "data").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (shop.folder / "data" / "address").write_text(f"http://127.0.0.1:{port}\n")
    assert shop("dead", "list").code == 3


def test_demo_check(shop: Shop) -> None:
    """From any folder, without an account: a purchase through everything, counted once, and one that only a pixel was
    called for; nothing is left behind."""
    before = sorted(shop.folder.rglob("*"))
    done = shop("demo", "--check", environ={"TMPDIR": str(shop.folder)})
    assert done.code == 0, done.out + done.err
    assert done.out.count("counted once") == 2
    assert "accepted no_signal" in done.out
    assert sorted(shop.folder.rglob("*")) == before


def test_demo_check_of_all_destinations(shop: Shop) -> None:
    """The same purchase at nine destinations, at each once; of a page with only a pixel GA4 knows nobody."""
    before = sorted(shop.folder.rglob("*"))
    done = shop("demo", "--check", "--all", environ={"TMPDIR": str(shop.folder)})
    assert done.code == 0, done.out + done.err
    others = "linkedin 1 ×, pinterest 1 ×, reddit 1 ×, snapchat 1 ×, tiktok 1 ×, webhook 1 ×"
    assert [line for line in done.out.splitlines() if "others" in line] == [
        f"The others: file 1 ×, ga4 1 ×, {others}",
        f"The others: file 1 ×, {others}",
    ]
    assert done.out.count("counted once") == 2
    assert sorted(shop.folder.rglob("*")) == before


def test_module_and_script_are_the_same(shop: Shop, tmp_path: Path) -> None:
    """`python -m tagserver` names itself as the script does."""
    assert shop("--version").out.startswith("tagserver")
    assert "tagserver" in shop("--help").out.splitlines()[0]
