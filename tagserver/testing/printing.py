"""A plugin's examples in its README, where people who do not read YAML folders find them.

The README marks the place; `python -m tagserver.testing FOLDER` prints them there, and a test keeps them equal:

    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text()
"""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- examples -->", "<!-- /examples -->"


def with_examples(folder: Path) -> str:
    """The text of a plugin's README.md with all of its `examples/*.yaml` between the marks.

    Raises ValueError with the fix when the README does not have both marks, once each and in this order.
    """
    text = (folder / "README.md").read_text("utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in tail:
        raise ValueError(f"README.md needs one line {BEGIN} and below it one line {END}: the examples stand between")
    return "\n\n".join([head + BEGIN, *map(_printed, sorted((folder / "examples").glob("*.yaml"))), END + tail])


def _printed(path: Path) -> str:
    return f"```yaml\n# examples/{path.name}\n{path.read_text('utf-8').strip()}\n```"
