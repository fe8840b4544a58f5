"""A plugin's examples in its README."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagserver.testing import with_examples
from tagserver.testing.__main__ import main

README = "# Acme\n\n<!-- examples -->\nold\n<!-- /examples -->\n\nThe end.\n"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Its folder."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "b.yaml").write_text("- name: second\n")
    (tmp_path / "examples" / "a.yaml").write_text("# First.\n- name: first\n\n")
    (tmp_path / "README.md").write_text(README)
    return tmp_path


def test_examples_stand_between_the_marks(plugin: Path) -> None:
    """In the order of their files' names; all else stays."""
    assert with_examples(plugin) == (
        "# Acme\n\n<!-- examples -->\n\n```yaml\n# examples/a.yaml\n# First.\n- name: first\n```\n\n"
        "```yaml\n# examples/b.yaml\n- name: second\n```\n\n<!-- /examples -->\n\nThe end.\n"
    )


def test_they_are_printed_by_a_command(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And printed again they are the same."""
    assert main([str(plugin)]) == 0
    assert capsys.readouterr().out.endswith("README.md: printed 2 files of examples\n")
    assert with_examples(plugin) == (plugin / "README.md").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- examples -->",
        "<!-- /examples -->\n<!-- examples -->",
        README * 2,
        "<!-- examples --><!-- examples --><!-- /examples -->",
    ],
)
def test_marks_that_are_missing_are_said(plugin: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what to write; the file stays as it is."""
    (plugin / "README.md").write_text(text)
    assert main([str(plugin)]) == 2
    assert "<!-- examples -->" in capsys.readouterr().out
    assert (plugin / "README.md").read_text() == text


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence, and no traceback."""
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([]) == 2
    assert "No such file" in capsys.readouterr().out
