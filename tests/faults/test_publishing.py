"""What serves survives a kill: the last version that somebody published or went back to, whole, and never the draft."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .process import ADMIN, Process, start_server, write_config
from .test_process import serve_too

HEADERS = {"authorization": f"Bearer {ADMIN}"}


class Site:
    """A folder under `reload: manual`, and the servers that live in it one after another."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder = folder
        write_config(folder, "http://127.0.0.1:9")
        self.server_file = folder / "config" / "server.yaml"
        self.server_file.write_text(self.server_file.read_text() + f"reload: {mode}\n")
        self.container = folder / "config" / "container.yaml"
        self.text = self.container.read_text()
        self.server: Process

    def up(self) -> None:
        self.server = start_server(self.folder)

    def edit(self, tag: str) -> None:
        self.container.write_text(self.text.replace("name: Meta", f"name: {tag}"))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = httpx.post(
            f"{self.server.address}/-/{path}", json=body, headers=HEADERS, trust_env=False
        ).json()
        return done

    @property
    def tag(self) -> str:
        """The name of the tag that serves."""
        tags: list[dict[str, str]] = self.post("try.json", {"event": {"event": "x"}})["tags"]  # type: ignore[assignment]  # (JSON of our own)
        (tag,) = tags
        return tag["tag"]

    @property
    def serves(self) -> int:
        """The number that is marked."""
        shown = httpx.get(f"{self.server.address}/-/versions.json", headers=HEADERS, trust_env=False).json()
        (number,) = [one["number"] for one in shown["versions"] if one["serves"]]
        return int(number)


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site whose server is ended."""
    made = Site(tmp_path, getattr(request, "param", "manual"))
    made.up()
    try:
        yield made
    finally:
        if made.server.popen.poll() is None:
            made.server.kill()


@pytest.mark.parametrize("end", [Process.kill, Process.stop])
def test_a_draft_never_serves_by_a_restart(site: Site, end: Callable[[Process], object]) -> None:
    """Half-edited or whole: the version that was published serves, and the log says that the files differ."""
    for draft in ("tags: [\n", site.text.replace("name: Meta", "name: Draft")):
        site.container.write_text(draft)
        end(site.server)
        site.up()
        assert site.tag == "Meta"
    assert "`tagserver plan` shows it, `tagserver reload` publishes" in site.server.text()
    ready = httpx.get(f"{site.server.address}/readyz", headers=HEADERS, trust_env=False).json()
    assert ready["status"] == "ok"
    assert "`tagserver plan` shows it" in ready["notice"]
    assert site.post("reload", {})["number"] == 2
    site.server.kill()
    site.up()
    assert (site.tag, site.serves) == ("Draft", 2)


@pytest.mark.parametrize("site", ["manual", "auto"], indirect=True)
def test_a_rollback_lasts_over_kills_and_never_touches_operations_part(site: Site) -> None:
    """Until somebody publishes; the origins are those of today."""
    site.edit("Second")
    site.post("reload", {})
    assert site.post("rollback", {"number": 1})["number"] == 1
    site.server_file.write_text(site.server_file.read_text().replace("shop.example", "new.example"))
    site.container.write_text("# only a comment\n" + site.container.read_text())
    for _ in range(2):
        site.server.kill()
        site.up()
        assert (site.tag, site.serves) == ("Meta", 1)
        answer = httpx.post(
            f"{site.server.address}/collect",
            json={"event": "x"},
            headers={"origin": "https://new.example"},
            trust_env=False,
        )
        assert answer.status_code == 202
    done = site.post("reload", {"by": "anna"})
    assert (done["ended"], site.tag, site.serves) == (1, "Second", 3)


def test_a_kill_while_somebody_publishes(site: Site) -> None:
    """At random moments: what serves afterwards was published last, or just then; the disk says the same."""
    seed = time.time_ns()
    print(f"seed {seed}")
    chance = random.Random(seed)
    sent = 0
    answered = "Meta"
    for _ in range(6):

        def publish() -> None:
            nonlocal sent, answered
            try:
                while True:
                    sent += 1
                    site.edit(f"T{sent}")
                    assert site.post("reload", {})["ok"]
                    answered = f"T{sent}"
            except httpx.HTTPError:
                return

        writing = threading.Thread(target=publish)
        writing.start()
        time.sleep(chance.uniform(0.05, 0.6))
        site.server.kill()
        writing.join()
        site.up()
        serves = site.tag
        assert serves in {answered, f"T{sent}"}
        answered = serves
        shown = httpx.get(f"{site.server.address}/-/versions.json", headers=HEADERS, trust_env=False).json()["versions"]
        assert [one["serves"] for one in shown] == [True] + [False] * (len(shown) - 1)
    assert sent > 6, "too little was published for the test to mean anything"
    assert "Traceback" not in site.server.text()


def test_a_second_server_publishes_nothing(site: Site) -> None:
    """It is refused the data folder, and has written nothing there before it knew that."""
    other = site.folder / "other"
    other.mkdir()
    write_config(other, "http://127.0.0.1:9")
    (other / "config" / "container.yaml").write_text(site.text.replace("name: Meta", "name: Other"))
    before = {path.name: path.read_bytes() for path in (site.folder / "data" / "versions").iterdir()}
    assert serve_too(other, "--data", str(site.folder / "data")).returncode == 1
    assert {path.name: path.read_bytes() for path in (site.folder / "data" / "versions").iterdir()} == before
    assert site.serves == 1
