"""The examples, in files and on the page; a table of what is read how; and the grammar of forms."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_stape import Stape
from tagserver_stape.client import MOST_EVENTS
from tagserver_stape.form import MOST_FIELDS, read_form
from tagserver_stape.query import MOST

from tagserver.plugin.inbound import Note, Refuse, RequestFacts
from tagserver.testing import check_client, load_examples, make_client, run_client_example, with_examples

FOLDER = Path(__file__).parents[1]
EXAMPLES = list(load_examples(FOLDER / "examples"))
CASES = list(load_examples(FOLDER / "tests"))
SOURCES: dict[str, Any] = {"till": {"secret": "key-of-the-till"}}


@pytest.mark.parametrize("case", EXAMPLES + CASES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Stape, case, SOURCES)


def test_it_keeps_the_rules() -> None:
    requests = [case["request"] for case in EXAMPLES + CASES]
    assert check_client(Stape, SOURCES, requests=requests) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/stape` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


def test_without_keys_a_password_of_the_shop_is_none() -> None:
    """A shop that is not open yet asks its visitors for one, and browsers send it along."""
    request = {"path": "/data", "headers": {"authorization": "Basic c2hvcDpzZWNyZXQ="}, "body": {"event": "a"}}
    run_client_example(Stape, {"request": request, "source": "browser"}, {})
    run_client_example(Stape, {"request": request, "refused": {"status": 401, "code": "unknown_key"}}, SOURCES)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"path": "/data", "query": "&".join(f"a{at}=1" for at in range(MOST + 1))}, "bad_query"),
        ({"path": "/data", "text": "&".join(f"a{at}=1" for at in range(MOST_FIELDS + 1))}, "bad_form"),
        ({"path": "/data", "query": "a=" + "x" * 1000, "body": [{}] * 400}, "too_large"),
    ],
    ids=["query", "form", "a long address beneath many events"],
)
def test_too_many_fields(request_: dict[str, Any], code: str) -> None:
    status = 413 if code == "too_large" else 400
    run_client_example(Stape, {"request": request_, "refused": {"status": status, "code": code}}, SOURCES)


def test_a_list_is_read_as_far_as_it_may_be() -> None:
    """One event more tells the host that there are too many."""
    facts = RequestFacts("browser", 0, {}, "", {})
    assert len(make_client(Stape, {}).events(b"[" + b"{}," * 5000 + b"{}]", facts).events) == MOST_EVENTS + 1


def test_a_packed_body_that_does_not_say_so() -> None:
    """Its bytes may hold all signs of a form."""
    with pytest.raises(Refuse) as caught:
        read_form(gzip.compress(b"{}") + b"=&", [])
    assert (caught.value.status, caught.value.code) == (400, "bad_form")


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=1, max_size=6).filter(
    lambda one: not one.isdigit()
)
LEAVES = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
        lambda one: read_form(_one(one), []) == {"a": one}
    ),
)
GROUPS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4), st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


def _one(text: str) -> bytes:
    return b"a=" + quote(text, safe="").encode()


def _written(value: Any, way: tuple[str, ...]) -> list[str]:
    """A value as the fields of a form; a dot of a name is not one between names."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [pair for key, one in items for pair in _written(one, (*way, str(key)))]
    name = ".".join(quote(part, safe="").replace(".", "%2E") for part in way)
    text = (
        {True: "true", False: "false", None: "null"}[value]
        if value is None or value is True or value is False
        else value
    )
    return [f"{name}={quote(str(text), safe='')}"]


@given(st.dictionaries(NAMES, GROUPS, max_size=4))
def test_a_form_holds_what_was_written(data: dict[str, Any]) -> None:
    """Depth, lists, names with dots and every sign, and types."""
    notes: list[Note] = []
    assert read_form("&".join(["", *_written(data, ())]).encode() + b"&", notes) == data
    assert notes == []


@given(st.lists(st.text('ab.019=&%+[]{}"', max_size=12), max_size=30))
def test_any_bytes_are_a_form_or_none(pairs: list[str]) -> None:
    """Nothing else comes out, and what is read of a form never nests deeper than names may."""
    try:
        found = read_form("&".join(pairs).encode(), [])
    except Refuse:
        return
    assert all(isinstance(name, str) for name in found)
