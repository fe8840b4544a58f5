"""The reference is whole: its tables, and those of operations, name what the code knows, and nothing else."""

from __future__ import annotations

import dataclasses
import lzma
import re
from importlib.resources import files
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tagserver.cli import main
from tagserver.config.conditions import OPERATOR
from tagserver.config.cookies import CookiesConfig, registrable_domains
from tagserver.config.keys import Block
from tagserver.config.policies import CONSENT, PRIVACY
from tagserver.config.server import SERVER, ServerConfig
from tagserver.config.settings import ENTRY
from tagserver.config.tags import TAG
from tagserver.config.transformations import TRANSFORMATION
from tagserver.config.triggers import TRIGGER
from tagserver.config.variable_types import BESIDE, TYPES
from tagserver.config.yaml.problems import CODES, LATER_CODES, Place, Problem
from tagserver.consent.gate import decide
from tagserver.consent.model.policy import ConsentPolicy, Needs
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES
from tagserver.event.spelling import DERIVED_ROOTS
from tagserver.explain.cases import CASE
from tagserver.explain.expectations import EXPECT
from tagserver.explain.try_ import REASONS
from tagserver.metrics.labels import STATES
from tagserver.metrics.meters import Meters, Picture
from tagserver.plugin.registry import Registry
from tagserver.plugin.settings import is_own
from tagserver.queue.dead_letters import REASONS as REASONS_OF_DEATH
from tagserver.queue.values import Counts, Room
from tagserver.testing import make_event

from ..events import consent_of
from ..golden import corpus
from .pages import GUIDE, LANGUAGE, OPERATIONS, README, REFERENCE, ROOT, blocks, first_names, names, rows
from .world import DESTINATIONS, TAGS, TRIGGERS, completed, load

TABLES: dict[str, list[Block]] = {
    "## server.yaml": [SERVER],
    "## Consent": [CONSENT],
    "## Privacy": [PRIVACY],
    "## Tags": [TAG],
    "## Triggers": [TRIGGER],
    "## Transformations": [TRANSFORMATION],
    "## Operators": [OPERATOR],
    "## Destinations": [ENTRY],
    "## Test cases": [CASE, EXPECT],
    "## Variables": [Block("", block.keys[name], *BESIDE) for name, block in TYPES.items()],
}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_says_what_the_keys_declare(heading: str) -> None:
    """Each key with its default and its description. Who declares one finds here the row that the table needs."""
    shown = [_told(heading, row) for row in rows(REFERENCE, heading)]
    declared = [list(row) for block in TABLES[heading] for row in block.rows()]
    assert [row for row in declared if row not in shown] == []
    known = {name for name, _, _ in declared}
    assert [row for row in shown if row[0] in known and row not in declared] == []


def _told(heading: str, row: list[str]) -> list[str]:
    """Name, default and description of a row: operators have an example between, variables what may stand beside."""
    if heading == "## Operators":
        return [row[0], "", row[2]]
    if len(row) == 2 or heading == "## Variables":
        return [row[0], "", row[1]]
    return row


@pytest.mark.parametrize(
    "key",
    [
        name
        for heading in ("## server.yaml", "## Consent", "## Tags")
        for name in sorted(first_names(REFERENCE, heading))
    ],
)
def test_every_key_has_an_example(key: str) -> None:
    """In one of the page's YAML blocks."""
    last = key.rpartition(".")[2]
    texts = [block.text for block in blocks(*LANGUAGE, language="yaml")] + [REFERENCE.read_text("utf-8")]
    assert any(re.search(rf"[\s{{]{last}:\s", text) for text in texts), key


def test_every_kind_of_variable_is_documented() -> None:
    """As the compiler lists them."""
    problems = load({"container.yaml": "variables: {one: {}}\n" + DESTINATIONS + TAGS + TRIGGERS}).problems
    message = next(one.message for one in problems if "exactly one of" in one.message)
    kinds = set(message.partition("exactly one of ")[2].split(", "))
    assert kinds <= {name for row in rows(REFERENCE, "## Variables") for name in names(row[0])}


@pytest.mark.parametrize("row", rows(REFERENCE, "## Operators"), ids=lambda row: names(row[0])[0])
def test_examples_of_operators_compile(row: list[str]) -> None:
    """And use the operator that they stand for."""
    (operator,), (example,) = names(row[0]), names(row[1])
    assert f"{operator}:" in example
    block = f"triggers: {{one: {{when: {example}}}}}\n"
    assert [one for one in load(completed(block)).problems if one.code != "W301"] == []


PURCHASE = "triggers: {purchase: {event: purchase}}\n"


SAID: dict[str, dict[str, Any]] = {
    "granted all three ad purposes": {"consent": dict.fromkeys(AD_PURPOSES, "granted")},
    "granted all but `ad_personalization`": {"consent": {"ad_storage": "granted", "ad_user_data": "granted"}},
    "granted all, and the browser says Global Privacy Control": {
        "consent": dict.fromkeys(AD_PURPOSES, "granted"),
        "gpc": True,
    },
    "did not grant `ad_storage` or `ad_user_data`, or said nothing": {},
}
"""The rows of the consent table, as events."""


def test_the_consent_table_is_the_gates() -> None:
    """For Meta, and for a destination without a limited mode."""
    shown = {row[0]: [names(cell)[0] for cell in row[1:]] for row in rows(GUIDE, "## Consent") if row[0] in SAID}
    assert shown.keys() == SAID.keys()
    needs = frozenset(("ad_storage", "ad_user_data"))
    for sentence, pushed in SAID.items():
        state = consent_of(make_event(pushed), ConsentPolicy())
        made = [decide(Needs(needs, True, restricted), state, ConsentPolicy()).decision for restricted in (True, False)]
        assert made == shown[sentence], sentence


def test_the_defaults_are_those() -> None:
    """`server.yaml` and `consent:` with every documented default written out are the same as without."""
    tree: dict[str, Any] = {}
    for row in rows(REFERENCE, "## server.yaml"):
        if names(row[1]):
            *way, last = names(row[0])[0].split(".")
            group = tree
            for name in way:
                group = group.setdefault(name, {})
            group[last] = names(row[1])[0]
    keys = {one.name for one in dataclasses.fields(ConsentPolicy)}
    shown = [(names(row[0]), names(row[1])) for row in rows(REFERENCE, "## Consent")]
    defaults = {key[0]: default[0] for key, default in shown if key and key[0] in keys}
    assert defaults.keys() == keys
    loaded = load(
        {
            "server.yaml": "\n".join(f"{key}: {_flow(value)}" for key, value in tree.items()),
            "container.yaml": f"consent: {_flow(defaults)}\n{DESTINATIONS}{TAGS}{PURCHASE}",
        }
    )
    assert loaded.problems == ()
    assert loaded.container is not None
    # These have their defaults once their block is there.
    assert loaded.server == ServerConfig(cookies=CookiesConfig(registrable=registrable_domains()))
    assert loaded.container.consent == ConsentPolicy()


def _flow(value: Any) -> str:
    """Nested maps as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    return str(value)


def test_what_lies_in_the_data_folder_is_nobody_elses() -> None:
    """Each file of the table is refused as the folder of a sink."""
    shown = {name.strip("/") for name in first_names(OPERATIONS, "## Data folder")}
    own = {name.replace("-…", "-1") for name in shown if not name.startswith("-")}
    assert len(own) > 10
    assert {name for name in own if not is_own(name)} == set()


def test_every_problem_code_is_documented() -> None:
    """With the meaning that the code has, and no other codes."""
    shown = {names(row[0])[0]: row[1] for row in rows(REFERENCE, "## Problem codes")}
    assert shown == {**CODES, **LATER_CODES}


def test_the_fields_of_a_problem_are_documented() -> None:
    """What `check --json` gives of each."""
    text = REFERENCE.read_text("utf-8")
    line = text[text.index("`check --json` gives") :].partition("of each")[0]
    problem = Problem("error", "E101", Place("container.yaml", 1, 1), "", "")
    assert names(line)[1:] == list(problem.as_dict())


def test_every_purpose_is_documented() -> None:
    """By its name."""
    text = GUIDE.read_text("utf-8")
    assert [purpose for purpose in PURPOSES if f"`{purpose}`" not in text] == []


_RECORDED = re.compile(rb'"reason": "([a-z_]+)", "request"')
LATER = {"once_per"}
"""A reason of the contract that no decision has yet: that a key came before is known only where it is stored."""


def test_every_reason_of_a_decision_is_documented() -> None:
    """Those that a case may name, and no others."""
    assert first_names(REFERENCE, "## Decisions and reasons") == {*REASONS} - LATER


def test_the_recorded_decisions_have_no_other_reasons() -> None:
    """Of all that the golden corpus holds; only what a destination lacks, and what a page has told another
    pixel, is not in it."""
    recorded = {found for path in corpus.files() for found in _RECORDED.findall(lzma.decompress(path.read_bytes()))}
    documented = {name.encode() for name in first_names(REFERENCE, "## Decisions and reasons")}
    assert documented - recorded == {b"destination_paused", b"other_account"}
    assert recorded <= documented


def test_every_other_reason_and_state_is_documented() -> None:
    """Of dead letters and destinations."""
    assert {*REASONS_OF_DEATH, *STATES} <= first_names(OPERATIONS, "## Deliveries")
    shown = {names(row[0])[0]: row[1:] for row in rows(OPERATIONS, "## Deliveries") if names(row[0])}
    assert {name: shown[name] for name in REASONS_OF_DEATH} == {
        one.name: [one.meaning, one.helps] for one in REASONS_OF_DEATH.values()
    }


def test_every_command_and_option_is_documented() -> None:
    """In the table of commands, and nothing that is not there."""
    common = {"--config", "--data", "--env-file", "--json", "--help"}
    shown = {names(row[0])[0]: set(names(row[1])) for row in rows(REFERENCE, "## Commands")}
    real: dict[str, set[str]] = {}
    for name, command in main.commands.items():
        leaves: list[tuple[str, click.Command]] = [("", command)]
        if isinstance(command, click.Group):
            leaves = list(command.commands.items()) + leaves * command.invoke_without_command
        for below, leaf in leaves:
            options = {one for parameter in leaf.params for one in parameter.opts if one.startswith("--")}
            real[f"{name} {below}".strip()] = options - common
    assert shown == real


def test_every_derived_path_is_documented() -> None:
    """What the server adds to an event."""
    assert {name.partition(".")[0] for name in first_names(REFERENCE, "## Events")} >= DERIVED_ROOTS


def test_every_address_is_documented() -> None:
    """Public ones and those under `/-/`; a style sheet is none, nor is a page's module."""
    server = ROOT / "tagserver" / "server"
    public, admin = (
        set(re.findall(r'(?:Route|post)\("([^"]+)"', (server / file).read_text())) for file in ("app.py", "console.py")
    )
    clients = (one.pattern for cls in Registry.load().clients.values() for one in cls.addresses)
    paths = {"/collect", *clients, *public, *(f"/-{path}" for path in admin - {"/style.css", "/static/{name}"})}
    real = {re.sub(r"{(\w+)(?::path)?}", lambda found: found[1].upper(), path) for path in paths}
    cells = " ".join(cell for row in rows(REFERENCE, "## HTTP endpoints") for cell in row)
    assert set(re.findall(r"`(?:GET |POST )?(/[^` ]*)`", cells)) == real


def test_every_metric_is_documented() -> None:
    """By the name that Prometheus sees."""
    picture = Picture("1", {"meta": Counts()}, {"meta": "ok"}, {"meta": 1.0}, Room(0, 1))
    real = set(re.findall(r"^# TYPE (\w+) ", Meters().text(picture), re.MULTILINE))
    assert first_names(REFERENCE, "## Metrics") == real


def test_every_setting_of_the_page_client_is_documented() -> None:
    """The attributes of the script tag."""
    client = files("tagserver").joinpath("static", "t.js").read_text("utf-8")
    head = client.partition("(() => {")[0]
    assert set(re.findall(r"^//   (data-[\w-]+)", head, re.MULTILINE)) == {
        name for name in first_names(README, "## The page") if name.startswith("data-")
    }


def test_the_lines_for_a_page_are_those_that_are_printed() -> None:
    """The part that stands inline, and the script."""
    (shown,) = (block.text for block in blocks(README, language="html"))
    done = CliRunner().invoke(main, ["snippet", "https://tags.shop.example"])
    assert done.output.startswith(shown.rstrip() + "\n")
