"""Every problem that a configuration can have, as `check` shows it: the exact text, line, column, caret and hint."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tagserver.config.compile import Loaded
from tagserver.config.yaml.problems import CODES, Place, Problem, Problems
from tagserver.config.yaml.report import render
from tests.fast_yaml import safe_load

from .sentences import Sentence, sentences
from .world import REGISTRY, WITH_A_LOSS, load

CASES: list[dict[str, Any]] = safe_load((Path(__file__).parent / "problems.yaml").read_text("utf-8"))


def contents(case: dict[str, Any]) -> dict[str, bytes]:
    """The files of a case."""
    files: dict[str, str | dict[str, str]] = copy.copy(case["files"])
    return {
        name: text.encode() if isinstance(text, str) else bytes.fromhex(str(text["hex"]))
        for name, text in files.items()
    }


def loaded(case: dict[str, Any]) -> Loaded:
    """What came out of the files of a case."""
    return load(contents(case), registry=WITH_A_LOSS if "plugins" in case else REGISTRY)


def shown(case: dict[str, Any]) -> str:
    """What `check` prints for a case."""
    texts = {name: content.decode(errors="replace") for name, content in contents(case).items()}
    return render(loaded(case).problems, texts, root="config")


def name_of(case: dict[str, Any]) -> str:
    return f"{case.get('code', 'many')}-{case['name']}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_case(case: dict[str, Any]) -> None:
    """Exactly these problems, shown exactly like this."""
    if "has" in case:
        text = shown(case)
        missing = [line for line in case["has"].splitlines() if line.strip() not in text]
        assert not missing, text
    else:
        assert shown(case) + "\n" == case["shown"]


@pytest.mark.parametrize("case", [case for case in CASES if "code" in case], ids=name_of)
def test_the_case_is_about_its_code(case: dict[str, Any]) -> None:
    """And errors leave nothing to serve, while pauses and warnings do."""
    result = loaded(case)
    assert case["code"] in {problem.code for problem in result.problems}
    fatal = any(problem.severity == "error" for problem in result.problems)
    assert (result.container is None) == (result.server is None) == fatal
    assert fatal == case["code"].startswith("E")


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_a_case(code: str) -> None:
    """A new code comes with an example of what it looks like."""
    assert any(case.get("code") == code for case in CASES)


ELSEWHERE = {
    "the file is larger than .* MiB": "test_hostile.py",
    "the file holds more than .* values": "test_hostile.py",
    ".* is not read: it is a link to something that is not there": "test_unread_files.py",
    "this is not YAML": "a text that the library refuses without saying where",
    ".* has .* fields, and may have .*": "test_event_map.py",
    ".* needs the library cryptography": "a library that is not installed",
    ".* needs the library maxminddb": "a library that is not installed",
}
"""Sentences that no small file can bring about."""


SENTENCES = list(sentences())
assert SENTENCES


@pytest.mark.parametrize("sentence", SENTENCES, ids=str)
def test_each_sentence_has_a_case(sentence: Sentence) -> None:
    """Whatever the code can say of a configuration is said in one of the cases: who adds one shows what it looks
    like."""
    if sentence.pattern.replace("\\", "") in ELSEWHERE:
        pytest.skip(ELSEWHERE[sentence.pattern.replace("\\", "")])
    assert any(code == sentence.code and re.fullmatch(sentence.pattern, text, re.DOTALL) for code, text in said())


@cache
def said() -> list[tuple[str, str]]:
    """Code and message of all problems of all cases, also of those that are about syntax alone."""
    syntax = safe_load((Path(__file__).parent / "syntax.yaml").read_text("utf-8"))
    return [(one.get("code", "E101"), one["says"]) for one in syntax] + [
        (problem.code, problem.message) for case in CASES for problem in loaded(case).problems
    ]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_place_is_in_the_file(case: dict[str, Any]) -> None:
    """Line and column count from 1 and lead into the text, or right behind its end."""
    files = contents(case)
    for problem in loaded(case).problems:
        lines = files.get(problem.place.file, b"").decode(errors="replace").split("\n")
        assert 1 <= problem.place.line <= len(lines)
        assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1
        assert problem.place.length >= 1


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_for_machines(case: dict[str, Any]) -> None:
    """The same problems as plain data, each with all its keys."""
    for problem in loaded(case).problems:
        data = problem.as_dict()
        assert list(data) == ["severity", "code", "file", "line", "column", "path", "message", "hint"]
        assert data["severity"] == {"E": "error", "P": "pause", "W": "warning"}[data["code"][0]]
        assert data["message"]


def test_all_codes_are_known() -> None:
    """No file can make a problem whose code is not in the list."""
    assert {problem.code for case in CASES for problem in loaded(case).problems} <= set(CODES)
    assert all(re.fullmatch(r"[EPW]\d{3}", code) for code in CODES)


def test_problems_stand_in_the_order_of_the_files() -> None:
    """By file, line and column, whatever found them."""
    many = next(case for case in CASES if "code" not in case)
    places = [problem.place for problem in loaded(many).problems]
    assert len(places) >= 10
    assert places == sorted(places)


def test_values_of_the_environment_are_never_shown() -> None:
    """A variable's text may be wrong for its field; the message names the field."""
    text = "destinations: {box: {type: box, account: '${env:ACCOUNT}'}}\ntags: []\n"
    files = {"server.yaml": "environment: [ACCOUNT]\n", "container.yaml": text}
    result = load(files, {"ACCOUNT": "s3cr3t-value!"})
    assert [problem.code for problem in result.problems if problem.severity == "error"] == ["E115"]
    assert "s3cr3t" not in render(result.problems, files)


@pytest.mark.parametrize(
    ("name", "word"),
    [("vault", "container.yaml"), ("box", "container.yaml")],
)
def test_a_hint_names_the_place_of_the_first(name: str, word: str) -> None:
    """A doubled name is answered with where the first one stands."""
    files = {
        "container.yaml": f"destinations:\n  {name}: {{type: box}}\ntags: []\n",
        "more.yaml": f"destinations:\n  {name}: {{type: box}}\n",
    }
    doubled = [problem for problem in load(files).problems if problem.code == "E114"]
    assert [problem.hint for problem in doubled] == [f"the first is at {word}:2"]


def problem(code: str, line: int = 1, column: int = 1, length: int = 1, hint: str = "") -> Problem:
    """A problem in `a.yaml`."""
    severity = {"E": "error", "P": "pause", "W": "warning"}[code[0]]
    return Problem(severity, code, Place("a.yaml", line, column, length), "", "it is wrong", hint)  # type: ignore[arg-type]  # (a text of the table)


def test_carets_stay_within_their_line() -> None:
    """A value of several lines is underlined to the end of its first."""
    text = render([problem("E111", column=4, length=999)], {"a.yaml": "a: bcd\n"})
    assert "  | a: bcd\n" not in text
    assert "1 | a: bcd\n  |    ^^^\n" in text


@pytest.mark.parametrize("column", [7, 50])
def test_a_caret_behind_the_line(column: int) -> None:
    """There is always one."""
    text = render([problem("E111", column=column)], {"a.yaml": "a: bcd\n"})
    assert f"  | {' ' * (column - 1)}^\n" in text


@pytest.mark.parametrize("texts", [{}, {"a.yaml": ""}, {"b.yaml": "x\n"}])
def test_a_line_that_cannot_be_shown(texts: dict[str, str]) -> None:
    """A file that is gone or shorter by now: place and hint alone."""
    text = render([problem("E111", line=3, hint="mend it")], texts)
    assert text.startswith("error[E111] it is wrong\n  --> a.yaml:3:1\n  = help: mend it\n\n1 error in 1 file.")


def test_colour_is_for_terminals_only() -> None:
    """The head alone is coloured, and only when asked."""
    found = [problem("E111"), problem("P210"), problem("W301")]
    assert "\x1b" not in render(found, {})
    coloured = render(found, {}, color=True)
    assert coloured.count("\x1b[1;") == 3
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(found, {})


@pytest.mark.parametrize(
    ("found", "summary"),
    [
        (["E111"], "1 error in 1 file."),
        (["E111", "E112"], "2 errors in 1 file."),
        (["W301"], "1 warning in 1 file."),
        (["E111", "P210", "P211", "W301"], "1 error, 1 destination paused, 1 warning in 1 file."),
    ],
)
def test_summary(found: list[str], summary: str) -> None:
    """The last line counts."""
    assert render([problem(code) for code in found], {}).splitlines()[-1] == f"{summary} Nothing was changed."


def test_only_errors_are_fatal() -> None:
    """A pause or a warning is not."""
    problems = Problems()
    problems.add("W301", Place("a.yaml", 1, 1), "", "x")
    problems.add("P210", Place("a.yaml", 1, 1), "", "x")
    assert not problems.fatal
    problems.add("E111", Place("a.yaml", 1, 1), "", "x")
    assert problems.fatal
