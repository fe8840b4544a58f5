"""What serves when a version or today's files cannot: an earlier version stands in, and it is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tagserver.publishing.serving import NoConfiguration, Refused
from tagserver.publishing.store import Store
from tests.config.world import REGISTRY

from .site import BROKEN, GOOD, Act, Site, edited, named


def test_a_broken_server_yaml_keeps_the_running_one_and_hinders_nobody(tmp_path: Path) -> None:
    """Not over a restart, and not who publishes or goes back; its problems are shown."""
    site = Site(tmp_path, "collect: {origins: ['https://old.example']}\n")
    site.start()
    site.write("collect: {origin: ['https://new.example']}\n", "server.yaml")
    for act in (site.look, site.renew, site.start, lambda: edited(named("B"))(site), lambda: site.roll_back(1)):
        act()
        assert site.now.server.collect.origins == ("https://old.example",)
        assert [one.place.file for one in site.now.problems] == ["server.yaml"]
        assert site.now.degraded
    for lost in ("", "\n"):
        site.write(lost, "server.yaml")
        site.look()
        assert [one.message for one in site.now.problems] == ["server.yaml is gone or empty"]
        assert site.now.server.collect.origins == ("https://old.example",)
    site.write("{}", "server.yaml")
    site.look()
    assert not site.now.degraded
    assert site.now.server.collect.origins == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [("server.yaml", "collectt: {}\n"), ("server.yaml", ""), ("container.yaml", BROKEN)],
    ids=["a broken server.yaml", "an emptied server.yaml", "a broken draft"],
)
def test_a_strict_start_takes_todays_files_or_none(tmp_path: Path, name: str, text: str) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start(strict=True)
    sound = (site.config / name).read_text()
    site.write(text, name)
    with pytest.raises(NoConfiguration):
        site.start(strict=True)
    assert site.start().serving.number == 1
    site.write(sound, name)
    assert not site.start(strict=True).degraded


def test_a_server_yaml_that_does_not_suit_what_serves(tmp_path: Path) -> None:
    """It is sound by itself, and takes away a variable that the container needs: the site goes on as it was."""
    site = Site(tmp_path, "environment: [ACCOUNT]\n")
    site.write(GOOD.replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.start()
    site.write("debug: true\n", "server.yaml")
    site.look()
    for _ in range(2):
        assert (site.tags, site.now.server.debug, site.now.degraded) == ("A", False, True)
        site.start()
    site.write(GOOD)
    site.look()
    assert (site.tags, site.now.server.debug, site.now.degraded) == ("A", True, False)


def test_a_rollback_to_what_does_not_compile_changes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, "environment: [ACCOUNT]\n")
    site.write(GOOD.replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.start()
    edited(named("B"))(site)
    site.write("{}", "server.yaml")
    site.look()
    before = site.now
    with pytest.raises(Refused) as refused:
        site.roll_back(1)
    assert refused.value.problems
    for number in (3, 99):
        with pytest.raises(Refused, match="not kept"):
            site.roll_back(number)
    assert (site.now, site.serves) == (before, [2])


@pytest.mark.parametrize("again", [Site.start, Site.look, Site.renew])
def test_a_version_that_cannot_serve_any_more(tmp_path: Path, again: Act) -> None:
    """An earlier one stands in for it, never the draft; it is said, and the version serves again once it can."""
    site = Site(tmp_path, "reload: manual\nenvironment: [ACCOUNT]\n")
    site.start()
    site.write(named("B").replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.publish()
    site.write(named("C"))
    site.write("reload: manual\n", "server.yaml")
    (site.data / "last-good.json").unlink()
    site.start()
    assert (site.tags, site.serves) == ("A", [1])
    assert site.now.degraded
    assert site.now.notices == ["version 2 cannot serve any more: 1 stands in for it"]
    site.write("reload: manual\nenvironment: [ACCOUNT]\n", "server.yaml")
    again(site)
    assert (site.tags, site.serves, site.now.notices, site.now.degraded) == ("B", [2], [], False)
    site.start()
    assert (site.tags, site.serves) == ("B", [2])


def test_a_version_that_was_gone_back_to_and_cannot_serve_any_more(tmp_path: Path) -> None:
    """The rollback is to that version, not to the one that stands in; and the problem is not in today's files."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write("reload: manual\nenvironment: [ACCOUNT]\n", "server.yaml")
    site.write(named("B").replace("type: box", 'type: box, account: "${env:ACCOUNT}"'))
    site.publish()
    site.write(named("C"))
    site.publish()
    site.roll_back(2)
    site.write("reload: manual\n", "server.yaml")
    site.look()
    (problem,) = site.now.problems
    assert problem.message.startswith("in version 2: ${env:ACCOUNT} may not be read here")
    (site.data / "last-good.json").unlink()
    site.start()
    assert site.now.notices == [
        "version 2 cannot serve any more: 1 stands in for it",
        "rolled back to version 2, until somebody publishes",
    ]
    assert (site.serves, Store(site.data).listed()["rolled_back"]["number"]) == ([1], 2)
    with pytest.raises(Refused) as refused:
        site.roll_back(2)
    assert refused.value.problems[0].message.startswith("in version 2: ")
    site.publish()
    assert (site.tags, site.now.serving.ended) == ("C", 2)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "x"}', b"[" * 10_000])
def test_a_version_that_is_damaged(tmp_path: Path, content: bytes) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write(named("B"))
    site.publish()
    (site.data / "versions" / "000002.json").write_bytes(content)
    site.write(named("C"))
    site.start()
    assert (site.tags, site.serves) == ("A", [1])
    (site.data / "versions" / "000001.json").write_bytes(content)
    site.start()
    assert site.tags == "C", "there is nothing else"


def test_a_start_writes_nothing_before_the_folder_is_its_own(tmp_path: Path) -> None:
    """Another server may run on it."""
    site = Site(tmp_path)
    site.start()
    before = {path: path.read_bytes() for path in site.data.rglob("*") if path.is_file()}
    site.write(named("B"))
    site.publishing.start()
    assert {path: path.read_bytes() for path in site.data.rglob("*") if path.is_file()} == before


def test_a_data_folder_that_is_gone_keeps_nobody_from_publishing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said that a restart would serve the older one; once it is back, the next act keeps it."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.data.rename(tmp_path / "elsewhere")
    site.write(named("B"))
    site.publish()
    assert site.tags == "B"
    assert "could not be kept" in caplog.text
    assert "a restart would serve" in site.now.notices[0]
    site.renew()
    assert "a restart would serve" in site.now.notices[0]
    (tmp_path / "elsewhere").rename(site.data)
    site.start()
    assert site.tags == "A"
    site.publish()
    assert (site.now.notices, site.serves) == ([], [2])


def test_a_rollback_that_cannot_be_kept_is_said_too(tmp_path: Path) -> None:
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    site.write(named("B"))
    site.publish()
    (site.data / "serving.json").unlink()
    (site.data / "serving.json").mkdir()
    site.roll_back(1)
    assert site.tags == "A"
    assert any("a restart would serve" in one for one in site.now.notices)
    (site.data / "serving.json").rmdir()
    site.renew()
    assert not any("a restart would serve" in one for one in site.now.notices)
    site.start()
    assert site.tags == "A"


def test_a_kill_between_the_two_files_of_a_publication(tmp_path: Path) -> None:
    """The version is written and nothing points to it: the old one serves, and the next publication takes its place."""
    site = Site(tmp_path, "reload: manual\n")
    site.start()
    before = (site.data / "serving.json").read_bytes()
    site.write(named("B"))
    site.publish()
    (site.data / "serving.json").write_bytes(before)
    site.start()
    assert (site.tags, [one["number"] for one in site.listed]) == ("A", [1])
    with pytest.raises(Refused):
        site.roll_back(2)
    site.write(named("C"))
    site.publish()
    assert (site.tags, site.serves) == ("C", [2])


def test_a_plugin_that_is_gone_pauses_its_destination_and_no_other(tmp_path: Path) -> None:
    """Over a start, what serves goes on without it. A person's publication or rollback of such files is refused."""
    site = Site(tmp_path)
    two = GOOD.replace("box}", "box}, crate: {type: crate}").replace(
        "}]", "}, {name: C, destination: crate, triggers: [all]}]"
    )
    site.registry = replace(REGISTRY, destinations={**REGISTRY.destinations, "crate": REGISTRY.destinations["box"]})
    site.write(two)
    site.start()
    assert site.tags == "A C"
    site.registry = REGISTRY
    site.start()
    assert (site.tags, site.serves) == ("A C", [1])
    destinations = site.now.container.destinations
    assert destinations["box"].paused is None
    assert (
        destinations["crate"].paused
        == 'the type "crate" cannot be used: the plugin that brought it is not installed any more'
    )
    assert [one.code for one in site.now.problems] == ["P211"]
    for act in (site.publish, lambda: site.roll_back(1)):
        with pytest.raises(Refused) as refused:
            act()
        assert [one.code for one in refused.value.problems] == ["E140"]
