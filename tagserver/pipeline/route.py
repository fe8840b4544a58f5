"""One event through the container: which tags fire, what consent says, and what each vendor would get.

This is the one path. The live server, `try`, tests and previews call `route` and read the same decisions; nothing
here does I/O, knows the time, or logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tagserver.config.limits import NO_LIMITS
from tagserver.config.model import Candidate, Container, Tag, Trigger
from tagserver.config.triggers import BUILT_IN
from tagserver.consent.gate import Verdict, decide
from tagserver.consent.model.reading import Reading
from tagserver.consent.state import ConsentState
from tagserver.event.event import Event
from tagserver.event.known_names import CONSENT_EVENT
from tagserver.expressions.scope import Scope
from tagserver.outgoing.outgoing import OutgoingEvents
from tagserver.outgoing.redaction import Finding
from tagserver.pipeline.payload import make
from tagserver.plugin import Built, Omitted, Skip
from tagserver.plugin.fault import PluginFailed, failed
from tagserver.plugin.payload_check import Unsound

Outcome = Literal["send", "restrict", "block", "skip", "error"]

SKIPS = frozenset({"no_identity", "too_old", "missing_required", "other_account", "variable"})
"""For what reasons a plugin may skip an event."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What one tag does with one event, and why. `consent` is the gate's verdict, None when no trigger matched.

    `body` is the payload's JSON for a tag that sends; `reason` one of design's closed list of words. `findings`:
    personal data that was taken out where nobody expects it; it is among what is `omitted`, too.
    """

    tag: Tag
    decision: Outcome
    reason: str
    detail: str = ""
    consent: Verdict | None = None
    built: Built | None = None
    body: bytes = b""
    omitted: tuple[Omitted, ...] = ()
    findings: tuple[Finding, ...] = ()


class Routing(msgspec.Struct, frozen=True, gc=False):
    """All that was decided for one event: the decisions of the tags whose trigger fired, in file order. `unfired`: tags
    whose conditions were asked beyond the first, and did not hold."""

    event: Event
    scope: Scope
    consent: ConsentState
    decisions: tuple[Decision, ...]
    unfired: tuple[Tag, ...] = ()


def route(
    container: Container,
    event: Event,
    source: Reading | None = None,
    touched: set[str] | None = None,
    consent: ConsentState | None = None,
) -> Routing:
    """Decide every tag that an event of this name could fire. `source`: consent by the contract behind the event's
    key. `touched` collects the rows of tables that are used. `consent`: what is known by now, of an event that has
    waited for it."""
    scope = Scope(event, touched)
    if consent is None:
        consent = container.consent_cache.read(event, source)
    outgoing = OutgoingEvents(scope, container.privacy, consent)
    decisions: list[Decision] = []
    unfired: list[Tag] = []
    sent: set[tuple[str, str]] = set()
    for candidate in container.candidates(event.name).worth_trying(scope):
        for trigger in candidate.triggers:
            if trigger.holds(scope):
                break
        else:
            unfired.append(candidate.tag)
            continue
        decision = _decide(container, candidate, trigger, scope, outgoing)
        if decision.built is not None:
            address = (decision.tag.destination.name, decision.built.name)
            if address in sent:
                # The vendor would count one event of this name and id; the first tag in the file has it.
                detail = f"{decision.built.name} with this event_id goes to {address[0]} already"
                decision = Decision(decision.tag, "skip", "same_event", detail, decision.consent)
            sent.add(address)
        decisions.append(decision)
    return Routing(event, scope, consent, tuple(decisions), tuple(unfired))


def _decide(
    container: Container, candidate: Candidate, fired: Trigger, scope: Scope, outgoing: OutgoingEvents
) -> Decision:
    """One tag that was fired: exception, paused, consent, build, in this order."""
    tag = candidate.tag
    verdict = decide(tag.needs, outgoing.consent, container.consent)
    for exception in candidate.exceptions:
        if exception.holds(scope):
            return Decision(tag, "skip", "exception", f"{exception.name}: {exception.explain(scope)}", verdict)
    if tag.paused:
        return Decision(tag, "skip", "paused", "the tag is paused", verdict)
    if tag.limits is not NO_LIMITS and (refused := tag.limits.refusal(scope)) is not None:
        return Decision(tag, "skip", *refused, verdict)
    if verdict.decision == "block":
        return Decision(tag, "block", verdict.reason, verdict.detail, verdict)
    if scope.event.name == CONSENT_EVENT and (untold := _untold(candidate, scope)):
        return Decision(tag, "block", "consent", untold, verdict)
    destination = tag.destination
    if destination.settings is None:
        return Decision(tag, "skip", "destination_paused", destination.paused or "not set up", verdict)
    mode = verdict.decision
    try:
        made = make(tag, outgoing, mode, container.secrets)
    except Skip as skip:
        if skip.reason not in SKIPS:
            return Decision(tag, "error", "plugin_error", "it skips for a reason that there is not", verdict)
        return Decision(tag, "skip", skip.reason, skip.detail, verdict, omitted=skip.omitted)
    except (Unsound, PluginFailed) as error:  # a bad plugin is isolated
        return Decision(tag, "error", "plugin_error", str(error), verdict)
    except BaseException as error:  # what it gave fails where it is looked at
        return Decision(tag, "error", "plugin_error", str(failed(error, destination.plugin, "the payload")), verdict)
    detail = f"trigger {fired.name}; {verdict.detail}" if verdict.detail else f"trigger {fired.name}"
    return Decision(tag, mode, "fired", detail, verdict, made.built, made.body, made.omitted, made.findings)


def _untold(candidate: Candidate, scope: Scope) -> str | None:
    """Why a tag does not hear what a visitor chose. The page's script sends that for the server, and no site has pushed
    it: a trigger that is built in does not mean it."""
    if candidate.tag.needs.ads:
        return "what a visitor chose is not told to ads destinations"
    if not any(trigger.name not in BUILT_IN and trigger.holds(scope) for trigger in candidate.triggers):
        return "what a visitor chose is told to tags that ask for it by name, and not by all"
    return None


def explain_unfired(tag: Tag, scope: Scope) -> str:
    """Why no trigger of a tag matched: the nearest trigger (most conditions met) and its deciding condition, both
    operands."""
    nearest = max(tag.triggers, key=lambda trigger: _nearness(trigger.met(scope)), default=None)
    return "the tag has no trigger" if nearest is None else f"{nearest.name}: {nearest.explain(scope)}"


def failing(tag: Tag, scope: Scope) -> tuple[str, int, str]:
    """The condition that kept a tag, without values: the nearest trigger's name, the number of the first condition of
    it that does not hold (from 1; 0 is the event's name), and its left side as written."""
    nearest = max(tag.triggers, key=lambda trigger: _nearness(trigger.met(scope)), default=None)
    return ("", 0, "") if nearest is None else (nearest.name, *nearest.failing(scope))


def _nearness(met: tuple[int, int]) -> tuple[int, int]:
    held, of = met
    return held, -(of - held)


def all_decisions(container: Container, routing: Routing) -> tuple[Decision, ...]:
    """A decision for every tag, in file order: those that `route` made, and `no_trigger` with its reason for the
    rest."""
    made: Mapping[str, Decision] = {decision.tag.name: decision for decision in routing.decisions}
    shown: list[Decision] = []
    for tag in container.tags:
        decision = made.get(tag.name)
        if decision is None:
            decision = Decision(tag, "skip", "no_trigger", explain_unfired(tag, routing.scope))
        shown.append(decision)
    return tuple(shown)


def as_dict(decision: Decision, request: dict[str, Any] | None) -> dict[str, Any]:
    """A decision as `try` answers it."""
    return {
        "tag": decision.tag.name,
        "destination": decision.tag.destination.name,
        "consent": decision.consent.decision if decision.consent else None,
        "decision": decision.decision,
        "reason": decision.reason,
        "detail": decision.detail,
        "request": request,
        "omitted": [{"field": omitted.field, "why": omitted.why} for omitted in decision.omitted],
    }
