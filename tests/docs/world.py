"""What the documentation's examples need around them to run: variables, the parts of a container that a fragment
leaves out, and a folder in which a page's files and commands are played from top to bottom."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from click.testing import CliRunner

from tagserver.cli import main
from tagserver.config.compile import Loaded, compile_container
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.server import SERVER
from tagserver.plugin.registry import Registry
from tests.fast_yaml import safe_load

from .pages import Block, blocks

SECRET = "value-of-a-secret"
ENVIRON = {
    name: f"{SECRET}-{name.lower()}"
    for name in (
        *("META_ACCESS_TOKEN", "META_FR_ACCESS_TOKEN", "GA4_API_SECRET", "TIKTOK_ACCESS_TOKEN"),
        *("BACKEND_KEY", "CRM_KEY", "ACME_TOKEN", "DEMO_TOKEN", "TOKEN_OF_ANNA", "TOKEN_OF_VERA"),
    )
} | {
    "META_PIXEL_ID": "1",
    "OWN_WEBHOOK": "whsec_" + "A" * 43 + "=",
    "SHOPIFY_SECRET": "a-secret-of-shopify",
    "WOO_SECRET": "a-secret-of-woocommerce",
    "CRM_NEW": "a-new-secret",
    "CRM_OLD": "an-old-secret",
    "STRIPE_WEBHOOK": "whsec_0123456789abcdefghijklmnopqrstuv",
    "DEMO_SHOP": "http://127.0.0.1:1",
    "DEMO_META": "http://127.0.0.1:2",
    "DEMO_VENDORS": "http://127.0.0.1:2/vendors",
    "DEMO_ARCHIVE": "archive",
    "DEMO_SECRET": "whsec_" + "A" * 43 + "=",
    "TAGSERVER_QUEUE_KEY": "A" * 43 + "=",
}
DESTINATIONS = 'destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}}\n'
TRIGGERS = (
    "triggers: {purchase: {event: purchase}, lead: {event: lead}, internal: {when: {page.host: intern.example}}}\n"
)
VARIABLES = "variables: {page type: {path: page.path}}\n"
TAGS = "tags: [{name: Meta, destination: meta, triggers: [purchase]}]\n"


def load(
    files: Mapping[str, str], registry: Registry | None = None, environ: Mapping[str, str] = MappingProxyType({})
) -> Loaded:
    """What comes out of some files. `environ`: variables beside those of all pages."""
    texts = {name: text.encode() for name, text in files.items() if not name.endswith(".test.yaml")}
    return compile_container(
        texts,
        registry=registry or Registry.load(),
        environ={**ENVIRON, **environ},
        read_file=lambda name: Path(name).read_text(),
    )


def completed(block: str) -> dict[str, str]:
    """The files of a configuration that holds a block and what it leaves out."""
    keys = set(safe_load(block))
    if keys <= set(SERVER.keys):
        return {"server.yaml": block, "container.yaml": DESTINATIONS + TRIGGERS + TAGS}
    parts = {"destinations": DESTINATIONS, "triggers": TRIGGERS, "variables": VARIABLES, "tags": TAGS}
    if "tags" not in keys and "triggers" in keys:
        parts["tags"] = "tags: [{name: Meta, destination: meta, triggers: [all]}]\n"
    rest = "".join(text for name, text in parts.items() if name not in keys)
    return {"server.yaml": "environment: [META_PIXEL_ID]\n", "container.yaml": f"{block}\n{rest}"}


WHOLE = "container.yaml"
"""The file that is a whole configuration: where a page shows it, the files that it showed before are gone. Any other
one is added to them, or takes the place of its namesake."""


def file_of(block: Block) -> str | None:
    """The file of the configuration that a block shows: `# config/NAME` in its first line."""
    named = re.match(r"# config/([\w.]+)\n", block.text) if block.language == "yaml" else None
    return named[1] if named else None


@dataclass(frozen=True)
class Configuration:
    """What a page shows up to one of its blocks, as files; and what the commands right behind it say."""

    last: Block
    files: Mapping[str, str]
    said: str

    @property
    def is_wrong(self) -> bool:
        """Whether it is there to show a mistake."""
        return re.search(r"^(error\[|✖)", self.said, re.MULTILINE) is not None

    def __str__(self) -> str:
        return str(self.last)


def configurations(page: Path) -> Iterator[Configuration]:
    """Those of a page: each with the files up to where something else follows, or a whole configuration anew. A file
    that is there to show a mistake is not carried along."""
    shown = list(blocks(page))
    files: dict[str, str] = {}
    for at, block in enumerate(shown):
        following = shown[at + 1] if at + 1 < len(shown) else None
        if (name := file_of(block)) is None:
            continue
        files = _with(files, name, block)
        after = file_of(following) if following else None
        if after in (None, WHOLE):
            is_answered = following is not None and following.language == "console"
            found = Configuration(block, files, following.text if following and is_answered else "")
            yield found
            if found.is_wrong:
                files = {other: text for other, text in files.items() if other != name}


def _with(files: Mapping[str, str], name: str, block: Block) -> dict[str, str]:
    return {name: block.text} if name == WHOLE else {**files, name: block.text}


def needs_a_server(block: Block) -> bool:
    """Whether a block's commands speak to a server that runs: `test_publishing.py` and
    others of these tests play those."""
    return re.search(r"^\$ tagserver (reload|rollback|pause|resume|dead|explain)", block.text, re.MULTILINE) is not None


def says(output: str, expected: str) -> bool:
    """Whether a command has printed what is shown; `…` stands for anything."""
    pattern = ".*".join(re.escape(piece) for piece in _tidy(expected).split("…"))
    return re.fullmatch(pattern, _tidy(output), re.DOTALL) is not None


def played(block: Block) -> Iterator[tuple[list[str], str]]:
    """The commands of a block, each with what is shown below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        words = shlex.split(command, comments=True)
        assert words[0] == "tagserver", f"{block}: only our own commands can be played"
        yield words[1:], expected


class Stage:
    """A folder in which a page is played: its files are written, its commands run, their output compared.

    A YAML block names its file in its first line (`# config/container.yaml`), a JSON block in the text above it. `…` in
    an output stands for anything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.played = 0
        self._files: dict[str, str] = {}
        (folder / "config").mkdir()

    def play(self, page: Path) -> None:
        """All blocks of a page."""
        for block in blocks(page):
            if (name := file_of(block)) is not None:
                self._show(_with(self._files, name, block))
            elif block.language == "json" and (told := re.search(r"`(\w+\.json)`", block.above)):
                (self.folder / told[1]).write_text(block.text)
            elif block.language == "console" and not needs_a_server(block):
                self._console(block)

    def _show(self, files: dict[str, str]) -> None:
        for name in self._files.keys() - files.keys():
            (self.folder / "config" / name).unlink()
        for name, text in files.items():
            (self.folder / "config" / name).write_text(text)
        self._files = files

    def _console(self, block: Block) -> None:
        for words, expected in played(block):
            result = CliRunner().invoke(main, words, env={**ENVIRON})
            assert result.exit_code in (0, 1), f"{block}: {result.output}"
            self.played += 1
            if expected.strip():
                assert says(result.output, expected), f"{block}:\n{result.output}"


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def folder(path: Path) -> ConfigurationFolder:
    """A configuration folder with the variables of the examples."""
    return ConfigurationFolder(path, Registry.load(), ENVIRON)
