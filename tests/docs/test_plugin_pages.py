"""The pages of the first-party plugins: their examples are printed in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagserver.testing import with_examples

from .pages import ROOT

FOLDERS = sorted(readme.parent for readme in (ROOT / "plugins").glob("*/README.md"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_examples_are_printed(folder: Path) -> None:
    """As they are run; `python -m tagserver.testing FOLDER` prints them again."""
    assert list((folder / "examples").glob("*.yaml"))
    assert with_examples(folder) == (folder / "README.md").read_text("utf-8")
