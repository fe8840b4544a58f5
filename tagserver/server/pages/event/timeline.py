"""The way of an event from the page to the vendors, as steps in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tagserver.records.words import sentences as words
from tagserver.records.words.sentences import RETRIED
from tagserver.records.words.tables import VERDICTS
from tagserver.server.pages.event.facts import consent_words
from tagserver.system.text import counted, span

LATEST = 4_000_000_000_000
"""Milliseconds, in 2096: a page's clock can say anything."""


def timeline(shown: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """From the page to the vendor, in the order of time: `{"at": ms or None, "what", "text", "kind"}`."""
    received = shown["received"]
    event = shown["event"] or {}
    pushed = event.get("timestamp")
    if isinstance(pushed, int) and pushed != received and 0 < pushed < LATEST:
        took = span(abs(received - pushed) / 1000)
        when = (
            f"{took} before it was received" if pushed < received else f"{took} after it was received, by its own clock"
        )
        yield _step("pushed", "Pushed", when, pushed)
    by = f"from `{shown['source']}`" if shown["source"] else ""
    way = f" by way of `{shown['client']}`" if shown["client"] else ""
    yield _step("received", "Received", f"{by}{way}".strip() or f"from {shown.get('origin') or 'somebody'}", received)
    if shown["consent"] is not None:
        yield _step("consent", "Consent", consent_words(shown["consent"]))
    if shown["tags"]:
        yield _step("decided", "Decided", _decided(shown))
    yield from _sent(shown)


def _step(kind: str, what: str, text: str, at: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "what": what, "text": text, "at": at}


def _decided(shown: Mapping[str, Any]) -> str:
    number = shown["decisions"]
    sent = number.get("send", 0) + number.get("restrict", 0)
    parts = [f"{counted(sent, 'tag')} of {len(shown['tags'])} to send" if sent else "no tag to send"]
    parts += [f"{number[name]} {VERDICTS[name].word}" for name in ("block", "error", "skip") if number.get(name)]
    return ", ".join(parts)


def _sent(shown: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each attempt, and what is not over."""
    tries = [
        (attempt["at"], tag, number, attempt)
        for tag in shown["tags"]
        if tag["delivery"] is not None
        for number, attempt in enumerate(tag["delivery"]["attempts"], 1)
    ]
    for at, tag, number, attempt in sorted(tries, key=lambda one: (one[0], one[2])):
        again = f", attempt {number}" if number > 1 else ""
        text = f"`{tag['tag']}` to `{tag['destination']}`{again}: {words.answer_of(attempt)}, "
        yield _step("sent", "Sent", text + words.outcome_of(attempt["outcome"]).text, at)
    for tag in shown["tags"]:
        if (delivery := tag["delivery"]) is None:
            continue
        if delivery["state"] == "pending" and not delivery["attempts"]:
            yield _step("waits", "Waiting", f"`{tag['tag']}` to `{tag['destination']}`: {words.WAITS}")
        elif delivery["state"] == "erased":
            text = f"`{tag['tag']}` to `{tag['destination']}`: {words.erased(delivery)}"
            yield _step("erased", "Erased", text, delivery["at"])
        elif delivery["reason"] == RETRIED:
            yield _step("waits", "Waiting", f"`{tag['tag']}` to `{tag['destination']}`: {words.PUT_BACK}")
        elif delivery["state"] == "pending":
            yield _step("waits", "Waiting", f"`{tag['tag']}` to `{tag['destination']}`: for the next attempt")
        elif delivery["state"] == "dead":
            text = f"`{tag['tag']}` to `{tag['destination']}`: {words.given_up(delivery['reason'])}"
            yield _step("dead", "Given up", text)
