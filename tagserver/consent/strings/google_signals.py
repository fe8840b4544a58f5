"""What `gcs` and `gcd` say of each purpose."""

from __future__ import annotations

from tagserver.consent.needs import PURPOSES
from tagserver.consent.state import Signal
from tagserver.consent.strings.gcd import Answers, Gcd
from tagserver.consent.strings.gcs import Gcs


def gcs_signals(gcs: Gcs) -> dict[str, Signal]:
    """Purpose → explicit signal: `gcs` says what is in effect and hides whether it was preset."""
    states = {"ad_storage": gcs.ad_storage, "analytics_storage": gcs.analytics_storage}
    return {name: Signal(state, "explicit", state) for name, state in states.items() if state != "unset"}


def gcd_signals(gcd: Gcd) -> dict[str, Signal]:
    """Purpose → signal: what the visitor chose is explicit, what was only preset is a default."""
    found: dict[str, Signal] = {}
    for name in PURPOSES:
        answers: Answers | None = getattr(gcd, name, None)
        if answers is None:
            continue
        if answers.update is not None:
            found[name] = Signal(answers.update, "explicit", answers.update)
        elif answers.default is not None:
            found[name] = Signal(answers.default, "default", answers.default)
    return found
