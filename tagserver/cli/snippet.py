"""`tagserver snippet`: the lines that bring the script into a page, its types, and a package for bundlers."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import click

from tagserver.cli.options import GivenPath, json_option
from tagserver.cli.page_package import is_ours, package, types
from tagserver.cli.terminal import give_up, say, say_json, say_text
from tagserver.event.address import host_of
from tagserver.server.script import shipped, stub

EXAMPLE = "https://tags.shop.example"


@click.command()
@click.argument("address", default=EXAMPLE)
@click.option("--types", "only_types", is_flag=True, help="Print the types for TypeScript in place of the lines.")
@click.option(
    "--npm",
    "folder",
    type=GivenPath(file_okay=False),
    help="Write a package with a loader and types into this folder, for npm install ./FOLDER.",
)
@json_option
def snippet(address: str, only_types: bool, folder: Path | None, as_json: bool) -> None:
    """The lines for a page, under the ADDRESS at which browsers reach this server.

    Lines that stand inline and keep what is pushed before the script has come; then the script. Two forms of it: one
    that always gets the present version; and one that names a version by its hash, so that the browser runs that and
    nothing else. Use one of them. A version is kept for 400 days after a page has last asked for it.
    """
    base = _base(address)
    script = shipped()
    if sum((only_types, folder is not None, as_json)) > 1:
        raise click.UsageError("--types, --npm and --json each stand alone; the package holds the types")
    if folder is not None:
        _write(folder, package(base, script))
        return
    if only_types:
        say_text(types())
        return
    latest, versioned = f"{base}/t.js", f"{base}/t/{script.version}.js"
    if as_json:
        found = {"version": script.version, "latest": latest, "versioned": versioned, "integrity": script.integrity}
        found["inline"] = stub()
        say_json(found)
        return
    say_text(f"<script>\n{stub()}</script>")
    say(f'<script async src="{escape(latest)}"></script>')
    say_text("\nor, in place of the last line, for this version alone:\n")
    say(f'<script async src="{escape(versioned)}" integrity="{script.integrity}" crossorigin></script>')


def _write(folder: Path, texts: dict[str, str]) -> None:
    if not is_ours(folder):
        give_up(f"{folder} holds something else; name a folder that is empty or not there yet")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    say(f"{folder} is written. Next, where the page's package.json is:")
    say(f"  npm install {folder.absolute()}")
    say('  import { load, track } from "tagserver-page"')


def _base(address: str) -> str:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 (raises for a port that is none)
        plain = address.isprintable() and " " not in address and not (parts.query or parts.fragment)
        sound = plain and parts.scheme in ("http", "https") and host_of(parts.netloc)
    except ValueError:
        sound = False
    if not sound:
        raise click.UsageError(f"write the address as browsers know it, with its scheme, such as {EXAMPLE}")
    return address.rstrip("/")
