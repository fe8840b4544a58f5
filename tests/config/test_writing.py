"""What is written as YAML is read as the same, whatever strangers are called; and it is as people would write it."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.yaml.decode import plain
from tagserver.config.yaml.mistakes import check_quotes
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import parse
from tagserver.config.yaml.writing import LONGEST_KEY, comment, written

ODD = (
    *("", " ", "no", "true", "~", "null", "012", "1e3", "0x1f", ".5", "- a", "a: b", "a #b", "#", "'", '"', "\\", "&a"),
    *("*a", "!a", "%a", "@a", "`a", "|", ">", "{{ a }}", "${env:A}", "[a]", "a,b", "---", "...", "\x85", "\u2028"),
    *("\ufeff", "\x00", "a\nb", "a ", "“a”", "a\u00adb", "=", "<<", "2026-01-01", "é", "\U0001f600", "x" * 2000),
)
TEXTS = st.text() | st.sampled_from(ODD)
KEYS = TEXTS.map(lambda text: unicodedata.normalize("NFC", text)).filter(lambda text: text != "<<")
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> Any:
    """What the strict reader makes of a file, which finds nothing to say of it."""
    problems = Problems()
    tree = parse(text.encode(), "a.test.yaml", problems)
    check_quotes(tree, problems)
    assert [str(one) for one in problems.sorted()] == []
    assert tree is not None
    return plain(tree)


def sound(value: Any) -> Any:
    """The value without halves of surrogate pairs, which no file can hold."""
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(sign) <= 0xDFFF else sign for sign in value)
    if isinstance(value, dict):
        return {sound(key): sound(held) for key, held in value.items()}
    return [sound(one) for one in value] if isinstance(value, list) else value


@given(DATA)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert read(written(value)) == sound(value)


@given(st.text(), DATA)
def test_a_comment_says_nothing(text: str, value: Any) -> None:
    assert comment(text).count("\n") == 1
    assert read(comment(text) + written([value])) == [sound(value)]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan], ids=str)
def test_what_json_has_not_is_a_text(value: float) -> None:
    assert read(written({"a": value})) == {"a": str(value)}


def test_a_key_may_be_long() -> None:
    long = "k" * (LONGEST_KEY + 1)
    value = {long: "a", "b": {long + " ": {"c": [1, {"d": 2}]}}}
    assert read(written(value)) == value


def test_it_looks_as_people_write_it() -> None:
    value = [
        {
            "name": "a purchase",
            "event": {"event": "purchase", "items": [{"item_id": "A", "price": 7.5}], "page": {}, "note": "it: is"},
            "expect": {"send": ["Meta purchase", "GA4"], "skip": {"Meta lead": "no_trigger"}},
        }
    ]
    assert written(value) == (
        "- name: a purchase\n"
        "  event:\n"
        "    event: purchase\n"
        "    items:\n"
        "      - item_id: A\n"
        "        price: 7.5\n"
        "    page: {}\n"
        '    note: "it: is"\n'
        "  expect:\n"
        "    send: [Meta purchase, GA4]\n"
        "    skip:\n"
        "      Meta lead: no_trigger\n"
    )
