"""The guide for authors: its code is a plugin that is installed and used, and all that is public is named in it."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from tagserver import plugin, testing
from tagserver.config.settings import SettingsReader
from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import (
    Built,
    Destination,
    Limits,
    Mode,
    Outcome,
    Payload,
    Request,
    Response,
    Secret,
    Skip,
    Variable,
    identity,
    inbound,
    table,
    values,
)
from tagserver.plugin.client import Client
from tagserver.plugin.contract import OutcomeKind
from tagserver.plugin.hookspecs import register_destinations
from tagserver.plugin.registry import Registry
from tagserver.testing import examples

from .acme import install_acme
from .pages import PLUGINS, blocks, first_names, names, rows
from .world import SECRET, Stage, load

BLOCKS = [block.text for block in blocks(PLUGINS, language="python")]


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's first block, installed."""
    module = install_acme(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry = Registry.load()
    assert registry.failed == ()
    yield sys.modules[module]
    del sys.modules[module]


def test_the_plugin_is_loaded_by_its_entry_point(acme: ModuleType) -> None:
    """Beside those that are installed already."""
    registry = Registry.load()
    assert registry.destinations["acme"] is acme.Acme
    assert "meta_capi" in registry.destinations


def test_the_page_is_played(acme: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its container is sound, and `try` prints what is shown."""
    monkeypatch.chdir(tmp_path)
    stage = Stage(tmp_path)
    stage.play(PLUGINS)
    assert stage.played == 2


def test_the_way_of_an_event(acme: ModuleType) -> None:
    """build → request → classify, with the settings that the host reads."""
    yaml = next(blocks(PLUGINS, language="yaml")).text
    loaded = load({"container.yaml": yaml})
    assert loaded.problems == ()
    assert loaded.container is not None
    one = loaded.container.destinations["acme"]
    pushed = {"event": "purchase", "event_id": "o-1", "user_data": {"email": "a@b.example"}, "value": 5}
    event = testing.make_event({**pushed, "currency": "EUR"})
    built = one.plugin.build(one.reads.view(event), {"shop": "berlin"}, one.settings, "send")
    assert {key: built.body[key] for key in ("id", "value", "shop")} == {"id": "o-1", "value": 5, "shop": "berlin"}
    assert "a@b.example" not in json.dumps(built.body)
    (payload,) = testing.payloads_of([built])
    request = one.plugin.request([payload, payload], one.settings)
    assert request.url == "https://api.acme.example/v1/17/events"
    assert len(json.loads(request.content)["events"]) == 2
    assert SECRET in request.headers["authorization"]
    kinds = {status: one.plugin.classify(Response(status, {}, b"{}"), [payload]).kind for status in (200, 401, 503)}  # type: ignore[union-attr]  # (there is one)
    assert kinds == {200: "delivered", 401: "paused", 503: "retry"}


def test_who_is_unknown_is_skipped(acme: ModuleType) -> None:
    """With a reason and a sentence."""
    with pytest.raises(Skip) as caught:
        acme.Acme().build(testing.make_event({}), {}, None, "send")
    assert caught.value.reason == "no_identity"


def test_the_python_runs(acme: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks, one after another, as one program; they hold their own assertions."""
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"__name__": "tagserver_acme"}
    for text in BLOCKS:
        exec(compile(text, str(PLUGINS), "exec", dont_inherit=True), known)
    destinations = [one for one in known.values() if isinstance(one, type) and issubclass(one, Destination)]
    assert {one.type for one in destinations if one is not Destination} == {
        *("acme", "acme_by_id", "acme_form", "acme_login", "acme_pixel", "acme_signed", "acme_table"),
        *("lines", "open_lines"),
    }
    settings = testing.make_settings(known["Lines"], {"file": "events.jsonl"})
    payloads = [Payload("e", "purchase", 0, b'{"event":"purchase"}')]
    assert asyncio.run(known["Lines"]().deliver(payloads, settings)) == Outcome.delivered()
    assert Path("events.jsonl").read_bytes() == b'{"event":"purchase"}\n'
    asyncio.run(kept_open(known["OpenLines"](), payloads, settings))
    assert Path("events.jsonl.0").read_bytes() == Path("events.jsonl.1").read_bytes() == b'{"event":"purchase"}\n'


async def kept_open(sink: Destination, payloads: list[Payload], settings: Any) -> None:
    """A life of two days."""
    await sink.open(settings, now=1)
    await sink.deliver(payloads, settings)
    await sink.tick(settings, now=86_400_000)
    await sink.deliver(payloads, settings)
    await sink.close(settings)


def test_a_login_that_expires() -> None:
    """The example of several requests, by hand."""
    known: dict[str, Any] = {"__name__": "tagserver_acme"}
    for text in BLOCKS:
        exec(compile(text, str(PLUGINS), "exec", dont_inherit=True), known)
    settings = known["AcmeSettings"](account="17", token=Secret("t"))
    cache: dict[str, Any] = {}
    talk = known["AcmeWithLogin"]().exchange([Payload("e", "purchase", 0, b"{}")], settings, cache)
    assert next(talk).url == "https://api.acme.example/login"
    sent: Request = talk.send(Response(200, {}, b'{"token":"session"}'))
    assert sent.headers["authorization"] == "Bearer session"
    with pytest.raises(StopIteration) as done:
        talk.send(Response(401, {}, b""))
    assert done.value.value == Outcome.retry("token expired")
    assert cache == {}


# ── all that is public is named
# ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "module", [plugin, identity, inbound, table, values, testing], ids=lambda module: str(module.__name__)
)
def test_every_public_name_is_documented(module: ModuleType) -> None:
    """What a module exports stands on the page, in code marks or in an example."""
    text = PLUGINS.read_text("utf-8")
    code = " ".join(re.findall(r"`([^`\n]+)`", text)) + "\n".join(BLOCKS)
    assert [name for name in module.__all__ if not re.search(rf"\b{name}\b", code)] == []


def test_every_part_of_a_destination_is_documented() -> None:
    """Attributes and methods, with their parameters."""
    documented = first_names(PLUGINS, "## The destination")
    members = {name for name in {**vars(Destination), **Destination.__annotations__} if not name.startswith("_")}
    for name in members:
        member = getattr(Destination, name, None)
        if inspect.isfunction(member):
            every = inspect.signature(member).parameters.values()
            plain = [one.name for one in every if one.kind is one.POSITIONAL_OR_KEYWORD]
            parameters = ", ".join(plain[1:])
            name = f"{name}({parameters})"
        assert name in documented, name


def test_every_member_of_a_client_is_documented() -> None:
    """Attributes and methods."""
    documented = " ".join(name for name in first_names(PLUGINS, "## Write a client"))
    members = {name for name in {**vars(Client), **Client.__annotations__} if not name.startswith("_")}
    assert [name for name in members if not re.search(rf"\b{name}\b", documented)] == []


def test_every_member_of_a_variable_is_documented() -> None:
    """Attributes and the method."""
    members = set(Variable.__annotations__) | {"value(given)"}
    assert first_names(PLUGINS, "## A variable type") == members


def test_every_field_of_built_is_documented() -> None:
    """In its order."""
    shown = [names(row[0])[0] for row in rows(PLUGINS, "### What build returns")]
    assert shown == list(Built.__struct_fields__)


def test_every_limit_is_documented() -> None:
    """With its default."""
    shown = {names(row[0])[0]: names(row[1]) for row in rows(PLUGINS, "### Limits")}
    assert shown == {field.name: [str(field.default)] for field in dataclasses.fields(Limits)}


def test_every_key_of_an_example_is_documented() -> None:
    """And no others."""
    assert first_names(PLUGINS, "### Examples") == examples.GIVEN | examples.EXPECTED


def test_every_outcome_is_documented() -> None:
    """With its parameters."""
    shown = first_names(PLUGINS, "### Requests and responses")
    for kind in get_args(OutcomeKind):
        made = getattr(Outcome, kind)
        parameters = set(inspect.signature(made).parameters)
        call = next(name for name in shown if name.startswith(f"Outcome.{kind}("))
        assert set(re.findall(r"\w+", call.partition("(")[2])) == parameters


def test_the_hook_is_the_one_of_the_page() -> None:
    """By its name and parameter."""
    assert f"def {register_destinations.__name__}(register)" in BLOCKS[0]
    assert list(inspect.signature(register_destinations).parameters) == ["register"]


def test_every_type_of_a_setting_is_shown() -> None:
    """The block about settings has a field of each type that the host reads, and the host reads them all."""
    known: dict[str, Any] = {"__name__": "tagserver_acme"}
    for text in BLOCKS:
        exec(compile(text, str(PLUGINS), "exec", dont_inherit=True), known)

    class All(Destination):
        type = "all"
        Settings = known["AllSettings"]

        def hosts(self, settings: Any) -> list[str]:
            return []

        def build(self, event: Any, parameters: Any, settings: Any, mode: Mode) -> Built:
            return Built({}, "all", 0)

    values = (
        '{type: all, account: 012, token: "${env:ACME_TOKEN}", second_token: "${env:CRM_KEY}", region: us, seconds: 3, '
        "retries: 4, mirror: true, tags: [a, 1], names: {a: b}}"
    )
    text = f"destinations: {{one: {values}}}\ntags: [{{name: t, destination: one, triggers: [all]}}]\n"
    loaded = load({"container.yaml": text}, Registry.of(All))
    assert loaded.problems == ()
    assert loaded.container is not None
    settings = loaded.container.destinations["one"].settings
    assert (settings.account, settings.region, settings.tags) == ("012", "us", ["a", "1"])
    assert set(SettingsReader.read.__annotations__) >= {"settings", "key", "nodes"}
    wrong = load({"container.yaml": text.replace("012", "x")}, Registry.of(All)).problems
    assert [one.message for one in wrong] == ["destinations.one.account: an account is a row of digits"]


def test_what_may_be_declared_in_reads() -> None:
    """The examples of the table give what they say."""
    declared = [name for row in rows(PLUGINS, "### What build sees") for name in names(row[0])]
    for path in declared:
        Reads((path,))
    event = testing.make_event(
        {"ecommerce": {"items": [{"price": 1, "item_id": "a"}]}, "page": {"location": "https://a.example/?fbclid=x"}},
        cookies={"_fbp": "1", "other": "2"},
        headers={"referer": "r"},
        ip="198.51.100.7",
    )
    assert Reads(("ecommerce.items.price",)).view(event).data["ecommerce"] == {"items": [{"price": 1}]}
    assert Reads(("cookie._fbp",)).view(event).cookies == {"_fbp": "1"}
    assert Reads(("click.fbclid",)).view(event).clicks == {"fbclid": "x"}
    assert Reads(("ip",)).view(event).get("ip") == "198.51.100.7"
    assert Reads(("event",)).view(event).get("ip") is None
