"""Events that Google's tag and Tag Manager make by themselves: nobody has pushed them, and a tag for all events does
not mean them.

Source: Google Analytics, automatically collected events, and those of the enhanced measurement. What a shop may count
as a success is not among them: a form that was sent, a file, a link to another site, a search.
"""

from __future__ import annotations

from typing import Final

from tagserver.event.event import Note

AUTOMATIC_EVENTS = frozenset(
    {
        "first_open",
        "first_visit",
        "form_start",
        "scroll",
        "session_start",
        "user_engagement",
        "video_progress",
        "video_start",
    }
)
OF_TAG_MANAGER: Final = "gtm."
"""How Tag Manager's own events begin: `gtm.js`, `gtm.dom`, `gtm.scrollDepth`."""
AUTOMATIC: Final = Note("event", "automatic", "Google's tag makes this event by itself: the trigger all leaves it out")


def is_automatic(name: str) -> bool:
    """Whether an event of this name is one that nobody has pushed, where it comes from such a tag: in a data layer of
    the site's own the same name may be meant."""
    return name in AUTOMATIC_EVENTS or name.startswith(OF_TAG_MANAGER)
