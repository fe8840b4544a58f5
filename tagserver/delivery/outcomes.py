"""What a plugin says of an answer, read: an outcome for each payload, and whether the rest of the batch has to wait."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Literal, get_args

from tagserver.logs.logs import redacted
from tagserver.plugin.contract import Outcome, OutcomeKind
from tagserver.plugin.fault import PluginFailed
from tagserver.queue.retry import LATE_CAP

LONGEST = 300
"""Characters of a sentence that are kept."""
LONGEST_CODE = 100
"""Characters of a code that are kept."""
LONGEST_SAID = 4000
"""Characters of a vendor's words that are looked at."""
SHOWN = 3
"""Sentences, of a list of outcomes, that are shown."""

PLUGIN_ERROR = "plugin_error"
"""The code of what is nobody's fault but the plugin's."""

StopKind = Literal["failed", "throttled", "paused", "suspect", "undecided"]
_STOPS: dict[str, StopKind] = {"paused": "paused", "throttled": "throttled", "retry": "failed"}
"""Outcomes that concern the whole destination, the gravest first."""


class Stop(Exception):
    """The rest of the batch is not sent now: the destination waits, is throttled, or pauses until somebody acts.

    `suspect`: it refuses everything alike, so the set-up is suspected. `undecided`: the plugin has failed at an answer,
    and whether the vendor has the events nobody knows. `asked`: seconds that the vendor wants to be left alone. `code`:
    the gravest outcome's; `status`, `said`: of the answer, its HTTP status and its own words without what tells of a
    person."""

    def __init__(self, kind: StopKind, reason: str, asked: float | None = None, code: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.asked = asked
        self.code = code
        self.status: int | None = None
        self.said = ""


def stop_for(outcomes: Sequence[Outcome], asked: float | None) -> Stop | None:
    """Why the destination has to stop, if it has to: for the gravest of the outcomes, with the sentences of all that
    are as grave, and for the longest of the times they ask for. `asked`: the answer's own Retry-After, for those that
    ask for none."""
    found = {outcome.kind for outcome in outcomes}
    gravest = next((kind for kind in _STOPS if kind in found), None)
    if gravest is None:
        return None
    sentences = list(dict.fromkeys(sentence(one.reason, one.detail) for one in outcomes if one.kind == gravest))
    more = [f"and {len(sentences) - SHOWN} more"] if len(sentences) > SHOWN else []
    waits = [asked if one.after is None else one.after for one in outcomes if one.kind in ("retry", "throttled")]
    longest = max((wait for wait in waits if wait is not None), default=None)
    code = next(outcome.reason for outcome in outcomes if outcome.kind == gravest)
    return Stop(_STOPS[gravest], "; ".join([*sentences[:SHOWN], *more]), longest, code)


def sentence(reason: str, detail: str) -> str:
    """A code with the plugin's sentence for people."""
    return ": ".join(filter(None, (reason, detail)))


def is_plugins(reason: str) -> bool:
    """Whether a destination is paused, for this reason, because its plugin has failed."""
    return reason.startswith((f"{PLUGIN_ERROR}:", f"systematic: {PLUGIN_ERROR} "))


def warnings(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What operations should read although the deliveries count; each once, with the number of payloads it is about."""
    said = [outcome.warning for outcome in outcomes if outcome.warning]
    each = list(dict.fromkeys(said))
    for warning in each[:SHOWN]:
        yield warning if said.count(warning) in (1, len(outcomes)) else f"{warning} ({said.count(warning)} events)"
    if len(each) > SHOWN:
        yield f"and {len(each) - SHOWN} more warnings"


def one_each(outcomes: Any, count: int, method: str) -> list[Outcome]:
    """One outcome per payload. Raises PluginFailed for anything else; `method` is what gave it."""
    if isinstance(outcomes, Outcome):
        return [_sound(outcomes, method)] * count
    if isinstance(outcomes, str | bytes) or not hasattr(outcomes, "__iter__"):
        raise PluginFailed(f"{method} gives {type(outcomes).__name__} in place of an outcome")
    each = [_sound(one, method) for one in islice(outcomes, count + 1)]  # it may have no end
    if len(each) != count:
        number = f"more than {count}" if len(each) > count else len(each)
        raise PluginFailed(f"{method} gives {number} outcomes for {count} events")
    return each


_DELIVERED = Outcome.delivered()


def _sound(outcome: Any, method: str) -> Outcome:
    """The outcome, fit to be stored and waited for. Raises PluginFailed for what no author can have meant."""
    if type(outcome) is Outcome and outcome == _DELIVERED:  # the usual one, which says nothing more
        return _DELIVERED
    if not isinstance(outcome, Outcome) or outcome.kind not in get_args(OutcomeKind):
        raise PluginFailed(f"{method} gives something that is no outcome")
    texts = (outcome.reason, outcome.detail, outcome.warning, outcome.said)
    if not all(isinstance(text, str) for text in texts) or not all(type(index) is int for index in outcome.bad):
        raise PluginFailed(f"{method} gives an outcome that holds something of the wrong type")
    after = outcome.after
    if after is not None and (isinstance(after, bool) or not isinstance(after, int | float) or math.isnan(after)):
        raise PluginFailed(f"{method} gives an outcome whose `after` is no number")
    return Outcome(
        outcome.kind,
        _line(outcome.reason, LONGEST_CODE),
        _line(outcome.detail, LONGEST),
        None if after is None else min(max(0.0, float(after)), LATE_CAP),
        tuple(outcome.bad),
        _line(outcome.warning, LONGEST),
        outcome.said[:LONGEST_SAID].encode(errors="replace").decode(),
    )


def _line(text: str, longest: int) -> str:
    """A text for people, which a plugin may have made of anything: on one line, cut, and without contacts and
    secrets."""
    if not text:
        return text
    cut = redacted(text[: 4 * longest])
    return " ".join("".join(sign if sign.isprintable() else " " for sign in cut).split())[:longest]
