"""What holds for every destination of this repository: its README is sound, and nothing that a page may push or a tag
may say makes it raise anything but Skip."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.compile import compile_container
from tagserver.plugin import Skip
from tagserver.plugin.registry import Registry
from tagserver.testing import make_event
from tests.fast_yaml import safe_load
from tests.kit.pushed import pushed_events, tag_parameters

from .nine import FOLDER, NAMES, configuration

ALL = sorted(folder.parent for folder in (FOLDER.parents[1] / "plugins").glob("*/README.md"))
PLUGINS = [folder for folder in ALL if folder.name in Registry.load().destinations]
CLIENTS = {info.name: info.clients for info in Registry.load().plugins if info.clients}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def yaml_blocks(readme: Path) -> list[str]:
    """Its YAML, without the printed examples."""
    found = re.findall(r"^```yaml\n(.*?)^```$", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for text in found if not text.startswith("# examples/")]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: str(plugin.name))
def test_the_set_up_of_the_readme_compiles(plugin: Path) -> None:
    """As marketing would copy it: destination and tag, with triggers of the names that the tag uses."""
    block = next(text for text in yaml_blocks(plugin / "README.md") if "destinations:" in text)
    used = {name for tag in safe_load(block)["tags"] for name in tag["triggers"]} - {"all"}
    triggers = {"triggers": {name: {"event": name} for name in sorted(used)}}
    environ = dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", block), SECRET)
    loaded = compile_container(
        {"container.yaml": f"{block}\n{yaml.safe_dump(triggers) if used else ''}".encode()},
        registry=Registry.load(),
        environ=environ,
        read_file=lambda name: Path(name).read_text(),
    )
    assert [str(one) for one in loaded.problems] == []


def test_every_plugin_is_a_destination_or_a_client() -> None:
    assert {folder.name for folder in ALL} == {folder.name for folder in PLUGINS} | CLIENTS.keys()


@pytest.mark.parametrize("plugin", [folder for folder in ALL if folder.name in CLIENTS], ids=lambda plugin: plugin.name)
def test_the_set_up_of_a_clients_readme_compiles(plugin: Path) -> None:
    """As operations would copy it into `server.yaml`."""
    block = next(text for text in yaml_blocks(plugin / "README.md") if "clients:" in text)
    loaded = compile_container(
        {"container.yaml": b"tags: []\n", "server.yaml": block.encode()},
        registry=Registry.load(),
        environ=dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", block), SECRET),
        read_file=lambda name: Path(name).read_text(),
    )
    assert [str(one) for one in loaded.problems] == []
    assert loaded.server is not None
    assert set(CLIENTS[plugin.name]) <= loaded.server.clients.by_type.keys()


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: str(plugin.name))
def test_a_setting_for_consent_in_the_readme_names_all_that_is_needed(plugin: Path) -> None:
    """A tag's `consent` adds to what its destination needs; the list must hold both."""
    needs = set(Registry.load().destinations[plugin.name].consent.purposes)
    for block in yaml_blocks(plugin / "README.md"):
        for purposes in re.findall(r"^ +consent: \[(.*?)\]", block, re.MULTILINE):
            assert needs <= set(purposes.split(", ")), block


READ = "ScCid ttclid epik li_fat_id rdt_cid fbclid fbc fbp cookie click app_data session_id client_id method opt_out"
PARAMETERS = tag_parameters(
    "event_time timestamp event_at conversionHappenedAt timestamp_micros action_source value currency items contents",
    user_data="em ph ge db fn ln ct st zp country external_id email address",
    user="email phone phone_number external_id firstName lastName ip data_processing_options",
    custom_data="value currency contents content_ids",
    params="value currency items",
    data="value user_data",
)


@pytest.fixture(scope="module")
def destinations() -> Any:
    """As the host configures them, by name."""
    container = configuration("/var/lib/events").compile().container
    assert container is not None
    return container.destinations


@pytest.mark.parametrize("name", NAMES)
@given(pushed=pushed_events(READ), own=PARAMETERS, mode=st.sampled_from(["send", "restrict"]))
def test_nothing_but_skip_is_raised(
    destinations: Any, name: str, pushed: dict[str, Any], own: dict[str, Any], mode: Any
) -> None:
    """And what comes out is JSON, the same each time, without having changed what went in."""
    one = destinations[name]
    before = repr(own)
    made = []
    for _ in range(2):
        event = make_event(copy.deepcopy(pushed), ip="198.51.100.7", user_agent="Mozilla/5.0")
        try:
            built = one.plugin.build(one.reads.view(event), own, one.settings, mode)
            made.append(msgspec.json.encode(built.body))
        except Skip as skip:
            made.append(f"{skip.reason} {skip.detail}".encode())
    assert made[0] == made[1]
    assert repr(own) == before
