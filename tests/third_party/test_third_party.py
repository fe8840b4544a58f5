"""Strangers' destinations, each installed as a distribution of its own: the one that `new-plugin` writes, by the
commands of the guide, and one that does all that a plugin may do. Found, checked, configured and used."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GUIDE = (ROOT / "plugins" / "README.md").read_text("utf-8").partition("## A complete example")[0]
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
TAG = "tags: [{{name: Stranger, destination: it, triggers: [all]}}]\ndestinations: {{it: {{{}}}}}\n"
CONSENT = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


@dataclass
class Machine:
    """A folder, and an environment in which distributions are installed into a place of their own."""

    folder: Path

    @property
    def site(self) -> Path:
        """Where they are installed."""
        return self.folder / "site"

    def run(self, *words: str, code: int = 0, cwd: Path | None = None, **environ: str) -> str:
        """The output of a Python process that ends with `code`."""
        known = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(self.site), **environ}
        ended = subprocess.run(
            [sys.executable, *words],
            cwd=cwd or self.folder,
            env=known,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout

    def install(self, source: Path) -> None:
        """As pip does it, without a network."""
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", str(self.site))
        self.run("-m", "pip", "install", *options, str(source), PYTHONPATH="")

    def test(self, source: Path) -> str:
        """The distribution's own tests, in its own folder."""
        return self.run("-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider", cwd=source)

    def command(self, line: str) -> str:
        """One command of the guide."""
        program, *words = shlex.split(line)
        if program == "pip":
            assert words[:2] == ["install", "-e"]
            source, _, extra = words[2].partition("[")
            assert extra == "dev]", "pytest comes with it"
            self.install(self.folder / source)
            return ""
        if program == "pytest":
            return self.test(self.folder / words[0])
        assert program == "tagserver", line
        return self.run("-m", "tagserver", *words)

    def tried(self, destination: str, event: dict[str, object], **environ: str) -> dict[str, object]:
        """What `tagserver try` says of one event and one tag, after `check` found nothing."""
        (self.folder / "config").mkdir(exist_ok=True)
        (self.folder / "config" / "container.yaml").write_text(TAG.format(destination))
        (self.folder / "event.json").write_text(json.dumps(event))
        self.run("-m", "tagserver", "check", **environ)
        said = self.run("-m", "tagserver", "try", "event.json", "--json", **environ)
        assert not any(secret in said for secret in environ.values())
        (tag,) = json.loads(said)["tags"]
        shown: dict[str, object] = tag
        return shown


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, dict[str, str]]:
    """Somebody who has followed the guide to its last command, and what each command printed."""
    machine = Machine(tmp_path_factory.mktemp("beginner"))
    return machine, {line: machine.command(line) for line in COMMANDS}


@pytest.fixture(scope="module")
def parcels(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine with the distribution of this folder."""
    machine = Machine(tmp_path_factory.mktemp("parcels"))
    machine.install(HERE / "tagserver-parcels")
    return machine


def test_the_guide_leads_to_an_installed_plugin(beginner: tuple[Machine, dict[str, str]]) -> None:
    """Its own tests pass, it is listed and shown, and it keeps the rules."""
    _, printed = beginner
    words = [line.split()[:2] for line in COMMANDS]
    assert words[:3] == [["tagserver", "new-plugin"], ["pip", "install"], ["pytest", "tagserver-acme"]]
    assert "passed" in printed["pytest tagserver-acme"]
    assert "✔ acme 0.1.0: acme\n" in printed["tagserver plugins"]
    assert "personal: user_data.email" in printed["tagserver plugins show acme"]
    (checked,) = [text for line, text in printed.items() if line.startswith("tagserver check-plugin acme")]
    assert checked == "acme keeps the rules.\n"


def test_the_plugin_of_the_guide_can_be_used(beginner: tuple[Machine, dict[str, str]]) -> None:
    """`check` finds nothing, and `try` shows the request, without the secret."""
    machine, _ = beginner
    event = {"event": "purchase", "event_id": "o-1", "user_data": {"email": "a@b.example"}, "consent": CONSENT}
    tag = machine.tried('type: acme, account: "17", token: "${env:ACME_TOKEN}"', event, ACME_TOKEN="token-of-acme")
    assert tag["decision"] == "send"
    request = tag["request"]
    assert isinstance(request, dict)
    assert request["url"] == "https://api.acme.example/v1/17/events"
    assert request["body"]["events"][0]["id"] == "o-1"


def test_a_name_of_several_words(tmp_path: Path) -> None:
    """Becomes a package, a class and a distribution, each in its own spelling."""
    machine = Machine(tmp_path)
    machine.command("tagserver new-plugin acme_ads")
    machine.install(tmp_path / "tagserver-acme-ads")
    assert "passed" in machine.test(tmp_path / "tagserver-acme-ads")
    listed = json.loads(machine.run("-m", "tagserver", "plugins", "--json"))["plugins"]
    assert any(one["destinations"] == ["acme_ads"] and one["error"] is None for one in listed)


def test_settings_that_are_missing_are_named(beginner: tuple[Machine, dict[str, str]]) -> None:
    machine, _ = beginner
    assert machine.run("-m", "tagserver", "check-plugin", "acme", code=2) == ""


@pytest.mark.parametrize("name", ["Acme", "1st", "a", "with-dash", "a" * 41, "../up"])
def test_a_name_that_cannot_be_a_package(name: str, tmp_path: Path) -> None:
    Machine(tmp_path).run("-m", "tagserver", "new-plugin", name, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.command("tagserver new-plugin acme")
    machine.run("-m", "tagserver", "new-plugin", "acme", code=1)


def test_a_distribution_of_its_own_passes_its_tests(parcels: Machine) -> None:
    """With nothing but what is public."""
    assert "passed" in parcels.test(HERE / "tagserver-parcels")


def test_it_is_found_with_its_version(parcels: Machine) -> None:
    """And what it may see follows its settings."""
    assert "✔ parcels 2.3.4: parcels\n" in parcels.command("tagserver plugins")
    words = ("--set account=17", "--set password=a-secret-password", "--set 'fields=[\"user_id\"]'")
    shown = parcels.command(f"tagserver plugins show parcels {' '.join(words)}")
    assert "personal: user_id\n" in shown
    assert "calls:    api.parcels.example\n" in shown
    assert "keeps the rules" in parcels.command(f"tagserver check-plugin parcels {' '.join(words)}")


def test_it_can_be_used(parcels: Machine) -> None:
    """`try` shows the request that carries the order, and only the fields that its settings name reach it."""
    consent = {"functionality_storage": "granted"}
    event = {"event": "purchase", "event_id": "o-1", "transaction_id": 7, "user_id": "u-1", "a": 1, "b": 2}
    settings = 'type: parcels, account: "17", password: "${env:PASSWORD}", fields: [b]'
    tag = parcels.tried(settings, {**event, "consent": consent}, PASSWORD="password-of-parcels")
    request = tag["request"]
    assert isinstance(request, dict)
    assert request["url"] == "https://api.parcels.example/2026-05/17/orders"
    assert request["body"] == [{"order": "7", "id": "o-1", "fields": {"b": 2}}]


def test_the_end_of_its_api_is_said(parcels: Machine) -> None:
    """By `check`, as for the first-party plugins."""
    (parcels.folder / "config").mkdir(exist_ok=True)
    settings = 'type: parcels, account: "17", password: "${env:PASSWORD}", version: 2025-05'
    (parcels.folder / "config" / "container.yaml").write_text(TAG.format(settings))
    assert "warning[W305]" in parcels.run("-m", "tagserver", "check", PASSWORD="password-of-parcels")


def test_a_client_of_a_strangers(tmp_path: Path) -> None:
    """As `new-plugin --client` writes it: its tests pass, it is listed and shown, it keeps the rules, and `check` takes
    a configuration that names it."""
    machine = Machine(tmp_path)
    machine.command("tagserver new-plugin ticket_desk --client")
    source = tmp_path / "tagserver-ticket-desk"
    machine.install(source)
    assert "passed" in machine.test(source)
    assert "✔ ticket_desk 0.1.0: client ticket_desk\n" in machine.command("tagserver plugins")
    assert "addresses: POST /ticket_desk/{name}\n" in machine.command("tagserver plugins show ticket_desk")
    checked = machine.command("tagserver check-plugin ticket_desk --set secret=any-text")
    assert checked == "ticket_desk keeps the rules.\n"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "container.yaml").write_text("tags: []\n")
    (tmp_path / "config" / "server.yaml").write_text('clients: {ticket_desk: {shop: {secret: "${env:DESK}"}}}\n')
    assert "No problems" in machine.run("-m", "tagserver", "check", DESK="a-secret")
