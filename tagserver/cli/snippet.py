"""`tagserver snippet`: the lines that bring the script into a page."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

import click

from tagserver.cli.options import json_option
from tagserver.cli.terminal import say, say_json, say_text
from tagserver.event.address import host_of
from tagserver.server.script import shipped, stub

EXAMPLE = "https://tags.shop.example"


@click.command()
@click.argument("address", default=EXAMPLE)
@json_option
def snippet(address: str, as_json: bool) -> None:
    """The lines for a page, under the ADDRESS at which browsers reach this server.

    Lines that stand inline and keep what is pushed before the script has come; then the script. Two forms of it: one
    that always gets the present version; and one that names a version by its hash, so that the browser runs that and
    nothing else. Use one of them. A version is kept for 400 days after a page has last asked for it.
    """
    base = _base(address)
    script = shipped()
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
