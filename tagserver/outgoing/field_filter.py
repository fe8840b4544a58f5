"""What a destination may see of an event: the fields that its plugin declares in `reads`, and nothing else.

The view is made by the host before `build`. What is not declared is missing, as if the page had not sent it; so the
list that people are shown (`tagserver plugins show`) is the list that is true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import structs, to_builtins

from tagserver.event.consent_fields import NOTHING
from tagserver.event.event import ALL_PURPOSES, NO_TEXTS, Derived, Event, Facts
from tagserver.event.paths import tree_of
from tagserver.event.spelling import canonical
from tagserver.privacy.rules import AddressRules
from tagserver.privacy.urls import clean_outgoing

ALL = "*"
"""`cookie.*`: all of a kind. `*` alone: the whole event (a sink that writes down what it is given)."""

_ALWAYS = frozenset({"event", "event_id", "timestamp"})


class Reads:
    """The declared paths of one destination class, compiled. `shared`: it changes nothing of what it is given, and so
    gets the event's own lists and maps."""

    def __init__(self, paths: Collection[str], *, shared: bool = False) -> None:
        self._shared = shared
        self.paths = tuple(sorted(paths))
        self._everything = ALL in paths
        self._cookies = _names(paths, "cookie")
        self._headers = None if self._everything else _names(paths, "header")
        self._clicks = _names(paths, "click")
        self.any_click = self._everything or self._clicks != NONE
        """Whether it sees any click id."""
        self._ip, self._user_agent = "ip" in paths, "user_agent" in paths
        self._geo = any(path.partition(".")[0] == "geo" for path in paths)
        self._tree = tree_of([canonical(path) for path in {*paths, *_ALWAYS}])
        # Whoever may see all of the person shares what is worked out about it.
        self._whole_person = self._everything or (
            self._tree.get("user_data") is True and self._tree.get("user_id") is True
        )
        person = self._tree.get("user_data")
        self._email_domain = isinstance(person, dict) and "email_domain" in person
        page = self._tree.get("page")
        self._whole = frozenset(name for name, below in self._tree.items() if below is True)
        self._parts = tuple((name, below) for name, below in self._tree.items() if below is not True)
        self._address = page is True or (isinstance(page, dict) and "location" in page)
        self._last: tuple[Facts, Mapping[str, str], AddressRules | None, Facts] = (NO_FACTS, NO_TEXTS, None, NO_FACTS)
        """What was seen of the last request: its facts, its cookies, the rules for addresses, and what that became."""

    def sees(self, path: str) -> bool:
        """Whether a path of an event, or something below it, is declared."""
        if self._everything:
            return True
        root, _, name = path.partition(".")
        for kind, names in (("cookie", self._cookies), ("header", self._headers), ("click", self._clicks)):
            if root == kind:
                return names is None or name in names or (not name and bool(names))
        below: Any = self._tree
        for part in canonical(path):
            if below is True:
                return True
            if part not in below:
                return False
            below = below[part]
        return True

    def view(self, event: Event, granted: frozenset[str] = ALL_PURPOSES, rules: AddressRules | None = None) -> Event:
        """The event as this destination sees it, its own to change unless it is `shared`. Shares what has been worked
        out about the person with the others. `rules`: what the address may keep that a browser came from."""
        facts, known = event.facts, event.derived
        clicks = (event.clicks if known.clicks is None else known.clicks) if self.any_click else NO_TEXTS
        cookies = event.cookies if known.cookies is None else known.cookies
        identity = (known.identity or event.identity) if self._whole_person else None
        its_facts, its_cookies, its_rules, own = self._last
        if facts is not its_facts or cookies is not its_cookies or rules is not its_rules:
            own = self._facts(facts, cookies, rules)
            if self._shared:
                self._last = facts, cookies, rules, own
        if self._everything:
            data, notes = event.data, event.notes
            derived = Derived(identity=identity, clicks=clicks)
        else:
            data, notes = dict(event.data), ()
            for name in (known.shape or event.shape)[self._whole][1]:
                del data[name]
            for name, below in self._parts:
                if name in event.data:
                    data[name] = _only(event.data[name], below)
            derived = Derived(
                (known.page or event.page) if self._address else None,
                None,
                _some(clicks, self._clicks) if clicks else NO_TEXTS,
                NO_TEXTS,
                identity,
                event.email_domain if self._email_domain else None,
                self._email_domain,
            )
        if not self._shared:
            data = owned(data)
        return Event(
            event.name,
            event.event_id,
            event.time,
            data,
            own,
            event.client,
            notes,
            NOTHING,
            granted,
            derived,
            event.automatic,
        )

    def _facts(self, facts: Facts, cookies: Mapping[str, str], rules: AddressRules | None) -> Facts:
        """What it sees of the request, the same for all its events."""
        headers = _some(facts.headers, self._headers)
        if rules is not None and "referer" in headers and (clean := clean_outgoing(headers["referer"], rules)).lost:
            headers = {**headers, "referer": clean.address}
        if self._everything:
            return structs.replace(facts, headers=headers, cookies=dict(facts.cookies))
        return Facts(
            facts.source,
            facts.received,
            headers,
            _some(cookies, self._cookies),
            facts.ip if self._ip else None,
            facts.user_agent if self._user_agent else None,
            facts.country if self._geo else None,
            facts.region if self._geo else None,
        )


NONE: frozenset[str] = frozenset()
NO_FACTS = Facts("", 0)


def _names(paths: Collection[str], root: str) -> frozenset[str] | None:
    """The names below `cookie.` and its kind; None for all of them."""
    if root in paths or f"{root}.{ALL}" in paths:
        return None
    return frozenset(path.partition(".")[2] for path in paths if path.startswith(f"{root}.")) or NONE


def _some(values: Mapping[str, str], names: frozenset[str] | None) -> Mapping[str, str]:
    if not values or names is NONE:
        return NO_TEXTS
    if names is None:
        return dict(values)
    return {name: values[name] for name in names if name in values}


owned = to_builtins
"""Plain data, with lists and maps of its own: who changes it changes nothing for anybody else."""


def _only(value: Any, below: Mapping[str, Any]) -> Any:
    """Of an object, or of each object of a list, the declared fields; what is neither holds no fields."""
    if isinstance(value, list):
        return [_only(one, below) for one in value if isinstance(one, dict)]
    if not isinstance(value, dict):
        return None
    made = {}
    for name, deeper in below.items():
        if name in value:
            made[name] = value[name] if deeper is True else _only(value[name], deeper)
    return made
