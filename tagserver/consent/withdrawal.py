"""What a visitor grants or takes back by an event, in words of their own.

Not their own are what a contract says for all people of a source, and what cannot be read: it counts as a refusal for
its event, but nobody has said that what was granted before is over.
"""

from __future__ import annotations

from tagserver.consent.state import ConsentState, State


def taken_back(state: ConsentState) -> frozenset[str]:
    """The purposes that were explicitly denied."""
    return _said(state, "denied")


def granted_again(state: ConsentState) -> frozenset[str]:
    """The purposes that were explicitly granted."""
    return _said(state, "granted")


def _said(state: ConsentState, word: State) -> frozenset[str]:
    return frozenset(
        name
        for name, purpose in state.purposes.items()
        if purpose.state == word and purpose.kind == "explicit" and purpose.own
    )
