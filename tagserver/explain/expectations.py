"""What a test case expects: how it is read, and how it differs from what `try` says.

Each difference is a sentence with its cause: the condition that decided, with both operands, or the purpose.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tagserver.config.keys import FLAG, Block, Key, compiled
from tagserver.config.model import Container, Tag
from tagserver.config.schema_parts import ANY, NAMES, TEXT, one_of, table
from tagserver.config.yaml.decode import Decoder, plain
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node
from tagserver.event.consent_fields import PURPOSES
from tagserver.explain.try_ import REASONS, Explanation
from tagserver.pipeline.route import Routing

DECISIONS = ("send", "restrict", "block")
_REASON = one_of(*REASONS)
_SKIPPED = Block(
    "",
    Key("reason", compiled(_REASON), "the reason of the decision", needed=True),
    Key("detail", compiled(TEXT), "which exception, trigger or purpose it must name"),
)
EXPECT = Block(
    "",
    *(
        Key(
            decision,
            compiled({"anyOf": [NAMES, table(TEXT)]}),
            "tags with this decision: a list, or a map that says what the cause must name (`{Meta purchase: "
            "ad_user_data}`)",
        )
        for decision in DECISIONS
    ),
    Key(
        "skip",
        compiled(table({"anyOf": [_REASON, _SKIPPED.schema]})),
        "tags that do not send, each with its reason: a case cannot pass for another cause. `{reason: exception, "
        "detail: staging}` says which exception, trigger or purpose",
    ),
    Key(
        "request",
        compiled(table(table(ANY))),
        "for a destination, values in the request's body by their path; `sha256(text)` stands for the hash",
    ),
    Key("silent", FLAG, "`true`: no tag sends"),
    minProperties=1,
)
_BY_CONSENT = frozenset({"consent", "vendor", "child"})


class ExpectationReader:
    """Reads `expect:`. What comes out is plain data: for each decision the tags with the detail that is wanted, or "";
    for `skip` the reason and the detail; for `request` values by path; for `silent` a flag."""

    def __init__(self, container: Container, problems: Problems) -> None:
        self._container = container
        self._problems = problems
        self._decoder = Decoder(problems)
        self._tags = {tag.name for tag in container.tags}

    def read(self, node: Node) -> dict[str, Any]:
        """What one case expects; what is wrong with it is noted."""
        nodes = EXPECT.nodes(self._decoder, node, "expect")
        if isinstance(node, Map) and not node.entries:
            self._problems.add("E113", node.place, "expect", "nothing is expected: the case cannot fail")
        found: dict[str, Any] = {
            decision: self._decided(nodes[decision], f"expect.{decision}")
            for decision in DECISIONS
            if decision in nodes
        }
        if "skip" in nodes:
            found["skip"] = self._skipped(nodes["skip"])
        if "request" in nodes:
            found["request"] = self._requests(nodes["request"])
        if "silent" in nodes:
            found["silent"] = self._decoder.flag(nodes["silent"], "expect.silent")
        return found

    def _decided(self, node: Node, path: str) -> dict[str, str]:
        """A list of tags, or a map of tags with their details."""
        if isinstance(node, Map):
            entries = self._decoder.map(node, path).items()
            return {
                self._tag(key, name): self._decoder.text(held, f"{path}.{name}") or "" for name, (key, held) in entries
            }
        return {self._tag(item, self._decoder.text(item, where)): "" for item, where in self._decoder.list(node, path)}

    def _skipped(self, node: Node) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for name, (key, held) in self._decoder.map(node, "expect.skip").items():
            path = f"expect.skip.{name}"
            self._tag(key, name)
            parts: dict[str, Node] = {"reason": held}
            if isinstance(held, Map):
                parts = _SKIPPED.nodes(self._decoder, held, path)
            if "reason" not in parts:
                self._decoder.missing(held.place, path, "reason", "write {reason: exception, detail: staging}")
                continue
            reason = self._decoder.choice(parts["reason"], path, REASONS, "no_trigger")
            detail = self._decoder.text(parts.get("detail"), f"{path}.detail") or ""
            if reason == "exception" and detail:
                self._exception(name, detail, parts["detail"], f"{path}.detail")
            found[name] = reason, detail
        return found

    def _requests(self, node: Node) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, (key, held) in self._decoder.map(node, "expect.request").items():
            if name not in self._container.destinations:
                hint = self._problems.did_you_mean(name, self._container.destinations)
                self._problems.add("E112", key.place, "expect.request", f'unknown destination "{name}"', hint)
            found[name] = {path: plain(one) for path, (_, one) in self._decoder.map(held, name).items()}
        return found

    def _tag(self, node: Node, name: str | None) -> str:
        if name is not None and name not in self._tags:
            hint = self._problems.did_you_mean(name, self._tags)
            self._problems.add("E112", node.place, "expect", f'unknown tag "{name}"', hint)
        return name or ""

    def _exception(self, name: str, detail: str, node: Node, path: str) -> None:
        tag = self._container.tag(name)
        names = [trigger.name for trigger in tag.exceptions] if tag is not None else [detail]
        if detail not in names:
            hint = self._problems.did_you_mean(detail, names) or f"it has {', '.join(names) or 'none'}"
            self._problems.add("E112", node.place, path, f'the tag "{name}" has no exception "{detail}"', hint)


def differences(expect: Mapping[str, Any], explained: Explanation, container: Container) -> Iterator[str]:
    """Sentences about what is not as expected."""
    answer, routing = explained.answer, explained.routing
    if routing is None:
        yield f"the event was refused: {answer['problems'][0]['message']}"
        return
    tags = {tag["tag"]: tag for tag in answer["tags"]}
    wanted = [
        (name, decision, "", detail) for decision in DECISIONS for name, detail in expect.get(decision, {}).items()
    ]
    wanted += [(name, "skip", reason, detail) for name, (reason, detail) in expect.get("skip", {}).items()]
    for name, decision, reason, detail in wanted:
        found, tag = tags.get(name), container.tag(name)
        if found is None or tag is None or _fits(found, decision, reason, tag, detail, routing):
            continue
        because = (f" because of {reason}" if reason else "") + (f' ("{detail}")' if detail else "")
        why = "; ".join(_why_not(tag, found, reason or decision, routing))
        yield f"expected {decision} of {name}{because}, but {_what(found)}" + (f"; {why}" if why else "")
    if expect.get("silent"):
        for shown in answer["tags"]:
            if shown["decision"] in ("send", "restrict"):
                yield f"expected silence, but {shown['tag']}: {_what(shown)}"
    for destination, fields in expect.get("request", {}).items():
        yield from _request_differences(destination, fields, answer["tags"])


def _fits(found: Mapping[str, Any], decision: str, reason: str, tag: Tag, detail: str, routing: Routing) -> bool:
    if decision == "skip":
        if found["reason"] != reason or found["decision"] in ("send", "restrict"):
            return False
    elif found["decision"] != decision:
        return False
    if not detail or re.search(rf"(?<!\w){re.escape(detail)}(?!\w)", found["detail"]):
        return True
    # Of several that hold `try` names the first.
    named = tag.exceptions if reason == "exception" else tag.triggers if found["reason"] == "fired" else ()
    return any(trigger.name == detail and trigger.holds(routing.scope) for trigger in named)


def _what(tag: Mapping[str, Any]) -> str:
    reason = "" if tag["reason"] == "fired" else f" because of {tag['reason']}"
    detail = f" ({tag['detail']})" if tag["detail"] else ""
    return f"it is {tag['decision']}{reason}{detail}"


def _why_not(tag: Tag, found: Mapping[str, Any], wanted: str, routing: Routing) -> Iterator[str]:
    """Why it is not what was expected, where the decision itself does not say so: a reason, `block` or `restrict`."""
    scope = routing.scope
    if found["reason"] == "no_trigger":
        return  # its detail is the condition that decided
    if wanted == "exception":
        for trigger in tag.exceptions:
            if not trigger.holds(scope):
                yield f"exception {trigger.name}: {trigger.explain(scope)}"
        if not tag.exceptions:
            yield "the tag has no exceptions"
    elif wanted == "no_trigger":
        for trigger in tag.triggers:
            if trigger.holds(scope):
                yield f"trigger {trigger.name} holds: {trigger.explain(scope)}"
    elif (wanted in _BY_CONSENT or wanted in ("block", "restrict")) and found["consent"] != "block":
        needed = sorted(tag.needs.purposes, key=lambda one: (PURPOSES.index(one) if one in PURPOSES else 99, one))
        words = [f"{one} (is {routing.consent.purpose(one).state})" for one in needed]
        yield f"it needs {', '.join(words)}" if words else "it needs no purpose"


def _request_differences(
    destination: str, wanted: Mapping[str, Any], tags: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    requests = [tag["request"] for tag in tags if tag["destination"] == destination and tag["request"] is not None]
    if not requests:
        silent = [f"{tag['tag']}: {_what(tag)}" for tag in tags if tag["destination"] == destination]
        yield f"expected a request to {destination}, but there is none" + (f" ({'; '.join(silent)})" if silent else "")
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
