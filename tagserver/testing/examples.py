"""Examples as tests: event in, payload and request out, answer in, outcome out, in YAML; and as documentation, in a
plugin's README, with the table of its destination's fields.

The README marks the places; `python -m tagserver.testing FOLDER` prints them there, and a test keeps them equal:

    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text()
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from tagserver.explain.differences import ABSENT, FieldChange, differences
from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import (
    Destination,
    Outcome,
    Payload,
    Request,
    Response,
    Skip,
)
from tagserver.plugin.destination import call
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.plugin.registry import Registry
from tagserver.testing.events import known_of, make_event, make_settings, payload_of, request_of
from tagserver.testing.sending import body_of

T = TypeVar("T")


def load_examples(folder: Path) -> Iterator[Mapping[str, Any]]:
    """All cases of the `*.yaml` files in a folder, in order."""
    for path in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load(path.read_text())


def expanded(value: Any) -> Any:
    """`sha256(text)` replaced by the hash, everywhere in a value."""
    if isinstance(value, dict):
        return {key: expanded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [expanded(one) for one in value]
    if isinstance(value, str) and (found := re.fullmatch(r"sha256\((.*)\)", value)):
        return hashlib.sha256(found[1].encode()).hexdigest()
    return value


_FACTS = ("cookies", "headers", "ip", "user_agent", "country", "region", "source", "received")
GIVEN = frozenset({"name", "event", "settings", "parameters", "mode", "response", *_FACTS})
_OUTCOME = frozenset(one.name for one in dataclasses.fields(Outcome))
EXPECTED = frozenset({"body", "has", "skip", "omitted", "request", "outcome"})


def run_example(destination: type[Destination], case: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Run one example. Raises AssertionError with the difference, and for a key that is not known.

    A case holds `name`, `event`, perhaps `settings` (over those given), `parameters`, `mode` and facts of the request;
    then what is expected: `body` (the whole payload), `has` (some of its keys), `skip` (a reason), `omitted` (the
    fields left out), `request` (`method`, `url`, `headers`, `body`: those that matter; a body of JSON or of a form,
    packed or not), and `response` (`status`, `headers`, `body`) with its `outcome` (a kind, or `kind` and `reason`).
    """
    _check_case(case)
    plugin, chosen = destination(), make_settings(destination, {**settings, **case.get("settings", {})})
    event = make_event(case["event"], **{key: case[key] for key in _FACTS if key in case})
    try:
        view, given = Reads(plugin.sees(chosen)).view(event), case.get("parameters", {})
        built = _run(plugin, "build", lambda: plugin.build(view, given, chosen, case.get("mode", "send")))
    except Skip as skip:
        if skip.reason != case.get("skip"):
            wanted = _shown(case.get("skip"))
            raise AssertionError(f"skip is {_shown(skip.reason)}, and should be {wanted}: {skip.detail}") from None
        _same("omitted", sorted(one.field for one in skip.omitted), sorted(case.get("omitted", [])))
        return
    assert "skip" not in case, f"was built, and should have been skipped as {case['skip']}"
    body = json.loads(msgspec.json.encode(built.body))
    if "body" in case:
        _same("body", body, expanded(case["body"]))
    for key, wanted in case.get("has", {}).items():
        _same(key, body.get(key), expanded(wanted))
    _same("omitted", sorted(one.field for one in built.omitted), sorted(case.get("omitted", [])))
    payloads = [payload_of(built, event.event_id)]
    if "request" in case:
        made = _run(plugin, "request", lambda: request_of(plugin, payloads, chosen, event.received))
        _check_request(made, case["request"])
    if "response" in case:
        known = known_of(plugin, payloads, event.received)
        _check_outcome(plugin, payloads, case["response"], case["outcome"], known)


def _check_case(case: Mapping[str, Any]) -> None:
    """A misspelt key would expect nothing, and an example that expects nothing cannot fail."""
    unknown = ", ".join(sorted(case.keys() - GIVEN - EXPECTED))
    assert not unknown, f"an example has no {unknown}; known are {', '.join(sorted(GIVEN | EXPECTED))}"
    assert case.keys() & EXPECTED, f"the example expects nothing: say one of {', '.join(sorted(EXPECTED))}"
    assert ("response" in case) == ("outcome" in case), "response and outcome belong together"
    if "response" in case:
        _check_answer(case["response"], case["outcome"])


def _check_answer(response: Any, outcome: Any) -> None:
    """An answer needs its status, and means one thing for the one event of an example."""
    stated = isinstance(response, Mapping) and "status" in response
    assert stated, "response needs its status: {status: 200, body: …}"
    known = {"status", "headers", "body"}
    assert response.keys() <= known, f"a response has no {', '.join(sorted(response.keys() - known))}"
    assert isinstance(outcome, str) or (isinstance(outcome, Mapping) and outcome), (
        "outcome is what the answer means for this one event: a kind such as delivered, or {kind: …, reason: …}"
    )
    unknown = ", ".join(sorted(outcome.keys() - _OUTCOME)) if isinstance(outcome, Mapping) else ""
    assert not unknown, f"an outcome has no {unknown}; known are {', '.join(sorted(_OUTCOME))}"


def _check_request(request: Request, wanted: Mapping[str, Any]) -> None:
    unknown = ", ".join(sorted(wanted.keys() - {"method", "url", "headers", "body"}))
    assert not unknown, f"a request has no {unknown}; known are method, url, headers and body"
    shown: dict[str, Any] = {"method": request.method, "url": request.url}
    shown["headers"] = {name: request.headers.get(name) for name in wanted.get("headers", {})}
    if "body" in wanted:
        shown["body"] = body_of(request)
    for key, value in expanded(dict(wanted)).items():
        _same(f"request.{key}", shown[key], value)


def _check_outcome(
    plugin: Destination,
    payloads: Sequence[Payload],
    answer: Mapping[str, Any],
    wanted: str | Mapping[str, Any],
    known: Mapping[str, Any],
) -> None:
    body = answer.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body)
    response = Response(answer["status"], answer.get("headers", {}), text.encode())
    outcomes = _run(plugin, "classify", lambda: call(plugin.classify, known, response, payloads))
    first = outcomes if isinstance(outcomes, Outcome) else outcomes[0]
    expected = {"kind": wanted} if isinstance(wanted, str) else wanted
    for key, value in expected.items():
        _same(f"outcome.{key}", getattr(first, key), value)


def _same(what: str, found: Any, wanted: Any) -> None:
    if found == wanted:
        return
    said = f"{what} is {_shown(found)}, and should be {_shown(wanted)}"
    if isinstance(found, dict | list) and isinstance(wanted, dict | list):
        said += "".join(f"\n  {_difference(one)}" for one in differences(wanted, found))
    raise AssertionError(said)


def _difference(one: FieldChange) -> str:
    """One field of a body, as its author reads it."""
    if one.before is ABSENT:
        return f"{one.path}: not expected, and is {_shown(one.after)}"
    if one.after is ABSENT:
        return f"{one.path}: is missing, and should be {_shown(one.before)}"
    return f"{one.path or 'it'}: is {_shown(one.after)}, and should be {_shown(one.before)}"


def _shown(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _run(plugin: Destination, method: str, call: Callable[[], T]) -> T:
    """What a method gives. Raises AssertionError for what it raises, with the author's own line; and Skip."""
    try:
        with PluginCode(plugin, method, Skip):
            return call()
    except PluginFailed as failed:
        allowed = ": only Skip is allowed" if method == "build" else ""
        cause = failed.__cause__
        raise AssertionError(f"{method} raises {failed.cause}{allowed}: {cause}") from cause


BEGIN, END = "<!-- examples -->", "<!-- /examples -->"
FIELDS, END_FIELDS = "<!-- fields -->", "<!-- /fields -->"


def with_examples(folder: Path) -> str:
    """The text of a plugin's README.md with all of its `examples/*.yaml` between the marks; and, where it has the marks
    for fields, with the table of its installed destination's fields between these.

    Raises ValueError with the fix when the README does not have both marks, once each and in this order.
    """
    text = (folder / "README.md").read_text("utf-8")
    if FIELDS in text:
        head, tail = _around(text, FIELDS, END_FIELDS, "the table of fields")
        text = "\n\n".join([head + FIELDS, *map(_fields, _destinations(folder)), END_FIELDS + tail])
    head, tail = _around(text, BEGIN, END, "the examples")
    return "\n\n".join([head + BEGIN, *map(_printed, sorted((folder / "examples").glob("*.yaml"))), END + tail])


def _around(text: str, begin: str, end: str, what: str) -> tuple[str, str]:
    head, first, rest = text.partition(begin)
    _, second, tail = rest.partition(end)
    if not first or not second or begin in rest or end in tail:
        raise ValueError(f"README.md needs one line {begin} and below it one line {end}: {what} stand between")
    return head, tail


def _printed(path: Path) -> str:
    return f"```yaml\n# examples/{path.name}\n{path.read_text('utf-8').strip()}\n```"


def _destinations(folder: Path) -> Iterator[type[Destination]]:
    """The installed destinations whose code lies in a folder."""
    for cls in Registry.load().destinations.values():
        if Path(inspect.getfile(cls)).resolve().is_relative_to(folder.resolve()):
            yield cls


def _fields(cls: type[Destination]) -> str:
    rows = cls.table.described() if cls.table is not None else []
    return "\n".join(
        ["| field | from | sent | left out if it |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    )
