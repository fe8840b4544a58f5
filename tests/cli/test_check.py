"""`tagserver check`: what it prints, and how it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import CONTAINER, ENVIRON, Shop

BROKEN = CONTAINER.replace("[buy]", "[bye]")


def test_no_problems(shop: Shop) -> None:
    """One line, exit 0, and nothing left behind."""
    before = sorted(shop.folder.rglob("*"))
    done = shop("check")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("No problems: 1 tag, 1 trigger, 1 destination. Container ")
    assert sorted(shop.folder.rglob("*")) == before


def test_errors(shop: Shop) -> None:
    """Exit 1; file as the user named it, line, column, caret, hint."""
    shop.write(BROKEN)
    done = shop("check")
    assert done.code == 1
    assert (
        'error[E112] unknown trigger "bye"\n'
        "  --> config/container.yaml:6:57\n"
        "  |\n"
        "6 |   - {name: Meta purchase, destination: meta, triggers: [bye]}\n"
        "  |                                                         ^^^\n"
        '  = help: did you mean "buy"?\n'
    ) in done.out
    # That nothing uses the trigger `buy` follows from it.
    assert done.out.endswith("1 error in 1 file. Nothing was changed.\n")


def test_a_warning_is_no_failure(shop: Shop) -> None:
    """Exit 0, and it is shown."""
    shop.write(CONTAINER + "variables: {spare: {constant: 1}}\n")
    done = shop("check")
    assert done.code == 0
    assert "warning[W301]" in done.out


def test_a_secret_that_is_not_set(shop: Shop) -> None:
    """The destination pauses at run time; `check` exits 1."""
    done = shop("check", environ={"PIXEL": "1"})
    assert done.code == 1
    assert "paused[P210] destinations.meta.access_token: the environment variable META_TOKEN is not set" in done.out
    assert "No env file was named: a server that has one sees more. Name it with --env-file" in done.out
    assert "env file: no env file was named" in shop("doctor", "--offline", environ={"PIXEL": "1"}).out
    (shop.folder / "empty.env").touch()
    assert "No env file was named" not in shop("check", "--env-file", "empty.env", environ={"PIXEL": "1"}).out


@pytest.mark.parametrize(
    ("text", "environ", "ok", "codes"),
    [
        (CONTAINER, ENVIRON, True, []),
        (CONTAINER + "variables: {spare: {constant: 1}}\n", ENVIRON, True, ["W301"]),
        (CONTAINER, {}, False, ["P210", "P210"]),
        (BROKEN, ENVIRON, False, ["E112"]),
        ("tags: [", ENVIRON, False, ["E101"]),
    ],
)
def test_json(shop: Shop, text: str, environ: dict[str, str], ok: bool, codes: list[str]) -> None:
    """The same for machines."""
    shop.write(text)
    done = shop("check", "--json", environ=environ)
    assert done.code == (0 if ok else 1)
    assert list(done.json) == ["ok", "version", "problems"]
    assert done.json["ok"] is ok
    assert sorted(one["code"] for one in done.json["problems"]) == sorted(codes)
    assert (done.json["version"] is None) == any(code[0] == "E" for code in codes)
    for one in done.json["problems"]:
        assert list(one) == ["severity", "code", "file", "line", "column", "path", "message", "hint"]
    assert done.err == ""


def test_another_folder(shop: Shop, tmp_path: Path) -> None:
    """`--config` names it, and problems are shown as it was named."""
    other = tmp_path / "deep" / "other"
    other.mkdir(parents=True)
    (other / "a.yaml").write_text("zzz: 1\n")
    assert "--> deep/other/a.yaml:1:1" in shop("check", "--config", "deep/other").out
    assert "--> deep/other/a.yaml:1:1" in shop("check", "--config", "deep/other/").out
    assert f"--> {other}/a.yaml:1:1" in shop("check", "--config", str(other)).out


@pytest.mark.parametrize("name", ["nowhere", "config/container.yaml"])
def test_no_folder(shop: Shop, name: str) -> None:
    """A folder that is not there holds no configuration."""
    done = shop("check", "--config", name)
    assert done.code in (1, 2)
    assert done.out + done.err


def test_an_empty_folder(shop: Shop) -> None:
    """Says what to write."""
    (shop.folder / "empty").mkdir()
    done = shop("check", "--config", "empty")
    assert done.code == 1
    assert "there is no container file here" in done.out


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        b"\x00",
        b"tags: [\x1b[31m]",
        b"a: " + b"[" * 9999,
        b"\t",
        b"- " * 9999,
        b"tags: !!python/none x",
    ],
    ids=lambda content: repr(content)[:30],
)
def test_a_file_of_nonsense(shop: Shop, content: bytes) -> None:
    """Exit 1 with a place, whatever it holds."""
    (shop.config / "container.yaml").write_bytes(content)
    assert shop("check", "--json").code == 1
    if b"\x1b" not in content:
        assert "--> config/container.yaml:" in shop("check").out


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(shop: Shop) -> None:
    """A problem of that file."""
    (shop.config / "container.yaml").chmod(0)
    done = shop("check")
    assert done.code == 1
    assert "config/container.yaml" in done.out


def test_links_that_lead_nowhere(shop: Shop) -> None:
    """Are no files."""
    (shop.config / "dangling.yaml").symlink_to("nowhere.yaml")
    (shop.config / "round.yaml").symlink_to("round.yaml")
    assert shop("check").code == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PIXEL=1\nMETA_TOKEN=t\n", 0),
        ("# a comment\n\nexport PIXEL=1\n  META_TOKEN = 't'\n", 0),
        ('PIXEL="1"\nMETA_TOKEN="a=b"\n', 0),
        ("PIXEL=1\n", 1),
        ("PIXEL=1\nMETA_TOKEN=\n", 1),
        ("PIXEL=x\nMETA_TOKEN=t\n", 1),
        ("PIXEL\n", 2),
        ("A B=1\n", 2),
        ("=1\n", 2),
    ],
)
def test_env_file(shop: Shop, text: str, code: int) -> None:
    """Its lines win over the environment; a line that is none is wrong usage."""
    (shop.folder / ".env").write_text(text)
    done = shop("check", "--env-file", ".env", environ={})
    assert done.code == code, done.out + done.err
    if code == 2:
        assert ".env:1: write NAME=value" in done.err


@pytest.mark.parametrize("name", ["nowhere.env", "config", "/dev/null"])
def test_no_env_file(shop: Shop, name: str) -> None:
    """Wrong usage; the file and the cause are named."""
    done = shop("check", "--env-file", name)
    assert done.code == 2
    assert name in done.err
    assert "Errno" not in done.err


def test_an_env_file_wins(shop: Shop) -> None:
    """Over a variable that is set."""
    (shop.folder / ".env").write_text("PIXEL=not-digits\n")
    assert shop("check", "--env-file", ".env").code == 1


def test_an_env_file_that_is_no_text(shop: Shop) -> None:
    """Wrong usage, not a traceback."""
    (shop.folder / ".env").write_bytes(b"PIXEL=\xff\xfe\n")
    assert shop("check", "--env-file", ".env").code == 2


def test_secrets_are_never_printed(shop: Shop) -> None:
    """The values of the environment stay there."""
    shop.write(BROKEN + "consent: {gpc: x}\n")
    for words in (["check"], ["check", "--json"]):
        done = shop(*words)
        assert ENVIRON["META_TOKEN"] not in done.out + done.err


@pytest.mark.parametrize("words", [["check", "--nonsense"], ["check", "extra"], ["nonsense"], ["--nonsense"]])
def test_wrong_usage(shop: Shop, words: list[str]) -> None:
    """Exit 2, and what would be right."""
    done = shop(*words)
    assert (done.code, done.out) == (2, "")
    assert "Usage: " in done.err


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["check", "-h"], ["try", "-h"], ["serve", "-h"], ["--version"]])
def test_help(shop: Shop, words: list[str]) -> None:
    """Exit 0 on standard output."""
    done = shop(*words)
    assert (done.code, done.err) == (0, "")
    assert done.out


def test_every_command_says_what_it_does(shop: Shop) -> None:
    """One line each."""
    lines = shop("--help").out.partition("Commands:")[2].strip().splitlines()
    assert {"check", "try", "serve", "demo"} <= {line.split()[0] for line in lines}
    assert all(len(line.split()) > 3 for line in lines)


def test_a_version_that_has_ended_is_a_warning(shop: Shop) -> None:
    """By today's date; the vendor may go on with it, so the destination does, too."""
    shop.write(CONTAINER.replace("type: meta_capi,", "type: meta_capi, api_version: v18.0,"))
    done = shop("check")
    assert done.code == 0
    assert "warning[W305] destinations.meta: the vendor's API version has ended on " in done.out
