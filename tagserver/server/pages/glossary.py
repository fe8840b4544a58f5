"""The words that pages use, each explained once: one table, for the page, for links from other pages, and for the
glossary of the guide. What stands in backticks is code. Those for what happens to an event are of `records.words`.

A word can mean several things (`rejected` is an answer, the outcome of an attempt, and the reason of a dead letter):
each meaning has its kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tagserver.queue.dead_letters import REASONS as DEAD_LETTERS
from tagserver.records.words.tables import DECISIONS, FIRED, NOT_SENT, OUTCOMES, STATUS

WORD = ""
"""The kind of a word that means one thing everywhere."""


class Meaning(msgspec.Struct, frozen=True):
    """`of`: the kind, such as `reason of a decision`; WORD for none. `text`: without a full stop at its end."""

    of: str
    text: str


WORDS: Mapping[str, str] = {
    "answer": "what the server says to the page or server that sent an event; it never tells what was decided",
    "attempt": "one request to a vendor, with what came of it; a delivery can need several",
    "audit": "a record of each decision, without personal data",
    "click id": "a parameter that an ad network adds to a link, such as `fbclid`",
    "client": "the way by which an event came, such as `datalayer`: what a page's data layer or a server sends",
    "condition": "one line of a trigger: a value of the event, a comparison, and what it is compared with",
    "consent": "what a visitor has allowed, for each purpose; what is missing, unknown or unreadable counts as denied",
    "consent string": "what a consent tool stores for vendors to read: TCF, GPP, US Privacy",
    "container": "all files of marketing together; shown as a short hash of what they mean",
    "data layer": "the list (`dataLayer`) into which a page pushes its events",
    "dead letter": "a delivery that was given up; it keeps its payload and a reason, and can be retried",
    "decision": "what one tag does with one event: `send`, `restrict`, `block`, `skip` or `error`, with a reason",
    "deduplication": "recognising that the same event or order came before; the copy is a `duplicate` and is not sent",
    "delivery": "one event for one tag, on its way to a vendor",
    "destination": "your account at a vendor, with its settings",
    "draft": "the files as they are now; what runs is the version that was published last",
    "erased": "deliveries that were removed: consent was withdrawn, somebody asked, a dead letter was dropped or old",
    "event": "what a page or server sends: a name, an `event_id`, and values",
    "event_id": "the name of one event, the same at the page, here and at each vendor, by which a copy is recognised",
    "exception": "a trigger that keeps a tag from sending; Google's blocking trigger",
    "limited mode": "a vendor's mode without personalisation (Meta's Limited Data Use); the decision `restrict`",
    "match key": "a value by which a vendor finds the person: a hashed e-mail address or phone number, a click id",
    "order": "the number of a purchase (`transaction_id`); one order is sent once, whatever its `event_id`",
    "parameters": "values that a tag sends beyond those the destination maps by itself",
    "PII": "personally identifiable information: e-mail, phone, name, address …",
    "plan": "what a draft would change, compared with the version that serves",
    "plugin": "the code that knows one vendor's API",
    "preview session": "a link for one browser, by which its events are shown together, and can go by a draft",
    "purpose": "what consent is given for: `ad_storage`, `analytics_storage` …",
    "queue": "deliveries on disk that wait for their vendor; what was accepted is in it, and survives a crash",
    "reason": "the word that says why a tag decided as it did, or why a delivery was given up",
    "record": "what is kept of one event: what came, each tag's decision, each attempt; without personal data",
    "rollback": "an older version serves again until somebody publishes",
    "snapshot": "one record as it was, kept for whoever has its link, until it expires or is revoked",
    "source": "who sent an event: `browser`, or the name of a key of `server.yaml`",
    "tag": "sends certain events to one destination",
    "transformation": "changes what tags see of an event",
    "trigger": "says for which events a tag fires",
    "user data": "`user_data` of an event: e-mail, phone, name, address; hashed as the vendor wants it",
    "variable": "a named value, computed for each event",
    "vendor": "who gets the events of a destination: Meta, Google, TikTok …",
    "version": "the files as they were when somebody published them",
    "withdrawal": "consent that was given and is now denied",
}
"""Those of the guide's glossary stand there in the same words."""

STATES: Mapping[str, str] = {
    "ok": "it sends, and the vendor takes it",
    "retrying": "waits after a failure, and tries again by itself",
    "open": "many attempts have failed: one small request at a time asks whether the vendor is back, and everything "
    "else waits",
    "paused": "nothing is sent and everything is kept: somebody wanted it, a setting is missing, or the vendor refuses "
    "everything until somebody mends the cause",
    "failing": "its plugin fails for some events, or each time",
    "disabled": "it is not configured, or not any more",
}

PURPOSES: Mapping[str, str] = {
    "ad_storage": "reading and storing what advertising needs, such as cookies and click ids",
    "ad_user_data": "sending data about the person to ad networks",
    "ad_personalization": "using it for personalised advertising",
    "analytics_storage": "reading and storing what measuring needs",
    "functionality_storage": "what the site's own functions need, such as a language",
    "personalization_storage": "what the site needs to adapt to the visitor",
    "security_storage": "what keeps the site secure",
}

KINDS: Mapping[str, Mapping[str, str]] = {
    WORD: WORDS,
    "answer to an event": {name: one.text.rstrip(".:") for name, one in STATUS.items()},
    "decision of a tag": {name: one.text for name, one in DECISIONS.items()},
    "reason of a decision": {"fired": FIRED, **NOT_SENT},
    "state of a destination": STATES,
    "outcome of an attempt": {name: one.text for name, one in OUTCOMES.items()},
    "reason of a dead letter": {name: f"{one.meaning}. {one.advice}" for name, one in DEAD_LETTERS.items()},
    "consent purpose": PURPOSES,
}
"""Every kind of word, with its words."""


def _collected() -> Mapping[str, tuple[Meaning, ...]]:
    found: dict[str, list[Meaning]] = {}
    for kind, words in KINDS.items():
        for word, text in words.items():
            found.setdefault(word, []).append(Meaning(kind, text))
    return {word: tuple(found[word]) for word in sorted(found, key=str.lower)}


GLOSSARY = _collected()
"""Word → what it means, in the order of the alphabet."""
_APART = re.compile(r"[^a-z0-9_]+")


def anchor(word: str) -> str:
    """The place of a word on the page. Raises KeyError for one that the glossary does not have: a link to it would lead
    nowhere."""
    if word not in GLOSSARY:
        raise KeyError(f"the glossary has no word {word!r}")
    return _APART.sub("-", word.lower())


def shown() -> dict[str, Any]:
    """The glossary for the page and for machines."""
    return {
        "terms": [
            {"term": word, "anchor": anchor(word), "meanings": [msgspec.to_builtins(one) for one in meanings]}
            for word, meanings in GLOSSARY.items()
        ]
    }
