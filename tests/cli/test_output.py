"""What commands print of strangers' text: it neither moves the cursor nor makes lines of its own."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import tagserver.cli
from tagserver.cli import main
from tagserver.system.text import printable, printable_json

HOSTILE = "a\x1b]0;title\x07\r\nb\x9b31m\u2028\u202ec"
SAFE = "a\\x1b]0;title\\x07\\r\\nb\\x9b31m\\u2028\\u202ec"


@pytest.mark.parametrize(
    "text", ["", "plain", "Käse 🧀 チーズ", "نام\u200cخانوادگی", "👩\u200d💻", "a → b ✔", "a\\nb", "a\xa0b"]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Letters of any script, joiners and signs are no danger."""
    assert printable(text) == text
    assert json.loads(printable_json(text)) == text


def test_what_moves_hides_or_turns_text_is_written_out() -> None:
    assert printable(HOSTILE) == SAFE


def test_json_is_safe_to_show_and_the_same_to_machines() -> None:
    for indent in (None, 2):
        shown = printable_json({HOSTILE: [HOSTILE]}, indent=indent)
        assert all(line.isprintable() for line in shown.split("\n"))
        assert json.loads(shown) == {HOSTILE: [HOSTILE]}


def test_all_that_commands_print_comes_through_one_place() -> None:
    """Nobody calls click's own `echo`, or `print`."""
    for path in Path(tagserver.cli.__file__).parent.glob("*.py"):
        called = {
            ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        }
        assert path.name == "terminal.py" or called.isdisjoint({"click.echo", "click.secho", "print"}), path


CONTAINER = """
destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:TOKEN}"}}
triggers: {t: {when: {user_id: u-1}}, n: {when: {event_id: x}}}
tags:
  - {name: one, destination: meta, triggers: [t], parameters: {id: "{{ event_id }}"}}
  - {name: two, destination: meta, triggers: [n]}
"""


@pytest.mark.parametrize("options", [[], ["--request"], ["--json"]])
def test_try_prints_no_control_characters(options: list[str], tmp_path: Path) -> None:
    """In ids, in operands of conditions, in what is left out, in the request."""
    event = {"event": "purchase", "event_id": HOSTILE, "user_id": "u-1", "value": 5, "currency": "EUR"}
    granted = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization"), "granted")
    event |= {"consent": granted, "click": {HOSTILE: []}, "page": {"location": HOSTILE}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "container.yaml").write_text(CONTAINER)
    asked = ["try", str(tmp_path / "event.json"), "--config", str(tmp_path), *options]
    done = CliRunner().invoke(main, asked, env={"TOKEN": "token"})
    assert done.exit_code == 0, done.output
    assert ("one" in done.output, SAFE in done.output) == (True, options != ["--json"])
    assert all(line.isprintable() for line in done.output.split("\n"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('destinations: {"a\\x1b[31m\\nb": {type: "x\u202ey"}}\ntags: 7\n', '"x\\u202ey"'),
        ("tags: 7\u009b\n", "tags: 7\\x9b"),
        ('tags: [{name: "a\\x1b[31m\\nb", destination: c, triggers: [all]}]', "a\\x1b[31m\\nb"),
    ],
)
def test_check_prints_no_control_characters_of_a_file(text: str, shown: str, tmp_path: Path) -> None:
    """In names, in the line that is shown, and in hints."""
    (tmp_path / "container.yaml").write_text(text)
    done = CliRunner().invoke(main, ["check", "--config", str(tmp_path)])
    assert shown in done.output
    assert all(line.isprintable() for line in done.output.split("\n"))
