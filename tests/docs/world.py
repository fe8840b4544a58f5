"""What the documentation's examples need around them to run: variables, the parts of a container that a fragment
leaves out, and a folder in which a page's files and commands are played from top to bottom."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import yaml
from click.testing import CliRunner

from tagserver.cli import main
from tagserver.configuration import ConfigurationFolder
from tagserver.container.compile import Loaded, compile_container
from tagserver.container.server import ROOT_KEYS
from tagserver.registry import Registry

from .pages import Block, blocks

SECRET = "value-of-a-secret"
ENVIRON = {
    name: f"{SECRET}-{name.lower()}" for name in ("META_ACCESS_TOKEN", "BACKEND_KEY", "CRM_KEY", "ACME_TOKEN")
} | {"META_PIXEL_ID": "1"}
DESTINATIONS = 'destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}}\n'
TRIGGERS = (
    "triggers: {purchase: {event: purchase}, lead: {event: lead}, internal: {when: {page.host: intern.example}}}\n"
)
VARIABLES = "variables: {page type: {path: page.path}}\n"
TAGS = "tags: [{name: Meta, destination: meta, triggers: [purchase]}]\n"


def load(files: Mapping[str, str], registry: Registry | None = None) -> Loaded:
    """What comes out of some files."""
    texts = {name: text.encode() for name, text in files.items()}
    return compile_container(
        texts, registry=registry or Registry.load(), environ=ENVIRON, read_file=lambda name: Path(name).read_text()
    )


def completed(block: str) -> dict[str, str]:
    """The files of a configuration that holds a block and what it leaves out."""
    keys = set(yaml.safe_load(block))
    if keys <= set(ROOT_KEYS):
        return {"server.yaml": block, "container.yaml": DESTINATIONS + TRIGGERS + TAGS}
    parts = {"destinations": DESTINATIONS, "triggers": TRIGGERS, "variables": VARIABLES, "tags": TAGS}
    if "tags" not in keys and "triggers" in keys:
        parts["tags"] = "tags: [{name: Meta, destination: meta, triggers: [all]}]\n"
    rest = "".join(text for name, text in parts.items() if name not in keys)
    return {"server.yaml": "environment: [META_PIXEL_ID]\n", "container.yaml": f"{block}\n{rest}"}


class Stage:
    """A folder in which a page is played: its files are written, its commands run, their output compared.

    A YAML block names its file in its first line (`# config/container.yaml`), a JSON block in the text above it. `…` in
    an output stands for anything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.played = 0
        (folder / "config").mkdir()

    def play(self, page: Path) -> None:
        """All blocks of a page."""
        for block in blocks(page):
            if block.language == "yaml" and (named := re.match(r"# (config/[\w.]+)\n", block.text)):
                (self.folder / named[1]).write_text(block.text)
            elif block.language == "json" and (told := re.search(r"`(\w+\.json)`", block.above)):
                (self.folder / told[1]).write_text(block.text)
            elif block.language == "console":
                self._console(block)

    def _console(self, block: Block) -> None:
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            words = shlex.split(command, comments=True)
            assert words[0] == "tagserver", f"{block}: only our own commands can be played"
            result = CliRunner().invoke(main, words[1:], env={**ENVIRON})
            assert result.exit_code in (0, 1), f"{block}: {result.output}"
            self.played += 1
            if expected.strip():
                pattern = ".*".join(re.escape(piece) for piece in _tidy(expected).split("…"))
                assert re.fullmatch(pattern, _tidy(result.output), re.DOTALL), f"{block}:\n{result.output}"


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def folder(path: Path) -> ConfigurationFolder:
    """A configuration folder with the variables of the examples."""
    return ConfigurationFolder(path, Registry.load(), ENVIRON)
