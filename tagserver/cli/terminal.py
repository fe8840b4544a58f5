"""What commands print and ask, and the standard streams they find.

What is printed may hold what strangers have sent (ids, names, answers of vendors), so all of it comes through here.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from contextlib import redirect_stdout
from typing import Any, NoReturn, TextIO

import click

from tagserver.system.text import printable, printable_json


def prepare_streams() -> None:
    """To be called first: some streams may be closed, and some cannot write every character.

    A closed one leads to the null device from then on: its number would go to the next file that is opened, which may
    be the queue, and a line for people would be written into it. A character that the terminal's encoding lacks is
    written as an escape (`\\u2714`)."""
    _fill()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fill() -> None:
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    # Python has none for what was closed when it began.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (for the process's whole life)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (likewise)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (likewise)


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


def can_ask(*, yes: bool) -> bool:
    """Whether there is somebody to ask: not with `--yes`, nor without a terminal, for scripts say what they mean."""
    return not yes and sys.stdin.isatty()


def confirm(question: str, *, yes: bool = False) -> None:
    """Ask before something that cannot be undone, on standard error, so that the output stays what it is. Any answer
    but yes ends the command with 1."""
    if can_ask(yes=yes) and not click.confirm(question, err=True):
        give_up("nothing was changed")
