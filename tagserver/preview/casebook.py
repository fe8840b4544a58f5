"""Tests of a container: cases in `*.test.yaml`, in the words of marketing, answered by the same code that serves.

    - name: a purchase goes to Meta
      event: {event: purchase, ecommerce: {value: 5, currency: EUR}, user_id: u-1}
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      expect:
        send: [Meta purchase]
        skip: {Meta lead: no_trigger}
        request: {meta: {data.0.event_name: Purchase}}

Time and minted ids are fixed, nothing is sent. An expectation names the decision and, for what is not sent, the reason,
so that a case cannot pass for another cause than the one that is meant.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagserver.consent.needs import PURPOSES
from tagserver.container.decode import Decoder, plain
from tagserver.container.model import Container
from tagserver.container.problems import Place, Problems
from tagserver.container.quotes import FOR_PEOPLE, check_quotes
from tagserver.container.server import ServerConfig
from tagserver.container.source import Map, Node, parse, read_content
from tagserver.container.source import Sequence as Items
from tagserver.preview.trial import REASONS, BadTrial, try_event

NOW = 1_767_225_600_000
"""The time of every case that names none: 2026-01-01T00:00:00Z, in ms."""
MINTED = "00000000-0000-7000-8000-000000000001"

KEYS = ("name", "event", "request", "consent", "expect", "notes")
DECISIONS = ("send", "restrict", "block")
EXPECTATIONS = (*DECISIONS, "skip", "request", "silent")


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


def read_test_files(folder: Path) -> dict[str, bytes]:
    """The `*.test.yaml` files below a configuration folder, by their path in it."""
    found = sorted(folder.rglob("*.test.yaml"))
    names = {path.relative_to(folder): path for path in found}
    return {
        name.as_posix(): read_content(path)
        for name, path in names.items()
        if path.is_file() and not any(part.startswith(".") for part in name.parts)
    }


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
        self._container = container
        self._problems = problems
        self._decoder = Decoder(problems)
        self._tags = {tag.name for tag in container.tags}

    def read(self, node: Node) -> Case | None:
        nodes = {name: held for name, (_, held) in self._decoder.map(node, "case", KEYS).items()}
        for needed in ("name", "event", "expect"):
            if needed not in nodes:
                self._decoder.missing(node.place, "case", needed)
                return None
        name = self._decoder.text(nodes["name"], "name")
        expect = self._expect(nodes["expect"])
        asked: dict[str, Any] = plain(nodes["request"]) if "request" in nodes else {}
        event = plain(nodes["event"])
        if not isinstance(asked, dict) or not isinstance(event, dict):
            key = "event" if isinstance(asked, dict) else "request"
            self._decoder.wrong(nodes[key], key, "a map", "write {event: purchase}" if key == "event" else "")
            return None
        if "consent" in nodes:
            event = {**event, "consent": _consent(plain(nodes["consent"]))}
        return None if name is None else Case(name, node.place, {**asked, "event": event}, expect)

    def _expect(self, node: Node) -> dict[str, Any]:
        nodes = {name: held for name, (_, held) in self._decoder.map(node, "expect", EXPECTATIONS).items()}
        if isinstance(node, Map) and not node.entries:
            self._problems.add("E113", node.place, "expect", "nothing is expected: the case cannot fail")
        found: dict[str, Any] = {}
        for decision in DECISIONS:
            if decision in nodes:
                items = list(self._decoder.list(nodes[decision], f"expect.{decision}"))
                found[decision] = [self._tag(item, self._decoder.text(item, path)) for item, path in items]
        if "skip" in nodes:
            found["skip"] = {}
            for name, (key, held) in self._decoder.map(nodes["skip"], "expect.skip").items():
                self._tag(key, name)
                reason = self._decoder.choice(held, f"expect.skip.{name}", REASONS, "no_trigger")
                found["skip"][name] = reason
        for name, (key, held) in self._decoder.map(nodes.get("request"), "expect.request").items():
            if name not in self._container.destinations:
                hint = self._problems.did_you_mean(name, self._container.destinations)
                self._problems.add("E112", key.place, "expect.request", f'unknown destination "{name}"', hint)
            fields = self._decoder.map(held, name).items()
            found.setdefault("request", {})[name] = {path: plain(one) for path, (_, one) in fields}
        if "silent" in nodes:
            found["silent"] = self._decoder.flag(nodes["silent"], "expect.silent")
        return found

    def _tag(self, node: Node, name: str | None) -> str:
        if name is not None and name not in self._tags:
            hint = self._problems.did_you_mean(name, self._tags)
            self._problems.add("E112", node.place, "expect", f'unknown tag "{name}"', hint)
        return name or ""


def _consent(said: Any) -> Any:
    """`granted` or `denied` alone stands for all purposes."""
    return dict.fromkeys(PURPOSES, said) if said in ("granted", "denied") else said


def answer(
    asked: Mapping[str, Any], container: Container, server: ServerConfig, touched: set[str] | None = None
) -> dict[str, Any]:
    """What `try` says to a case's question, at the fixed time and with fixed ids; `touched` collects the rows of tables
    that are used. Raises BadTrial."""
    return try_event(container, server, asked, _now(asked), mint=lambda received: MINTED, touched=touched)


def _now(asked: Mapping[str, Any]) -> int:
    """An event that says when it was is received at that moment."""
    time = asked["event"].get("timestamp")
    return time if type(time) is int and 10**12 <= time < 10**13 else NOW


def run(cases: Sequence[Case], container: Container, server: ServerConfig) -> Report:
    """Run cases against a container."""
    report = Report()
    touched: set[str] = set()
    fired: set[str] = set()
    excepted: set[str] = set()
    rows: set[str] = set()
    for case in cases:
        try:
            said = answer(case.asked, container, server, rows)
        except BadTrial as bad:
            report.failures.append((case, [str(bad)]))
            continue
        wrong = list(_differences(case, said))
        if wrong:
            report.failures.append((case, wrong))
        else:
            report.passed.append(case)
        touched |= case.named
        fired |= {tag["tag"] for tag in said["tags"] if tag["reason"] != "no_trigger"}
        excepted |= {tag["tag"] for tag in said["tags"] if tag["reason"] == "exception"}
    report.tags_untouched = [tag.name for tag in container.tags if tag.name not in touched]
    used = {trigger.name for tag in container.tags if tag.name in fired for trigger in tag.triggers}
    used |= {trigger.name for tag in container.tags if tag.name in excepted for trigger in tag.exceptions}
    report.triggers_untouched = [name for name in container.triggers if name not in used]
    report.rows_untouched = [row for row in container.rows if row not in rows]
    return report


def _differences(case: Case, said: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about what is not as expected."""
    if said["event"] is None:
        yield f"the event was refused: {said['problems'][0]['message']}"
        return
    tags = {tag["tag"]: tag for tag in said["tags"]}
    for decision in DECISIONS:
        for name in case.expect.get(decision, []):
            if name in tags and tags[name]["decision"] != decision:
                yield f"expected {decision} of {name}, but {_what(tags[name])}"
    for name, reason in case.expect.get("skip", {}).items():
        found = tags.get(name)
        if found is not None and (found["reason"] != reason or found["decision"] in ("send", "restrict")):
            yield f"expected skip of {name} because of {reason}, but {_what(found)}"
    if case.expect.get("silent"):
        for tag in said["tags"]:
            if tag["decision"] in ("send", "restrict"):
                yield f"expected silence, but {tag['tag']}: {_what(tag)}"
    for destination, wanted in case.expect.get("request", {}).items():
        yield from _request_differences(destination, wanted, said["tags"])


def _what(tag: Mapping[str, Any]) -> str:
    reason = "" if tag["reason"] == "fired" else f" because of {tag['reason']}"
    detail = f" ({tag['detail']})" if tag["detail"] else ""
    return f"it is {tag['decision']}{reason}{detail}"


def _request_differences(
    destination: str, wanted: Mapping[str, Any], tags: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    requests = [tag["request"] for tag in tags if tag["destination"] == destination and tag["request"] is not None]
    if not requests:
        yield f"expected a request to {destination}, but there is none"
        return
    best = min((list(_field_differences(request, wanted)) for request in requests), key=len)
    for difference in best:
        yield f"request to {destination}: {difference}"


def _field_differences(request: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for path, value in wanted.items():
        there, found = _walk(request["body"], path)
        if not there:
            beside = f"; there: {', '.join(found)}" if isinstance(found, dict) else ""
            yield f"{path} is not there, and should be {json.dumps(value)}{beside}"
        elif found != _expanded(value):
            yield f"{path} is {json.dumps(found)}, and should be {json.dumps(value)}"


def _walk(value: Any, path: str) -> tuple[bool, Any]:
    """Whether there is a value at a path, and the value; else the last one on the way."""
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False, value
    return True, value


def _expanded(value: Any) -> Any:
    """`sha256(text)` stands for the hash of the text."""
    if isinstance(value, list):
        return [_expanded(one) for one in value]
    if isinstance(value, str) and (found := re.fullmatch(r"sha256\((.*)\)", value)):
        return hashlib.sha256(found[1].encode()).hexdigest()
    return value
