"""What `gcs` and `gcd` say of each purpose."""

from __future__ import annotations

from tagserver.consent.state import Signal
from tagserver.consent.strings.gcd import Answers, Gcd
from tagserver.consent.strings.gcs import Gcs

GCS_PURPOSES = ("ad_storage", "analytics_storage")
GCD_PURPOSES = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
"""The purposes that each of them speaks of."""


def gcs_signals(gcs: Gcs) -> dict[str, Signal]:
    """Purpose → explicit signal: `gcs` says what is in effect and hides whether it was preset."""
    states = {"ad_storage": gcs.ad_storage, "analytics_storage": gcs.analytics_storage}
    return {name: Signal(state, "explicit", state) for name, state in states.items() if state != "unset"}


def gcd_signals(gcd: Gcd) -> dict[str, Signal]:
    """Purpose → signal: what the visitor chose is explicit, what was only preset is a default."""
    found: dict[str, Signal] = {}
    for name, answers in _answers(gcd).items():
        if answers.update is not None:
            found[name] = Signal(answers.update, "explicit", answers.update)
        elif answers.default is not None:
            found[name] = Signal(answers.default, "default", answers.default)
    return found


def unknown_letters(gcd: Gcd) -> frozenset[str]:
    """The purposes whose letter means nothing that we know."""
    return frozenset(name for name, answers in _answers(gcd).items() if not answers.known)


def _answers(gcd: Gcd) -> dict[str, Answers]:
    return {name: getattr(gcd, name) for name in GCD_PURPOSES}
