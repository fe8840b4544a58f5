"""A record becomes a command: a shell hands curl what was meant, whatever strangers are called."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.compile import Loaded
from tagserver.config.configuration import ConfigurationFolder
from tagserver.explain.copy_as_curl import copy_as_curl
from tagserver.explain.copy_as_test import NothingToAsk
from tagserver.plugin.registry import Registry
from tagserver.system.text import printable

from ..processes import ends_with_parent
from .records import record_of
from .world import PURCHASE

FOLDER = Path(__file__).parents[2] / "config"
COLLECT = "https://tags.shop.example/collect"
ORIGIN = "https://shop.example"


@pytest.fixture(scope="module")
def shop() -> Loaded:
    """The configuration that is shipped."""
    return ConfigurationFolder(FOLDER, Registry.load(), {"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "t"}).compile()


def words(text: str) -> list[str]:
    """What a shell makes of the command, without its comments."""
    return [word for word in shlex.split(text, comments=True) if word != "\n"]  # of lines that go on


def posted(text: str) -> Any:
    """The event that the command posts."""
    found = words(text)
    return json.loads(found[found.index("--data-raw") + 1])


def test_a_page_s_event_is_posted_from_its_origin(shop: Loaded) -> None:
    text = copy_as_curl(record_of(shop, {"event": PURCHASE}), COLLECT, ORIGIN)
    found = words(text)
    assert found[:4] == ["curl", "--request", "POST", COLLECT]
    assert f"Origin: {ORIGIN}" in found
    event = posted(text)
    assert (event["event"], event["ecommerce"]["value"]) == ("purchase", 59.9)
    assert event["consent"]["ad_storage"] == "granted"
    assert event["user_data"] == {"email": "erika.beispiel@example.com"}
    assert "IwAbC" not in text
    assert "# Posts the event once more" in text


def test_a_server_s_event_needs_its_key(shop: Loaded) -> None:
    record = record_of(shop, {"event": PURCHASE}) | {"source": "backend"}
    text = copy_as_curl(record, COLLECT, ORIGIN)
    assert '--header "Authorization: Bearer $KEY"' in text
    assert "Origin" not in text


def test_a_summary_posts_what_it_has(shop: Loaded) -> None:
    text = copy_as_curl(record_of(shop, {"event": PURCHASE}, "summary"), COLLECT, ORIGIN)
    event = posted(text)
    assert "consent" not in event
    assert "# The record does not say what was granted." in text
    assert event["ecommerce"] == {"transaction_id": "T-9", "value": 59.9, "currency": "EUR"}


def test_a_refused_request_has_no_event(shop: Loaded) -> None:
    with pytest.raises(NothingToAsk):
        copy_as_curl(record_of(shop, {"event": PURCHASE}) | {"name": None}, COLLECT, ORIGIN)


_SHELL = st.text() | st.sampled_from(
    ["'", '"', "$(id)", "`id`", "\\", "a\nb", "!x", "';id;'", "\u2028", "\ufeff", "-x"]
)


@given(_SHELL, st.dictionaries(_SHELL, _SHELL, max_size=3), _SHELL)
def test_names_of_strangers_break_nothing(name: str, more: dict[str, str], origin: str) -> None:
    record = _record() | {"name": name, "event": {"event": name, "event_id": "e-1", "timestamp": 1, "more": more}}
    text = copy_as_curl(record, COLLECT, origin)
    found = words(text)
    assert found[0] == "curl"
    assert len(found) == 10
    assert found[5] == f"Origin: {printable(origin)}"
    assert isinstance(posted(text)["more"], dict)


@pytest.mark.parametrize("name", ["it's", "$(echo no)", "`echo no`", 'a"b', "a\\b", "é\u2028"])
def test_a_real_shell_takes_it(name: str) -> None:
    record = _record() | {"event": {"event": name, "event_id": "e-1", "timestamp": 1}}
    text = copy_as_curl(record, COLLECT, ORIGIN).replace("curl ", "printf '%s\\n' ", 1)
    shell = ["/bin/sh", "-c", text.replace("--request POST", "")]
    done = subprocess.run(shell, capture_output=True, timeout=30, check=True, preexec_fn=ends_with_parent())
    assert json.loads(done.stdout.decode().splitlines()[-1])["event"] == name


def _record() -> dict[str, Any]:
    return {
        "record": 1,
        "name": "purchase",
        "received": 1_767_225_600_000,
        "source": "browser",
        "event": None,
        "consent": None,
        "tags": [],
    }
