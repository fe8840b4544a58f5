"""`try`: one event in, every tag's decision with its reason and the exact request out. Nothing is sent or written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tagserver.config.model import ConfiguredDestination, Container, Tag
from tagserver.config.server import ServerConfig
from tagserver.event.cookies import read_cookies
from tagserver.event.event import Note
from tagserver.explain.differences import differences
from tagserver.expressions.scope import Scope
from tagserver.inbound.clients.datalayer import CLIENT, NO_READERS, Context, Refused, read_event
from tagserver.inbound.enrich import read_facts
from tagserver.ingest.advice import advise
from tagserver.pipeline.route import Decision, Routing, all_decisions, as_dict, route
from tagserver.plugin import Payload, Request
from tagserver.plugin.attempt import attempt_of, carrying_request, unpacked
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.system.egress import certain_refusal
from tagserver.system.secret import Secret
from tagserver.system.secret import masked as without_secrets
from tagserver.system.text import printable, printable_json

MASK = Secret("••••")
KEYS = ("event", "headers", "cookies", "ip", "source", "now")


class BadQuestion(ValueError):
    """The question itself is wrong; the text says where and how to fix it."""


REASONS = (
    *(
        "fired",
        "no_trigger",
        "exception",
        "paused",
        "schedule",
        "sampled",
        "once_per",
        "same_event",
        "consent",
        "vendor",
    ),
    *("child", "no_identity", "too_old", "missing_required", "other_account", "variable", "destination_paused"),
    "plugin_error",
)
"""Every reason that a decision can have."""


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """An answer of `try`, and the decisions that it shows; None when the event was refused."""

    answer: dict[str, Any]
    routing: Routing | None


def try_event(
    container: Container,
    server: ServerConfig,
    asked: Mapping[str, Any],
    now_ms: int,
    mint: Callable[[int], str] | None = None,
    client: str | None = None,
) -> dict[str, Any]:
    """The answer to one question, as `explain` gives it. Raises BadQuestion."""
    return explain(container, server, asked, now_ms, mint, client=client).answer


def explain(
    container: Container,
    server: ServerConfig,
    asked: Mapping[str, Any],
    now_ms: int,
    mint: Callable[[int], str] | None = None,
    touched: set[str] | None = None,
    client: str | None = None,
) -> Explanation:
    """Answer one question of the form `{"event", "headers", "cookies", "ip", "source", "now"}`.

    `now_ms` is the present time, used when the question names none; `mint` makes an id for an event without one;
    `touched` collects the rows of tables that are used; `client`: by which client the event has come, where that does
    not follow from its source. Raises BadQuestion.
    """
    unknown = [key for key in asked if key not in KEYS]
    if unknown:
        raise BadQuestion(f"unknown key {unknown[0]!r}; known are {', '.join(KEYS)}")
    source = asked.get("source", "browser")
    if not isinstance(source, str):
        raise BadQuestion('source: give "browser" or the name of a key')
    if source != "browser" and source not in server.sources:
        raise BadQuestion(f"source: no key is called {source!r}")
    headers = {name.lower(): value for name, value in _texts(asked, "headers").items()}
    cookies = {**read_cookies(headers.get("cookie")), **_texts(asked, "cookies")}
    ip = asked.get("ip", "127.0.0.1")
    if not isinstance(ip, str):
        raise BadQuestion("ip: give the connection's address as text")
    facts = read_facts(
        source,
        _moment(asked["now"]) if asked.get("now") is not None else now_ms,
        headers,
        ip,
        trusted_proxies=server.collect.trusted_proxies,
        geo_headers=server.collect.geo_headers,
        locate=server.collect.locate,
        cookies=cookies,
    )
    by, contract = server.sender(source)
    client = client or by
    readers = server.clients.readers if client == CLIENT else NO_READERS
    try:
        automatic = server.clients.automatic(client)
        context = Context({}, locate=server.collect.locate, client=client, readers=readers, automatic=automatic)
        event = read_event(asked.get("event"), facts, context, mint)
    except Refused as refused:
        problems = [msgspec.to_builtins(note) for note in refused.notes]
        return Explanation({"event": None, "consent": None, "tags": [], "problems": problems}, None)
    routing = route(container, event, contract, touched)
    tags = [
        _shown(decision, event.event_id, routing.scope, facts.received)
        for decision in all_decisions(container, routing)
    ]
    notes = (*advise(container, routing), *event.notes, *_redacted(routing.decisions), *_failed(routing.scope.faults))
    answer = {
        "event": event.as_dict(),
        "consent": routing.consent.as_dict(),
        "tags": tags,
        "problems": [msgspec.to_builtins(note) for note in notes],
    }
    return Explanation(answer, routing)


def _redacted(decisions: Sequence[Decision]) -> Iterator[Note]:
    """Where personal data stood that nobody expects there, once for each place."""
    found = {finding: None for decision in decisions for finding in decision.findings if finding.kinds}
    for finding in found:
        yield Note(finding.path, "personal_data", f"{finding.path} {finding.why}")


def _failed(faults: Mapping[str, str]) -> Iterator[Note]:
    """The variables that failed, and have no value for it."""
    for name, error in faults.items():
        yield Note(f"variables.{name}", "variable_failed", f"it fails with {error}, and has no value")


def _shown(decision: Decision, event_id: str, scope: Scope, now: int) -> dict[str, Any]:
    """A decision with its request, and what transformations made of the event where the tag has some; a plugin that
    cannot make a request, or makes one that may not leave, would fail at delivery, too."""
    try:
        request, why = _previewed(decision, event_id, now)
    except PluginFailed as failed:  # a bad plugin is isolated
        request, why = None, str(failed)
    shown = as_dict(decision, request)
    if why is not None:
        shown |= {"decision": "error", "reason": "plugin_error", "detail": why}
    if decision.tag.transformations and decision.consent is not None:
        shown["transformations"] = list(_transformations(decision.tag, scope))
    return shown


def _transformations(tag: Tag, scope: Scope) -> Iterator[dict[str, Any]]:
    """What each transformation changes for this event, in their order; one that changes nothing is left out."""
    for one in tag.transformations:
        before, scope = scope, one.apply(scope)
        fields = list(differences(before.event.as_dict(), scope.event.as_dict()))
        if fields:
            yield {"name": one.name, "fields": [field.as_dict() for field in fields]}


def _texts(asked: Mapping[str, Any], key: str) -> dict[str, str]:
    value = asked.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BadQuestion(f"{key}: give an object of texts")
    return value


def _moment(text: Any) -> int:
    """RFC 3339 → ms since 1970 UTC."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return int(moment.timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        raise BadQuestion('now: give an RFC 3339 time with its zone, such as "2026-11-24T12:00:00Z"') from None


def _previewed(decision: Decision, event_id: str, now: int) -> tuple[dict[str, Any] | None, str | None]:
    """The request, and why it may not leave, by the rule that delivery goes by."""
    built = decision.built
    if built is None:
        return None, None
    destination = decision.tag.destination
    payloads = [Payload(event_id, built.name, built.time, decision.body, built.group)]
    with PluginCode(destination.plugin, "request"):
        known = attempt_of(destination.plugin, destination.name, payloads, now)
        request = carrying_request(destination.plugin, payloads, masked(destination), known)
        shown, address = _shown_request(request), request.url
        if MASK.reveal() in address:  # a secret is part of it: only the real one tells where it leads
            address = carrying_request(destination.plugin, payloads, destination.settings, known).url
        if destination.plugin.sink:
            return shown, None
        why = certain_refusal(address, destination.hosts, destination.egress)
    return shown, None if why is None else f"its request may not leave: {without_secrets(why)}"


def _shown_request(request: Request) -> dict[str, Any]:
    content = unpacked(request).decode(errors="replace")
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    headers = {str(name): str(value) for name, value in request.headers.items()}
    return {"method": request.method, "url": request.url, "headers": headers, "body": body, "content": content}


def body_text(request: Mapping[str, Any]) -> str:
    """The body of a shown request for people: JSON in lines, anything else (a form, say) as its text."""
    return printable(request["content"]) if request["body"] is None else printable_json(request["body"], indent=2)


def masked(destination: ConfiguredDestination) -> Any:
    """The destination's settings with every secret replaced by stars, so that no secret can be shown by mistake."""
    settings = destination.settings
    secrets = {
        field.name: MASK for field in dataclasses.fields(settings) if isinstance(getattr(settings, field.name), Secret)
    }
    return dataclasses.replace(settings, **secrets)
