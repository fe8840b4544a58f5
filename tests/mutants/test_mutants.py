"""The command that makes mutants: its table is sound, its choice the same everywhere, and it tells who noticed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ends_with_parent

from .command import ROOT, TABLE
from .operators import changes
from .table import Wrong, read, units


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as it forks and wants to be the first to import what is tested."""
    command = [sys.executable, "-m", "tests.mutants.command", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=ends_with_parent(), timeout=120)


def test_the_core_has_its_mutants() -> None:
    """Each can be compiled and differs; none is made twice."""
    made = read(TABLE, ROOT).chosen
    assert len(made) >= 90
    assert len({str(one) for one in made}) == len(made)
    for one in made:
        compile(one.tree(), str(one.path), "exec")
        assert one.was != one.now


def test_the_choice_is_the_same_in_every_process() -> None:
    listed = run("--list").stdout.splitlines()
    assert listed == [f"{one}: {one.was} → {one.now}" for one in read(TABLE, ROOT).chosen]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a == b", {"a != b"}),
        ("a in b", {"a not in b"}),
        ("any(a)", {"all(a)"}),
        ("max(a, b)", {"min(a, b)"}),
        ("a and b", {"a or b"}),
        ("a | b", {"a & b"}),
        ("not a", {"a"}),
        ("a if b else c", {"not b"}),
        ("[a for a in b if c]", {"not c"}),
        ("f(1)", {"2", "0"}),
        ("f(4096)", {"8192"}),
        ("f(True)", {"False"}),
        ("'text'", set()),
    ],
)
def test_what_is_changed_in_an_expression(source: str, expected: set[str]) -> None:
    assert _changed(f"def f(a, b, c):\n    return {source}\n") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(a=1, *, b=True): return a\n", {"2", "0", "False"}),
        ("def f():\n    g()\n    return 1\n", {"pass", "2", "0"}),
        ("def f():\n    'what it does'\n    x: int = g()\n    return x\n", set()),
        ("def f(a):\n    if a:\n        return b\n    raise a\n", {"not a", "pass"}),
        ("def f(a):\n    assert a > 1\n    a.b += 1\n", {"pass", "2", "0"}),
        ("LIMIT: int = 4\n", {"5", "3"}),
        ("class C:\n    closed: bool = False\n", {"True"}),
    ],
)
def test_what_is_changed_in_a_function(source: str, expected: set[str]) -> None:
    assert _changed(source) == expected


def _changed(source: str) -> set[str]:
    return {change.now for _, unit in units(ast.parse(source)) for change in changes(unit)}


SHOP = """
def is_free(value):
    return value >= 50
"""
TESTS = """
from shop.cart import is_free


def test_free():
    assert is_free(60)
    assert not is_free(49)
"""
TABLE_OF_THE_SHOP = "groups: [{name: all, modules: [{shop.cart: 1}, {shop.cart: 1}], tests: [test_cart.py]}]\n"
LISTED = """equivalent:
  - {unit: is_free, was: value >= 50, now: value > 50, why: nobody buys for 50}
  - {unit: is_free, was: value < 50, now: value <= 50, why: it was so once}
"""


def shop(folder: Path, tests: str = TESTS, table: str = TABLE_OF_THE_SHOP) -> list[object]:
    """A package with its tests and its table: the words for the command."""
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "cart.py").write_text(SHOP)
    (folder / "test_cart.py").write_text(tests)
    (folder / "table.yaml").write_text(table)
    return ["--root", folder, "--table", folder / "table.yaml"]


def test_a_fault_that_no_test_notices_survives(tmp_path: Path) -> None:
    """Nobody asks at 50 itself; that 50 is not 100 somebody does. The working tree stays as it was."""
    result = run(*shop(tmp_path))
    assert result.returncode == 1, result.stderr
    assert "2 mutants: 1 killed (0 by a time limit), 0 known to change nothing, 1 survived" in result.stdout
    assert "shop.cart:is_free constant 1" in result.stdout
    assert "test_cart.py::test_free" in result.stdout
    assert "-    return value >= 50\n+    return value > 50" in result.stdout
    assert (tmp_path / "shop" / "cart.py").read_text() == SHOP


def test_one_that_is_listed_is_no_fault_and_a_list_may_not_grow_old(tmp_path: Path) -> None:
    result = run(*shop(tmp_path, table=TABLE_OF_THE_SHOP + LISTED))
    assert "1 killed (0 by a time limit), 1 known to change nothing, 0 survived" in result.stdout
    assert "listed as equivalent, and not made any more: is_free: value < 50" in result.stdout
    assert "value >= 50 → value > 50" not in result.stdout
    assert result.returncode == 1


def test_one_that_hangs_is_killed(tmp_path: Path) -> None:
    hangs = "\n\ndef test_end():\n    while not is_free(50):\n        pass\n"
    result = run(*shop(tmp_path, TESTS + hangs), "--patience", "2")
    (line,) = (line for line in result.stdout.splitlines() if "is_free compare 1 " in line)
    assert line.startswith("killed ")
    assert line.endswith(" a time limit")
    assert result.returncode == 0, result.stdout + result.stderr


def test_tests_that_fail_by_themselves_are_no_judges(tmp_path: Path) -> None:
    result = run(*shop(tmp_path, TESTS + "    assert is_free(1)\n"))
    assert (result.returncode, "test_free fails without any change" in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("shop.cart", "shop.basket", "there is no module shop.basket"),
        ("test_cart.py", "test_basket.py", "there is no test_basket.py"),
        ("{shop.cart: 1}, ", "{shop.cart: 2}, ", "3 mutants are wanted where there are 2"),
    ],
)
def test_a_table_that_says_what_is_not_so_is_an_error(tmp_path: Path, was: str, now: str, says: str) -> None:
    shop(tmp_path, table=TABLE_OF_THE_SHOP.replace(was, now))
    with pytest.raises(Wrong, match=says):
        read(tmp_path / "table.yaml", tmp_path)
