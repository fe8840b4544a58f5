"""`tagserver new-plugin NAME`: a distribution that installs, passes its tests and can be configured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

import click

from tagserver.cli.options import give_up
from tagserver.cli.output import say

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder that the new one is made in.  [default: here]",
)
def new_plugin(name: str, into: Path) -> None:
    """Write a new destination: a folder tagserver-NAME with package, settings, examples, tests and README."""
    if not _NAME.match(name):
        raise click.UsageError("a name has 2 to 40 lower-case letters, digits and underscores, a letter first")
    title = name.replace("_", " ").title()
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "upper": name.upper(),
        "title": title,
        "class": title.replace(" ", ""),
    }
    folder = into / f"tagserver-{words['dashed']}"
    if folder.exists():
        give_up(f"{folder} is there already")
    for path, text in _templates(files("tagserver.cli").joinpath("skeleton"), PurePosixPath()):
        target = folder / str(path).replace("package/", f"tagserver_{name}/").removesuffix(".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], text))
    say(f"{folder} is made. Next:")
    say(f"  cd {folder} && pip install -e '.[dev]' && pytest")


def _templates(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _templates(one, path / one.name)
        else:
            yield path / one.name, one.read_text()
