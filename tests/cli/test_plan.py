"""`tagserver plan`: a change in its words, and in what would be sent."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tagserver.cli import main
from tagserver.config.version import version_of
from tagserver.explain.differences import differences
from tagserver.explain.plan import changes
from tagserver.plugin.registry import Registry
from tagserver.publishing.store import Back, Store, Version

ENVIRON = {"META_ACCESS_TOKEN": "a-secret-token"}
BEFORE = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}
triggers:
  purchase: {event: purchase}
  gone: {event: x}
tags:
  - {name: Purchase, destination: meta, triggers: [purchase, gone], parameters: {shop: berlin}}
"""
AFTER = """
# the same, but for a condition, a parameter and a tag
triggers:
  purchase: {event: purchase, when: {value: {greater_than: 10}}}
destinations:
  meta: {access_token: "${env:META_ACCESS_TOKEN}", type: meta_capi, pixel_id: "1"}
tags:
  - {name: Purchase, destination: meta, triggers: [purchase], parameters: {shop: hamburg}}
  - {name: Lead, destination: meta, triggers: [all], event_name: Lead}
"""
CONSENT = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


def purchase(event_id: str, value: float) -> dict[str, Any]:
    return {
        "event": "purchase",
        "event_id": event_id,
        "user_id": "u",
        "value": value,
        "currency": "EUR",
        "consent": CONSENT,
    }


def folder(path: Path, text: str) -> Path:
    """A configuration folder with one file."""
    path.mkdir(exist_ok=True)
    (path / "container.yaml").write_text(text)
    return path


def plan(config: Path, *words: str) -> Result:
    """The command."""
    return CliRunner().invoke(main, ["plan", "--config", str(config), *words], env=ENVIRON, catch_exceptions=False)


def test_changes_in_words(tmp_path: Path) -> None:
    result = plan(folder(tmp_path / "new", AFTER), "--against", str(folder(tmp_path / "old", BEFORE)))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "~ trigger purchase",
        '    + when: {"value": {"greater_than": 10}}',
        "- trigger gone",
        "~ tag Purchase",
        '    - triggers.1: "gone"',
        '    ~ parameters.shop: "berlin" → "hamburg"',
        "+ tag Lead",
    ]


def test_the_same_in_another_order_is_the_same(tmp_path: Path) -> None:
    turned = "\n".join(["# turned", *reversed(BEFORE.strip().split("\n"))])
    same = "tags: [{triggers: [purchase, gone], name: Purchase, parameters: {shop: berlin}, destination: meta}]\n"
    rest = BEFORE[: BEFORE.index("tags:")]
    result = plan(folder(tmp_path / "new", same + rest), "--against", str(folder(tmp_path / "old", BEFORE)))
    assert turned
    assert result.output == "The configuration is the same.\n"


def test_what_changes_for_each_event(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = [purchase("small", 5), {"event": purchase("large", 50), "source": "browser"}]
    events.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    words = ["--against", str(folder(tmp_path / "old", BEFORE)), "--events", str(events)]
    said = json.loads(plan(folder(tmp_path / "new", AFTER), *words, "--json").output)
    found = {(one["event_id"], one["tag"]): one for one in said["effects"]}
    small, large = found["small", "Purchase"], found["large", "Purchase"]
    assert (small["before"], small["after"]) == ("send", "skip")
    assert {field["sign"] for field in small["fields"]} == {"-"}
    (field,) = large["fields"]
    assert field == {"path": "body.data.0.custom_data.shop", "sign": "~", "before": "berlin", "after": "hamburg"}
    assert (found["large", "Lead"]["before"], found["large", "Lead"]["after"]) == ("no such tag", "send")
    text = plan(folder(tmp_path / "new", AFTER), *words).output
    assert "Purchase: 1 fewer, 1 different of 2 events" in text
    assert "### Effect on 2 events" in plan(folder(tmp_path / "new", AFTER), *words, "--markdown").output
    assert "a-secret-token" not in text


def publish(data: Path, number: int, text: str) -> None:
    """A version of one file, which serves from then on."""
    data.mkdir(exist_ok=True)
    texts = {"container.yaml": text.encode()}
    Store(data).publish(Version(number=number, version=version_of(texts), published=number), texts)


def test_against_what_serves_and_against_a_version(tmp_path: Path) -> None:
    """It is said with which one; server.yaml is no part of it."""
    data, new = tmp_path / "data", folder(tmp_path / "new", AFTER)
    (new / "server.yaml").write_text("debug: true\n")
    publish(data, 1, BEFORE)
    publish(data, 2, AFTER)
    serves = plan(new, "--data", str(data)).output.splitlines()
    version = version_of({"c.yaml": AFTER.encode()})
    assert serves == [
        f"Compared with version 2, which serves (container {version}):",
        "The configuration is the same.",
    ]
    first = plan(new, "--data", str(data), "--against", "1").output
    assert first.startswith("Compared with version 1 (container ")
    assert "+ tag Lead" in first
    assert "server" not in first
    shown = json.loads(plan(new, "--data", str(data), "--json").output)
    assert shown["against"] == {"number": 2, "version": version, "serves": True}
    assert plan(new, "--data", str(data), "--against", "7").exit_code == 1
    assert plan(new, "--data", str(tmp_path / "none")).exit_code == 1


def test_after_a_rollback_it_compares_with_what_serves(tmp_path: Path) -> None:
    data, new = tmp_path / "data", folder(tmp_path / "new", AFTER)
    publish(data, 1, BEFORE)
    publish(data, 2, AFTER)
    Store(data).go_back(1, Back(instead_of={}))
    output = plan(new, "--data", str(data)).output
    assert output.startswith("Compared with version 1, which serves (container ")
    assert "+ tag Lead" in output


def test_against_a_revision(tmp_path: Path) -> None:
    config = folder(tmp_path / "config", BEFORE)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    folder(config, AFTER)
    (config / ".old").mkdir()
    (config / ".old" / "more.yaml").write_text("tags: [{name: Nobody reads me}]")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "second"], check=True)
    assert "+ tag Lead" in plan(config, "--against", "git:HEAD~1").output
    assert plan(config, "--against", "git:HEAD").output == "The configuration is the same.\n"
    assert plan(config, "--against", "git:--help").exit_code == 1
    nothing = plan(config, "--against", "git:nothing")
    assert nothing.exit_code == 1
    assert "git:" in nothing.output


@pytest.mark.parametrize("line", ["{", "[1]", "7"])
def test_a_line_that_is_no_event(tmp_path: Path, line: str) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(purchase("a", 1)) + "\n" + line + "\n")
    words = ["--against", str(folder(tmp_path / "old", BEFORE)), "--events", str(events)]
    result = plan(folder(tmp_path / "new", AFTER), *words)
    assert result.exit_code == 1
    assert "events.jsonl:2" in result.output


def test_a_broken_file_is_shown(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(purchase("a", 1)))
    words = ["--against", str(folder(tmp_path / "old", BEFORE)), "--events", str(events)]
    result = plan(folder(tmp_path / "new", "tags: [{nmae: x}]"), *words)
    assert result.exit_code == 1
    assert "nmae" in result.output


@pytest.mark.parametrize("words", [[], ["--json"], ["--markdown"]])
def test_files_that_cannot_be_published_are_no_plan(tmp_path: Path, words: list[str]) -> None:
    """What changes is shown all the same; a pipeline that asks for the exit code stops."""
    old, new = folder(tmp_path / "old", BEFORE), folder(tmp_path / "new", BEFORE + "  - {nmae: x}\n")
    result = plan(new, "--against", str(old), *words)
    assert result.exit_code == 1
    assert "have errors, and cannot be published" in result.stderr
    assert "container.yaml[1]" in result.stdout


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("transformations: {a: {redact: true}}", "transformations: {}", ["- transformation a"]),
        (
            "transformations: {a: {redact: true}}",
            "transformations: {a: {redact: false}}",
            ["~ transformation a", "    ~ redact: true → false"],
        ),
        (
            "transformations: {a: {redact: true}, b: {truncate_ip: true}}",
            "transformations: {b: {truncate_ip: true}, a: {redact: true}}",
            ["~ order transformations", '    ~ 0: "a" → "b"', '    ~ 1: "b" → "a"'],
        ),
        (
            "tags: [{name: A, destination: x}, {name: B}]",
            "tags: [{name: B}, {name: A, destination: x}]",
            ["~ order tags", '    ~ 0: "A" → "B"', '    ~ 1: "B" → "A"'],
        ),
        ("tags: [{name: A}, {name: B, x: 1}]", "tags: [{name: B, x: 1}]", ["- tag A"]),
        ("tags: [{name: A, x: 1}]", "tags: [{name: B, x: 1}]", ["~ tag B", '    ~ name: "A" → "B"']),
        ("triggers: {old: {event: a}}", "triggers: {new: {event: a}}", ["~ trigger new", '    ~ name: "old" → "new"']),
        (
            "variables: {v: {regex: x, table: {a: 1, b: 2}}}",
            "variables: {v: {regex: x, table: {b: 2, a: 1}}}",
            [
                "~ variable v",
                "    - table.0.a: 1",
                "    + table.0.b: 2",
                "    - table.1.b: 2",
                "    + table.1.a: 1",
            ],
        ),
        (
            "variables: {v: {lookup: x, table: {a: 1, b: 2}}}",
            "variables: {v: {lookup: x, table: {b: 2, a: 1}}}",
            ["The configuration is the same."],
        ),
        (
            "consent: {gpc: restrict}",
            "consent: {gpc: block}",
            ["~ settings consent", '    ~ gpc: "restrict" → "block"'],
        ),
        ("tags: {a: 1}", "tags: 7", ["The configuration is the same."]),
    ],
)
def test_what_a_change_is_called(tmp_path: Path, before: str, after: str, says: list[str]) -> None:
    result = plan(folder(tmp_path / "new", after), "--against", str(folder(tmp_path / "old", before)))
    assert result.stdout.splitlines() == says


def test_a_secret_that_somebody_wrote_down_is_not_repeated(tmp_path: Path) -> None:
    """Neither one that was mended, nor one of a type that nobody knows, nor a key of the server."""
    old, new = folder(tmp_path / "old", BEFORE.replace("${env:META_ACCESS_TOKEN}", "EAAB-real")), tmp_path / "new"
    (old / "more.yaml").write_text("destinations: {other: {type: nobody, token: real-too, url: real-url}}\n")
    (old / "server.yaml").write_text(
        "collect: {keys: {crm: {secret: real-key}}}\nadmin: {tokens: {a: {token: real-token}}}\n"
        "clients: {webhooks: {shop: {style: hmac, secret: [real-one, real-two]}}}\n"
    )
    folder(new, BEFORE)
    (new / "more.yaml").write_text('destinations: {other: {type: nobody, token: "${env:X}"}}\n')
    (new / "server.yaml").write_text(
        'collect: {keys: {crm: {secret: "${env:CRM_KEY}"}}}\nadmin: {tokens: {a: {token: "${env:T}"}}}\n'
    )
    output = plan(new, "--against", str(old)).output
    assert "real" not in output
    assert '~ access_token: "a literal secret" → "${env:META_ACCESS_TOKEN}"' in output
    assert '~ collect.keys.crm.secret: "a literal secret" → "${env:CRM_KEY}"' in output
    assert '~ admin.tokens.a.token: "a literal secret" → "${env:T}"' in output


def test_events_that_cannot_be_asked_about_are_named(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    asked = [{"event": purchase("a", 50), "source": "nobody"}, {"event": ""}, purchase("b", 50)]
    events.write_text("\n".join(json.dumps(one) for one in asked))
    words = ["--against", str(folder(tmp_path / "old", BEFORE)), "--events", str(events)]
    result = plan(folder(tmp_path / "new", AFTER), *words)
    assert "event 1: source: no key is called 'nobody'" in result.stderr
    assert "event 2: " in result.stderr
    assert "of 1 events" in result.stdout


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "1", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_no_difference_means_equal(one: Any, other: Any) -> None:
    """And the types count: 1, true and "1" are three things."""
    assert (not list(differences(one, other))) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_a_file_that_cannot_be_read_counts_as_empty() -> None:
    found = changes({"a.yaml": b"tags: ["}, {"a.yaml": b"tags: [{name: A}]"}, Registry.of())
    assert [(one.sign, one.what, one.name) for one in found] == [("+", "tag", "A")]
