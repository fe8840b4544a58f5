"""Destinations that break one rule each, with the sentence that names it."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Mode,
    Omitted,
    Outcome,
    Payload,
    Request,
    Response,
    Secret,
    Skip,
    StandardEvents,
)

from .post import Post, PostSettings, body, classified, declared, encoded, exchanged, packed, raising, request


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


async def waits(*args: Any) -> Any:
    """What a sink has."""


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
