"""Destinations that do something else, which may raise or give anything, in place of what they should."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from typing import Any

from tagserver.plugin import Destination, Outcome, Outcomes, Payload, Request, Response
from tests.delivery.world import Account, Hundred


class Sink(Hundred):
    """Not reached by HTTP."""

    sink = True

    async def deliver(self, payloads: Sequence[Payload], settings: Account) -> Outcomes:
        """Whatever a test says."""
        return self.given()

    def given(self) -> Any:
        """In place of an outcome."""
        return Outcome.delivered()


Way = Callable[[Any], type[Destination]]
"""A destination that does something, which may raise or give anything, in place of what it should."""


def requests(does: Any) -> type[Destination]:
    return type("Bad", (Hundred,), {"request": lambda self, payloads, settings: does()})


def begins(does: Any) -> type[Destination]:
    return type("Bad", (Hundred,), {"exchange": lambda self, payloads, settings, cache: does()})


def yields(does: Any) -> type[Destination]:
    class Bad(Hundred):
        def exchange(self, payloads: Any, settings: Account, cache: Any) -> Generator[Request, Response, Outcomes]:
            yield does()
            return Outcome.delivered()

    return Bad


def classifies(does: Any) -> type[Destination]:
    return type("Bad", (Hundred,), {"classify": lambda self, response, payloads: does()})


def ends(does: Any) -> type[Destination]:
    class Bad(Hundred):
        def exchange(self, payloads: Any, settings: Account, cache: Any) -> Generator[Request, Response, Outcomes]:
            yield self.request(payloads, settings)
            answer: Outcomes = does()
            return answer

    return Bad


def delivers(does: Any) -> type[Destination]:
    return type("Bad", (Sink,), {"given": lambda self: does()})


def cancels() -> None:
    """A plugin that cancels the task it runs in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


BEFORE = (requests, begins, yields)
AFTER = (classifies, ends, delivers)
