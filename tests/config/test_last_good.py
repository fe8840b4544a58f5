"""A typo never takes a site down: the last good configuration serves, at reload and at start."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration, NoConfiguration
from tagserver.publishing.store import Store

from ..faults.process import ADMIN, Process, start_server, write_config
from .world import ENVIRON, REGISTRY, Vault

GOOD = """
destinations: {box: {type: box}}
tags: [{name: A, destination: box, triggers: [all]}]
"""
BROKEN = "tags: [\n"


class ClosedBox(Vault):
    """What `Box` has become: it needs a setting that it did not need."""

    type = "box"


@pytest.fixture
def folder(tmp_path: Path) -> ConfigurationFolder:
    """A sound configuration folder with a data folder beside it."""
    (tmp_path / "config").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "config" / "container.yaml").write_text(GOOD)
    return ConfigurationFolder(tmp_path / "config", REGISTRY, ENVIRON, None, tmp_path / "data")


def load(folder: ConfigurationFolder, *, strict: bool = False) -> Configuration:
    """What serves after a start."""
    assert folder.data is not None
    publishing = Publishing(folder, Store(folder.data), folder.time)
    return publishing.settle(publishing.start(strict=strict))


def write(folder: ConfigurationFolder, text: str, name: str = "container.yaml") -> None:
    (folder.folder / name).write_text(text)


def test_a_good_configuration_is_kept_and_not_degraded(folder: ConfigurationFolder) -> None:
    """Readable by its owner only: a file may hold what others need not see."""
    loaded = load(folder)
    assert (loaded.degraded, loaded.problems) == (False, ())
    assert folder.data is not None
    written = [path for path in folder.data.rglob("*") if path.is_file()]
    assert {path.name for path in written} == {"000001.json", "serving.json", "last-good.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert Store(folder.data).texts(1) == {"container.yaml": GOOD.encode()}


def test_a_broken_file_leaves_the_last_good_one_serving(folder: ConfigurationFolder) -> None:
    """With today's problems, and the version that truly serves."""
    version = load(folder).container.version
    write(folder, BROKEN)
    loaded = load(folder)
    assert loaded.degraded
    assert loaded.container.version == version
    assert [tag.name for tag in loaded.container.tags] == ["A"]
    assert [problem.code for problem in loaded.problems] == ["E101"]
    # And it is still kept: the next start has it too.
    assert load(folder).container.version == version


def test_strict_wants_todays_files(folder: ConfigurationFolder) -> None:
    """Nothing but them."""
    load(folder)
    write(folder, BROKEN)
    with pytest.raises(NoConfiguration) as nothing:
        load(folder, strict=True)
    assert [problem.code for problem in nothing.value.problems] == ["E101"]


def test_none_was_ever_good(folder: ConfigurationFolder) -> None:
    """Then there is nothing to serve."""
    write(folder, BROKEN)
    with pytest.raises(NoConfiguration):
        load(folder)


def test_mended_files_serve_again(folder: ConfigurationFolder) -> None:
    """Not degraded any more, and kept in their turn."""
    load(folder)
    write(folder, BROKEN)
    assert load(folder).degraded
    write(folder, GOOD.replace("name: A", "name: B"))
    assert not load(folder).degraded
    write(folder, BROKEN)
    assert [tag.name for tag in load(folder).container.tags] == ["B"]


@pytest.mark.parametrize("name", ["server.yaml", "more/deep.yaml"])
def test_any_file_may_break(folder: ConfigurationFolder, name: str) -> None:
    """All files are one configuration."""
    load(folder)
    (folder.folder / "more").mkdir()
    write(folder, "zzz: 1\n", name)
    loaded = load(folder)
    assert loaded.degraded
    assert [problem.place.file for problem in loaded.problems] == [name]


def test_an_emptied_folder_is_a_broken_one(folder: ConfigurationFolder) -> None:
    """A deployment that deleted everything."""
    load(folder)
    (folder.folder / "container.yaml").unlink()
    assert load(folder).degraded


def test_a_missing_secret_is_no_reason_to_go_back(folder: ConfigurationFolder) -> None:
    """It pauses its destination only."""
    load(folder)
    write(folder, GOOD.replace("type: box", 'type: vault, token: "${env:NOT_SET}"'))
    loaded = load(folder)
    assert not loaded.degraded
    assert loaded.container.destinations["box"].paused is not None
    assert [problem.code for problem in loaded.problems] == ["P210"]


def test_secrets_are_not_kept(folder: ConfigurationFolder) -> None:
    """The texts are kept as they stand, with references; their values are looked up afresh."""
    write(folder, GOOD.replace("type: box", 'type: vault, token: "${env:TOKEN}"'))
    load(folder)
    assert folder.data is not None
    kept = Store(folder.data).texts(1)
    assert kept is not None
    everything = b"".join([*kept.values(), *(path.read_bytes() for path in folder.data.rglob("*.json"))])
    assert ENVIRON["TOKEN"].encode() not in everything
    write(folder, BROKEN)
    later = ConfigurationFolder(folder.folder, REGISTRY, {"TOKEN": "new-token"}, None, folder.data)
    assert load(later).container.destinations["box"].settings.token.reveal() == "new-token"


def test_an_earlier_copy_that_is_sound_no_more(folder: ConfigurationFolder) -> None:
    """A plugin whose settings are others now: then neither can serve."""
    load(folder)
    write(folder, BROKEN)
    changed = ConfigurationFolder(folder.folder, Registry.of(ClosedBox), ENVIRON, None, folder.data)
    with pytest.raises(NoConfiguration) as nothing:
        load(changed)
    assert [problem.code for problem in nothing.value.problems] == ["E101"]


class Site:
    """A folder with a configuration, and the servers started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_config(folder, "http://127.0.0.1:9")
        self.container = folder / "config" / "container.yaml"
        self.good = self.container.read_text()
        self.started: list[Process] = []

    def start(self, *words: str) -> Process:
        """A server of this site."""
        server = start_server(self.folder, *words)
        self.started.append(server)
        return server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site; its servers are ended."""
    made = Site(tmp_path)
    try:
        yield made
    finally:
        for server in made.started:
            if server.popen.poll() is None:
                server.kill()


def ready(server: Process) -> tuple[int, dict[str, Any]]:
    """`/readyz`."""
    answer = httpx.get(f"{server.address}/readyz", headers={"authorization": f"Bearer {ADMIN}"}, trust_env=False)
    shown: dict[str, Any] = answer.json()
    return answer.status_code, shown


def test_a_broken_file_at_start(site: Site) -> None:
    """`/readyz` 200, degraded, with the problems; and events are taken."""
    first = site.start()
    code, sound = ready(first)
    assert (code, sound["ready"], sound["status"], sound["problems"]) == (200, True, "ok", [])
    assert first.stop() == 0
    site.container.write_text(site.good + "tags: []\n")
    second = site.start()
    code, degraded = ready(second)
    assert (code, degraded["ready"], degraded["status"]) == (200, True, "degraded")
    assert [(one["code"], one["file"]) for one in degraded["problems"]] == [("E102", "container.yaml")]
    assert degraded["container"] == sound["container"]
    answer = httpx.post(
        f"{second.address}/collect",
        json={"event": "scroll", "event_id": "s-1"},
        headers={"origin": "https://shop.example"},
        trust_env=False,
    )
    assert answer.status_code == 202
    assert second.stop() == 0


def test_strict_at_start(site: Site) -> None:
    """Exit 1 with the problems, though an earlier one could serve."""
    assert site.start().stop() == 0
    site.container.write_text(BROKEN)
    with pytest.raises(AssertionError, match=r"ended with 1(?s:.*)error\[E101\](?s:.*)--strict") as ended:
        site.start("--strict")
    assert "Traceback" not in str(ended.value)


def test_nothing_was_ever_good(site: Site) -> None:
    """Exit 1 with the problems."""
    site.container.write_text(BROKEN)
    with pytest.raises(AssertionError, match=r"ended with 1(?s:.*)error\[E101\]") as ended:
        site.start()
    assert "Traceback" not in str(ended.value)


def test_a_broken_file_at_reload(site: Site) -> None:
    """The running one goes on, degraded; mended, the new one serves."""
    server = site.start()
    version = ready(server)[1]["container"]

    def until(status: str) -> dict[str, Any]:
        end = time.monotonic() + 10
        while (shown := ready(server)[1])["status"] != status:
            assert time.monotonic() < end, shown
            time.sleep(0.02)
        return shown

    site.container.write_text(BROKEN)
    degraded = until("degraded")
    assert degraded["container"] == version
    assert [one["code"] for one in degraded["problems"]] == ["E101"]
    status = httpx.get(
        f"{server.address}/-/status.json", headers={"authorization": f"Bearer {ADMIN}"}, trust_env=False
    ).json()
    assert status["container"]["version"] == version
    assert [one["code"] for one in status["container"]["problems"]] == ["E101"]
    site.container.write_text(site.good.replace("name: Meta", "name: Mended"))
    mended = until("ok")
    assert mended["container"] != version
    assert mended["problems"] == []
    assert server.stop() == 0


def test_a_data_folder_that_is_gone_keeps_nobody_from_a_sound_edit(
    folder: ConfigurationFolder, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the edit that mends something."""
    before = load(folder).container.version
    assert folder.data is not None
    folder.data.rename(folder.data.with_name("elsewhere"))
    write(folder, GOOD.replace("name: A", "name: B"))
    loaded = load(folder)
    assert loaded.container.version != before
    assert not loaded.degraded
    assert "could not be kept" in caplog.text
