"""`tagserver init` and `schema`: what they write is sound as it stands, and nothing is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft7Validator

from tagserver.cli import main
from tagserver.config.yaml.decode import plain
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import parse
from tagserver.explain.json_schema import MODELINE


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def tagserver(*words: str) -> Result:
    """A command with nothing in the environment."""
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def test_what_is_written_passes(tmp_path: Path) -> None:
    """Without any variable set: no problem, all cases hold and leave nothing out, nothing leaves without consent."""
    done = tagserver("init")
    assert done.exit_code == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    names = ("container.yaml", "container.test.yaml", "server.yaml", ".tagserver/schema.json")
    assert written == {".env.example", *(f"config/{name}" for name in names)}
    checked = tagserver("check")
    assert (checked.exit_code, checked.output[:11]) == (0, "No problems")
    cases = json.loads(tagserver("test", "--consent-matrix", "--json").output)
    assert (cases["ok"], cases["untouched"]) == (True, {"tags": [], "triggers": [], "rows": []})
    assert tagserver("check", "--env-file", ".env.example").exit_code == 0


def test_what_is_commented_out_is_sound_too(tmp_path: Path) -> None:
    """Meta, once the signs are taken away and the token is there."""
    tagserver("init")
    file = tmp_path / "config" / "container.yaml"
    lines = file.read_text().splitlines()
    begins = tuple(f"  # {word}" for word in ("meta:", "  ", "- name"))
    file.write_text("\n".join(f"  {line[4:]}" if line.startswith(begins) else line for line in lines))
    (tmp_path / ".env").write_text(
        (tmp_path / ".env.example").read_text().replace("META_ACCESS_TOKEN=", "META_ACCESS_TOKEN=t")
    )
    done = tagserver("check", "--env-file", ".env")
    assert (done.exit_code, done.output[:29]) == (0, "No problems: 2 tags, 2 trigge")


def test_editors_know_the_files(tmp_path: Path) -> None:
    """Each begins with the line by which an editor finds the schema, and fits it."""
    tagserver("init")
    config = tmp_path / "config"
    validator = Draft7Validator(json.loads((config / ".tagserver" / "schema.json").read_text()))
    for name in ("container.yaml", "container.test.yaml", "server.yaml"):
        text = (config / name).read_text()
        assert text.splitlines()[0] == MODELINE
        tree = parse(text.encode(), name, Problems())
        assert tree is not None
        assert list(validator.iter_errors(plain(tree))) == []
    assert (config / MODELINE.partition("=./")[2]).exists()


@pytest.mark.parametrize(
    "there", [".env.example", "config/container.yaml", "config/deep/own.yaml", "config/.tagserver/schema.json"]
)
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    """And nothing is written beside it."""
    path = tmp_path / there
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    done = tagserver("init")
    assert done.exit_code == 1
    assert there.rpartition("/")[2] in done.output
    assert [one.read_text() for one in tmp_path.rglob("*") if one.is_file()] == ["mine"]


def test_a_folder_of_another_name(tmp_path: Path) -> None:
    assert tagserver("init", "--config", "shops/berlin").exit_code == 0
    assert tagserver("check", "--config", "shops/berlin").exit_code == 0
    assert (tmp_path / "shops" / ".env.example").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = tagserver("init", "--config", "file/config")
    assert done.exit_code != 0
    assert "Traceback" not in done.output


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    shown = tagserver("schema").output
    Draft7Validator.check_schema(json.loads(shown))
    assert "meta_capi" in shown
    assert tagserver("schema", "--into", "deep/schema.json").exit_code == 0
    assert (tmp_path / "deep" / "schema.json").read_text() == shown
    assert tagserver("schema", "--into", "deep/schema.json").exit_code == 0
    (tmp_path / "file").write_text("")
    assert tagserver("schema", "--into", "file/schema.json").exit_code == 1
