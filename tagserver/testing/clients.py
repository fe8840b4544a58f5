"""The rules of an inbound client: pure and total, since what it is given comes from anybody; and closed to whoever has
not the secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tagserver.event.event import BROWSER
from tagserver.inbound.addresses import params_of
from tagserver.plugin.client import Client, InboundRequest, Incoming, Refuse, Reply, Result
from tagserver.plugin.client_statement import client_faults
from tagserver.plugin.fault import PluginFailed
from tagserver.testing.building import slow_faults, timed
from tagserver.testing.client_examples import facts_of, make_client, make_request, parts_of, read_pushed
from tagserver.testing.events import NOW
from tagserver.testing.shut import Fault, Shut, raised, sentences, shut

SAMPLE = {"event": "purchase", "event_id": "o-1", "ecommerce": {"transaction_id": "1", "value": 5, "currency": "EUR"}}
BODIES: tuple[tuple[str, bytes], ...] = (
    ("no body", b""),
    ("an empty object", b"{}"),
    ("an empty list", b"[]"),
    ("null", b"null"),
    ("an event of ours", json.dumps(SAMPLE).encode()),
    ("JSON that is cut short", b'{"event": "purcha'),
    ("JSON that nests deeply", b"[" * 50_000),
    ("bytes that are no text", bytes(range(256))),
    ("a form", b"a=1&b=%FF&a=2"),
    ("half an emoji", b'{"event": "\\ud83d"}'),
    ("64 KiB", json.dumps([SAMPLE] * 500).encode()),
)
ODD: tuple[Any, ...] = (None, True, 0, -1.5, 10**30, "", "x" * 5000, "\x00", [], [1], {}, {"a": [None]})
"""What stands in a field in place of what belongs there."""
ODDITIES = 400
"""Changed bodies of one example at most."""


def check_client(
    client: type[Client],
    sources: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any] | None = None,
    requests: Sequence[Mapping[str, Any]] = (),
    pushed: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """What is wrong with a client, as sentences; an empty list when it keeps the rules.

    `sources`: senders by their names, with `secret` and their settings; `requests`: some of its requests, as in
    examples; `pushed`: some events of `/collect` that it reads. It states what it must; raises nothing but Refuse,
    whatever it is sent; gives the same for the same request; takes no request whose body is another one than its sender
    has signed; shows no secret; uses no network; and takes no longer than a request may.
    """
    if faults := list(client_faults(client)):
        return faults
    check = _Check(client, sources, settings)
    if check.made is not None:
        check.run(requests)
        check.run_pushed(pushed)
    return list(dict.fromkeys((*_stated(client), *sentences((*check.faults, *slow_faults("events", check.spent))))))


def _stated(client: type[Client]) -> Iterator[str]:
    if not (client.__doc__ or "").strip() or client.__doc__ == Client.__doc__:
        yield "it has no docstring: its first line is what people see in `tagserver plugins show`"


class _Check:
    def __init__(self, client: type[Client], sources: Mapping[str, Any], settings: Mapping[str, Any] | None) -> None:
        self.faults: list[Fault] = []
        self.spent: list[float] = []
        self.made: Client | None = None
        self._cls = client
        try:
            with shut(client, "the class, when it is made,", self.faults, ValueError):
                self.made = make_client(client, sources, settings)
        except Shut:
            return  # and it is noted
        except ValueError as error:
            self.faults.append(Fault(f"the settings do not fit: {error}"))
            return
        except PluginFailed as failed:
            self.faults.append(raised("making the class", failed))
            return
        self._secrets = [key for one in self.made.sources.values() for key in one.texts()]

    def run(self, requests: Sequence[Mapping[str, Any]]) -> None:
        """All requests that there are, each signed by each sender, and in all the ways of a forger."""
        assert self.made is not None
        self._hidden("its repr", repr(self.made))
        for name in self.made.sources:
            for endpoint in self._cls.addresses:
                path = endpoint.pattern
                for brace in params_of(path, path) or {}:
                    path = path.replace(f"{{{brace}}}", name)
                for what, body in BODIES:
                    params = params_of(endpoint.pattern, path) or {}
                    self._one(name, InboundRequest(endpoint.method, path, params, "", {}, body, NOW), what)
            for given in requests:
                plain = {key: value for key, value in given.items() if key not in ("sign", "by")}
                whole = make_request(self.made, plain)
                self._one(name, whole, "a request of the check")
                for changed in _oddities(plain.get("body")):
                    self._one(name, make_request(self.made, {**plain, "body": changed}), "a field of another type")
        self._answers()

    def run_pushed(self, pushed: Sequence[Mapping[str, Any]]) -> None:
        """Events of our own door that it reads, and the same with each field as something else."""
        made = self.made
        assert made is not None
        keys = self._cls.reads
        samples = [SAMPLE | {key: odd} for key in keys for odd in ODD]
        for given in (*samples, *pushed, *(odd for one in pushed for odd in _oddities(one))):
            if not isinstance(given, dict) or keys[0] not in given:
                continue
            before, found = _encode(given), []
            try:
                with shut(made, "event", self.faults, Refuse), timed(self.spent):
                    found = [read_pushed(made, given), read_pushed(made, given)]
            except Refuse as refusal:
                self._refusal(refusal)
            except Shut:
                pass  # and it is noted
            except PluginFailed as failed:
                self.faults.append(raised("event", failed, "a field of another type", "raise Refuse for what is none"))
            if found and found[0] != found[1]:
                self.faults.append(Fault("event gives different results for the same event"))
            if found and not isinstance(found[0], dict):
                self.faults.append(Fault("event gives no object: give the fields of one event"))
            if _encode(given) != before:
                self.faults.append(Fault("event changes what it is given: make another object"))

    def _one(self, name: str, request: InboundRequest, what: str) -> None:
        """One request as this sender signs it, and then as nobody does."""
        made = self.made
        assert made is not None
        self._identified(request, what)
        try:
            with shut(made, "signed", self.faults):
                signed = self._cls.signed(request, made.sources[name])
        except (Shut, PluginFailed):
            self.faults.append(Fault("signed raises for {}", what))
            return
        found = self._identified(signed, what)
        if isinstance(found, str):
            if signed is not request and found != BROWSER and not self._cls.bare_keys:
                self._forged(signed, request, what)
            self._events(signed, found, what)

    def _forged(self, signed: InboundRequest, request: InboundRequest, what: str) -> None:
        """The same signature over another body, or over none; a key in the query is over none, and left away."""
        body = signed.body or b""
        if signed.headers == request.headers and signed.query != request.query:
            stranger = self._identified(msgspec.structs.replace(request, body=None), what)
            if isinstance(stranger, str) and stranger != BROWSER and body:
                self.faults.append(Fault("identify would have the body of a stranger read, without any key"))
            return
        others = [("one bit is another", bytes((body[0] ^ 1,)) + body[1:])] if body else []
        others.append(("a blank stands behind it", body + b" "))
        for how, other in others:
            if isinstance(self._identified(msgspec.structs.replace(signed, body=other), what), str):
                self.faults.append(Fault(f"identify takes a signed body in which {how}: compare what was signed", what))
        bare = msgspec.structs.replace(signed, headers={})
        stranger = self._identified(msgspec.structs.replace(bare, body=None), what)
        if isinstance(stranger, str) and stranger != BROWSER and body:
            self.faults.append(Fault("identify would have the body of a stranger read, without any signature"))

    def _identified(self, request: InboundRequest, what: str) -> str | Refuse | None:
        """Who sends; asked twice."""
        made = self.made
        assert made is not None
        found: list[Any] = []
        for _ in range(2):
            try:
                with shut(made, "identify", self.faults, Refuse):
                    found.append(made.identify(request))
            except Refuse as refusal:
                self._refusal(refusal)
                found.append(refusal)
            except Shut:
                return None  # and it is noted
            except PluginFailed as failed:
                self.faults.append(raised("identify", failed, what, "raise Refuse for what does not fit"))
                return None
        first, second = found
        if type(first) is not type(second) or (isinstance(first, str) and first != second):
            self.faults.append(Fault("identify gives different results for {}", what))
        if isinstance(first, Refuse):
            return first
        if first == BROWSER and not self._cls.browser:
            self.faults.append(Fault("identify names the browser: write browser = True, and its origin is asked for"))
            return None
        if request.body is not None and first not in made.sources and first != BROWSER:
            self.faults.append(Fault("identify names somebody who is none of the sources", what))
            return None
        return first if isinstance(first, str) else None

    def _refusal(self, refusal: Refuse) -> None:
        status: object = refusal.status
        if not (isinstance(status, int) and 400 <= status < 600):
            self.faults.append(Fault(f"it refuses with the status {refusal.status}: write one of at least 400"))
        if refusal.code not in self._cls.refuses:
            self.faults.append(Fault(f"it refuses with the code {refusal.code!r}, which `refuses` does not list"))
        self._hidden("the message of a refusal", refusal.message)

    def _events(self, request: InboundRequest, source: str, what: str) -> None:
        """What a request holds; asked twice."""
        made = self.made
        assert made is not None
        found = []
        for _ in range(2):
            try:
                with shut(made, "events", self.faults, Refuse), timed(self.spent):
                    held = made.events(request.body or b"", facts_of(made, request, source))
                    events, passed = parts_of(held)
            except Refuse as refusal:
                self._refusal(refusal)
                return
            except Shut:
                return  # and it is noted
            except PluginFailed as failed:
                self.faults.append(raised("events", failed, what, "raise Refuse for what does not fit"))
                return
            for one in passed:
                if one.code not in self._cls.passes:
                    self.faults.append(Fault(f"it passes over something as {one.code!r}, which `passes` does not list"))
            found.append((events, passed))
            self._own_answer(held, [Result("o-1", "accepted") for _ in events])
        if found[0] != found[1]:
            self.faults.append(Fault("events gives different results for {}", what))
        self._hidden("an event", repr(found[0]))
        self._hidden("a note", repr(held.notes if isinstance(held, Incoming) else ()))

    def _own_answer(self, held: Any, results: list[Result]) -> None:
        """What a request is answered in place of `answer`."""
        if not isinstance(held, Incoming) or held.answer is None:
            return
        try:
            with shut(self.made, "answer", self.faults):
                reply: object = held.answer(results)
        except (Shut, PluginFailed):
            reply = None
        if not isinstance(reply, Reply):
            self.faults.append(Fault("the answer of Incoming gives no Reply: it gets results, and makes one of them"))
        else:
            self._hidden("an answer", repr(reply.body))

    def _answers(self) -> None:
        made = self.made
        assert made is not None
        lists: list[list[Result]] = [[], [Result("o-1", "accepted")], [Result(None, "rejected")]]
        for results in lists:
            try:
                with shut(made, "answer", self.faults):
                    reply: object = made.answer(results)
                    refused: object = made.refused(Refuse(401, "signature", "a signature is missing"))
            except (Shut, PluginFailed):
                self.faults.append(Fault("answer or refused raises: they get results, and make a Reply of them"))
                return
            if not (isinstance(reply, Reply) and isinstance(refused, Reply)):
                self.faults.append(Fault("answer or refused gives no Reply"))
                return
            if refused.status < 400:
                self.faults.append(Fault("refused answers with a status below 400: the sender would take it as done"))
            self._hidden("an answer", repr((reply.body, refused.body)))

    def _hidden(self, what: str, text: str) -> None:
        if any(secret in text for secret in self._secrets):
            self.faults.append(Fault(f"a secret stands in {what}"))


_encode = msgspec.json.Encoder().encode


def _oddities(body: Any) -> Iterator[Any]:
    """A body with each of its fields as something else, one at a time."""
    made = 0
    for at in _paths(body, ()):
        for odd in ODD:
            if (made := made + 1) > ODDITIES:
                return
            yield _put(body, at, odd)


def _paths(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield (*at, key)
        yield from _paths(one, (*at, key))


def _put(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    if not at:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = _put(copy[at[0]], at[1:], odd)
    return copy
