"""The Container: what the configuration means, as one immutable value. A reload makes a new one and swaps the
reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from tagserver.config.limits import NO_LIMITS, TagLimits
from tagserver.config.lint.near_names import VendorNames
from tagserver.config.yaml.problems import Place, Problem
from tagserver.consent.cache import ConsentCache
from tagserver.consent.model.policy import ConsentPolicy, Needs
from tagserver.event.values import js_text
from tagserver.expressions.conditions import Ask
from tagserver.expressions.reshape import Transformation
from tagserver.expressions.scope import Scope, Value
from tagserver.outgoing.field_filter import Reads
from tagserver.outgoing.known_secrets import KnownSecrets
from tagserver.outgoing.outgoing import PrivacyPolicy
from tagserver.plugin import Destination, StandardEvents
from tagserver.plugin.payload_check import PayloadFields


class Trigger(Protocol):
    """Which events a tag is for."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    def wants(self, event_name: str) -> bool:
        """Whether events of this name can match at all (the `event:` part). Asked once for each name, then
        remembered."""
        ...

    def holds(self, scope: Scope) -> bool:
        """Whether the conditions (`when:`) hold; `wants` is not asked again."""
        ...

    @property
    def ask(self) -> Ask | None:
        """What its first condition asks, where one text alone is the answer."""
        ...

    def met(self, scope: Scope) -> tuple[int, int]:
        """How many of its conditions hold, and of how many; the event name counts as one. For "the nearest
        trigger"."""
        ...

    @property
    def events(self) -> tuple[str, ...]:
        """The names of events that it is for, as written; none: every event."""
        ...

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """Its conditions in words, each as its left side and the rest."""
        ...

    def failing(self, scope: Scope) -> tuple[int, str]:
        """The first condition that does not hold: its number (from 1; 0 is the event's name), and its left side as
        written."""
        ...

    def explain(self, scope: Scope) -> str:
        """The condition that decided, with both operands: `page.path equals "/thanks", is "/thank-you"`."""
        ...


PURCHASE, REFUND = "purchase", "refund"
NO_FIELDS = PayloadFields()
NO_PRIVACY = PrivacyPolicy()
NO_SECRETS = KnownSecrets()
NO_NAMES = VendorNames("", StandardEvents(), {})


@dataclass(frozen=True, slots=True)
class ConfiguredDestination:
    """One entry under `destinations:`. `paused` says why nothing can be sent (a missing secret), or is None.

    `identity` is the fingerprint of the settings that say whose account it is. `hosts` are those the plugin
    declares for these settings; `egress` is what operations allow beyond them. `reads` makes what it sees of an event.
    `aliases` are names it had before: what was queued under them is its own. `fields`: what it says of its payload.
    `purchase`: its vendor's name for a purchase; `names`: of all events that it has one for.
    """

    name: str
    type: str
    plugin: Destination
    settings: Any
    paused: str | None
    identity: str
    hosts: tuple[str, ...]
    egress: tuple[str, ...]
    reads: Reads
    place: Place
    aliases: tuple[str, ...] = ()
    fields: PayloadFields = field(default=NO_FIELDS, kw_only=True)
    purchase: str = field(default=PURCHASE, kw_only=True)
    names: VendorNames = field(default=NO_NAMES, kw_only=True)

    @property
    def phone_country(self) -> str | None:
        """Where it takes numbers without an international prefix to be: its setting `default_country`, if it has
        one."""
        country = getattr(self.settings, "default_country", None)
        return country if isinstance(country, str) else None

    def is_purchase(self, event: str, name: str) -> bool:
        """Whether an event of this name, sent under the vendor's `name`, is a purchase: by its own name, or because the
        vendor will take it for one. A refund is none, whatever it is called: an order may have several."""
        return event == PURCHASE or (name == self.purchase and event != REFUND)


@dataclass(frozen=True, slots=True)
class Tag:
    """What marketing edits: when, to whom, with which parameters. `needs` is what consent must grant;
    `redact_override` why personal data may stand wherever the tag puts it, or None.

    `constants`: the parameters that are the same for every event, and in which there is no personal data.
    `sees` are the paths that its destination can see of its events, `personal` the personal ones that its own words
    lead to: parameters, event name, transformations. `event_name` gives MISSING where the destination's own name
    counts, and None where the tag's own has no value.
    """

    name: str
    destination: ConfiguredDestination
    triggers: tuple[Trigger, ...]
    exceptions: tuple[Trigger, ...]
    needs: Needs
    parameters: Callable[[Scope], dict[str, Any]]
    event_name: Value | None
    paused: bool
    limits: TagLimits = field(default=NO_LIMITS, kw_only=True)
    priority: int = field(default=0, kw_only=True)
    constants: frozenset[str] = field(default=frozenset(), kw_only=True)
    transformations: tuple[Transformation, ...] = field(default=(), kw_only=True)
    redact_override: str | None = field(default=None, kw_only=True)
    sees: frozenset[str] = field(default=frozenset(), kw_only=True)
    personal: frozenset[str] = field(default=frozenset(), kw_only=True)
    place: Place


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag that events of one name can fire, with those of its triggers and exceptions that such events can match."""

    tag: Tag
    triggers: tuple[Trigger, ...]
    exceptions: tuple[Trigger, ...]


NAMES_REMEMBERED = 2048
LONGEST_NAME = 100
"""Event names come from strangers: beyond this many, and of those that are longer than names are, candidates are worked
out afresh each time."""


@dataclass(frozen=True)
class Container:
    """The compiled configuration. `version` is a short hash of the files' texts. `problems` are those it was loaded
    with (warnings, paused destinations); one with errors is never made. `rows` are those of all its tables, by their
    names for people. `secrets`: those of all destinations and of operations, which no payload holds."""

    version: str
    destinations: Mapping[str, ConfiguredDestination]
    tags: tuple[Tag, ...]
    triggers: Mapping[str, Trigger]
    variables: Mapping[str, Value]
    consent: ConsentPolicy
    privacy: PrivacyPolicy = NO_PRIVACY
    problems: tuple[Problem, ...] = ()
    rows: tuple[str, ...] = ()
    secrets: KnownSecrets = field(default=NO_SECRETS, compare=False, repr=False)
    _candidates: dict[str, ByAsk[Candidate]] = field(default_factory=dict, compare=False, repr=False)
    _by_wanted: dict[frozenset[int], ByAsk[Candidate]] = field(default_factory=dict, compare=False, repr=False)

    def candidates(self, event_name: str) -> ByAsk[Candidate]:
        """The tags that an event of this name could fire, by priority and then in file order. Worked out once for each
        name."""
        found = self._candidates.get(event_name)
        if found is None:
            triggers = {id(one): one for tag in self.tags for one in (*tag.triggers, *tag.exceptions)}
            wanted = frozenset(key for key, trigger in triggers.items() if trigger.wants(event_name))
            # Names that nobody expects are alike: what `all` tags make of them is kept once, not once for each.
            found = self._by_wanted.get(wanted) or self._wanted_by(wanted)
            if len(event_name) <= LONGEST_NAME and len(self._candidates) < NAMES_REMEMBERED:
                self._candidates[event_name] = self._by_wanted[wanted] = found
        return found

    def _wanted_by(self, wanted: frozenset[int]) -> ByAsk[Candidate]:
        """The tags that some of the triggers fire."""
        return ByAsk(
            (
                Candidate(tag, triggers, tuple(one for one in tag.exceptions if id(one) in wanted)),
                [trigger.ask for trigger in triggers],
            )
            for tag in sorted(self.tags, key=lambda tag: -tag.priority)
            if (triggers := tuple(one for one in tag.triggers if id(one) in wanted))
        )

    def with_settings(self, name: str, changed: Mapping[str, Any]) -> Container:
        """The same, but for some settings of one destination, at all of its tags."""

        def other(destination: ConfiguredDestination) -> ConfiguredDestination:
            if destination.name != name or destination.settings is None:
                return destination
            return replace(destination, settings=replace(destination.settings, **changed))

        destinations = {key: other(one) for key, one in self.destinations.items()}
        tags = tuple(replace(tag, destination=other(tag.destination)) for tag in self.tags)
        return replace(self, destinations=destinations, tags=tags, _candidates={}, _by_wanted={})

    @cached_property
    def consent_cache(self) -> ConsentCache:
        """Reads what visitors allowed, under this container's policy."""
        return ConsentCache(self.consent)

    @property
    def phone_countries(self) -> Iterable[str | None]:
        """Those of all destinations, and none: a national number has another hash in each."""
        return {None, *(one.phone_country for one in self.destinations.values())}

    @cached_property
    def _by_alias(self) -> dict[str, ConfiguredDestination]:
        return {alias: one for one in self.destinations.values() for alias in one.aliases}

    def destination(self, name: str) -> ConfiguredDestination | None:
        """The destination of this name, or the one that had it before."""
        return self.destinations.get(name) or self._by_alias.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Tag]:
        return {tag.name: tag for tag in self.tags}

    def tag(self, name: str) -> Tag | None:
        """The tag of this name."""
        return self._by_name.get(name)


T = TypeVar("T")


class ByAsk(Generic[T]):
    """Things in their order, each with what its alternatives ask first (None: nothing that an index could know)."""

    def __init__(self, things: Iterable[tuple[T, Sequence[Ask | None]]]) -> None:
        self._all: list[T] = []
        self._always: list[int] = []
        by_left: dict[str, tuple[Value, dict[str, list[int]]]] = {}
        for number, (thing, asks) in enumerate(things):
            self._all.append(thing)
            if None in asks:
                self._always.append(number)
                continue
            for name, left, text in filter(None, asks):
                _, by_text = by_left.setdefault(name, (left, {}))
                by_text.setdefault(text, []).append(number)
        self._by_left = tuple(by_left.values())
        self._without = [self._all[number] for number in self._always]

    def __iter__(self) -> Iterator[T]:
        return iter(self._all)

    def worth_trying(self, scope: Scope) -> list[T]:
        """Those that may hold; of the others it is known that none of their alternatives does."""
        numbers: list[int] = []
        for left, by_text in self._by_left:
            value = left(scope)
            numbers += by_text.get(value if type(value) is str else js_text(value), ())
        if not numbers:
            return self._without
        return [self._all[number] for number in sorted({*numbers, *self._always})]
