"""The one way in which commands ask whoever sits there before something that cannot be taken back."""

from __future__ import annotations

import sys

import click

from tagserver.cli.output import give_up


def asks(*, yes: bool) -> bool:
    """Whether somebody is asked: not with `--yes`, nor where no terminal is, for scripts say what they mean."""
    return not yes and sys.stdin.isatty()


def sure(question: str, *, yes: bool = False) -> None:
    """Ask, on standard error, so that the output stays what it is. Who is not sure ends the command with 1."""
    if asks(yes=yes) and not click.confirm(question, err=True):
        give_up("nothing was changed")
