"""Examples of inbound clients as tests: a request in, events out, and the answer, in YAML.

A request is made of plain values; with `sign: true` it is signed as the client's own `signed` does it.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import msgspec

from tagserver.config.event_map import event_map_of, event_test_of
from tagserver.event.cookies import read_cookies
from tagserver.event.event import BROWSER
from tagserver.explain.differences import ABSENT, differences
from tagserver.inbound.addresses import Addresses
from tagserver.plugin.client import (
    Client,
    InboundRequest,
    Incoming,
    KeyedSource,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    Result,
)
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.system.secret import Secret
from tagserver.testing.events import NOW

REQUEST = frozenset({"method", "path", "query", "headers", "body", "text", "sign", "by"})
CASE = frozenset(
    {
        *("name", "sources", "settings", "request", "pushed", "received"),
        *("source", "events", "forget", "has", "notes", "passed", "refused", "answer"),
    }
)


def make_client(
    client: type[Client], sources: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any] | None = None
) -> Client:
    """A client with the settings of a configuration, as plain values: `sources` by their names, each with `secret` (one
    text or several). Raises ValueError with what `fault` says."""
    made = {name: make_source(client, name, values) for name, values in sources.items()}
    for name, one in made.items():
        allowed = client.keys_of(one.settings)
        given = sources[name].keys() - {"secret", "consent"}
        if allowed is not None and (strange := given - {*allowed}):
            raise ValueError(f'{name}: unknown key "{min(strange)}"')
        if (said := client.fault(one)) is not None:
            raise ValueError(f"{one.name}: {said}")
    return client(_filled(client.Settings, settings or {}), made)


def make_source(client: type[Client], name: str, values: Mapping[str, Any]) -> KeyedSource:
    """One sender."""
    rest = dict(values)
    secret = rest.pop("secret", ())
    texts = [secret] if isinstance(secret, str) else secret
    contract = rest.pop("consent", None) is not None
    return KeyedSource(name, tuple(map(Secret, texts)), _filled(client.Source, rest), contract)


def _filled(settings: type, values: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(settings)
    secret = {name for name, hint in hints.items() if Secret in (hint, *typing.get_args(hint))}
    given: dict[str, Any] = {
        key: Secret(one) if key in secret and isinstance(one, str) else one for key, one in values.items()
    }
    for make in (event_map_of, event_test_of):
        kind = typing.get_type_hints(make)["return"]
        names = [name for name, hint in hints.items() if kind in (hint, *typing.get_args(hint)) and name in given]
        given |= {name: make(given[name]) for name in names}
    return settings(**given)


def make_request(
    client: Client, given: Mapping[str, Any], received: int = NOW, source: KeyedSource | None = None
) -> InboundRequest:
    """A request of plain values: `method`, `path`, `query`, `headers`, and `body` (as JSON) or `text` (as it stands).
    `source`: who signs it."""
    if unknown := set(given) - REQUEST:
        raise AssertionError(f"unknown key {min(unknown)} in request: known are {', '.join(sorted(REQUEST))}")
    method, path = given.get("method", "POST"), given["path"]
    params = Addresses(client.addresses).params(method, path)
    if params is None:
        raise AssertionError(f"{method} {path} is none of the client's addresses")
    body = given["text"].encode() if "text" in given else _encode(given["body"]) if "body" in given else b""
    headers = {name.lower(): value for name, value in given.get("headers", {}).items()}
    request = InboundRequest(method, path, params, given.get("query", ""), headers, body, received)
    return request if source is None else client.signed(request, source)


def run_client_example(
    client: type[Client], case: Mapping[str, Any], sources: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> None:
    """Run one example. Raises AssertionError with the difference, and for a key that is not known.

    A case holds `name`, perhaps `sources` and `settings` over those given, and `request` (see `make_request`; `sign:
    true` signs it as the one sender, or as `by` names it); then what is expected: `source`, `events` (all of them,
    whole) or `has` (for each event some of its fields), `notes` (of what was left out, `path code`), `passed` (codes),
    `answer` (once all is accepted: `status`, `content_type`, `body` as JSON) or `refused` (`status` and `code`). Of a
    client that reads events of `/collect` a case may hold one of them in place of the request, as `pushed`; `refused`
    is then the `code` alone.
    """
    if unknown := set(case) - CASE:
        raise AssertionError(f"unknown key {min(unknown)}: known are {', '.join(sorted(CASE))}")
    chosen = {**sources, **case.get("sources", {})}
    made = make_client(client, chosen, {**(settings or {}), **case.get("settings", {})})
    if "pushed" in case:
        _run_pushed(made, case)
        return
    given, received = case["request"], case.get("received", NOW)
    signer = given.get("by", next(iter(chosen))) if given.get("sign") else None
    request = make_request(made, given, received, made.sources[signer] if signer is not None else None)
    try:
        with PluginCode(client, "the client", Refuse):
            made.identify(msgspec.structs.replace(request, body=None))
            source = made.identify(request)
            facts = facts_of(made, request, source)
            found = made.events(request.body or b"", facts)
            events, passed = parts_of(found)
    except Refuse as refusal:
        _same("refused", {"status": refusal.status, "code": refusal.code}, case.get("refused"))
        return
    except PluginFailed as failed:
        raise AssertionError(f"the client raises {failed.cause}: only Refuse is allowed") from failed
    if "refused" in case:
        raise AssertionError(f"it is taken, and should be refused: {case['refused']}")
    _same("source", source, case.get("source", source))
    _same("passed", [one.code for one in passed], case.get("passed", []))
    notes = found.notes if isinstance(found, Incoming) else ()
    _same("notes", [f"{one.path} {one.code}" for one in notes], case.get("notes", []))
    forget = found.forget if isinstance(found, Incoming) else None
    whom = {} if forget is None else {kind: told for kind, told in msgspec.to_builtins(forget).items() if told}
    _same("forget", {kind: [*told] for kind, told in whom.items()}, case.get("forget", {}))
    if "answer" in case:
        reply = answer_of(made, found, [Result(one.get("event_id"), "accepted") for one in events])
        said = {"status": reply.status, "content_type": reply.content_type}
        if reply.content_type == "application/json":
            said["body"] = msgspec.json.decode(reply.body)
        _same("answer", {key: said.get(key) for key in case["answer"]}, case["answer"])
    _expect(events, case)


def answer_of(client: Client, found: Any, results: list[Result]) -> Reply:
    """The answer to a request of which `events` has found this."""
    own = found.answer if isinstance(found, Incoming) else None
    return (own or client.answer)(results)


def _run_pushed(made: Client, case: Mapping[str, Any]) -> None:
    try:
        event = read_pushed(made, case["pushed"], case.get("received", NOW))
    except Refuse as refusal:
        _same("refused", {"code": refusal.code}, case.get("refused"))
        return
    except PluginFailed as failed:
        raise AssertionError(f"the client raises {failed.cause}: only Refuse is allowed") from failed
    if "refused" in case:
        raise AssertionError(f"it is taken, and should be refused: {case['refused']}")
    _expect([event], case)


def read_pushed(made: Client, pushed: Mapping[str, Any], received: int = NOW) -> Any:
    """One event of `/collect` as the client reads it, as plain data. Raises Refuse and PluginFailed."""
    with PluginCode(made, "event", Refuse):
        return msgspec.json.decode(_encode(made.event(pushed, RequestFacts("browser", received, {}, "", {}))))


def _expect(events: list[Any], case: Mapping[str, Any]) -> None:
    if "events" in case:
        _same("events", events, case["events"])
    for at, wanted in enumerate(case.get("has", ())):
        found = events[at] if at < len(events) else {}
        _same(f"events[{at}]", {key: found.get(key) for key in wanted}, wanted)


def facts_of(client: Client, request: InboundRequest, source: str) -> RequestFacts:
    """What `events` gets beside the body."""
    heard = (*client.headers, *client.heard(source))
    headers = {name: request.headers[name] for name in heard if name in request.headers}
    cookies = read_cookies(request.headers.get("cookie", "")) if source == BROWSER else {}
    cookies = {name: cookies[name] for name in client.cookies if name in cookies}
    return RequestFacts(source, request.received, request.params, request.query, headers, request.method, cookies)


def parts_of(found: Any) -> tuple[list[Any], list[Passed]]:
    """The events as the host takes them, as plain data, and what is none."""
    listed = list(found.events if isinstance(found, Incoming) else found)
    passed = [one for one in listed if isinstance(one, Passed)]
    events = [one for one in listed if not isinstance(one, Passed)]
    return msgspec.json.decode(_encode(events)), passed


def _same(what: str, found: Any, wanted: Any) -> None:
    if found == wanted:
        return
    said = f"{what}: is {found!r}, and should be {wanted!r}"
    if isinstance(found, dict | list) and isinstance(wanted, dict | list):
        for one in differences(wanted, found):
            now = "missing" if one.after is ABSENT else repr(one.after)
            was = "not expected" if one.before is ABSENT else repr(one.before)
            said += f"\n  {one.path}: is {now}, and should be {was}"
    raise AssertionError(said)


_encode = msgspec.json.Encoder().encode
