"""What once went wrong with configurations, and must not again."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import msgspec
import pytest

from tagserver.config.yaml.report import render
from tagserver.event.values import js_number, js_text
from tagserver.explain.try_ import BadQuestion, try_event

from ..cli.conftest import Shop, shop
from ..events import NOW, event
from ..explain.world import CONTAINER, REGISTRY, SECRETS, SERVER
from ..server.conftest import TOKEN, Running, Start, server, start
from .world import codes, decide, load

__all__ = ["Start", "server", "shop", "start"]

BOX = "destinations: {box: {type: box}}\n"


def shown(files: dict[str, str]) -> str:
    """What `check` prints."""
    return render(load(dict(files)).problems, files, root="config")


@pytest.mark.parametrize(
    "files",
    [
        {"container.yaml": "destinations: {vault: {type: vault, token: EAAB-very-secret}}\ntags: []\n"},
        {"container.yaml": "destinations:\n  vault:\n    type: vault\n    token: EAAB-very-secret\ntags: []\n"},
        {"server.yaml": "collect: {keys: {a: {secret: EAAB-very-secret}}}\n", "container.yaml": "tags: []\n"},
    ],
)
def test_a_literal_secret_is_not_repeated(files: dict[str, str]) -> None:
    """`check` runs in pipelines whose logs everybody reads: place and hint, without the line (promise 4)."""
    text = shown(files)
    assert "error[E201]" in text
    assert "EAAB-very-secret" not in text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("triggers:\n\tpurchase: {event: purchase}\n", "indent with spaces, not tabs"),
        ("triggers:\n  a:\n\t  event: purchase\n", "indent with spaces, not tabs"),
        ("triggers: {purchase: {event: %s}}\n", "put the text in quotes"),
        ("triggers: {purchase: {event: @s}}\n", "put the text in quotes"),
        ("triggers: {purchase: {event: `s`}}\n", "put the text in quotes"),
    ],
)
def test_syntax_hints(text: str, hint: str) -> None:
    """The sign is named, and how to write it."""
    assert f"= help: {hint}" in shown({"container.yaml": text})


def test_the_line_of_a_control_character() -> None:
    """libyaml counts bytes, the text counts characters: after an umlaut the line is wrong."""
    (problem,) = load({"container.yaml": "# äöüäöüäöü\ntags: []\n# \x07\n# end\n# of\n# file\n"}).problems
    assert (problem.code, problem.place.line) == ("E101", 3)


@pytest.mark.parametrize(
    "text",
    [
        BOX + "tags: [{name: A, destination: box, triggers: [all], parameters: {<<: {a: 1}, b: 2}}]\n",
        BOX + "tags: [{name: A, destination: box, triggers: [all], parameters: {x: {<<: {a: 1}}}}]\n",
    ],
)
def test_a_merge_key_is_refused(text: str) -> None:
    """It is not taken (source.py says so), yet in a free map it silently becomes a parameter called `<<`."""
    assert load({"container.yaml": text}).container is None


def compiling(text: str) -> int:
    """Calls of functions that compiling and showing a file take."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        render(load({"container.yaml": text}).problems, {"container.yaml": text})
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    ("head", "row"),
    [("", "k{}: 1\n"), ("variables:\n", "  v{}: {{path: a}}\n")],
    ids=["unknown roots", "variables"],
)
def test_the_work_grows_with_the_file_and_not_with_its_square(head: str, row: str) -> None:
    """Four times the keys are about four times the work. A reload stops all events."""
    few, many = (compiling(head + "".join(row.format(number) for number in range(keys))) for keys in (1_000, 4_000))
    assert many < 5 * few


def chain(length: int) -> str:
    """Variables that each refer to the next."""
    rows = [f'  v{number}: {{template: "{{{{ v{number + 1} }}}}", default: x}}' for number in range(length)]
    return (
        BOX
        + "variables:\n"
        + "\n".join([*rows, f"  v{length}: {{constant: 1}}"])
        + "\ntriggers: {it: {when: {v0: 1}}}\ntags: [{name: A, destination: box, triggers: [it]}]\n"
    )


@pytest.mark.parametrize("length", [600, 1500])
def test_a_long_chain_of_variables(length: int) -> None:
    """A value, or a problem; today compiling breaks at a thousand, and every event at a few hundred."""
    loaded = load({"container.yaml": chain(length)})
    if loaded.container is None:
        assert codes(loaded)
        return
    assert decide(loaded.container, event({}))["A"].decision == "send"


@pytest.mark.parametrize("where", ["parameters", "constant"])
def test_aliases_do_not_make_it_deeper(where: str) -> None:
    """Each value nests 31 deep, but each holds the one before: sixty of them break the stack."""
    rows = "\n".join(
        f"    - &a{number} {'[' * 30}{f'*a{number - 1}' if number else 'x'}{']' * 30}" for number in range(60)
    )
    parameters = "tags:\n- name: A\n  destination: box\n  triggers: [all]\n  parameters:\n    list:\n" + rows + "\n"
    constant = "variables:\n  v:\n    constant:\n" + rows + "\ntags: []\n"
    loaded = load({"container.yaml": BOX + (parameters if where == "parameters" else constant)})
    assert "E103" in codes(loaded)


@pytest.mark.parametrize("source", [["a"], {}, {"a": 1}, [[]]])
def test_a_source_that_is_no_text(source: object) -> None:
    """`try` and `/-/try.json` end with a traceback and a 500."""
    made = load({"server.yaml": SERVER, "container.yaml": CONTAINER}, SECRETS, REGISTRY)
    assert made.container is not None
    assert made.server is not None
    with pytest.raises(BadQuestion, match="source"):
        try_event(made.container, made.server, {"event": {"event": "x"}, "source": source}, NOW)


async def test_a_source_that_is_no_text_by_http(server: Running) -> None:
    """A problem, not a broken connection."""
    answer = await server.http.post(
        "/-/try.json",
        json={"event": {"event": "x"}, "source": ["a"]},
        headers={"authorization": f"Bearer {TOKEN}"},
    )
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["code"] == "bad_trial"


def test_a_request_that_cannot_be_made() -> None:
    """The contract: method, url, headers, body and content, or null. A plugin that fails there is a plugin_error."""
    made = load({"server.yaml": SERVER, "container.yaml": CONTAINER}, SECRETS, REGISTRY)
    assert made.container is not None
    assert made.server is not None
    asked: dict[str, Any] = {"event": {"event": "purchase", "event_id": "e", "value": 5}}
    answer = try_event(made.container, made.server, asked, NOW)
    (mute,) = [tag for tag in answer["tags"] if tag["tag"] == "Mute"]
    assert (mute["decision"], mute["reason"], mute["request"]) == ("error", "plugin_error", None)


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["serve", "--port", "0", "--data", "config/server.yaml"]])
def test_a_data_folder_that_is_a_file(shop: Shop, words: list[str]) -> None:
    """Exit 1 and one sentence; no traceback (the fixture looks for one)."""
    (shop.folder / "data").write_text("")
    done = shop(*words)
    assert done.code == 1
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "status"),
    [({"token": TOKEN}, 303), ({"token": f" {TOKEN} "}, 303), ({"token": "wrong"}, 401), ({}, 401), ({"a": "b"}, 401)],
)
async def test_the_login_form(server: Running, given: dict[str, str], status: int) -> None:
    """Starlette reads forms with python-multipart, which is not among the dependencies: every login is a 500."""
    answer = await server.http.post("/-/login", data=given)
    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) == (status == 303)


async def test_a_login_that_is_no_form(server: Running) -> None:
    """Refused like a wrong token, and never kept in memory without bound."""
    answer = await server.http.post("/-/login", content=b"\xff" * 100_000)
    assert answer.status_code in (400, 401, 413)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345678901234567890.0, "12345678901234567000"),
        (1.2345678901234567e20, "123456789012345670000"),
        (2.0**70, "1.1805916207174113e+21"),
        (-9007199254740993.0 * 1000, "-9007199254740992000"),
    ],
)
def test_large_floats_as_a_browser_writes_them(value: float, text: str) -> None:
    """The shortest digits and then zeros, up to 21 digits (ECMA-262, Number::toString)."""
    assert js_text(value) == text


@pytest.mark.parametrize(("text", "number"), [("\ufeff12", 12), ("12\ufeff", 12), (" \u00a012\n", 12)])
def test_a_byte_order_mark_is_white_space(text: str, number: int) -> None:
    """To JavaScript it is (ECMA-262, StrWhiteSpace); exports from spreadsheets begin with one."""
    assert js_number(text) == number


def test_what_is_no_white_space_to_a_browser() -> None:
    """Python strips the separators 0x1C to 0x1F and 0x85; JavaScript does not, and the text is no number."""
    for blank in "\x1c\x1d\x1e\x1f\x85":
        assert js_number(f"{blank}12") != 12


def test_a_missing_secret_of_a_source_pauses_no_destination() -> None:
    """There is none: its key does not work until the variable is there."""
    text = shown(
        {"server.yaml": 'collect: {keys: {a: {secret: "${env:NO}"}}}\n', "container.yaml": "tags: []\n"},
    )
    assert "P210" in text
    assert "destination" not in text


def test_the_hint_for_a_file_reference() -> None:
    """A file cannot be listed under `environment:`; following today's hint is the next problem."""
    text = shown({"container.yaml": "destinations: {box: {type: box, account: '${file:/run/account}'}}\ntags: []\n"})
    assert "E202" in text
    assert "list /run/account under environment" not in text


def test_no_hint_without_words() -> None:
    """`known are` with nothing behind it."""
    assert "known are \n" not in shown({"container.yaml": "tags:\n  - {name: A, triggers: [all]}\n"})


def test_a_file_that_cannot_be_read_hides_no_names() -> None:
    """While b.yaml is broken nobody knows what it defines: tags that use it are not to blame."""
    found = load(
        {
            "a.yaml": BOX
            + "tags: [{name: A, destination: box, triggers: [buy], parameters: {p: '{{ page kind }}'}}]\n",
            "b.yaml": "triggers: {buy: {event: purchase}}\nvariables: {page kind: {constant: 1}\n",
        }
    )
    assert codes(found) == ["E101"]


@pytest.mark.parametrize("name", ["install-key", "admin-token", "last-good.json", "address", "a\\0b", ".."])
def test_the_queue_may_not_take_another_file(name: str) -> None:
    """`sqlite:install-key` would put the queue where the installation's key lies."""
    found = load({"server.yaml": f'queue: {{url: "sqlite:{name}"}}\n', "container.yaml": "tags: []\n"})
    assert "E115" in codes(found)


def test_two_keys_of_one_secret() -> None:
    """The last one silently takes the other's events, and gives them the consent of its contract."""
    text = (
        "collect:\n  keys:\n    backend: {secret: '${env:TOKEN}'}\n"
        "    crm: {secret: '${env:TOKEN}', consent: {ad_storage: granted}, basis: contract}\n"
    )
    assert load({"server.yaml": text, "container.yaml": "tags: []\n"}).server is None


def test_infinity_is_no_json() -> None:
    """A number beyond any float reaches the vendor as null, which nobody wrote."""
    text = BOX + "tags: [{name: A, destination: box, triggers: [all], parameters: {a: 1e999}}]\n"
    loaded = load({"container.yaml": text})
    if loaded.container is not None:
        body = msgspec.json.decode(decide(loaded.container, event({}))["A"].body)
        assert body.get("a", "left out") is not None
