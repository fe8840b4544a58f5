"""What commands print. It may hold what strangers have sent (ids, names, answers of vendors), so all of it comes
through here."""

from __future__ import annotations

import codecs
import json
import sys
from contextlib import redirect_stdout
from typing import Any, NoReturn, TextIO

import click

from tagserver.system.text import printable, printable_json


def keep_standard_output() -> None:
    """From now on to the command's end, what is printed past this module, by a plugin, goes to standard error: machines
    read the other."""
    context = click.get_current_context(silent=True)
    if context is not None and __name__ not in context.meta:
        context.meta[__name__] = sys.stdout
        context.with_resource(redirect_stdout(sys.stderr))


def stream(*, err: bool = False) -> TextIO:
    """Where lines go."""
    if err:
        return sys.stderr
    context = click.get_current_context(silent=True)
    kept: TextIO | None = None if context is None else context.meta.get(__name__)
    return kept or sys.stdout


def say(line: str, *, err: bool = False) -> None:
    """One line for people."""
    _print(printable(line), stream(err=err))


def say_json(value: Any) -> None:
    """One line for machines; in escapes (`\\u2714`) where the stream's encoding is not UTF-8."""
    text, file = printable_json(value), stream()
    if not text.isascii() and codecs.lookup(file.encoding or "utf-8").name != "utf-8":
        text = json.dumps(json.loads(text), separators=(",", ":"))
    _print(text, file)


def say_text(text: str, *, err: bool = False) -> None:
    """Several lines that are safe already: made by `printable`, or our own."""
    _print(text.removesuffix("\n"), stream(err=err))


def give_up(sentence: str, code: int = 1) -> NoReturn:
    """End the command with one sentence."""
    say(f"tagserver: {sentence}", err=True)
    raise SystemExit(code)


def _print(text: str, file: TextIO) -> None:
    """Raises OSError with the name of where it goes: standard output may be a file on a full disk."""
    try:
        click.echo(text, file=file)
    except OSError as error:
        if error.filename is None:
            error.filename = "standard error" if file is sys.stderr else "standard output"
        raise
