"""The forms in which Consent Mode is said, taken apart: which verb says what, in the order in which it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

MOST = 200
"""Words of one value that are read."""

Verb = Literal["default", "update", "unknown", "nested", "flat", "foreign"]
Words = tuple[Verb, Any]
"""A verb and what stands behind it, any JSON value. `unknown`: a command that is none of Consent Mode's. `nested`: an
object behind a key that is no verb. `flat`: an object of purposes itself. `foreign`: another command of `gtag()`."""

_FOREIGN = frozenset({"js", "config", "event", "get", "set"})


def words_of(value: Mapping[str, Any] | list[Any]) -> Iterator[Words]:
    """The words of an event's `consent`, in any of its forms.

    Of an object what was preset comes first, then what was chosen, then what nobody knows, so that the last word is the
    careful one.
    """
    if isinstance(value, Mapping):
        yield from _of_object(value)
    elif value and isinstance(value[0], str):
        yield from _of_command(value)
    else:
        for command in value:
            if isinstance(command, list):
                yield from _of_command(command)
            elif isinstance(command, Mapping) and "0" in command:
                yield from _of_command(_arguments(command))
            elif command is not None and command != {}:
                yield "unknown", None


def _of_object(value: Mapping[str, Any]) -> Iterator[Words]:
    found: dict[Verb, list[Any]] = {"default": [], "update": [], "nested": []}
    is_command = "0" in value
    for key, said in value.items():
        several = said if isinstance(said, list) and said else [said]
        if (verb := _verb(key)) != "unknown":
            found[verb] += several
        elif not (is_command and key in _ARGUMENTS):
            found["nested"] += (one for one in several if isinstance(one, Mapping))
    if is_command:
        yield from _of_command(_arguments(value))
    for verb, words in found.items():
        yield from ((verb, said) for said in words)
    yield "flat", value


def _arguments(command: Mapping[str, Any]) -> list[Any]:
    """The arguments of a function as JSON writes them: by their places."""
    return [command[place] for place in _ARGUMENTS if place in command]


_ARGUMENTS = tuple(map(str, range(8)))


def _of_command(command: list[Any]) -> Iterator[Words]:
    match command:
        case []:
            return
        case [str(name), *rest] if name.strip().lower() == "consent":
            verb = _verb(rest[0]) if rest else "unknown"
            said = rest[1:] or [None]
            yield from ((verb, one) for one in said)
        case [str(name), *rest] if name in _FOREIGN:
            yield "foreign", None
            yield from (("nested", one) for one in rest if isinstance(one, Mapping))
        case _:
            yield "unknown", None


def _verb(word: Any) -> Verb:
    match word.strip().lower() if isinstance(word, str) else None:
        case "default":
            return "default"
        case "update":
            return "update"
    return "unknown"
