"""`tagserver plugins`, `plugins show` and `check-plugin`: what is installed, what it may see and call."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tagserver.cli import main

OURS = metadata.version("tagserver")
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
WEBHOOK = ["--set", "url=https://hooks.example/in", "--set", f"secret={SECRET}"]


def run(*words: str, code: int = 0) -> str:
    """What a command prints."""
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == code, done.output
    return done.output


def shown(*words: str) -> dict[str, Any]:
    """`plugins show` for machines."""
    said: dict[str, Any] = json.loads(run("plugins", "show", *words, "--json"))
    return said


def test_what_is_installed_is_listed() -> None:
    """First-party plugins among them, each with its version."""
    assert "✔ meta_capi " in run("plugins")
    listed = {plugin["name"]: plugin for plugin in json.loads(run("plugins", "--json"))["plugins"]}
    assert listed["meta_capi"]["destinations"] == ["meta_capi"]
    assert listed["meta_capi"]["error"] is None


def test_what_is_a_hash_and_what_goes_in_the_clear_is_shown() -> None:
    """Under the settings that are given."""
    meta = ("--set", "pixel_id=1", "--set", "access_token=a-token")
    before, after = shown("meta_capi", *meta), shown("meta_capi", *meta, "--set", "external_id=raw")
    assert {"user_data.em", "user_data.external_id"} <= set(before["hashed"])
    assert "user_data.client_ip_address" in before["clear"]
    assert "user_data.external_id" in after["clear"]
    assert "user_data.external_id" not in after["hashed"]
    line = next(one for one in run("plugins", "show", "meta_capi").splitlines() if one.startswith("  in clear: "))
    assert "user_data.client_ip_address" in line


def test_what_it_sees_of_people_and_whom_it_calls_are_shown() -> None:
    """In lines of their own: that is what privacy asks first."""
    lines = dict(line.split(":", 1) for line in run("plugins", "show", "meta_capi").splitlines() if ":" in line)
    assert lines["  calls"].strip() == "graph.facebook.com"
    assert {"ip", "user_agent", "user_data", "cookie._fbp"} <= set(lines["  personal"].strip().split(", "))
    assert "ecommerce" in lines["  sees"]
    assert "user_data" not in lines["  sees"]


def test_what_depends_on_settings_is_said_until_they_are_given() -> None:
    """The fields and the host that these settings name."""
    before, after = shown("webhook"), shown("webhook", *WEBHOOK, "--set", 'fields=["ip", "page.title"]')
    assert (before["depends"], before["hosts"]) == (True, [])
    assert "give yours with --set" in run("plugins", "show", "webhook")
    assert (after["depends"], after["hosts"]) == (False, ["hooks.example"])
    assert after["personal"] == ["ip", "user_data"]
    assert SECRET not in json.dumps(after)


def test_a_destination_without_choices_depends_on_nothing() -> None:
    assert shown("snapchat")["depends"] is False
    assert shown("snapchat")["hosts"] == ["tr.snapchat.com"]
    assert "nobody" in run("plugins", "show", "file")


def test_a_type_that_nobody_has() -> None:
    assert "no installed plugin has the type nothing" in run("plugins", "show", "nothing", code=2)


def test_a_destination_that_keeps_the_rules() -> None:
    assert run("check-plugin", "webhook", *WEBHOOK) == "webhook keeps the rules.\n"
    assert json.loads(run("check-plugin", "webhook", *WEBHOOK, "--json")) == {"ok": True, "faults": []}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--set url=… --set secret=…"),
        (["--set", "url"], "--set url: write NAME=VALUE"),
        ([*WEBHOOK, "--set", "url=ftp://x"], "--set url: write an address"),
        ([*WEBHOOK, "--set", "headers=7"], "--set headers: is not of its type"),
        ([*WEBHOOK, "--set", "colour=red"], "colour"),
    ],
)
def test_settings_that_do_not_fit(words: list[str], says: str) -> None:
    """What is missing or wrong, and never a traceback."""
    assert says in run("check-plugin", "webhook", *words, code=2)


def test_a_short_secret_cannot_be_looked_for() -> None:
    said = run("check-plugin", "ga4", "--set", "measurement_id=G-ABCDE", "--set", "api_secret=x", code=1)
    assert "give one of 8 characters or more" in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("meta_capi", f"the plugin meta_capi {OURS} that is installed has the type meta_capi", id="ours"),
        ("class", "class is a word of Python's own"),
        ("match", "match is a word of Python's own"),
        ("none", "none is a word of Python's own"),
        ("json", "there is a module json already"),
        ("pytest", "there is a module pytest already"),
        ("event", "its class would be called Event, and another one is"),
        ("any", "its class would be called Any"),
        ("exception", "its class would be called Exception"),
        ("settings", "its class would be called Settings"),
        ("acme_", "a name has 2 to 40"),
        ("ac__me", "a name has 2 to 40"),
        ("größe", "a name has 2 to 40"),
        ("a-b", "a name has 2 to 40"),
        ("a" * 41, "a name has 2 to 40"),
    ],
)
def test_a_new_plugin_is_in_nobodys_way(name: str, says: str, tmp_path: Path) -> None:
    """Of a type, a module or a word that is taken nothing is made, and the reason says which."""
    said = run("new-plugin", name, "--into", str(tmp_path), code=2)
    assert says in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["acme", "ac", "acme_2", "a1", "a" * 40, "config", "google"])
def test_a_name_that_is_free(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that of a folder in which the command runs: it is nobody's module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "config").mkdir()
    assert "is made" in run("new-plugin", name, "--into", "made")
    for path in (tmp_path / "made").rglob("*.py"):
        compile(path.read_text(), str(path), "exec")


def test_the_events_that_a_vendor_knows_are_shown() -> None:
    """With the names that the settings give, and as the same word once."""
    assert "  events:   page_view → PageView, view_item → ViewContent" in run("plugins", "show", "meta_capi")
    assert ", purchase, " in run("plugins", "show", "ga4")
    assert "  events:   none by name" in run("plugins", "show", "webhook")
    words = ("linkedin", "--set", "access_token=any-text", "--set", 'conversions={"purchase": "104012"}')
    assert shown(*words)["events"] == {"purchase": "104012"}


def test_an_inbound_client_is_listed_and_shown() -> None:
    """With its addresses and the settings of a sender."""
    assert "client webhooks\n" in run("plugins")
    assert shown("webhooks")["addresses"] == ["POST /webhook/{name}"]
    text = run("plugins", "show", "webhooks")
    assert "addresses: POST /webhook/{name}" in text
    assert "    style (needed): " in text


def test_an_inbound_client_is_checked() -> None:
    """With the secret and the settings of one sender."""
    words = ("check-plugin", "webhooks", "--set", "style=hmac")
    assert run(*words, "--set", "secret=any-text") == "webhooks keeps the rules.\n"
    assert "give a sender its secret" in run(*words, code=2)
    assert "do not fit" in run("check-plugin", "webhooks", "--set", "secret=x", code=2)
    assert 'is "whsec_" and base64' in run(
        "check-plugin", "webhooks", "--set", "style=standard", "--set", "secret=!", code=1
    )


def test_a_client_that_has_the_name_of_a_destination() -> None:
    """Is asked for, and named beside it."""
    assert "tagserver plugins show ga4 --client" in run("plugins", "show", "ga4")
    assert shown("ga4")["hosts"] is not None
    assert "GET /g/collect" in shown("ga4", "--client")["addresses"]
    assert run("check-plugin", "ga4", "--client", "--set", "secret=any-text") == "ga4 keeps the rules.\n"
    assert "no plugin has the client 'meta_capi'" in run("plugins", "show", "meta_capi", "--client", code=2)
