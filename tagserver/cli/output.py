"""What commands print. It may hold what strangers have sent (ids, names, answers of vendors), so all of it comes
through here."""

from __future__ import annotations

from typing import Any

import click

from tagserver.operations.printable import printable, printable_json


def say(line: str, *, err: bool = False) -> None:
    """One line for people."""
    click.echo(printable(line), err=err)


def say_json(value: Any) -> None:
    """One line for machines."""
    click.echo(printable_json(value))


def say_text(text: str, *, err: bool = False) -> None:
    """Several lines that are safe already: made by `printable`, or our own."""
    click.echo(text.removesuffix("\n"), err=err)
