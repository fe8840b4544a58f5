"""A stranger's destination, from nothing: written by `new-plugin`, installed as its own distribution, tested by its own
tests, found, checked, configured and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTAINER = """
destinations:
  acme: {type: acme_ads, account: "17", token: "${env:ACME_TOKEN}"}
tags: [{name: Acme, destination: acme, triggers: [all]}]
"""
EVENT = {
    "event": "purchase",
    "event_id": "o-1",
    "user_data": {"email": "a@b.example"},
    "value": 5,
    "currency": "EUR",
    "consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"},
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Its source folder, and an environment in which it is installed."""
    folder = tmp_path_factory.mktemp("third-party")
    environ = {"PATH": os.environ["PATH"], "ACME_TOKEN": "acme-token-secret", "HOME": str(folder)}
    run(environ, folder, "-m", "tagserver", "new-plugin", "acme_ads")
    source, target = folder / "tagserver-acme-ads", folder / "site"
    words = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(target),
        str(source),
    ]
    run(environ | {"PYTHONPATH": ""}, folder, *words)
    return source, environ | {"PYTHONPATH": str(target)}


def run(environ: dict[str, str], folder: Path, *words: str, code: int = 0) -> str:
    """The output of a Python process that ends with `code`."""
    ended = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout


def test_its_own_tests_pass(installed: tuple[Path, dict[str, str]]) -> None:
    source, environ = installed
    assert "passed" in run(environ, source, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider")


def test_it_is_found_and_shown(installed: tuple[Path, dict[str, str]]) -> None:
    source, environ = installed
    plugins = json.loads(run(environ, source, "-m", "tagserver", "plugins", "--json"))["plugins"]
    assert any(plugin["destinations"] == ["acme_ads"] and plugin["error"] is None for plugin in plugins)
    shown = json.loads(run(environ, source, "-m", "tagserver", "plugins", "show", "acme_ads", "--json"))
    assert shown["hosts"] == ["api.example.com"]
    assert "user_data.email" in shown["reads"]


def test_it_keeps_the_rules(installed: tuple[Path, dict[str, str]]) -> None:
    source, environ = installed
    words = ["-m", "tagserver", "check-plugin", "acme_ads", "--set", "account=17", "--set", "token=some-secret"]
    assert "keeps the rules" in run(environ, source, *words)
    assert run(environ, source, "-m", "tagserver", "check-plugin", "acme_ads", code=2) == ""


def test_it_can_be_configured_and_used(installed: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    _, environ = installed
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "container.yaml").write_text(CONTAINER)
    (tmp_path / "event.json").write_text(json.dumps(EVENT))
    run(environ, tmp_path, "-m", "tagserver", "check")
    said = json.loads(run(environ, tmp_path, "-m", "tagserver", "try", "event.json", "--json"))
    (tag,) = said["tags"]
    assert tag["decision"] == "send"
    assert tag["request"]["url"] == "https://api.example.com/v1/17/events"
    assert tag["request"]["body"]["events"][0]["id"] == "o-1"
    assert "acme-token-secret" not in json.dumps(said)


@pytest.mark.parametrize("name", ["Acme", "1st", "a", "with-dash", "a" * 41, "../up"])
def test_a_name_that_cannot_be_a_package(name: str, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"]}
    run(environ, tmp_path, "-m", "tagserver", "new-plugin", name, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"]}
    run(environ, tmp_path, "-m", "tagserver", "new-plugin", "acme")
    run(environ, tmp_path, "-m", "tagserver", "new-plugin", "acme", code=1)
