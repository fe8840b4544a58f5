"""`tagserver new-plugin NAME`: a distribution that installs, passes its tests and can be configured."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import click

from tagserver import plugin
from tagserver.cli.options import GivenPath, installed
from tagserver.cli.terminal import give_up, say
from tagserver.plugin import inbound

_NAME = re.compile(r"[a-z](?:_?[a-z0-9]){1,39}\Z")
LONGEST = 40
_TYPING = ("Any", "Mapping", "Sequence", "Callable", "Settings", "Shared", *inbound.__all__)
"""What the new module imports or defines beside the names of `tagserver.plugin`."""


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--into",
    type=GivenPath(file_okay=False),
    default=Path(),
    help="The folder that the new one is made in.  [default: here]",
)
@click.option("--client", is_flag=True, help="An inbound client in place of a destination.")
def new_plugin(name: str, into: Path, client: bool) -> None:
    """Write a new destination, or an inbound client: a folder tagserver-NAME with package, settings, examples, tests
    and README."""
    if not _NAME.match(name) or len(name) > LONGEST:
        raise click.UsageError(
            f"a name has 2 to {LONGEST} lower-case letters and digits, a letter first, and single underscores between"
        )
    title = name.replace("_", " ").title()
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "upper": name.upper(),
        "title": title,
        "class": title.replace(" ", ""),
    }
    if (taken := _taken(name, words["class"], words["dashed"])) is not None:
        raise click.UsageError(f"{taken}; choose another name, such as {name}_ads")
    folder = into / f"tagserver-{words['dashed']}"
    if folder.exists():
        give_up(f"{folder} is there already")
    for path, text in _templates(
        files("tagserver.cli").joinpath("skeleton_client" if client else "skeleton"), PurePosixPath()
    ):
        target = folder / str(path).replace("package/", f"tagserver_{name}/").removesuffix(".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], text))
    say(f"{folder} is made. Next:")
    say(f"  cd {folder} && pip install -e '.[dev]' && pytest")


def _taken(name: str, cls: str, dashed: str) -> str | None:
    """Why a plugin of this name would be in somebody's way, or None."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or keyword.iskeyword(cls):
        return f"{name} is a word of Python's own"
    if cls in _TYPING or cls in plugin.__all__ or hasattr(builtins, cls):
        return f"its class would be called {cls}, and another one is"
    registry = installed()
    for one in registry.plugins:
        if name in (*one.destinations, *one.clients, *one.refused, one.name):
            return f"the plugin {one.name} {one.version} that is installed has the type {name}"
    for module in (name, f"tagserver_{name}"):
        if module in sys.stdlib_module_names or _is_module(module):
            return f"there is a module {module} already"
    try:
        return f"the package {distribution(f'tagserver-{dashed}').name} is installed already"
    except PackageNotFoundError:
        return None


def _is_module(name: str) -> bool:
    """Whether it can be imported; a mere folder, such as one in which the command runs, is nobody's module."""
    found = find_spec(name)
    return found is not None and found.origin is not None


def _templates(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _templates(one, path / one.name)
        else:
            yield path / one.name, one.read_text()
