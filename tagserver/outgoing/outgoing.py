"""What of an event leaves for a tag: without what consent keeps back, and without personal data where nobody expects
it.

The host does this before any plugin is asked, so no plugin can forget it. It is worked out once for all tags of an
event that may have the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from tagserver.consent.needs import Needs
from tagserver.consent.state import ConsentState
from tagserver.event.event import NO_TEXTS, Event
from tagserver.expressions.scope import Scope
from tagserver.outgoing.consent_filter import Leave, leave, withhold, withhold_parameters
from tagserver.outgoing.field_filter import Reads
from tagserver.outgoing.path_filter import Path
from tagserver.outgoing.redaction import Finding, clean_data, clean_parameters
from tagserver.outgoing.sensitive import Sensitive
from tagserver.plugin.destination import ConsentNeeds, Mode, Omitted
from tagserver.privacy.address_rules import AddressRules, rules_of
from tagserver.privacy.urls import clean_outgoing


@dataclass(frozen=True)
class PrivacyPolicy:
    """The `privacy:` block. `query_allow`: the keys that addresses may keep, lower case, `utm_*` for all that begin so;
    None: all but personal ones. `sensitive`: the paths of data that a visitor may limit the use of."""

    query_allow: tuple[str, ...] | None = None
    sensitive: tuple[Path, ...] = ()

    @cached_property
    def rules(self) -> Mapping[tuple[bool, bool], AddressRules]:
        """For addresses, by whether click ids and whether personal data may stay."""
        either = (True, False)
        return {
            (clicks, personal): rules_of(clicks, self.query_allow, personal) for clicks in either for personal in either
        }


NAMES_OF_THE_EVENT = frozenset({"event_name", "event_id", "event_time", "timestamp"})
"""Parameters that are not looked at: they say what happened and when."""


class Outgoing:
    """One event as some tags may have it. `scope` is what their parameters are worked out from."""

    __slots__ = ("_event", "_granted", "_left", "_rules", "_sensitive", "_withheld", "findings", "scope")

    def __init__(
        self, scope: Scope, left: Leave, rules: AddressRules, granted: frozenset[str], sensitive: Sensitive
    ) -> None:
        self._left, self._rules, self._granted, self._sensitive = left, rules, granted, sensitive
        event, withheld = withhold(scope.event, left)
        self._withheld = (*sensitive.omitted, *withheld)
        self.scope = scope if event is scope.event else scope.seeing(event)
        self._event, self.findings = _cleaned(event, rules)

    def parameters(
        self, parameters: dict[str, Any], personal: Collection[str]
    ) -> tuple[dict[str, Any], list[Omitted], list[Finding]]:
        """A tag's parameters by the same rules. `personal`: under which of them the tag says who it was."""
        parameters, limited = self._sensitive.parameters(parameters)
        kept, omitted = withhold_parameters(parameters, personal, self._left)
        omitted = limited + omitted
        if _changes_nothing(self._rules):
            return kept, omitted, []
        clean, findings = clean_parameters(kept, NAMES_OF_THE_EVENT.union(personal), self._rules)
        return clean, omitted, findings

    def view(self, reads: Reads) -> Event:
        """The event with the fields that a destination declares."""
        view = reads.view(self._event)
        view.memo["granted"] = self._granted
        referer = view.facts.headers.get("referer")
        if referer is not None and (clean := clean_outgoing(referer, self._rules)).lost:
            headers = {**view.facts.headers, "referer": clean.address}
            facts = msgspec.structs.replace(view.facts, headers=headers)
            view = msgspec.structs.replace(view, facts=facts)
        return view

    def seen(self, reads: Reads) -> tuple[list[Omitted], list[Finding]]:
        """What a destination would have seen, and does not: kept back, no click, and taken out."""
        faults = self._event.click_faults if reads.sees("click") else NO_TEXTS
        if not self._withheld and not self.findings and not faults:
            return [], []
        lost = (*self._withheld, *(Omitted(f"click.{name}", f"is no click: it {why}") for name, why in faults.items()))
        return [one for one in lost if reads.sees(one.field)], [one for one in self.findings if reads.sees(one.path)]


def _changes_nothing(rules: AddressRules) -> bool:
    return rules.personal and rules.clicks


def _cleaned(event: Event, rules: AddressRules) -> tuple[Event, Sequence[Finding]]:
    if _changes_nothing(rules):
        return event, ()
    data, findings = clean_data(event.data, rules)
    if not findings:
        return event, ()
    made = Event(event.name, event.event_id, event.time, data, event.facts, event.client, event.notes)
    # What is about the person, and how it came, is not looked at, and shared with the others.
    made.memo["identity"], made.memo["cookies"], made.memo["clicks"] = event.identity, event.cookies, event.clicks
    made.memo["click_faults"] = event.click_faults
    return made, findings


class Leaving:
    """One event on its way out, under one container."""

    def __init__(self, scope: Scope, policy: PrivacyPolicy, consent: ConsentState) -> None:
        self._sensitive = Sensitive(policy.sensitive if consent.sensitive_limit else (), scope.event)
        event = self._sensitive.event
        self.scope = scope if event is scope.event else scope.seeing(event)
        """What tags are worked out from; triggers see the whole event."""
        self._policy = policy
        self.consent = consent
        self._known: dict[tuple[Leave, bool], Outgoing] = {}

    def of(self, scope: Scope, needs: Needs, declared: ConsentNeeds, mode: Mode, *, redact: bool) -> Outgoing:
        """What a tag may have that sees the event as `scope` has it. `redact`: False for one that may have personal
        data everywhere."""
        left = leave(needs, declared, self.consent, mode)
        if scope is not self.scope:  # a transformation made it, for one tag
            return self._outgoing(scope, left, redact)
        known = self._known.get((left, redact))
        if known is None:
            known = self._known[left, redact] = self._outgoing(scope, left, redact)
        return known

    def _outgoing(self, scope: Scope, left: Leave, redact: bool) -> Outgoing:
        rules = self._policy.rules[left.storage, not redact]
        return Outgoing(scope, left, rules, self.consent.granted, self._sensitive)
