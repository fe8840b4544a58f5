"""`consent_state`, as the tag writes it: of each purpose, whether it is granted, as true or false.

The gate reads texts too (`granted`). Here a text was made by somebody else than the tag, and where Stape's own client
tests whether there is something, `"denied"` is a grant to it: so what is no true is none.
"""

from __future__ import annotations

from typing import Any

from tagserver.plugin.inbound import CONSENT_FIELDS, ILLEGIBLE, Note

STATE = "consent_state"
GROUPS = (f"{STATE}.", f"{STATE}[", "consent.", "consent[")
_LIKE = frozenset({"consent", "consentstate"})
_SEPARATORS = dict.fromkeys(map(ord, "_-. "))
_LONGEST = 30


def strict_consent(event: dict[str, Any], notes: list[Note]) -> None:
    """Texts in the state are refusals; so is all of it where it is written in another form than the tag's, in which
    texts might grant: with commands, groups, or its fields side by side at the top; and under a name that is nearly its
    own, where it says nothing itself: a server's contract would go on without the refusal in it."""
    state = event.get(STATE)
    if isinstance(state, list) or (
        isinstance(state, dict) and any(isinstance(one, dict | list) for one in state.values())
    ):
        event[STATE] = ILLEGIBLE
        notes.append(Note(STATE, "garbled", f"{STATE} holds more than true and false; this is taken for a refusal"))
    elif isinstance(state, dict):
        texts = [name for name, value in state.items() if isinstance(value, str) and value != "denied"]
        if texts:
            event[STATE] = {**state, **dict.fromkeys(texts, ILLEGIBLE)}
            notes.append(
                Note(STATE, "garbled", f"{STATE} holds a text: only true is a grant, and this is taken for none")
            )
    flat = [name for name in event if name.startswith(GROUPS) or (state is None and _is_like(name))]
    if flat:
        for name in flat:
            del event[name]
        event[STATE] = ILLEGIBLE
        notes.append(Note(STATE, "garbled", f"write {STATE} as one object; this is taken for a refusal"))


def _is_like(name: str) -> bool:
    """Whether a name is that of the state in other letters: `consentState`."""
    if len(name) > _LONGEST or name in CONSENT_FIELDS:
        return False
    return name.translate(_SEPARATORS).lower() in _LIKE
