"""Files that mean harm, or that somebody's editor broke: always problems, never an exception, never a long time."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagserver.config.compile import Loaded
from tagserver.config.yaml.folder import LARGEST, read_texts
from tagserver.config.yaml.problems import CODES
from tagserver.config.yaml.report import render
from tagserver.config.yaml.source import DEEPEST, MOST_NODES
from tagserver.plugin.registry import Registry
from tests.examples import examples

from ..events import event
from .rich import EVENTS, RICH, mutated
from .world import ENVIRON, codes, decide, load

BOX = "destinations: {box: {type: box}}\n"
ROOT = Path(__file__).parent.parent.parent
EXAMPLE = {path.name: path.read_text() for path in (ROOT / "config").glob("*.yaml")}


def in_time(files: dict[str, str | bytes], seconds: float = 60.0) -> Loaded:
    """Compile and show: it comes to an end (what hangs or squares takes hours here), and is sound in what it says."""
    began = time.monotonic()
    loaded = load(files)
    texts = {name: text if isinstance(text, str) else text.decode(errors="replace") for name, text in files.items()}
    assert render(loaded.problems, texts, root="config", color=True)
    assert time.monotonic() - began < seconds
    assert set(codes(loaded)) <= set(CODES)
    msgspec.json.encode([problem.as_dict() for problem in loaded.problems])
    return loaded


def bomb(levels: int, width: int) -> str:
    """The billion laughs."""
    rows = ["a0: &a0 [" + ",".join(["x"] * width) + "]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (bomb(12, 10), "E103"),
        (bomb(9, 9), "E103"),
        ("a: &a [x]\nb: [" + ",".join(["*a"] * 300_000) + "]\n", "E103"),
        ("a: &a {k: v}\nb: {" + ",".join(f"k{n}: *a" for n in range(2000)) + "}\n", "E110"),
        ("tags: [" + "[" * DEEPEST + "]" * DEEPEST + "]\n", "E103"),
        ("a: " + "[" * 50_000, "E101"),
        ("a: " + "{a: " * 50_000, "E103"),
        ("- " * 50_000, "E103"),
        ("\n".join(" " * depth + "a:" for depth in range(900)), "E103"),
        ("? " * 5000, "E103"),
        ("&a " * 20 + "x", "E101"),
        ("tags: [" + "x," * (MOST_NODES + 1) + "]\n", "E103"),
        ("# " + "x" * LARGEST, "E104"),
        ("\n" * (LARGEST + 1), "E104"),
        ("tags: &t [*t]\n", "E101"),
        ("tags: &t {a: *t}\n", "E101"),
        ("a: 1e" + "9" * 100_000 + "\n", "E110"),
        ("queue: " + "9" * 100_000 + "\n", "E110"),
        ("tags: " + "9" * 100_000 + "\n", "E111"),
        (b"\xff\xfet\x00a\x00g\x00s\x00:\x00", "E104"),
        (b"\xfe\xff\x00t\x00a\x00g\x00s", "E104"),
        (b"tags: []\n\xc3\x28\n", "E104"),
        (b"tags: []\n\xed\xa0\x80\n", "E104"),
        (b"tags: []\n\xf4\x90\x80\x80\n", "E104"),
        (b"\x80" * 1000, "E104"),
        ("tags: []\n\x00\n", "E101"),
        ("tags: [\x1b[31m]\n", "E101"),
        ("\ttags: []\n", "E101"),
        ("tags:\n\t- name: A\n", "E101"),
        ("tags: []\n---\ntags: []\n", "E103"),
        ("--- {}\n--- {}\n", "E103"),
        ("%YAML 9.9\n---\ntags: []\n", "E101"),
        ("tags: !!python/object/apply:os.system [id]\n", "E103"),
        ("tags: !!python/name:os.system\n", "E103"),
        ("!!python/object/new:tuple [x]\n", "E103"),
        ("tags: !include /etc/passwd\n", "E103"),
        ("tags: !!binary aGVsbG8=\n", "E103"),
        ("tags: !!set {a, b}\n", "E103"),
        ("tags: !<tag:yaml.org,2002:python/none> x\n", "E103"),
        ("%TAG ! tag:evil,2000:\n---\ntags: !a []\n", "E103"),
        ('tags: ["\\ud800"]\n', "E101"),
        ('tags: ["\\UFFFFFFFF"]\n', "E101"),
        ('tags: ["\\q"]\n', "E101"),
        ("tags: []\ntags: []\n", "E102"),
        ("'tags': []\n\"tags\": []\n", "E102"),
        ("tags: []\n? tags\n: []\n", "E102"),
        (BOX + "tags: [{name: A, name: B, destination: box, triggers: [all]}]\n", "E102"),
        (BOX + "tags: [{name: A, destination: box, triggers: [all], parameters: {a: {b: 1, b: 2}}}]\n", "E102"),
        ("? [a]\n: b\n", "E116"),
        ("? {a: b}\n: c\n", "E116"),
        ("<<: {tags: []}\n", "E103"),
        ("x: &x {}\n", "E110"),
        ("a\n", "E111"),
        ("[]\n", "E111"),
        ("42\n", "E111"),
        ('"\n', "E101"),
        ("'", "E101"),
        ("]", "E101"),
        ("*a", "E101"),
        ("a: |9999999\n x", "E101"),
        (":" * 1000, "E110"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refused(text: str | bytes, code: str) -> None:
    """Refused with its code, quickly."""
    loaded = in_time({"container.yaml": text})
    assert code in codes(loaded)
    assert loaded.container is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# nothing\n",
        "---\n",
        "---\n...\n",
        "null\n",
        "~\n",
        "{}",
        "tags:\n",
        "tags: []",
        "tags: []\r\ntriggers: {}\r\n",
        "\ufefftags: []\n",
        "%YAML 1.1\n---\ntags: []\n",
        "triggers: {}\n\n\n\ntags: []\n...\n",
        "variables: {}\ndestinations:\ntriggers:\ntags:\nconsent:\n",
    ],
    ids=repr,
)
def test_empty_and_odd_files_are_taken(text: str) -> None:
    """A file with nothing in it configures nothing."""
    loaded = in_time({"container.yaml": text})
    assert codes(loaded) == []
    assert loaded.container is not None
    assert loaded.container.tags == ()


def test_anchors_and_aliases_are_taken() -> None:
    """Within bounds they mean what they say."""
    text = BOX + "tags:\n  - {name: A, destination: box, triggers: &t [all], parameters: &p {a: [1, &x two], b: *x}}\n"
    text += "  - {name: B, destination: box, triggers: *t, parameters: *p, event_name: other}\n"
    loaded = in_time({"container.yaml": text})
    assert codes(loaded) == []
    assert loaded.container is not None
    bodies = [msgspec.json.decode(decision.body) for decision in decide(loaded.container, event({})).values()]
    assert [(body["a"], body["b"]) for body in bodies] == [([1, "two"], "two")] * 2


def test_a_redefined_anchor_means_its_last_node() -> None:
    """As YAML says."""
    loaded = in_time(
        {
            "container.yaml": BOX
            + "tags: [{name: A, destination: box, triggers: [all], parameters: {a: &x 1, b: *x, c: &x 2, d: *x}}]\n"
        }
    )
    assert loaded.container is not None
    body = msgspec.json.decode(decide(loaded.container, event({}))["A"].body)
    assert body == {"event_id": "e-1", "a": 1, "b": 1, "c": 2, "d": 2}


def test_every_problem_of_every_file_at_once() -> None:
    """One broken file does not hide another's problems."""
    files: dict[str, str | bytes] = {f"{name}.yaml": "tags: [\n" for name in "abc"}
    files |= {"d.yaml": b"\xff", "e.yaml": "zzz: 1\n", "server.yaml": "collect: {max_body: x}\n"}
    found = in_time(files)
    assert sorted({problem.place.file for problem in found.problems}) == sorted(files)


@pytest.mark.parametrize("count", [20, 500])
def test_many_problems(count: int) -> None:
    """All of them are shown."""
    rows = "".join(f"  - {{name: t{n}, destination: nowhere, triggers: [nothing]}}\n" for n in range(count))
    found = in_time({"container.yaml": "tags:\n" + rows})
    assert codes(found).count("E112") == 2 * count


def test_thousands_of_tags_whose_triggers_are_misspelt() -> None:
    """Five thousand names, each like three hundred others: all are named, with hints for those that anybody
    reads. Each comparison costs as much as the rest of a tag."""
    tags = "".join(f"  - {{name: t{n}, destination: box, triggers: [purchas{n}]}}\n" for n in range(5000))
    triggers = "triggers:\n" + "".join(f"  purchase{n}: {{event: e{n}}}\n" for n in range(300))
    found = in_time({"a.yaml": f"{BOX}tags:\n{tags}", "b.yaml": triggers})
    unknown = [problem for problem in found.problems if problem.code == "E112"]
    assert len(unknown) == 5000
    assert unknown[0].hint == 'did you mean "purchase0"?'
    assert unknown[-1].hint == "define it under triggers:"


def test_thousands_of_fields_of_their_own() -> None:
    """Each name is looked at once, whatever number of tags uses it."""
    rest = "destination: box, triggers: [all], parameters: {a: '{{ pagee.x }}'}"
    rows = "".join(f"  - {{name: t{n}, event_name: e{n}, {rest}}}\n" for n in range(3000))
    variables = "variables:\n" + "".join(f"  v{n}: {{path: a}}\n" for n in range(2000))
    found = in_time({"a.yaml": f"{BOX}tags:\n{rows}", "b.yaml": variables})
    assert codes(found).count("W304") == 3000
    assert found.container is not None


def test_a_table_of_misspelt_names_that_many_tags_use() -> None:
    """Each row is named once, and looked at once."""
    rows = ", ".join(f"/{n}: Purchse" for n in range(3000))
    variables = f"variables: {{n: {{lookup: '{{{{ page.path }}}}', table: {{{rows}}}}}}}\n"
    rest = "destination: ads, triggers: [known events], event_name: '{{ n }}'"
    tags = "tags:\n" + "".join(f"  - {{name: t{n}, {rest}}}\n" for n in range(3000))
    found = in_time({"a.yaml": "destinations: {ads: {type: ads}}\n" + variables, "b.yaml": tags})
    assert codes(found) == ["W314"] * 3000


def test_thousands_of_names_that_are_nearly_events() -> None:
    """Each is compared with what is known, in the tests too, as long as anybody reads it."""
    rows = "".join(f"  t{n}: {{event: [purchse, some_evnet_{'x' * (n % 50)}{n}]}}\n" for n in range(3000))
    cases = "".join(f"- {{name: a, event: {{event: some_event_{'x' * (n % 50)}{n}}}}}\n" for n in range(3000))
    found = load({"a.yaml": f"{BOX}triggers:\n{rows}"}, tests={"a.test.yaml": cases})
    assert codes(found).count("W313") >= 3000


def test_a_large_sound_configuration() -> None:
    """A thousand tags over two hundred files."""
    files: dict[str, str | bytes] = {"a.yaml": BOX}
    for number in range(200):
        files[f"team/{number}.yaml"] = f"triggers: {{t{number}: {{event: e{number}}}}}\ntags:\n" + "".join(
            f"  - {{name: n{number}-{one}, destination: box, triggers: [t{number}], event_name: x{one}}}\n"
            for one in range(5)
        )
    loaded = in_time(files)
    assert codes(loaded) == []
    assert loaded.container is not None
    sending = [
        name
        for name, decision in decide(loaded.container, event({"event": "e7"})).items()
        if decision.reason == "fired"
    ]
    assert sending == [f"n7-{one}" for one in range(5)]


def test_which_files_are_read(tmp_path: Path) -> None:
    """Every *.yaml at any depth; no tests, no locks, nothing in dot-folders, nothing that is no file."""
    for name in (
        *("container.yaml", "server.yaml", "a/b/more.yaml", "z.yaml"),
        *("a.test.yaml", "privacy.lock.yaml", ".git/x.yaml", "a/.hidden/y.yaml", ".z.yaml", "readme.md", "old.yaml~"),
        "b.yml",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "nowhere.yaml").symlink_to(tmp_path / "not-there")
    assert list(read_texts(tmp_path)) == ["a/b/more.yaml", "container.yaml", "server.yaml", "z.yaml"]


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """One byte more than the limit, and no more."""
    (tmp_path / "big.yaml").write_bytes(b"#" * (3 * LARGEST))
    assert len(read_texts(tmp_path)["big.yaml"]) == LARGEST + 1


def sound(files: dict[str, str | bytes]) -> None:
    """No exception, whatever the files hold; and what compiles decides events without one."""
    loaded = in_time(files)
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    assert (loaded.container is None) == (loaded.server is None) == bool(errors)
    if loaded.container is not None:
        for pushed in EVENTS:
            decide(loaded.container, event(pushed))


@settings(max_examples=examples(400), deadline=None)
@given(mutated(RICH))
def test_an_edited_container_never_breaks_anything(text: str) -> None:
    """The rich example, edited."""
    sound({"container.yaml": text, "server.yaml": "environment: [ACCOUNT]\n"})


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_the_shipped_configuration_edited(data: st.DataObject) -> None:
    """Both shipped files, edited, under the real plugins."""
    files = {name: data.draw(mutated(text)) for name, text in EXAMPLE.items()}
    registry = Registry.load()
    environ = ENVIRON | {"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "t"}
    loaded = load(files, environ, registry)
    render(loaded.problems, files)
    if loaded.container is not None:
        for pushed in EVENTS:
            decide(loaded.container, event(pushed))


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(0, len(RICH)), st.binary(min_size=1, max_size=6))
def test_edited_bytes(at: int, wild: bytes) -> None:
    """Bytes in the middle of the file."""
    whole = RICH.encode()
    sound({"container.yaml": whole[:at] + wild + whole[at + len(wild) :]})


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(0, len(RICH)))
def test_a_file_cut_off(at: int) -> None:
    """A half-written file, at every point of it."""
    sound({"container.yaml": RICH[:at]})


def test_the_rich_example_is_sound() -> None:
    """Else the tests above would look at refusals alone."""
    loaded = load({"container.yaml": RICH, "server.yaml": "environment: [ACCOUNT]\n"})
    assert codes(loaded) == []
    assert loaded.container is not None
