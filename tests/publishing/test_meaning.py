"""What a change of the files means: comments, blanks and the order of keys nothing; the order of tags something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.version import version_of
from tagserver.explain.plan import changes
from tagserver.plugin.registry import Registry

TWO = "tags: [{name: A, destination: x}, {name: B}]\n"
SAME = [
    ("", "# nothing\n"),
    (TWO, "# a comment\n\n" + TWO),
    (TWO, TWO.replace("\n", "\r\n")),
    (TWO, "tags:\n  - name: A\n    destination: x\n  - {name: B}\n"),
    ("a: {b: 1, c: 2}", "a: {c: 2, b: 1}"),
    ("triggers: {t: {event: a}}\ntags: []", "tags: []\ntriggers: {t: {event: a}}"),
    ("triggers: {a: {event: a}, b: {event: b}}", "triggers: {b: {event: b}, a: {event: a}}"),
    ("a: text", "a: 'text'"),
    ("a: null", "a: ~"),
    ("a: &x [1]\nb: *x", "a: [1]\nb: [1]"),
    ("variables: {v: {lookup: x, table: {a: 1, b: 2}}}", "variables: {v: {lookup: x, table: {b: 2, a: 1}}}"),
    ("variables: {v: {regex: x, table: {a: 1}}}", "variables: {v: {table: {a: 1}, regex: x}}"),
    ("transformations: {a: {set: {x: 1}, tags: [A]}}", "transformations: {a: {tags: [A], set: {x: 1}}}"),
]
OTHER = [
    (TWO, "tags: [{name: B}, {name: A, destination: x}]\n"),
    (TWO, "tags: [{name: A, destination: y}, {name: B}]\n"),
    (TWO, TWO + "tags: []\n"),
    (TWO, TWO + "x: [\n"),
    ("tags: [", "tags: [1"),
    ("tags: []", ""),
    ("a: 012", "a: 12"),
    ("a: '1'", "a: 1"),
    ("a: 'true'", "a: true"),
    ("a: ['list', 1]", "a: {list: 1}"),
    ("transformations: {a: {redact: true}, b: {x: 1}}", "transformations: {b: {x: 1}, a: {redact: true}}"),
    ("transformations: {a: {set: {x: 1, y: 2}}}", "transformations: {a: {set: {y: 2, x: 1}}}"),
    ("variables: {v: {regex: x, table: {a: 1, b: 2}}}", "variables: {v: {regex: x, table: {b: 2, a: 1}}}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same(one: str, other: str) -> None:
    assert version_of({"c.yaml": one.encode()}) == version_of({"c.yaml": other.encode()})


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_something_else(one: str, other: str) -> None:
    assert version_of({"c.yaml": one.encode()}) != version_of({"c.yaml": other.encode()})


def test_server_yaml_is_no_part_of_it() -> None:
    assert version_of({"c.yaml": b"tags: []", "server.yaml": b"debug: true"}) == version_of({"c.yaml": b"tags: []"})


def test_in_which_file_it_stands_counts_for_its_order_alone() -> None:
    one = version_of({"c.yaml": b"tags: [{name: A}, {name: B}]\ntriggers: {t: {}, u: {}}"})
    split = {"a.yaml": b"tags: [{name: A}]\ntriggers: {u: {}}", "b.yaml": b"tags: [{name: B}]\ntriggers: {t: {}}"}
    assert version_of(split) == one
    assert version_of({"a.yaml": split["b.yaml"], "b.yaml": split["a.yaml"]}) != one


def test_it_stays_the_same_from_release_to_release() -> None:
    """Else an upgrade would count as an edit, and end rollbacks."""
    assert version_of({"c.yaml": TWO.encode(), "d.yaml": b"variables: {a: {constant: 1.50}}"}) == "ce43b65c919a"


LEAVES = st.sampled_from(["1", "2", "text", "true", "null", "[a, b]", "[b, a]"])


@given(st.lists(st.tuples(st.sampled_from("abc"), LEAVES), max_size=3, unique_by=lambda pair: pair[0]))
def test_what_means_the_same_is_no_change_to_plan(pairs: list[tuple[str, str]]) -> None:
    """`plan` and the version agree."""
    written = [f"{name}: {value}" for name, value in pairs]
    turned = list(reversed(written))
    texts = [
        {"c.yaml": f"triggers: {{{', '.join(lines)}}}\ntags: [{{name: T, x: {{{', '.join(lines)}}}}}]".encode()}
        for lines in (written, turned)
    ]
    assert version_of(texts[0]) == version_of(texts[1])
    assert changes(texts[0], texts[1], Registry.of()) == []
