"""A plugin that brings kinds of variables: one that works, and those that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.plugin import MISSING, Variable, hookimpl


class Initials(Variable):
    """The first letters of a name."""

    type = "initials"
    inputs = {"first": "The first name.", "last": "The last name.", "dots": "Whether dots stand between."}  # noqa: RUF012 (nobody changes it)
    needed = ("first",)

    def value(self, given: Mapping[str, Any]) -> Any:
        """The letters that there are."""
        letters = [str(given[name])[:1] for name in ("first", "last") if name in given]
        return (". " if given.get("dots") else "").join(letters) or MISSING


class Failing(Variable):
    """Fails with what it was given."""

    type = "failing"
    inputs = {"of": "Anything."}  # noqa: RUF012 (nobody changes it)

    def value(self, given: Mapping[str, Any]) -> Any:
        """Breaks."""
        raise KeyError(given["of"])


class Wild(Variable):
    """Gives what JSON cannot hold."""

    type = "wild"

    def value(self, given: Mapping[str, Any]) -> Any:
        """A set."""
        return {1, 2}


class Greedy(Variable):
    """Changes what it was given."""

    type = "greedy"
    inputs = {"of": "A list."}  # noqa: RUF012 (nobody changes it)

    def value(self, given: Mapping[str, Any]) -> Any:
        """The list, emptied."""
        given["of"].clear()
        return given["of"]


class Path(Initials):
    """Has the name of a kind that is built in."""

    type = "path"


class Old(Initials):
    """Is written for another version of the API."""

    type = "old"
    api_version = 0


class Unborn(Initials):
    """Cannot be made."""

    type = "unborn"

    def __init__(self) -> None:
        raise ZeroDivisionError


@hookimpl
def register_variables(register: Callable[[Any], None]) -> None:
    """All of them, and what is none."""
    for one in (Initials, Failing, Wild, Greedy, Path, Old, Unborn, Initials, str):
        register(one)
