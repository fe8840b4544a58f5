"""Each proxy of the page, by the real program, with its configuration as it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tagserver.server.script import shipped

from ..faults.process import ADMIN, Process, purchase
from .pages import blocks
from .proxies import HOST, LANGUAGES, PAGE, VISITOR, Certificate, Visitor, command, configured, free_port, running

CONTAINER = f"""
destinations:
  seen: {{type: file, path: seen}}
  unseen: {{type: file, path: unseen}}
triggers:
  right: {{when: {{ip: {VISITOR}, header.x-forwarded-proto: https, header.host: {HOST}}}}}
  any: all
tags:
  - {{name: Seen, destination: seen, triggers: [right]}}
  - {{name: Any, destination: unseen, triggers: [all]}}
""".replace("  any: all\n", "")
"""What is counted at `seen` came with the visitor's address, the right scheme and the right host."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server for all proxies, configured as the page says."""
    folder = tmp_path_factory.mktemp("behind")
    (folder / "config").mkdir()
    (shown,) = blocks(PAGE, language="yaml")
    (folder / "config" / "server.yaml").write_text(shown.text + "queue: {min_free: 1MiB}\n")
    (folder / "config" / "container.yaml").write_text(CONTAINER)
    made = Process(
        *["serve", "--port", "0"],
        cwd=folder,
        pattern=r"listens on (http://127\.0\.0\.1:\d+)",
        environ={"TAGSERVER_ADMIN_TOKEN": ADMIN},
    )
    yield made
    made.stop()


@dataclass(frozen=True)
class Front:
    """A proxy that runs, and a visitor of it."""

    program: str
    visitor: Visitor
    server: Process

    def seen(self) -> int:
        """How many events came as they should."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        answer = httpx.get(f"{self.server.address}/-/status.json", headers=headers, trust_env=False)
        count: int = answer.json()["destinations"]["seen"]["accepted"]
        return count


@pytest.fixture(scope="module", params=LANGUAGES)
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Process) -> Iterator[Front]:
    """One proxy after another."""
    program, port = request.param, free_port()
    folder = tmp_path_factory.mktemp(program)
    started = command(program, folder / "conf")
    certificate = Certificate.made(folder)
    (folder / "conf").write_text(configured(program, port, urlsplit(server.address).netloc, certificate))
    with (
        running(started, port, folder / "log", {"HOME": str(folder)}),
        Visitor(port, certificate) as visitor,
    ):
        yield Front(program, visitor, server)


@pytest.mark.parametrize("below", ["", "/metrics"])
def test_a_page_is_served(front: Front, below: str) -> None:
    """The script comes, packed once; what it posts is taken, with the visitor's address, scheme and host."""
    script = front.visitor.ask("GET", f"{below}/t.js", headers={"accept-encoding": "gzip"})
    assert script.status_code == 200
    assert script.headers["content-encoding"] == "gzip"
    assert script.content == shipped().bodies["identity"]
    version = front.visitor.ask("GET", f"{below}/t/{shipped().version}.js")
    assert version.content == script.content
    before = front.seen()
    name = f"{front.program}-{below.strip('/')}"
    for number, forged in enumerate(({}, {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http"})):
        answer = front.visitor.ask("POST", f"{below}/collect", json=purchase(f"{name}-{number}"), headers=forged)
        assert answer.status_code == 202
        assert answer.json()["events"][0]["status"] == "accepted"
        assert answer.headers["access-control-allow-origin"] == "https://www.shop.example"
    assert front.seen() == before + 2


@pytest.mark.parametrize(
    "path",
    ["/-/", "/-/login", "/-/status.json", "/%2d/login", "/%2D/status.json", "//-/login", "/x/../-/login", "/-%2flogin"],
)
@pytest.mark.parametrize("below", ["", "/metrics"])
def test_the_admin_is_closed(front: Front, below: str, path: str) -> None:
    """In every spelling, also with the token."""
    answer = front.visitor.ask("GET", below + path, headers={"authorization": f"Bearer {ADMIN}"})
    assert answer.status_code in (400, 404)


@pytest.fixture(scope="module")
def shared(server: Process) -> str:
    """The path of a link to an event, made by somebody behind the proxy."""
    bearer = {"authorization": f"Bearer {ADMIN}"}
    with httpx.Client(base_url=server.address, trust_env=False) as http:
        http.post("/collect", json=purchase("shared"), headers={"origin": "https://www.shop.example"})
        for _ in range(200):
            if (answer := http.post("/-/events/shared/share", json={}, headers=bearer)).status_code == 201:
                return urlsplit(answer.json()["address"]).path
            time.sleep(0.05)
    raise AssertionError(answer.text)


@pytest.mark.parametrize("ending", ["", ".html", ".html?download", ".json"], ids=["page", "file", "download", "json"])
def test_whoever_has_the_link_to_a_shared_event_can_open_it(front: Front, shared: str, ending: str) -> None:
    """Without a login and without a token; the search of the address comes along."""
    answer = front.visitor.ask("GET", shared + ending)
    assert answer.status_code == 200
    assert "purchase" in answer.text
    assert ("content-disposition" in answer.headers) is ending.endswith("download")


@pytest.mark.parametrize(
    "path",
    [
        *("/-/s/", "/-/s/nothing", "/-/s/ID/x", "/-/s/ID.yaml", "/-/s/ID%0a", "/-/s/ID%2f..%2f..%2flogin"),
        *("/-/destinations/../s/ID", "/-/destinations/%2e%2e/s/ID", "/-/destinations//../s/ID", "/metrics/-/s/ID"),
    ],
)
def test_nothing_else_opens_by_such_a_link(front: Front, shared: str, path: str) -> None:
    """Nor does the server get a path that the proxy has understood otherwise, for with the token it would answer."""
    asked = path.replace("ID", shared.rpartition("/")[2])
    answer = front.visitor.ask("GET", asked, headers={"authorization": f"Bearer {ADMIN}"})
    assert answer.status_code in (400, 404) or (answer.status_code == 200 and "A snapshot of" in answer.text)


@pytest.mark.parametrize("below", ["", "/metrics"])
def test_a_large_body_is_refused_by_the_server(front: Front, below: str) -> None:
    """So that the page that sent it may read why."""
    large = {"event": "purchase", "text": "x" * (1 << 20)}
    answer = front.visitor.ask("POST", f"{below}/collect", json=large)
    assert answer.status_code == 413
    assert answer.json()["problems"][0]["code"] == "too_large"
    assert answer.headers["access-control-allow-origin"] == "https://www.shop.example"


def test_connections_to_the_server_are_kept(front: Front) -> None:
    """Requests of one visitor after another do not open one each."""
    opened = []
    for _ in range(5):
        front.visitor.ask("GET", "/healthz")
        tcp = Path("/proc/net/tcp").read_text().splitlines()[1:]
        there = f":{int(front.server.address.rpartition(':')[2]):04X}"
        opened.append({line.split()[1] for line in tcp if line.split()[2].endswith(there) and line.split()[3] == "01"})
    assert len(set.union(*opened)) <= 3
    assert all(opened)
