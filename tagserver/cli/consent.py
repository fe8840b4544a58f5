"""`tagserver consent KIND STRING`: what a consent string says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click

from tagserver.cli.options import json_option
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.consent.decoders.printout import FORMATS, Format, printout
from tagserver.system.time import Time


@click.command()
@click.argument("kind", type=click.Choice(FORMATS))
@click.argument("string")
@json_option
def consent(kind: Format, string: str, as_json: bool) -> None:
    """Show what a consent STRING says. It is taken as it is: percent-encoding is not undone.

    KIND: tcf (IAB TC string), gcs and gcd (Google), usp (US Privacy), gpp (IAB GPP), ac (Google's additional consent).
    Exit 1 when the string is not well-formed.
    """
    shown = printout(kind, string, Time().now())
    if as_json:
        say_json(shown)
        raise SystemExit(0 if shown["ok"] else 1)
    if not shown["ok"]:
        give_up(f"not a well-formed {kind} string: {shown['reason']}")
    del shown["ok"]
    for line in _lines(shown):
        say(line)


def _lines(shown: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A line for each value, its name in front; what lies in it stands indented below."""
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            for entry in value:
                yield f"{indent}{name}"
                yield from _lines(entry, indent + "  ")
        else:
            yield f"{indent}{name:<{width}}  {_word(name, value)}".rstrip()


def _word(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, list):
        return str(value)
    # The IAB writes its fields with a capital: their items stand side by side. All other lists are sets of numbers.
    return (" ".join(map(str, value)) if name[0].isupper() else " ".join(_runs(value))) or "none"


def _runs(numbers: list[int]) -> Iterator[str]:
    """1, 2, 3, 7 → `1-3`, `7`."""
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"
