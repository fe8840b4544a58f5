"""What becomes of an event of a preview session: which of its deliveries are made, and what its answer says of each
tag.

Everything before that is the usual way: the same reading, consent, `route` and `build`; only the container may be a
draft's. An event whose session has ended meanwhile (it has waited for consent) is dry: it was not meant to count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from tagserver.config.model import Container
from tagserver.delivery.vendor_tests import code_in, marked, mode_of
from tagserver.ingest.answer import Answer, Previewed, PreviewedTag
from tagserver.pipeline.route import Decision, Routing, all_decisions
from tagserver.preview.drafts import unlike, widened
from tagserver.preview.session import Draft, Session
from tagserver.preview.sessions import Sessions
from tagserver.queue.dedup import delivery_key, sender_part
from tagserver.queue.values import Delivery

Fate = Literal["dry", "test", "live"]
MOST_TAGS = 500
"""Tags that one event's answer names."""
_DRY = "this session sends nothing"
_OVER = "the preview session has ended"
_WIDER = "the draft could let more leave than what serves"


class Previews:
    """Of one server. `serving` gives the container that serves now."""

    def __init__(self, sessions: Sessions, serving: Callable[[], Container]) -> None:
        self.sessions = sessions
        self._serving = serving
        self._checked: dict[str, tuple[Draft, Container, bool]] = {}
        """By session: whether a draft is wider than a container that serves or did."""

    def container(self, name: str) -> Container:
        """By which an event of a session is decided; of none (an empty name), by what serves."""
        session = self.sessions.known(name) if name else None
        return self._serving() if session is None or session.draft is None else session.draft.container

    def counts(self, name: str) -> bool:
        """Whether what is said in a session counts outside of it: it is for real. `name` is empty for no session."""
        session = self.sessions.known(name) if name else None
        return not name or (session is not None and session.send == "live")

    def applied(
        self, answer: Answer | None, routing: Routing, made: list[Delivery], container: Container
    ) -> tuple[Answer | None, Routing, list[Delivery]]:
        """The answer with what was decided, the decisions, and those of the deliveries that are made. A decision whose
        delivery is not made has no payload any more. `container`: by which it was decided."""
        name = routing.event.facts.session
        session = self.sessions.known(name)
        if session is not None:
            self.sessions.seen[name] += 1
        each = iter(made)
        decisions, kept, told = [], [], {}
        for decision in routing.decisions:
            if decision.built is not None:
                fate, why, code = self._fate(session, decision)
                told[decision.tag.name] = fate, why
                delivery = next(each)
                if fate == "dry":
                    decision = msgspec.structs.replace(decision, built=None, body=b"")
                else:
                    kept.append(delivery if code is None else _for_test(delivery, code, name))
            decisions.append(decision)
        routing = msgspec.structs.replace(routing, decisions=tuple(decisions))
        if answer is not None and session is not None:
            tags = tuple(_shown(decision, told) for decision in _first(all_decisions(container, routing)))
            answer = msgspec.structs.replace(
                answer, preview=Previewed(session.id, session.send, container.version, tags)
            )
        return answer, routing, kept

    def _fate(self, session: Session | None, decision: Decision) -> tuple[Fate, str, str | None]:
        """What becomes of a delivery, why where it is not what the session is for, and the vendor's test code
        for a test."""
        if session is None:
            return "dry", _OVER, None
        if session.send == "dry":
            return "dry", _DRY, None
        if session.draft is not None and (why := self._kept_back(session, session.draft, decision)):
            return "dry", why, None
        if session.send == "live":
            return "live", "", None
        destination = decision.tag.destination
        if (mode := mode_of(destination.plugin)) is None:
            return "dry", f"{destination.name} has no test mode", None
        code = session.codes.get(destination.name) or code_in(mode, destination.settings)
        if not code and mode.flag is None:
            return "dry", f"no test code is given for {destination.name}", None
        return "test", "", code

    def _kept_back(self, session: Session, draft: Draft, decision: Decision) -> str | None:
        serving = self._serving()
        known = self._checked.get(session.id)
        if known is None or known[1] is not serving:
            running = {one.id for one in self.sessions.all()}
            self._checked = {name: one for name, one in self._checked.items() if name in running}
            known = self._checked[session.id] = draft, serving, bool(widened(draft.container, serving))
        return _WIDER if known[2] else unlike(decision.tag, serving)


def _for_test(delivery: Delivery, code: str, session: str) -> Delivery:
    """It uses nothing up: neither the keys of the event, nor those of the order and of once-per."""
    key = delivery_key(delivery.tag, delivery.name, delivery.event_id, sender_part(f"preview\0{session}"))
    group = marked(delivery.group, code)
    return msgspec.structs.replace(delivery, key=key, order=None, once=None, mark=b"", group=group)


def _first(decisions: tuple[Decision, ...]) -> Iterator[Decision]:
    """All of them, of a usual site; else those that matter first."""
    yield from decisions if len(decisions) <= MOST_TAGS else sorted(decisions, key=_is_unfired)[:MOST_TAGS]


def _is_unfired(decision: Decision) -> bool:
    return decision.reason == "no_trigger"


def _shown(decision: Decision, told: dict[str, tuple[Fate, str]]) -> PreviewedTag:
    fate, why = told.get(decision.tag.name, (None, ""))
    tag, detail = decision.tag, decision.detail
    return PreviewedTag(tag.name, tag.destination.name, decision.decision, decision.reason, detail, fate, why)
