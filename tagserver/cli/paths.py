"""Files and folders as they are given to commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class GivenPath(click.Path):
    """A path. One that is empty is wrong usage: it would be the folder in which the command runs, and mostly stands
    for a variable of a script that is not set. Whether it can be read is found where it is read, and said with the
    user's name there."""

    def __init__(self, **how: Any) -> None:
        super().__init__(path_type=Path, readable=False, **how)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """The Path. Raises BadParameter."""
        if value == "":
            self.fail("no name is given (a variable that is not set?)", parameter, context)
        return super().convert(value, parameter, context)


PATH = GivenPath()
