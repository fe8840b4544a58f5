"""The conformance check finds each way to break a rule, and nothing in a destination that keeps them."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

import contextlib
import gzip
import hashlib
import inspect
import itertools
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Limits,
    Mode,
    Omitted,
    Outcome,
    Payload,
    Request,
    Response,
    Secret,
    Skip,
    StandardEvents,
    default_outcome,
    setting,
)
from tagserver.testing import check_destination, make_event, payloads_of
from tagserver.testing.building import SLOW, slow_faults
from tagserver.testing.shut import Fault, sentences

FORM = "application/x-www-form-urlencoded"
SETTINGS = {"account": "17", "token": "a-secret-token"}


@dataclass(frozen=True, kw_only=True)
class PostSettings:
    """An account and its token."""

    account: str = setting("Whose it is.", identity=True)
    token: Secret = setting("The key.")


class Post(Destination):
    """Keeps every rule; each test breaks one."""

    type = "post"
    api_version = 1
    Settings = PostSettings
    consent = ConsentNeeds(("ad_storage",), restricted=True)
    limits = Limits(events=10)
    reads = ("event", "event_id", "user_data")

    def hosts(self, settings: Any) -> Sequence[str]:
        return ("post.example",)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        return Built({"id": event.event_id, "limited": mode == "restrict"}, event.name, event.time)

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        content = b"[" + b",".join(payload.body for payload in payloads) + b"]"
        return Request("POST", "https://post.example/in", {"authorization": settings.token.reveal()}, content)


def body(change: Callable[[Event], Mapping[str, Any]], **more: Any) -> type[Destination]:
    """A destination whose body has something more."""

    class Changed(Post):
        def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
            made = super().build(event, parameters, settings, mode)
            return Built({**made.body, **change(event)}, made.name, made.time, **more)

    return Changed


def request(**changes: Any) -> type[Destination]:
    """A destination whose requests are different."""

    class Changed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
            made = super().request(payloads, settings)
            parts = {"method": made.method, "url": made.url, "headers": made.headers, "content": made.content}
            return Request(**parts | {key: value(settings) for key, value in changes.items()})

    return Changed


def classified(classify: Callable[[Response, Sequence[Payload]], Any]) -> type[Destination]:
    """A destination with its own reading of answers."""

    class Changed(Post):
        def classify(self, response: Response, payloads: Sequence[Payload]) -> Any:
            return classify(response, payloads)

    return Changed


def exchanged(steps: Callable[[Request], Generator[Any, Response, Any]]) -> type[Destination]:
    """A destination that talks more than once."""

    class Changed(Post):
        def exchange(
            self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any]
        ) -> Generator[Any, Response, Any]:
            return steps(self.request(payloads, settings))

    return Changed


def raising(name: str) -> type[Destination]:
    """A destination whose method fails."""

    def fail(*args: Any) -> Any:
        raise ZeroDivisionError

    return type("Changed", (Post,), {name: fail})


@dataclass(frozen=True, kw_only=True)
class Undescribed:
    account: str
    token: Secret
    label: str = field(default="")


@dataclass(frozen=True, kw_only=True)
class Chatty(PostSettings):
    def __repr__(self) -> str:
        return self.token.reveal()


class Impure(Post):
    _count = itertools.count()

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        return Built({"id": event.event_id, "limited": mode, "at": next(self._count)}, event.name, event.time)


class Fickle(Impure):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        if next(self._count) % 2:
            raise Skip("no_identity", "now and then")
        return Built({"id": event.event_id}, event.name, event.time)


class Meddling(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        event.user_data["seen"] = True  # type: ignore[index]  # (wrong on purpose)
        return super().build(event, parameters, settings, mode)


class Grasping(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        parameters.pop("value", None)  # type: ignore[attr-defined]  # (wrong on purpose)
        return super().build(event, parameters, settings, mode)


class Trusting(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        parameters.get("event_name", "").upper()
        return super().build(event, parameters, settings, mode)


class Talkative(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        said = event.user_data.get("email")
        raise Skip("no_identity", f"{said} is nobody")


class Naming(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        made = super().build(event, parameters, settings, mode)
        left = (Omitted("email", f"{event.user_data.get('email')} is no address"),)
        return Built(made.body, made.name, made.time, omitted=left)


class Formless(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Any:
        return {"id": event.event_id}


class Renaming(Post):
    standard_events = StandardEvents({"purchase": "Purchase"})

    def event_name(self, event: Event, settings: Any) -> str:
        return event.name.upper()


class Named(Post):
    standard_events = StandardEvents({"purchase": "Purchase"})

    def event_names(self, settings: Any) -> Mapping[str, str]:
        return self.standard_events.names | {"lead": "Lead"}  # type: ignore[operator]  # (wrong on purpose)


class Listed(Post):
    standard_events = "Purchase"  # type: ignore[assignment]  # (wrong on purpose)


class Unlimited(Post):
    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        return super().build(event, parameters, settings, "send")


class Unstated(Destination):
    type = "unstated"
    Settings = PostSettings
    hosts, build, request = Post.hosts, Post.build, Post.request


def first_only(response: Response, payloads: Sequence[Payload]) -> Sequence[Outcome]:
    return [Outcome.delivered() if response.status == 200 else Outcome.retry("x")] * 7


def again(asked: Request) -> Generator[Any, Response, Any]:
    while True:
        yield asked


def trusting_exchange(asked: Request) -> Generator[Any, Response, Any]:
    response = yield asked
    return [Outcome.delivered()][response.body[0]]


def wordy_exchange(asked: Request) -> Generator[Any, Response, Any]:
    yield "https://post.example"


def declared(attribute: str, path: str, who: Callable[[Event], Any]) -> type[Destination]:
    """A destination that says something of a path, and sends `who`."""
    return type("Declared", (body(lambda event: {"who": who(event)}),), {attribute: (path,)})


async def waits(*args: Any) -> Any:
    """What a sink has."""


def encoded(encode: Callable[[bytes], Mapping[str, Any]]) -> type[Destination]:
    """A destination whose payloads travel otherwise than as plain JSON."""

    class Changed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
            made = super().request(payloads, settings)
            return Request(**{"method": "POST", "url": made.url, "headers": made.headers, **encode(made.content)})

    return Changed


def in_the_query(content: bytes) -> Mapping[str, Any]:
    return {"method": "GET", "url": f"https://post.example/in?{urlencode({'e': content})}"}


def as_a_form(content: bytes) -> Mapping[str, Any]:
    return {"headers": {"content-type": FORM}, "content": urlencode({"e": content}).encode()}


def packed(content: bytes) -> Mapping[str, Any]:
    return {"headers": {"Content-Encoding": "gzip"}, "content": gzip.compress(content, mtime=0)}


def packed_form(content: bytes) -> Mapping[str, Any]:
    headers = {"content-type": FORM, "content-encoding": "gzip"}
    return {"headers": headers, "content": gzip.compress(urlencode({"e": content}).encode(), mtime=0)}


def badly_packed(content: bytes) -> Mapping[str, Any]:
    return {"headers": {"content-encoding": "gzip"}, "content": gzip.compress(content, mtime=0)[5:]}


BROKEN: list[tuple[type[Destination], str]] = [
    (Unstated, "`api_version` is not stated"),
    (Unstated, "`consent` is not stated"),
    (Unstated, "`limits` is not stated"),
    (Unstated, "`reads` is not stated"),
    (type("C", (Post,), {"ads": True, "consent": ConsentNeeds(())}), "for ads must state the consent"),
    (type("C", (Post,), {"reads": ()}), "`reads` is empty"),
    (type("C", (Post,), {"Settings": Undescribed}), "the setting label has no doc"),
    (type("C", (Post,), {"Settings": Undescribed}), "no setting is marked identity=True"),
    (type("C", (Post,), {"Settings": Chatty}), "a secret shows in the repr of the settings"),
    (raising("hosts"), "hosts, sees or version_ends raises ZeroDivisionError"),
    (raising("sees"), "hosts, sees or version_ends raises ZeroDivisionError"),
    (raising("version_ends"), "hosts, sees or version_ends raises ZeroDivisionError"),
    (type("C", (Post,), {"hosts": lambda self, settings: ()}), "`hosts` names no host"),
    (type("C", (Post,), {"tick": waits}), "`tick` is called of a sink alone"),
    (type("C", (Post,), {"sink": True}), "a sink without `deliver`"),
    (type("C", (Post,), {"sink": True, "deliver": waits, "close": raising("x").x}), "`close` is no async function"),  # type: ignore[attr-defined]  # (wrong on purpose)
    (type("C", (Post,), {"hosts": lambda self, settings: ("https://post.example",)}), "`hosts` are bare names"),
    (raising("build"), "build raises ZeroDivisionError for purchase"),
    (Trusting, "build raises AttributeError for purchase with parameters"),
    (Impure, "build gives different results for the same event purchase"),
    (Fickle, "build gives different results for the same event"),
    (Meddling, "build changes the event purchase"),
    (Grasping, "build changes the parameters of purchase"),
    (Talkative, "no sample event becomes a payload"),
    (Talkative, "why it is skipped, repeats personal data"),
    (Naming, "what is left out of purchase"),
    (Formless, "purchase: build gave dict in place of Built"),
    (Renaming, "`event_names` says that purchase is Purchase, and `event_name` gives PURCHASE"),
    (Listed, "`standard_events` is no StandardEvents"),
    (raising("event_names"), "event_name or event_names raises ZeroDivisionError"),
    (Unlimited, "the mode restrict changes no payload"),
    (body(lambda event: {"bad": object()}), "cannot be written as JSON (TypeError)"),
    (body(lambda event: {"bad": "\ud800"}), "cannot be written as JSON (UnicodeEncodeError)"),
    (body(lambda event: {"bad": "x" * (1 << 20)}), "and a request 1048576 at most"),
    (body(lambda event: {}, group=7), "the group of what was built is no text"),
    (body(lambda event: {}, expires="soon"), "no whole number of milliseconds"),
    (body(lambda event: {"em": hashlib.sha256(b"").hexdigest()}), "holds the hash of nothing"),
    (body(lambda event: {"auth": "a-secret-token"}), "holds a secret"),
    (body(lambda event: {"a": {"b": ""}}), "holds an empty value under b"),
    (body(lambda event: {"a": [None]}), "holds an empty value under a"),
    (body(lambda event: {"a": float("nan")}), "holds an empty value under a"),
    (body(lambda event: {}, expires=1_790_000_000), "expires of purchase is not in milliseconds"),
    (raising("request"), "request raises ZeroDivisionError"),
    (request(content=lambda settings: "text"), "request gives no Request whose content is bytes"),
    (request(url=lambda settings: "https://evil.example/in"), "the request goes to evil.example"),
    (request(url=lambda settings: "http://post.example/in"), "does not go by https"),
    (request(url=lambda settings: "https://u:p@post.example/in"), "holds a user name or password"),
    (request(url=lambda settings: "https://post.example:port/"), "the address of the request cannot be read"),
    (request(url=lambda settings: f"https://post.example/{settings.token.reveal()}"), "a secret stands in the path"),
    (request(headers=lambda settings: {"x-name": "Größe"}), "a header of the request is not printable ASCII"),
    (request(headers=lambda settings: {"x-name": "a\r\nb"}), "a header of the request is not printable ASCII"),
    (request(content=lambda settings: b"[]"), "the event_id does not reach the vendor"),
    (request(content=lambda settings: b'[{"id":"id-page_view"}]'), "2 of 3 payloads are not in the request"),
    (raising("classify"), "classify raises ZeroDivisionError for status"),
    (declared("hashed", "who", lambda event: "somebody"), "who is declared in `hashed`, and holds something else"),
    (declared("hashed", "a..b", lambda event: "x"), "hashed or clear: 'a..b' is no path of a payload"),
    (declared("clear", "x", lambda event: hashlib.sha256(b"x").hexdigest()), "who holds a SHA-256: name it in"),
    (
        declared("hashed", "x", lambda event: event.user_data.get("email", "")),
        "who holds who it was in the clear: hash it, or let it stand in an object, and name that one in `clear`",
    ),
    (
        declared("clear", "who", lambda event: event.user_data.get("email", "")),
        "who holds an e-mail address in a single field; `clear` lets one through in an object alone",
    ),
    (
        declared("hashed", "x", lambda event: event.user_data.get("phone_number", "")),
        "who holds who it was in the clear: hash it, or name it in `clear`",
    ),
    (classified(lambda response, payloads: Outcome.delivered()), "takes status 404 as delivered"),
    (classified(lambda response, payloads: None), "gives something that is no Outcome"),
    (classified(first_only), "classify gives 7 outcomes for 3 payloads"),
    (
        classified(lambda response, payloads: Outcome.retry(response.body.decode("latin-1"))),
        "repeats the vendor's text",
    ),
    (classified(lambda response, payloads: Outcome.split("x", bad=[3])), "blames a payload that is not there"),
    (encoded(badly_packed), "the event_id does not reach the vendor"),
    (encoded(lambda content: packed(b"")), "the event_id does not reach the vendor"),
    (exchanged(again), "exchange does not end after 8 requests"),
    (exchanged(trusting_exchange), "exchange raises IndexError for status"),
    (exchanged(wordy_exchange), "exchange yields something that is no Request"),
]


def test_a_destination_that_keeps_the_rules() -> None:
    """As it is."""
    assert check_destination(Post, SETTINGS) == []


@pytest.mark.parametrize(("broken", "fault"), BROKEN, ids=[fault for _, fault in BROKEN])
def test_each_rule_is_looked_at(broken: type[Destination], fault: str) -> None:
    """A destination that breaks it is found out, and the check itself never fails."""
    faults = check_destination(broken, SETTINGS)
    assert any(fault in one for one in faults), faults


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param(type("C", (Post,), {"event_id": False}), id="a vendor without an event_id"),
        pytest.param(type("C", (Post,), {"version_ends": lambda self, settings: date(2030, 1, 1)}), id="versions end"),
        pytest.param(body(lambda event: {"data_processing_options": []}), id="no limits is said by an empty list"),
        pytest.param(body(lambda event: {"value": 0, "flag": False}), id="zero and false are values"),
        pytest.param(declared("hashed", "who", lambda event: hashlib.sha256(b"x").hexdigest()), id="a declared hash"),
        pytest.param(
            declared("clear", "who", lambda event: str(event.user_data.get("phone_number") or "?")),
            id="a declared number",
        ),
        pytest.param(
            declared("clear", "who", lambda event: {"mail": str(event.user_data.get("email") or "?")}),
            id="a declared person",
        ),
        pytest.param(request(url=lambda s: f"https://post.example/?t={s.token.reveal()}"), id="a secret in the query"),
        *(pytest.param(encoded(one), id=one.__name__) for one in (in_the_query, as_a_form, packed, packed_form)),
        pytest.param(Named, id="names of the vendor, one by the settings"),
        pytest.param(classified(default_outcome), id="answers by their status"),
    ],
)
def test_what_is_no_fault(fine: type[Destination]) -> None:
    """The check is not stricter than the contract."""
    assert check_destination(fine, SETTINGS) == []


# ── pure requests, and where an event_id may stand
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_turn = itertools.count()


def sending(make: Callable[[Sequence[Payload], Any], Request]) -> type[Destination]:
    """A destination with requests of its own."""

    class Changed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
            return make(payloads, settings)

    return Changed


def posted(payloads: Sequence[Payload]) -> bytes:
    """A list of them."""
    return b"[" + b",".join(payload.body for payload in payloads) + b"]"


URL = "https://post.example/in"
TYPED = {"content-type": FORM}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda ps, s: Request("POST", URL, {"x-nonce": str(next(_turn)), "x-a": "b"}, posted(ps)), "header x-nonce:"),
        (lambda ps, s: Request("POST", f"{URL}?at={next(_turn)}", {}, posted(ps)), "in the address:"),
        (lambda ps, s: Request(("PUT", "POST")[next(_turn) % 2], URL, {}, posted(ps)), "in the method:"),
        (
            lambda ps, s: Request("POST", URL, {}, b'{"n":{"at":%d},"e":%s}' % (next(_turn), posted(ps))),
            "in n.at of the body:",
        ),
        (lambda ps, s: Request("POST", URL, {}, b"%d " % next(_turn) + posted(ps)), "in the body:"),
    ],
    ids=["header", "address", "method", "field", "text"],
)
def test_a_request_that_is_another_each_time(make: Callable[[Sequence[Payload], Any], Request], says: str) -> None:
    """The part that differs is named, and what to do."""
    faults = check_destination(sending(make), SETTINGS)
    (fault,) = (one for one in faults if one.startswith("request gives different results for the same payloads"))
    assert says in fault
    assert "`now` or `batch_id`" in fault


def test_what_changes_with_each_attempt_is_a_parameter() -> None:
    """With it a request is pure: the same attempt, the same request."""

    class Timed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any, now: int, batch_id: str) -> Request:
            headers = {"x-at": str(now), "x-batch": batch_id}
            return Request("POST", URL, headers, posted(payloads))

    assert check_destination(Timed, SETTINGS) == []


def form(payloads: Sequence[Payload]) -> bytes:
    """One field that holds JSON."""
    return urlencode({"data": posted(payloads).decode(), "v": "1"}).encode()


@pytest.mark.parametrize(
    "make",
    [
        lambda ps, s: Request("POST", URL, {"content-encoding": "gzip"}, gzip.compress(posted(ps), mtime=0)),
        lambda ps, s: Request("POST", URL, {"Content-Encoding": "deflate"}, zlib.compress(posted(ps))),
        lambda ps, s: Request("POST", URL, TYPED, form(ps)),
        lambda ps, s: Request("POST", URL, TYPED | {"content-encoding": "gzip"}, gzip.compress(form(ps), mtime=0)),
        lambda ps, s: Request("GET", f"{URL}?{form(ps).decode()}", {}),
        lambda ps, s: Request("PUT", f"{URL}/{quote(','.join(p.event_id for p in ps))}", {}, b"{}"),
        lambda ps, s: Request("POST", URL, {"x-ids": " ".join(p.event_id for p in ps)}, b"{}"),
    ],
    ids=["gzip", "deflate", "form", "packed form", "query", "path", "header"],
)
def test_the_event_id_is_found_where_the_vendor_reads_it(make: Callable[[Sequence[Payload], Any], Request]) -> None:
    """Also one that each of these ways writes differently."""
    odd = make_event({"event_id": 'o/1 & ü+2="3"%', "user_data": {"email": "a@b.example"}})
    if make(payloads_of([]), None).headers.get("x-ids") is None:
        assert check_destination(sending(make), SETTINGS, [odd]) == []
    assert check_destination(sending(make), SETTINGS) == []


def test_one_that_is_not_there_is_missed_in_a_packed_body_too() -> None:
    faults = check_destination(
        sending(lambda ps, s: Request("POST", URL, {"content-encoding": "gzip"}, gzip.compress(b"[]", mtime=0))),
        SETTINGS,
    )
    assert faults == ["the event_id does not reach the vendor (2 times)"]


# ── no network, no slow builds
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def connects() -> None:
    with socket.socket() as one:
        one.settimeout(1)
        one.connect(("127.0.0.1", 9))


def sends() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", 9))


def calls() -> None:
    httpx.get("http://127.0.0.1:9/")


REACHES: list[tuple[Callable[[], object], str]] = [
    (connects, "opens a connection"),
    (sends, "sends to the network"),
    (calls, "looks up an address"),
    (lambda: socket.getaddrinfo("localhost", 80), "looks up an address"),
]


@pytest.mark.parametrize("quietly", [False, True], ids=["raises", "catches"])
@pytest.mark.parametrize("method", ["build", "request", "classify", "hosts"])
@pytest.mark.parametrize(("reach", "says"), REACHES, ids=["connect", "send", "library", "look up"])
def test_who_reaches_for_the_network_is_stopped_and_named(
    reach: Callable[[], object], says: str, method: str, quietly: bool
) -> None:
    """With the author's own line, also where a library does it, and where the error is caught."""
    kept = getattr(Post, method)

    def reaching(self: Any, *arguments: Any, **known: Any) -> Any:
        if quietly:
            with contextlib.suppress(Exception):
                reach()
        else:
            reach()
        return kept(self, *arguments, **known)

    broken = type("Changed", (Post,), {method: reaching})
    (event,) = [make_event({"user_data": {"email": "a@b.example"}})]
    faults = check_destination(broken, SETTINGS, [event])
    named = "hosts, sees or version_ends" if method == "hosts" else method
    assert any(re.match(rf"{named} {re.escape(says)}.*\(test_conformance\.py:\d+", one) for one in faults), faults


def test_the_network_is_open_again_after_a_check() -> None:
    """And was open to other threads meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address, reached = server.getsockname(), list[None]()

        class Asking(Post):
            def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
                asking = threading.Thread(target=lambda: reached.append(socket.create_connection(address).close()))
                asking.start()
                asking.join()
                return super().build(event, parameters, settings, mode)

        assert not any("sockets" in one for one in check_destination(Asking, SETTINGS, [make_event({})]))
        assert reached
        socket.create_connection(address).close()


def works(seconds: float) -> None:
    """As long as that on the processor, however long it takes."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_slow_build_is_named() -> None:
    slow = body(lambda event: works(0.06) or {})  # type: ignore[func-returns-value]  # (it only takes time)
    faults = check_destination(slow, SETTINGS, [make_event({})])
    assert any(re.match(r"build takes \d+ ms of work for one event, and holds up everybody", one) for one in faults)


@pytest.mark.parametrize(
    ("spent", "slow"),
    [([], False), ([0.001] * 10, False), ([0.001] * 6 + [9.0] * 5, False), ([SLOW], False), ([0.06] * 3, True)],
)
def test_half_of_the_builds_must_be_slow(spent: list[float], slow: bool) -> None:
    """One that is slow once loads something: that is no fault."""
    assert bool(list(slow_faults("build", spent))) == slow


# ── how a fault is said
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fault_is_said_once_with_its_line_and_how_often() -> None:
    """The line is the author's own, although the error came from deeper down."""

    class Reading(Post):
        def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
            json.loads("{")
            raise AssertionError

    line = inspect.getsourcelines(Reading.build)[1] + 1
    plain, more, *rest = check_destination(Reading, SETTINGS)
    at = f"test_conformance.py:{line}"
    assert plain == f"build raises JSONDecodeError for purchase: only Skip is allowed ({at}, 30 times)"
    assert more.startswith("build raises JSONDecodeError for purchase with parameters: only Skip")
    assert rest == ["no sample event becomes a payload"]


def test_faults_that_differ_stay_apart() -> None:
    faults = [Fault("a {}", "x", "f.py:1"), Fault("a {}", "y", "f.py:1"), Fault("a {}", "z", "f.py:2"), Fault("b {c}")]
    assert sentences(faults) == ["a x (f.py:1, 2 times)", "a z (f.py:2)", "b {c}"]


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, RecursionError])
def test_whatever_comes_out_of_a_plugin_is_a_fault(error: type[BaseException]) -> None:
    def fail(*arguments: Any, **known: Any) -> Any:
        raise error

    for method in ("__init__", "hosts", "build", "request", "classify", "exchange"):
        faults = check_destination(type("Changed", (Post,), {method: fail}), SETTINGS)
        assert any(error.__name__ in one and "test_conformance.py:" in one for one in faults), method
