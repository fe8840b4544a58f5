"""A destination that keeps every rule, and one of its own for each thing that a test changes of it."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

import gzip
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Limits,
    Mode,
    Payload,
    Request,
    Response,
    Secret,
    setting,
)

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


def declared(attribute: str, path: str, who: Callable[[Event], Any]) -> type[Destination]:
    """A destination that says something of a path, and sends `who`."""
    return type("Declared", (body(lambda event: {"who": who(event)}),), {attribute: (path,)})


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


def sending(make: Callable[[Sequence[Payload], Any], Request]) -> type[Destination]:
    """A destination with requests of its own."""

    class Changed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
            return make(payloads, settings)

    return Changed


def posted(payloads: Sequence[Payload]) -> bytes:
    """A list of them."""
    return b"[" + b",".join(payload.body for payload in payloads) + b"]"
