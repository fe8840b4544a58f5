"""The outgoing event: what of an event may leave for a tag, without what consent keeps back, and without personal data
where nobody expects it.

The host makes it before any plugin is asked, so no plugin can forget it. Tags of one event that may have the same share
one outgoing event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagserver.consent.state import ConsentState
from tagserver.event.event import Derived
from tagserver.event.paths import without
from tagserver.expressions.path_filter import Path
from tagserver.expressions.scope import Scope
from tagserver.outgoing.consent_filter import EVERYTHING, Leave, withhold, withhold_parameters
from tagserver.outgoing.field_filter import Reads
from tagserver.outgoing.redaction import Finding, clean_data, clean_parameters
from tagserver.plugin.destination import Omitted
from tagserver.privacy.rules import AddressRules, rules_of


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
LIMITED = "is sensitive, and the visitor limits its use"
NO_CLICK = "is no click: it "


class OutgoingEvent:
    """One event as some tags may have it. `scope` is what their parameters are worked out from, `event` what their
    destinations are shown of it; `rules`: what addresses may keep."""

    __slots__ = ("_left", "_limited", "_withheld", "event", "findings", "rules", "scope")

    def __init__(
        self, scope: Scope, left: Leave, rules: AddressRules, limited: Sequence[Path], omitted: Sequence[Omitted]
    ) -> None:
        """`left`: what consent lets out; `rules`: what addresses may keep; `limited`: paths that tags may not set, and
        `omitted`: those that the event had."""
        self._left, self.rules, self._limited = left, rules, limited
        self._withheld = omitted
        self.scope = scope
        self.findings: Sequence[Finding] = ()
        """What was taken out as personal data."""
        event = scope.event
        if left is not EVERYTHING:
            event, withheld = withhold(event, left)
            self._withheld = (*omitted, *withheld)
            self.scope = scope.seeing(event)
        if not (rules.personal and rules.clicks):
            data, self.findings = clean_data(event.data, rules, event.derived.shape)
            if self.findings:
                # What is about the person, and how it came, is not looked at, and shared with the others.
                shared = Derived(
                    cookies=event.cookies,
                    clicks=event.clicks,
                    click_faults=event.click_faults,
                    identity=event.identity,
                )
                event = event.derive(data, derived=shared)
        self.event = event

    def parameters(
        self, parameters: dict[str, Any], personal: Collection[str], constants: Collection[str]
    ) -> tuple[dict[str, Any], list[Omitted], list[Finding]]:
        """A tag's parameters by the same rules. `personal`: under which of them the tag says who it was; `constants`:
        those that were looked at when the configuration was."""
        parameters, omitted = without_paths(parameters, self._limited)
        kept, withheld = withhold_parameters(parameters, personal, self._left)
        omitted += withheld
        if self.rules.personal and self.rules.clicks:
            return kept, omitted, []
        clean, findings = clean_parameters(kept, NAMES_OF_THE_EVENT.union(personal, constants), self.rules)
        return clean, omitted, findings

    def omitted(self, reads: Reads) -> tuple[list[Omitted], list[Finding]]:
        """What a destination would have seen, and does not: kept back, no click, and taken out."""
        known = self.event.derived
        if known.clicks is None and reads.any_click:
            self.event.find_clicks()
        faults = known.click_faults if reads.any_click else {}
        if not (self._withheld or self.findings or faults):
            return [], []
        lost = (*self._withheld, *(Omitted(f"click.{name}", NO_CLICK + why) for name, why in faults.items()))
        return [one for one in lost if reads.sees(one.field)], [one for one in self.findings if reads.sees(one.path)]


class OutgoingEvents:
    """The outgoing events that are made of one event, under one policy and one visitor's consent."""

    __slots__ = ("_known", "_limited", "_omitted", "_policy", "consent", "scope")

    def __init__(self, scope: Scope, policy: PrivacyPolicy, consent: ConsentState) -> None:
        self.consent = consent
        self.scope = scope
        """What tags are worked out from; triggers see the whole event."""
        self._policy = policy
        self._limited = policy.sensitive if consent.sensitive_limit else ()
        self._omitted: list[Omitted] = []
        self._known: dict[tuple[Leave, bool], OutgoingEvent] = {}
        if self._limited:
            data, self._omitted = without_paths(scope.event.data, self._limited)
            if self._omitted:
                self.scope = scope.seeing(scope.event.derive(data))

    def of(self, scope: Scope, left: Leave, *, redact: bool) -> OutgoingEvent:
        """What a tag may have that sees the event as `scope` has it. `left`: what consent lets out; `redact`: False for
        a tag that may have personal data everywhere."""
        known = self._known.get((left, redact)) if scope is self.scope else None
        if known is None:
            rules = self._policy.rules[left.storage, not redact]
            known = OutgoingEvent(scope, left, rules, self._limited, self._omitted)
            if scope is self.scope:  # else a transformation made it, for one tag
                self._known[left, redact] = known
        return known


def without_paths(data: Any, paths: Sequence[Path]) -> tuple[Any, list[Omitted]]:
    """Data without what stands at some paths, and which of them there were."""
    omitted: list[Omitted] = []
    for path in paths:
        kept = without(data, path)
        if kept != data:
            data = kept
            omitted.append(Omitted(".".join(path), LIMITED))
    return data, omitted
