"""`consent_state`, as the tag writes it: of each purpose, whether it is granted, as true or false.

The gate reads texts too (`granted`). Here a text was made by somebody else than the tag, and where Stape's own client
tests whether there is something, `"denied"` is a grant to it: so what is no true is none.
"""

from __future__ import annotations

from typing import Any

from tagserver.plugin.inbound import Note

STATE = "consent_state"
UNREADABLE = "unreadable"
"""What the gate takes for a refusal that nobody can read."""
GROUPS = (f"{STATE}.", "consent.")


def strict_consent(event: dict[str, Any], notes: list[Note]) -> None:
    """Texts in the state are refusals; so is all of it where it is written in another form than the tag's, in which
    texts might grant: with commands, groups, or its fields side by side at the top."""
    state = event.get(STATE)
    if isinstance(state, list) or (
        isinstance(state, dict) and any(isinstance(one, dict | list) for one in state.values())
    ):
        event[STATE] = UNREADABLE
        notes.append(Note(STATE, "garbled", f"{STATE} holds more than true and false; this is taken for a refusal"))
    elif isinstance(state, dict):
        texts = [name for name, value in state.items() if isinstance(value, str) and value != "denied"]
        if texts:
            event[STATE] = {**state, **dict.fromkeys(texts, UNREADABLE)}
            notes.append(
                Note(STATE, "garbled", f"{STATE} holds a text: only true is a grant, and this is taken for none")
            )
    flat = [name for name in event if name.startswith(GROUPS)]
    if flat:
        for name in flat:
            del event[name]
        event[STATE] = UNREADABLE
        notes.append(Note(STATE, "garbled", f"write {STATE} as one object; this is taken for a refusal"))
