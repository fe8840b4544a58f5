"""The reasons for which a delivery becomes a dead letter: what each means, and whether a retry helps.

One table for the guide, for `dead summary`, and for the refusal of a reason that there is not. A new reason is a row
here and in the guide; nothing else lists them.
"""

from __future__ import annotations

import msgspec


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One reason. `meaning` and `helps` stand in the guide's table as they are, `helps` being the answer to "does a
    retry help?". `advice`: for who looks at such letters at night, what to do."""

    name: str
    meaning: str
    helps: str
    advice: str


_ALL = (
    Reason(
        "rejected",
        "the vendor refused it; the detail has the vendor's code and its own words, without what tells of a person",
        "if the cause was at the vendor",
        "retry helps if the cause was at the vendor (an outage, a setting of the account) and is mended; what is wrong "
        "in the event itself is refused again",
    ),
    Reason(
        "expired",
        "too old for the vendor, or (Meta) 47 hours after an attempt whose outcome is unknown",
        "no",
        "retry does not help: the vendor takes nothing so old; drop them, or leave them to queue.keep_dead",
    ),
    Reason(
        "consent",
        "the tag needs more than was granted when the event came in, or the person has taken it back",
        "no",
        "retry does not help: nothing may be sent without consent; drop them, or leave them to queue.keep_dead",
    ),
    Reason(
        "tag_removed",
        "the tag is gone, renamed, paused, or has another destination",
        "after the tag is back",
        "retry helps after the tag is back under its name, not paused, with this destination",
    ),
    Reason(
        "destination_changed",
        "another account than when it was queued",
        "yes: it is sent to the account that is configured now",
        "retry helps, and sends them to the account that is configured now: look whether you want that",
    ),
    Reason(
        "plugin_error",
        "the plugin failed before anything was sent",
        "after the plugin is mended",
        "retry helps after the plugin is mended; the detail has the error and the plugin's line",
    ),
    Reason(
        "crashed",
        "the server ended four times while the plugin had it in hand, the last time it alone",
        "once you know why",
        "retry helps once you know why the server ended: until then it may end again",
    ),
    Reason(
        "locked",
        "it is encrypted with a key that `queue.encrypt` does not list (the detail names it), or it is damaged",
        "when the key is listed again",
        "retry helps when queue.encrypt lists the key again that the detail names",
    ),
    Reason(
        "queue_full",
        "it came while its destination was paused by hand and had a quarter of the queue waiting",
        "when the destination goes on",
        "retry helps when the destination goes on (tagserver resume) and what waited has been sent; before, it waits "
        "with the rest",
    ),
    Reason(
        "restored",
        "it waited in a backup that was restored, and may have been sent since",
        "that is what it waits for; what the vendor would count twice stays",
        "retry (tagserver restore --resend) sends what may have arrived already, as long as the vendor knows a repeat; "
        "tagserver restore --drop gives them up",
    ),
    Reason(
        "no_destination",
        "its destination was removed, or could not be set up, for a day",
        "after it is back",
        "retry helps after the destination is configured again, under its name or with it as an alias",
    ),
)
REASONS = {reason.name: reason for reason in _ALL}
"""By name, in the guide's order."""


def advice(name: str) -> str:
    """What to do with letters of a reason; of one that this version does not know, that."""
    known = REASONS.get(name)
    return known.advice if known is not None else "this version does not know the reason; the detail may say more"
