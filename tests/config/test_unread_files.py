"""Files that were meant to be read and are not, because of how they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tagserver.cli import main
from tagserver.config.yaml.folder import MOST_UNREAD, read_texts, unread_files
from tagserver.runtime.running import contents, picture

from ..publishing.site import Site

CONTAINER = 'destinations: {out: {type: file, path: "/var/lib/events"}}\n'
CONTAINER += "tags: [{name: A, destination: out, triggers: [all]}]\n"

MEANT = [
    "tags.yml",
    "TAGS.YAML",
    "tags.Yaml",
    "tags.YML",
    "tags.yaml.txt",
    "tags.yml.TXT",
    "shop.test.yml",
    "server.yml",
]
MEANT += ["below/tags.yml", "container.yaml.yml", "shop.plan.yml"]
OTHER = ["tags.yaml.bak", "tags.yaml~", "tags.yaml.orig", ".tags.yml", ".git/x.yml", "below/.old/x.yml", "event.json"]
OTHER += ["README.md", "yml", ".yml", "tags.yamlx", "notes.txt", "tags.yaml.swp"]
READ = ["tags.yaml", "shop.test.yaml", "privacy.lock.yaml", "below/more.yaml"]


def folder(path: Path, *names: str) -> Path:
    """A sound configuration with more files beside it."""
    (path / "container.yaml").write_text(CONTAINER)
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("triggers: {u: {event: x}}\n")
    return path


@pytest.mark.parametrize("name", MEANT)
def test_meant(name: str, tmp_path: Path) -> None:
    """It is named, and nothing of it is read."""
    assert unread_files(folder(tmp_path, name)) == [name]
    assert list(read_texts(tmp_path)) == ["container.yaml"]


@pytest.mark.parametrize("name", [*OTHER, *READ])
def test_not_meant(name: str, tmp_path: Path) -> None:
    """Copies that editors keep, other files, whatever lies in a dot-folder; and what is read."""
    assert unread_files(folder(tmp_path, name)) == []


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    """And a folder full of them is not listed to its end."""
    (folder(tmp_path) / "a.yml").mkdir()
    assert unread_files(tmp_path) == []
    folder(tmp_path, *(f"{number}.yml" for number in range(3 * MOST_UNREAD)))
    assert len(unread_files(tmp_path)) == MOST_UNREAD


def test_check_says_it(tmp_path: Path) -> None:
    """As a warning, without a line of the file: nobody knows what it holds."""
    folder(tmp_path, "extra.yml", "trigger.YAML")
    done = CliRunner().invoke(main, ["check", "--config", str(tmp_path)])
    assert done.exit_code == 0
    assert f"warning[W310] extra.yml is not read: only files that end in .yaml are\n  --> {tmp_path}/extra.yml:1:1" in (
        done.output
    )
    assert "= help: rename it to trigger.yaml" in done.output
    assert "event: x" not in done.output
    said = json.loads(CliRunner().invoke(main, ["check", "--config", str(tmp_path), "--json"]).output)
    assert [one["code"] for one in said["problems"]] == ["W310", "W310"]


def test_a_server_says_it(tmp_path: Path) -> None:
    """Among the problems of what serves; nothing is published anew because of it."""
    site = Site(tmp_path)
    number = site.start().serving.number
    site.write("triggers: {u: {event: x}}", "extra.yml")
    site.look()
    assert [(one.code, one.place.file) for one in site.now.problems] == [("W310", "extra.yml")]
    assert (site.now.serving.number, site.now.degraded, site.now.differs) == (number, False, False)
    (tmp_path / "config" / "extra.yml").unlink()
    site.look()
    assert site.now.problems == ()


def test_the_watcher_sees_it(tmp_path: Path) -> None:
    """That it comes and goes; what stands in it, nobody reads."""
    before = contents(folder(tmp_path)), len(picture(tmp_path))
    folder(tmp_path, "extra.yml")
    after = contents(tmp_path), len(picture(tmp_path))
    assert after[0] != before[0]
    assert after[1] == before[1] + 1
    (tmp_path / "extra.yml").write_text("tags: [")
    assert contents(tmp_path) == after[0]
    (tmp_path / "extra.yml").rename(tmp_path / "extra.bak")
    assert (contents(tmp_path), len(picture(tmp_path))) == before


@pytest.mark.parametrize("name", ["more.yaml", "below/more.yaml", "more.test.yaml"])
@pytest.mark.parametrize("target", ["gone.yaml", "more.yaml"])
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, name: str, target: str) -> None:
    """What stood in it does not count any more; an editor's lock (a link to no file, hidden) is none."""
    folder(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(target)
    (tmp_path / ".#container.yaml").symlink_to("anna@host.1234:1")
    done = CliRunner().invoke(main, ["check", "--config", str(tmp_path)])
    assert done.exit_code == 0
    assert f"warning[W310] {name} is not read: it is a link to something that is not there" in done.output
    assert ".#container" not in done.output
