"""What `check` says of a text that is no YAML: the place of the mistake, its cause and its fix, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.yaml.inline import Fault
from tagserver.config.yaml.problems import Problem, Problems
from tagserver.config.yaml.source import parse
from tagserver.config.yaml.syntax import Lines
from tests.fast_yaml import safe_load

ROOT = Path(__file__).parents[2]
CASES: list[dict[str, Any]] = safe_load((Path(__file__).parent / "syntax.yaml").read_text("utf-8"))
LIBRARY = re.compile(
    r"\b(block|flow|scalar|mapping|sequence|anchor|alias|node|stream|token|indicator|collection|document|scann|pars)",
    re.IGNORECASE,
)
"""Words of those who write YAML libraries."""

SOUND = """\
# What a shop has.
destinations:
  meta:
    type: meta_capi
    pixel_id: "${env:META_PIXEL_ID}"   # ours

variables:
  page type: {lookup: "{{ page.path }}", table: {/: home, "/cart": cart}}
  price:
    path: ecommerce.value
    notes: 'It''s net'

triggers:
  buy: {event: [purchase, order], when: {page.path: {matches: "^/(thanks|danke)"}}}

tags:
  - name: Meta
    destination: meta
    triggers:
      - buy
    parameters: {type: "{{ page type }}", value: "{{ price }}"}

  - name: Other
    destination: meta
    triggers: [buy]
    notes: |
      Any text: "even this
      - one
    paused: true
"""


def said(text: str) -> list[Problem]:
    """What is wrong with a text."""
    problems = Problems()
    parse(text.encode(), "a.yaml", problems)
    return list(problems.sorted())


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["text"]).strip()[:50])
def test_case(case: dict[str, Any]) -> None:
    """One problem, at the mistake."""
    (found,) = said(case["text"])
    assert found.code == case.get("code", "E101")
    assert (f"{found.place.line}:{found.place.column}", found.message, found.hint) == (
        case["at"],
        case["says"],
        case["help"],
    )


def edits() -> Iterator[tuple[str, int, str]]:
    """Slips of the hand: kind, line (from 1) and what becomes of the sound text."""
    for at, sign in enumerate(SOUND):
        line = SOUND.count("\n", 0, at) + 1
        if sign in "\"'{}[]:,- ":
            yield f"without {sign}", line, SOUND[:at] + SOUND[at + 1 :]
    for found in re.finditer(r"(?<=[:\[{,-] )(?=\S)", SOUND):
        line = SOUND.count("\n", 0, found.start()) + 1
        for sign in "\"'{}[]*@%`\t:&!|>?,":
            yield f"with {sign}", line, SOUND[: found.start()] + sign + SOUND[found.start() :]
    lines = SOUND.split("\n")
    for number, line in enumerate(lines):
        for changed in (" " + line, "  " + line, line[1:], line[2:], "\t" + line.lstrip()):
            yield "indented otherwise", number + 1, "\n".join([*lines[:number], changed, *lines[number + 1 :]])


def test_a_slip_of_the_hand_is_named_where_it_is() -> None:
    """Whatever single sign is left out or put in: no word of the library, and a line at or near the slip."""
    far: list[tuple[str, int, int]] = []
    number = 0
    for kind, line, text in edits():
        for one in said(text):
            number += 1
            assert not LIBRARY.search(one.message + one.hint), (kind, text, one)
            assert not one.message.startswith("this does not fit"), (kind, line, text)
            if abs(one.place.line - line) > 1:
                far.append((kind, line, one.place.line))
    assert number > 500
    # Only an indentation may show further down: the lines below it are many, and it is one.
    assert len(far) < number / 50
    assert {kind for kind, _, _ in far} <= {"without  ", "indented otherwise"}
    assert all(0 < there - line < 8 for _, line, there in far)


@given(st.data())
def test_many_slips_are_told_without_a_traceback(data: st.DataObject) -> None:
    """Some text, broken anywhere, and often."""
    text = SOUND
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(at, min(at + 5, len(text))))
        text = text[:at] + data.draw(st.text("\"'{}[]:,-# \t\n*&!|>%@`?\\aé\x07\u2028", max_size=3)) + text[end:]
    for one in said(text):
        assert not LIBRARY.search(one.message.replace(repr(text), "") + one.hint)
        assert 1 <= one.place.line <= len(text.splitlines()) + 1


def sound_texts() -> Iterator[str]:
    """All YAML of this project."""
    for path in sorted(ROOT.glob("[!.]*/**/*.yaml")):
        yield path.read_text("utf-8")
    for path in sorted(ROOT.glob("[!.]*/**/*.md")):
        yield from re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def test_nothing_is_found_in_what_is_sound() -> None:
    """The reading that explains mistakes agrees with the library on what is none."""
    number = 0
    for text in sound_texts():
        lines = text.splitlines()
        try:
            Lines(lines).read(len(lines))
        except Fault as fault:
            pytest.fail(f"{fault.message}: {lines[fault.line]}")
        number += 1
    assert number > 100
