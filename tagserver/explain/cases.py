"""Tests of a container: cases in `*.test.yaml`, in the words of marketing, answered by the same code that serves.

    - name: a purchase goes to Meta
      event: {event: purchase, ecommerce: {value: 5, currency: EUR}, user_id: u-1}
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      expect:
        send: [Meta purchase]
        skip: {Meta lead: no_trigger, Meta staging: {reason: exception, detail: staging}}
        request: {meta: {data.0.event_name: Purchase}}

Time and minted ids are fixed, nothing is sent. An expectation names the decision and, for what is not sent, the reason,
so that a case cannot pass for another cause than the one that is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagserver.config import schema_parts as parts
from tagserver.config.keys import NOTES, TEXT, Block, Key, compiled
from tagserver.config.model import Container
from tagserver.config.schema_parts import one_of, table
from tagserver.config.server import ServerConfig
from tagserver.config.yaml.decode import Decoder, plain
from tagserver.config.yaml.mistakes import FOR_PEOPLE, check_quotes
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Node, parse
from tagserver.config.yaml.source import Sequence as Items
from tagserver.event.consent_fields import PURPOSES
from tagserver.explain.expectations import DECISIONS, EXPECT, ExpectationReader, differences
from tagserver.explain.try_ import BadQuestion, Explanation, explain

NOW = 1_767_225_600_000
"""The time of every case that names none: 2026-01-01T00:00:00Z, in ms."""
MINTED = "00000000-0000-7000-8000-000000000001"

_REQUEST = Block(
    "",
    Key("headers", compiled(table(parts.TEXT)), "headers of the request"),
    Key("cookies", compiled(table(parts.TEXT)), "cookies of the request"),
    Key("ip", TEXT, "the connection's address"),
    Key("source", TEXT, "browser, or the name of a key"),
    Key("now", TEXT, "RFC 3339, with its zone"),
)
CASE = Block(
    "",
    Key("name", TEXT, "required; `tagserver test -k WORD` runs those whose name contains the word", needed=True),
    Key("event", compiled({"type": "object"}), "required: as the page pushes it", needed=True),
    Key(
        "request",
        compiled(_REQUEST.schema),
        "the rest of what `try` takes: `headers`, `cookies`, `ip`, `source`, `now`",
    ),
    Key(
        "consent",
        compiled({"anyOf": [one_of("granted", "denied"), {"type": "object"}]}),
        "the visitor's choice; `granted` or `denied` alone stands for all purposes",
    ),
    Key("expect", compiled(EXPECT.schema), "required, see below", needed=True),
    NOTES,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One case, as written. `asked` is the question for `try`; `expect` plain data, its names checked."""

    name: str
    place: Place
    asked: Mapping[str, Any]
    expect: Mapping[str, Any]

    @property
    def named(self) -> frozenset[str]:
        """The tags that it says something about."""
        lists = [name for decision in DECISIONS for name in self.expect.get(decision, [])]
        return frozenset([*lists, *self.expect.get("skip", {})])


@dataclass(slots=True)
class Report:
    """What a run found. `failures` by case, as sentences; the rest is what no case touches."""

    passed: list[Case] = field(default_factory=list)
    failures: list[tuple[Case, list[str]]] = field(default_factory=list)
    tags_untouched: list[str] = field(default_factory=list)
    triggers_untouched: list[str] = field(default_factory=list)
    rows_untouched: list[str] = field(default_factory=list)


def read_cases(texts: Mapping[str, bytes], container: Container, problems: Problems) -> list[Case]:
    """The cases of some files; what is wrong with them is noted with its place."""
    reader = _CaseReader(container, problems)
    cases: list[Case] = []
    for name, content in texts.items():
        tree = parse(content, name, problems)
        check_quotes(tree, problems, for_people=FOR_PEOPLE | {"name"})
        if tree is None:
            continue
        if not isinstance(tree, Items):
            Decoder(problems).wrong(tree, name, "a list of cases", "begin each with `- name:`")
            continue
        cases += [case for item in tree.items if (case := reader.read(item)) is not None]
    return cases


class _CaseReader:
    def __init__(self, container: Container, problems: Problems) -> None:
        self._decoder = Decoder(problems)
        self._expectations = ExpectationReader(container, problems)

    def read(self, node: Node) -> Case | None:
        nodes = CASE.nodes(self._decoder, node, "case")
        for needed in ("name", "event", "expect"):
            if needed not in nodes:
                self._decoder.missing(node.place, "case", needed)
                return None
        name = self._decoder.text(nodes["name"], "name")
        expect = self._expectations.read(nodes["expect"])
        asked: dict[str, Any] = plain(nodes["request"]) if "request" in nodes else {}
        event = plain(nodes["event"])
        if not isinstance(asked, dict) or not isinstance(event, dict):
            key = "event" if isinstance(asked, dict) else "request"
            self._decoder.wrong(nodes[key], key, "a map", "write {event: purchase}" if key == "event" else "")
            return None
        if "consent" in nodes:
            event = {**event, "consent": _consent(plain(nodes["consent"]))}
        return None if name is None else Case(name, node.place, {**asked, "event": event}, expect)


def _consent(said: Any) -> Any:
    """`granted` or `denied` alone stands for all purposes."""
    return dict.fromkeys(PURPOSES, said) if said in ("granted", "denied") else said


def explain_case(
    container: Container, server: ServerConfig, asked: Mapping[str, Any], touched: set[str] | None = None
) -> Explanation:
    """What `try` says to a question at the fixed time and with fixed ids; an event that says when it was is received at
    that moment. `touched` collects the rows of tables that are used. Raises BadQuestion."""
    event = asked.get("event")
    time = event.get("timestamp") if isinstance(event, dict) else None
    now = time if type(time) is int and 10**12 <= time < 10**13 else NOW
    return explain(container, server, asked, now, mint=lambda received: MINTED, touched=touched)


def run(cases: Sequence[Case], container: Container, server: ServerConfig) -> Report:
    """Run cases against a container."""
    report = Report()
    touched: set[str] = set()
    fired: set[str] = set()
    excepted: set[str] = set()
    rows: set[str] = set()
    for case in cases:
        try:
            made = explain_case(container, server, case.asked, rows)
        except BadQuestion as bad:
            report.failures.append((case, [str(bad)]))
            continue
        wrong = list(differences(case.expect, made, container))
        if wrong:
            report.failures.append((case, wrong))
        else:
            report.passed.append(case)
        touched |= case.named
        fired |= {tag["tag"] for tag in made.answer["tags"] if tag["reason"] != "no_trigger"}
        excepted |= {tag["tag"] for tag in made.answer["tags"] if tag["reason"] == "exception"}
    report.tags_untouched = [tag.name for tag in container.tags if tag.name not in touched]
    used = {trigger.name for tag in container.tags if tag.name in fired for trigger in tag.triggers}
    used |= {trigger.name for tag in container.tags if tag.name in excepted for trigger in tag.exceptions}
    report.triggers_untouched = [name for name in container.triggers if name not in used]
    report.rows_untouched = [row for row in container.rows if row not in rows]
    return report
