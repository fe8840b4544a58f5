"""The documentation as data: its pages, their fenced blocks, the rows of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README, CONFIG, PLUGINS, TESTS = (ROOT / folder / "README.md" for folder in (".", "config", "plugins", "tests"))
META = ROOT / "plugins" / "meta_capi" / "README.md"
FAULTS = ROOT / "tests" / "faults" / "README.md"
GUIDE, RECIPES, WHY, REFERENCE, OPERATIONS = (
    ROOT / "config" / f"{name}.md" for name in ("guide", "recipes", "why", "reference", "operate")
)
LANGUAGE = (CONFIG, GUIDE, RECIPES, WHY, REFERENCE)
"""Where the configuration language is shown."""
OPERATE = tuple(sorted((ROOT / "config" / "operate").glob("*.md")))
"""The pages below the overview of operations, one matter each."""
PAGES = (README, *LANGUAGE, OPERATIONS, *OPERATE, PLUGINS, TESTS, FAULTS, META)
EVERY = tuple(
    page
    for page in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
)
"""All pages of the repository, those of each plugin too."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block. `line` is where it begins; `above` the line of text before it."""

    page: Path
    line: int
    language: str
    text: str
    above: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*pages: Path, language: str | None = None) -> Iterator[Block]:
    """The fenced blocks of some pages (all, when none is given), from top to bottom."""
    for page in pages or PAGES:
        text = page.read_text("utf-8")
        for found in _FENCE.finditer(text):
            if language in (None, found[2]):
                before = text[: found.start()].rstrip().rpartition("\n")[2]
                content = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
                yield Block(page, text.count("\n", 0, found.start()) + 1, found[2], content, before)


def headings(page: Path) -> list[str]:
    """The anchors of a page's headings, from top to bottom, as GitHub makes them; a repeated one stands there twice."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of all table rows below a heading, until the next of its level or above; without the tables' heads."""
    text = page.read_text("utf-8")
    level = len(heading) - len(heading.lstrip("#"))
    below = text[text.index(f"\n{heading}\n") + 2 + level :]
    section = re.split(rf"^#{{2,{level}}} ", below, flags=re.MULTILINE)[0]
    section = re.sub(r"^\|.*\|\n\|[-|]+\|$", "", section, flags=re.MULTILINE)
    return [[cell.strip() for cell in row[1].split("|")] for row in _ROW.finditer(section)]


def names(cell: str) -> list[str]:
    """What stands in code marks in a cell."""
    return _CODE.findall(cell)


def first_names(page: Path, heading: str) -> set[str]:
    """What the first cells of a section's tables name."""
    return {name for row in rows(page, heading) for name in names(row[0])}
