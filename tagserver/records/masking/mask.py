"""What of an event, of its request and of its consent may rest in a record: no personal value, and nothing that looks
like one.

Nothing is kept because it looks harmless somewhere else: fields that are known to hold things of a shop stay, words as
programs write them stay, numbers stay that are no long rows of digits. Of all else the shape stays, such as
`[email, 17 characters, #1]`: equal values have equal numbers within a record, so that people see whether two fields
hold the same. Fields of persons are shapes with all that lies below them, and what they hold is looked for in the rest.

What comes out is bounded, whatever came in: what was cut is marked with `…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from tagserver.consent.state import ConsentState
from tagserver.event.address import Address
from tagserver.event.event import MISSING, Event, Facts
from tagserver.event.ip_address import truncated_ip
from tagserver.records.masking.addresses import joined, masked_front, masked_path, masked_query
from tagserver.records.masking.answers import answer_words
from tagserver.records.masking.fields import EVENT, SHAPES
from tagserver.records.masking.groups import CUT, FIELDS_OF_ADDRESS, Groups, cut, is_consent_word
from tagserver.records.masking.marks import Marks
from tagserver.records.masking.sentences import Sentences
from tagserver.records.masking.shapes import SLUGS, is_id, masked_field, masked_id, masked_note, masked_text

__all__ = ["LARGEST", "Masker", "answer_words", "is_id", "masked_field", "masked_id", "masked_note", "masked_text"]

LARGEST = 64 << 10
"""Bytes of JSON of a masked event."""
_MOST_FIELDS = (600, 120, 40)
"""Values of an event: the first number with which it is small enough counts."""
_FEW = 90
"""With no more of them it is small enough without being measured."""
_MOST_NAMES = 100

_encode = msgspec.json.Encoder().encode
_WORDS = frozenset({True, False, "granted", "denied", "unreadable", "not valid", "failed"})
_is_byte = re.compile(r"[0-9]{1,3}").fullmatch
_place = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?").fullmatch


class Masker:
    """Masks what belongs to one event, so that equal values are seen to be equal: each gets a number. `event` is None
    where nobody could read one, `facts` where nothing is known of the request."""

    def __init__(self, event: Event | None, facts: Facts | None) -> None:
        self._event = event
        self._facts = facts
        self._marks = Marks()
        self._groups = Groups(self._marks)
        self._made: dict[str, Any] | None = None
        self._kept: Collection[str] = ()
        self._sentences: Sentences | None = None

    # ── the event

    def event(self) -> dict[str, Any]:
        """The event as `Event.as_dict()` shows it, masked; at most LARGEST bytes of JSON. Empty without an event. Not
        to be changed."""
        if self._made is None:
            self._made = {} if self._event is None else self._masked(self._event)
            self._kept = self._marks.kept
        return self._made

    def _masked(self, event: Event) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for most in _MOST_FIELDS:
            self._groups.left = most
            made = self._checked(lambda: self._shown(event))
            if self._groups.left >= most - _FEW or len(_encode(made)) <= LARGEST:
                break
        return made

    def _checked(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A part of the record, made once more with care where something personal stands in it."""
        marks, left = self._marks, self._groups.left
        marks.kept = []
        made = make()
        if marks.tells_anything():
            marks.kept, self._groups.left, marks.strict = [], left, True
            made = make()
            marks.strict = False
        return made

    def _shown(self, event: Event) -> dict[str, Any]:
        marks, facts, address = self._marks, event.facts, event.page
        if facts.ip:
            marks.watch(facts.ip)
        made = self._groups.group(event.data, EVENT)
        made["event"] = marks.text(event.name)
        made["event_id"] = masked_id(event.event_id)
        made["timestamp"] = event.time
        if sent := event.data.get("page"):
            made["page"] = self._page(made["page"], sent.get("location"), address)
        made["client"], made["source"] = event.client, facts.source
        if clicks := event.clicks:
            made["click"] = self._groups.group(clicks, SHAPES)
        if cookies := event.cookies:
            made["cookie"] = self._groups.group(cookies, SHAPES)
        if facts.country or facts.region:
            made["geo"] = _geo(facts)
        if facts.ip:
            made["ip"] = _without_host(facts.ip)
        if facts.user_agent:
            made["user_agent"] = marks.mark(facts.user_agent)
        return made

    def _page(self, made: dict[str, Any], location: Any, address: Address) -> dict[str, Any]:
        """Adds the page's address, and its parts."""
        marks = self._marks
        if address.host is None:
            if location:
                made["location"] = self._groups.address(str(location))
            return made
        self._groups.left -= FIELDS_OF_ADDRESS
        front, host = masked_front(address, marks)
        path = masked_path(address.raw_path, marks)
        pairs = masked_query(address, marks)
        made["location"] = cut(joined(front, path, pairs, marks))
        made["host"], made["path"] = host, cut(path or "/")
        if pairs:
            self._groups.left -= len(pairs)
            query: dict[str, str] = {}
            for name, value in pairs:
                query.setdefault(name, value)
            made["query"] = query
        if address.hash:
            made["hash"] = marks.mark(address.hash)
        return made

    # ── what belongs to it

    def request(self) -> dict[str, Any]:
        """What is known of the request: source, time of receipt (ms), address without its end, region, shape of the
        agent, where it came from, the names of the other headers, and cookies with their shapes. Empty when nothing
        is known. Not to be changed."""
        facts = self._facts
        if facts is None:
            return {}
        shown = self.event()  # its personal values are looked for here, too
        self._groups.left = _MOST_NAMES
        return self._checked(lambda: self._told(facts, shown))

    def _told(self, facts: Facts, shown: dict[str, Any]) -> dict[str, Any]:
        marks, headers, event = self._marks, facts.headers, self._event
        made: dict[str, Any] = {"source": facts.source, "received": facts.received}
        if facts.ip:
            made["ip"] = _without_host(facts.ip)
        made |= _geo(facts)
        if facts.user_agent:
            made["user_agent"] = marks.mark(facts.user_agent)
        for name in ("origin", "referer"):
            if text := headers.get(name):
                made[name] = self._groups.address(text)
        made["headers"] = names = []
        for name in headers:
            if name not in _TOLD:
                names.append(marks.key(name))
                if len(names) == _MOST_NAMES:
                    break
        if facts.cookies:
            same = event is not None and event.cookies is facts.cookies and CUT not in shown["cookie"]
            made["cookies"] = shown["cookie"] if same else self._groups.group(facts.cookies, SHAPES)
        return made

    def consent(self, state: ConsentState) -> dict[str, Any]:
        """What was said of consent, as the state's own `as_dict` gives it; of consent strings their shapes. Not to be
        changed."""
        known = _CONSENTS.get(id(state))
        if known is not None:
            return known[1]
        made = state.as_dict()
        ours = True
        for purpose in made["purposes"].values():
            raw = purpose["raw"]
            purpose["raw"] = [self._raw(one) for one in raw]
            ours = ours and _WORDS.issuperset(raw)
        made["problems"] = [masked_text(one) for one in made["problems"][:_MOST_NAMES]]
        if ours:
            if len(_CONSENTS) >= _MOST_CONSENTS:
                _CONSENTS.clear()
            _CONSENTS[id(state)] = state, made
        return made

    def _raw(self, value: str | bool) -> Any:
        if type(value) is not str:
            return value
        if value in _WORDS:
            return value
        known = is_consent_word(value) or SLUGS[value]
        return value if known and not self._marks.tells(value) else self._marks.mark(value)

    # ── sentences

    def sentence(self, text: str) -> str:
        """A sentence about this event, such as `page.query.q equals "x", is "erika@example.com"`: values that the event
        does not show masked either are masked in it, and whatever looks like a person's."""
        if self._sentences is None:
            self.event()
            self._sentences = Sentences(self._marks, self._kept, self._facts.user_agent if self._facts else None)
        return self._sentences.masked(text)


_MOST_CONSENTS = 256
_CONSENTS: dict[int, tuple[ConsentState, dict[str, Any]]] = {}
"""By the state's identity: many events share one. Those without anybody's words; each is held, so that no other one
gets its identity."""
_TOLD = frozenset({"origin", "referer", "user-agent", "cookie"})


def _geo(facts: Facts) -> dict[str, str]:
    """Country and region, where they are codes."""
    pairs = (("country", facts.country), ("region", facts.region))
    return {name: code for name, code in pairs if code and _place(code)}


def _without_host(ip: str) -> str:
    """An IP address without what tells one visitor from another; of what is none nothing."""
    parts = ip.split(".")
    if len(parts) == 4 and all(map(_is_byte, parts)):
        return f"{parts[0]}.{parts[1]}.{parts[2]}.0"
    short = truncated_ip(ip)
    return "[no address]" if short is MISSING else str(short)
