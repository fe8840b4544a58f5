"""`tagserver init` and `tagserver schema`: a folder to begin with, and what editors know about it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click
import msgspec

from tagserver.cli.options import GivenPath, installed
from tagserver.cli.terminal import give_up, say, say_text
from tagserver.explain.json_schema import MODELINE, json_schema
from tagserver.system.files import os_reason

SCHEMA_FILE = Path(".tagserver", "schema.json")
"""Below the configuration folder: where the first line of its files tells editors to look."""
FILES = ("container.yaml", "container.test.yaml", "server.yaml")


def schema_text() -> str:
    """The schema of the core and of the installed plugins."""
    return msgspec.json.format(msgspec.json.encode(json_schema(installed())), indent=2).decode() + "\n"


@click.command()
@click.option(
    "--into",
    type=GivenPath(dir_okay=False),
    help="A file, such as config/.tagserver/schema.json.  [default: standard output]",
)
def schema(into: Path | None) -> None:
    """Write the JSON Schema of all configuration files, with the settings of the installed plugins, for editors."""
    if into is None:
        say_text(schema_text())
        return
    _write({into: schema_text()})
    say(f"{into} is written. The first line of a file beside its folder: {MODELINE}")


@click.command()
@click.option(
    "--config",
    type=GivenPath(file_okay=False),
    default=Path("config"),
    show_default=True,
    help="The folder of the YAML files; .env.example is written beside it.",
)
def init(config: Path) -> None:
    """Begin: a container that works without any account, its cases, server.yaml, .env.example. Overwrites nothing."""
    starter = files("tagserver.cli").joinpath("starter")
    texts = {
        config / name: starter.joinpath(f"{name}.txt").read_text("utf-8").replace("{{modeline}}", MODELINE)
        for name in FILES
    }
    texts[config.parent / ".env.example"] = starter.joinpath("env.example.txt").read_text("utf-8")
    texts[config / SCHEMA_FILE] = schema_text()
    there = [path for path in texts if path.exists()] or list(config.glob("**/*.yaml"))
    if there:
        give_up(f"{there[0]} is there already; nothing was written")
    _write(texts)
    for path in texts:
        say(f"  {path}")
    option = "" if config == Path("config") else f" --config {config}"
    say("Next:")
    say(f"  tagserver check{option}")
    say(f"  tagserver test{option}")
    say(f"  tagserver serve{option}")
    say("What happens to each event then, and why: the page Preview, by the link that serve prints in a terminal, or")
    say("  tagserver tap")
    say("  tagserver explain EVENT_ID")
    say("Edits are drafts from then on:")
    say(f"  tagserver plan{option}")
    say("  tagserver reload")


def _write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as error:
            give_up(f"{path} cannot be written: {os_reason(error)}")
