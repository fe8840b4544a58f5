"""From a record to a case for `*.test.yaml`: the event as it was, about nobody, and what was decided.

A record has masked what is personal, and at level `summary` has kept little of the event, so its question can come out
otherwise when it is asked again. What `tagserver test` would say of the case by the container of that moment is
therefore asked here: a tag that would not decide as it did is left out, with a comment that says so. What stands under
`expect` holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.config.yaml.writing import comment, written
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES
from tagserver.explain.asked_again import AskedAgain, NothingToAsk, Proxies, asked_again
from tagserver.explain.cases import explain_case
from tagserver.explain.expectations import DECISIONS
from tagserver.explain.try_ import BadQuestion, Explanation
from tagserver.system.text import readable_time

__all__ = ["NothingToAsk", "asker", "copy_as_test"]

Ask = Callable[[Mapping[str, Any]], Explanation]
"""What `tagserver test` finds for the question of a case. Raises BadQuestion."""
Consent = Mapping[str, str] | str | None

_ADS_GRANTED = {**dict.fromkeys(PURPOSES, "denied"), **dict.fromkeys(AD_PURPOSES, "granted")}
_ADS_DENIED = {**dict.fromkeys(PURPOSES, "granted"), **dict.fromkeys(AD_PURPOSES, "denied")}
GUESSES: tuple[Consent, ...] = (
    "granted",
    "denied",
    {**dict.fromkeys(PURPOSES, "granted"), "ad_personalization": "denied"},
    _ADS_DENIED,
    _ADS_GRANTED,
)
"""What may have been said, where the record does not know: the first that gives most of the decisions counts."""


def asker(container: Container, server: ServerConfig) -> Ask:
    """Asks a container."""
    return lambda asked: explain_case(container, server, asked)


def copy_as_test(record: Mapping[str, Any], ask: Ask | None, proxies: Proxies = Proxies()) -> str:  # noqa: B008 - it is frozen
    """The text of one case, as an entry of a file's list. `ask`: by the container that decided; None where that is not
    kept any more: then nobody has tried the case, and it says so. Raises NothingToAsk."""
    again = asked_again(record, proxies)
    best = _tried(record, again, ask)
    case: dict[str, Any] = {"name": _name(record), "event": best.event}
    case["request"] = again.request
    if best.consent is not None:
        case["consent"] = best.consent
    expect, left_out = _expected(record, best.explained, tried=ask is not None)
    if not expect:
        if best.explained is None or any(one["decision"] in _SENDS for one in best.explained.answer["tags"]):
            raise NothingToAsk("what decided depends on values that the record does not have")
        expect = {"silent": True}
    case["expect"] = expect
    notes = "".join(comment(line) for line in _notes(record, again, best, left_out, tried=ask is not None))
    return notes + written([case])


class _Tried:
    """One way to ask, and what came of it; None where nobody was asked, or the question cannot be asked any more."""

    def __init__(self, event: dict[str, Any], consent: Consent, explained: Explanation | None, bad: str = "") -> None:
        self.event = event
        self.consent = consent
        self.explained = explained
        self.bad = bad


def _tried(record: Mapping[str, Any], again: AskedAgain, ask: Ask | None) -> _Tried:
    """The way that gives most of the decisions of the record."""
    events = [again.event]
    if record["event"] is None:
        events.append({name: held for name, held in again.event.items() if name != "user_data"})
    consents: tuple[Consent, ...] = GUESSES if again.consent is None else (again.consent,)
    if ask is None:
        return _Tried(events[0], consents[0], None)
    best, most = _Tried(events[0], consents[0], None), -1
    for event in events:
        for consent in consents:
            try:
                explained = ask({**again.request, "event": {**event, "consent": _spelled_out(consent)}})
            except BadQuestion as bad:
                return _Tried(event, consent, None, str(bad))
            same = sum(_decides_alike(tag, explained) for tag in record["tags"])
            if same > most:
                best, most = _Tried(event, consent, explained), same
            if same == len(record["tags"]):
                return best
    return best


def _spelled_out(consent: Consent) -> Any:
    return dict.fromkeys(PURPOSES, consent) if isinstance(consent, str) else consent


def _decides_alike(tag: Mapping[str, Any], explained: Explanation | None) -> bool:
    found = _found(tag, explained)
    if found is None or (found["decision"], found["reason"]) != (tag["decision"], tag["reason"]):
        return False
    return tag["reason"] != "exception" or _exception(tag) in found["detail"]


def _found(tag: Mapping[str, Any], explained: Explanation | None) -> Mapping[str, Any] | None:
    tags = explained.answer["tags"] if explained is not None else ()
    return next((one for one in tags if one["tag"] == tag["tag"]), None)


def _exception(tag: Mapping[str, Any]) -> str:
    name: str = (tag["failing"] or {}).get("trigger", "")
    return name


def _expected(
    record: Mapping[str, Any], explained: Explanation | None, *, tried: bool
) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """What the case expects, and the tags that it says nothing about."""
    expect: dict[str, Any] = {decision: [] for decision in DECISIONS} | {"skip": {}}
    left_out = []
    for tag in record["tags"]:
        sure = _decides_alike(tag, explained) if tried else tag["reason"] not in _OF_THE_MOMENT
        if not sure:
            left_out.append(tag)
        elif tag["decision"] in DECISIONS:
            expect[tag["decision"]].append(tag["tag"])
        else:
            said: Any = tag["reason"]
            if tag["reason"] == "exception" and _exception(tag):
                said = {"reason": "exception", "detail": _exception(tag)}
            expect["skip"][tag["tag"]] = said
    return {name: held for name, held in expect.items() if held}, left_out


_SENDS = ("send", "restrict")
_OF_THE_MOMENT = frozenset({"once_per", "destination_paused", "plugin_error"})
"""Reasons that a container alone does not give again."""


def _name(record: Mapping[str, Any]) -> str:
    return f"{record['name']} of {readable_time(record['received'])}"


def _notes(
    record: Mapping[str, Any], again: AskedAgain, best: _Tried, left_out: list[Mapping[str, Any]], *, tried: bool
) -> Iterator[str]:
    """What people should know of the case, above it."""
    yield f"Made of record {record['record']}, which container {record['container'] or '-'} decided."
    yield "The people in it are invented, and so are numbers of orders and ids."
    if record["event"] is None:
        yield "Of this event only a summary was kept: name, order, value, currency; consent is a guess that fits."
        yield "With `records: {level: full}` in server.yaml a case has all of the event."
    elif not again.whole:
        yield "The record does not have all of the event: some of it was too large."
    if not tried:
        yield "The configuration that decided is not kept any more, so nobody has tried whether this case passes."
    elif best.bad:
        yield f"It cannot be asked any more: {best.bad}"
    for tag in left_out:
        yield f"{tag['tag']} is not under `expect`: {_why_left_out(record, tag, best)}."


def _why_left_out(record: Mapping[str, Any], tag: Mapping[str, Any], best: _Tried) -> str:
    was = f"it was {tag['decision']}" + ("" if tag["reason"] == "fired" else f", {tag['reason']}")
    if tag["reason"] in _OF_THE_MOMENT:
        return f"{was}, which a test cannot know: it starts from nothing"
    if best.bad:
        return was
    found = _found(tag, best.explained)
    if found is None:
        return f"{was}, and the configuration has no such tag"
    if found["reason"] == "plugin_error":
        return f"{was}, and its plugin fails"
    path = (tag["failing"] or {}).get("path", "")
    because = f" ({path})" if path and path != "event" else ""
    kept = "not in the summary" if record["event"] is None else "masked in the record"
    return f"{was}, and what decides it is {kept}{because}"
