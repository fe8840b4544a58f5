"""What `build` may give, change and raise in place of a payload: only its own destination suffers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from tagserver.event.event import Event
from tagserver.plugin import Built, Omitted, Skip

from .bad_plugins import Build, built, decisions
from .events import NOW


def skips(reason: Any, detail: Any = "a@b.example", omitted: Any = ()) -> Build:
    """A plugin that skips everything."""

    def build(event: Event, parameters: dict[str, Any]) -> None:
        raise Skip(reason, detail, omitted)

    return build


LEFT_OUT = "what was left out is not listed as Omitted, with texts"


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda event, parameters: None, "build gave NoneType in place of Built"),
        (lambda event, parameters: {"a": 1}, "build gave dict in place of Built"),
        (built(name=None), "the name of what was built is no text"),
        (built(name=b"purchase"), "the name of what was built is no text"),
        (built(name="\ud800"), "the name of what was built is no text"),
        (built(group=["g"]), "the group of what was built is no text"),
        (built(group="\udfff"), "the group of what was built is no text"),
        (built(time="now"), "a time of what was built is no whole number of milliseconds"),
        (built(time=1.5), "a time of what was built is no whole number of milliseconds"),
        (built(time=True), "a time of what was built is no whole number of milliseconds"),
        (built(time=1 << 70), "a time of what was built is no whole number of milliseconds"),
        (built(expires=float("inf")), "a time of what was built is no whole number of milliseconds"),
        (built(omitted=[7]), LEFT_OUT),
        (built(omitted=(Omitted(7, "is odd"),)), LEFT_OUT),  # type: ignore[arg-type]  # (wrong on purpose)
        (built(omitted=(Omitted("a", None),)), LEFT_OUT),  # type: ignore[arg-type]  # (wrong on purpose)
        (built(body={"a": object()}), "the body of what was built cannot be written as JSON (TypeError)"),
        (built(body={"a": NESTED}), "the body of what was built cannot be written as JSON (RecursionError)"),
        (built(body={"a": "\ud800"}), "the body of what was built cannot be written as JSON (UnicodeEncodeError)"),
        (built(body="x" * (2 << 20)), "the body of what was built has 2097154 bytes, and a request 1048576 at most"),
        (skips("because"), "it skips for a reason that there is not"),
        (skips(None), "it skips for a reason that there is not"),
        (skips([]), "it skips for a reason that there is not"),
        (skips("no_identity", object()), "it skips with a detail that is no text"),
        (skips("no_identity", omitted=(7,)), LEFT_OUT),
    ],
)
def test_nonsense_is_the_plugin_s_error_and_nobody_else_s(build: Build, said: str) -> None:
    bad, good, _ = decisions(build)
    assert (bad.decision, bad.reason, bad.detail, bad.built) == ("error", "plugin_error", said, None)
    assert good.decision == "send"


def test_a_lack_of_memory_is_not_the_plugin_s_fault() -> None:
    """It ends the event: an answer that it was accepted would be about nothing stored."""

    def build(event: Event, parameters: dict[str, Any]) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        decisions(build)


def test_all_that_the_contract_allows_is_taken() -> None:
    fields = {"group": "g", "expires": NOW + 1, "omitted": (Omitted("a", "is odd"),), "body": {"ä": [1.5, None]}}
    bad, _, _ = decisions(built(**fields))
    assert (bad.decision, bad.body) == ("send", '{"ä":[1.5,null]}'.encode())


def test_a_plugin_cannot_change_what_others_see() -> None:
    """Neither the event, nor what is known about the person, nor constants of the container."""

    def build(event: Event, parameters: dict[str, Any]) -> Built:
        event.data["ecommerce"]["value"] = 0
        event.data["ecommerce"]["items"][0].clear()
        event.data["user_data"]["email"] = "nobody@b.example"
        event.data["user_data"]["address"].clear()
        for values in (event.data, event.cookies, event.facts.headers):
            values.clear()  # type: ignore[attr-defined]  # (wrong on purpose)
        with suppress(AttributeError):
            event.page.query.clear()  # type: ignore[attr-defined]  # (wrong on purpose)
        parameters["goods"].clear()
        parameters["shoes"].append("red")
        return Built({}, event.name, event.time)

    _, undisturbed, before = decisions(lambda event, parameters: Built({}, event.name, event.time))
    bad, good, after = decisions(build)
    assert bad.decision == "send"
    assert good.body == undisturbed.body
    assert after.page.query == {"colour": "brown"}
    assert (after.data, after.cookies, after.facts.headers) == (before.data, before.cookies, before.facts.headers)


class Named(type):
    """Whose name cannot be asked for."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # (wrong on purpose)
        raise SystemExit


class Nameless(Exception, metaclass=Named):
    pass


class Classless(Exception):
    """That fails when it is asked for its class."""

    @property
    def __class__(self) -> Any:
        raise SystemExit


class Untraced(Exception):
    @property
    def __traceback__(self) -> Any:  # type: ignore[override]  # (wrong on purpose)
        raise KeyError


class Liar(Exception):
    """That says it is the machine's fault."""

    @property
    def __class__(self) -> Any:
        return MemoryError


class ReasonLost(Skip):
    @property
    def reason(self) -> str:  # type: ignore[override]  # (wrong on purpose)
        raise SystemExit

    @reason.setter
    def reason(self, reason: str) -> None:
        pass


def circle() -> Exception:
    """Two errors, each the cause of the other."""
    one, other = KeyError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    return one


STRANGE: dict[str, Callable[[], BaseException]] = {
    "no name": Nameless,
    "no class": Classless,
    "no traceback": Untraced,
    "another class than it says": Liar,
    "each the cause of the other": circle,
    "a mebibyte of text": lambda: ValueError("x" * (1 << 20)),
    "a Skip without its reason": lambda: ReasonLost("no_identity", ""),
    "a group": lambda: BaseExceptionGroup("", [SystemExit(), KeyError()]),
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_an_error_that_cannot_be_looked_at_is_as_any_other(make: Callable[[], BaseException]) -> None:
    def build(event: Event, parameters: Mapping[str, Any]) -> Any:
        raise make()

    bad, good, _ = decisions(build)
    assert (bad.decision, bad.reason, good.decision) == ("error", "plugin_error", "send")
    assert len(bad.detail) < 200
