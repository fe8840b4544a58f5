"""One payload is sent now, outside of the queue, because somebody wants to see what the vendor says: by the plugin's
own methods and under the rules of every delivery (hosts, addresses, times, sizes). Nothing of it is repeated."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import httpx
import msgspec

from tagserver.delivery.exchange import MaybeSent, NotAllowed, NotSent, Undecided, exchange
from tagserver.delivery.outcomes import sentence
from tagserver.delivery.target import Target
from tagserver.delivery.vendor_words import personal_paths, without_persons, words_of
from tagserver.plugin.attempt import attempt_of
from tagserver.plugin.destination import Outcome, Payload, Response
from tagserver.plugin.fault import PluginCode, PluginFailed
from tagserver.system.time import Time

PATIENCE = 30.0
"""Seconds for all requests that one payload may take."""


class Answered(msgspec.Struct, frozen=True):
    """What came of it. `outcome`: as plugins give it; `not_sent`: nothing has left; `unknown`: nobody knows. `message`:
    the plugin's sentence or ours, `said`: the vendor's own words; no person is in either. `status`: None without an
    answer. `ms`: how long it took."""

    outcome: str
    message: str = ""
    said: str = ""
    status: int | None = None
    ms: int = 0


async def send_alone(http: httpx.AsyncClient, target: Target, name: str, payload: Payload, time: Time) -> Answered:
    """Send one payload to the destination `name`, once. Never raises for what a vendor or plugin does."""
    began = time.monotonic()
    answered = await _sent(http, target, name, payload, time)
    return msgspec.structs.replace(answered, ms=round((time.monotonic() - began) * 1000))


async def _sent(http: httpx.AsyncClient, target: Target, name: str, payload: Payload, time: Time) -> Answered:
    try:
        with PluginCode(target.destination, "request"):
            known = attempt_of(target.destination, name, [payload], time.now())
        async with asyncio.timeout(PATIENCE):
            (outcome,), response = await exchange(http, target, [payload], {}, nullcontext(), known, _at_once)
    except NotSent as error:
        return Answered("not_sent", str(error))
    except NotAllowed as error:
        return Answered("not_sent", f"the request may not leave: {error}")
    except PluginFailed as error:  # a bad plugin is isolated
        return Answered("not_sent", str(error))
    except MaybeSent as error:
        return Answered("unknown", f"{error}; the vendor may have it")
    except Undecided as error:
        return Answered("unknown", f"{error}, after the answer; the vendor may have it")
    except TimeoutError:
        return Answered("unknown", f"it took longer than {PATIENCE:.0f} s; the vendor may have it")
    return _answered(target, payload, outcome, response)


def _answered(target: Target, payload: Payload, outcome: Outcome, response: Response | None) -> Answered:
    words = outcome.said or (words_of(response) if response is not None else "")
    personal = personal_paths(target.destination, target.settings) if words else None
    return Answered(
        "rejected" if outcome.kind == "split" else outcome.kind,  # there is nothing to split
        outcome.warning or sentence(outcome.reason, outcome.detail),
        "" if personal is None else without_persons(words, [payload.body], personal),
        None if response is None else response.status,
    )


async def _at_once() -> None:
    """Its turn is now: it is one request, of one person who waits for it."""
