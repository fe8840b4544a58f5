"""The words for all that a record can say, each once: badges and sentences on pages, in commands, in `.json` and in the
glossary are made of these tables, and nobody else has such a list. What stands between backticks is code.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tagserver.queue.dead_letters import REASONS as DEAD_LETTERS


class Word(msgspec.Struct, frozen=True):
    """A badge and the sentence beside it. `kind`: `ok`, `warning`, `bad`, `paused` or `muted`, as `parts.badge` has
    them."""

    kind: str
    word: str
    text: str = ""


STATUS: Mapping[str, Word] = {
    "accepted": Word("ok", "accepted", "It was taken, and what tags send of it is on disk."),
    "duplicate": Word("muted", "duplicate", "It came before, by its `event_id` or its order: nothing is sent again."),
    "held": Word("paused", "held", "It waits for the visitor's choice about consent, and nothing is sent until then."),
    "rejected": Word("bad", "rejected", "It was not taken, for what is wrong with it:"),
    "refused": Word("bad", "refused", "The whole request was turned away before any event of it was read:"),
}
"""By what was answered."""

VERDICTS: Mapping[str, Word] = {
    "delivered": Word("ok", "delivered"),
    "pending": Word("paused", "on its way"),
    "again": Word("warning", "tried again"),
    "dead": Word("bad", "given up"),
    "erased": Word("muted", "erased"),
    "duplicate": Word("muted", "sent before"),
    "held": Word("paused", "waiting for consent"),
    "dry": Word("muted", "not really sent"),
    "rejected": Word("bad", "not taken"),
    "block": Word("warning", "no consent"),
    "error": Word("bad", "plugin failed"),
    "skip": Word("muted", "not fired"),
}
"""What became of an event at a tag (`verdicts.verdict`); in a list each with how many tags, in this order."""

DECISIONS: Mapping[str, Word] = {
    "send": Word("ok", "send", "the event goes to the destination"),
    "restrict": Word("warning", "restrict", "the event goes to the destination, in the vendor's limited mode"),
    "block": Word("paused", "block", "not sent and not stored: consent is missing"),
    "skip": Word("muted", "skip", "not sent, for a reason that has nothing to do with consent"),
    "error": Word("bad", "error", "the plugin failed, and there was nothing to send"),
}
"""What a tag decides, before anything is sent."""

NOT_SENT: Mapping[str, str] = {
    "no_trigger": "none of its triggers fires",
    "exception": "an exception holds",
    "paused": "the tag is paused",
    "schedule": "the event came outside of the tag's schedule",
    "sampled": "the event is not in the tag's sample",
    "once_per": "the tag sends this once, and has sent it",
    "same_event": "an earlier tag sends the same event to the same destination",
    "consent": "consent is missing",
    "vendor": "the visitor has not accepted this vendor, as far as is known",
    "child": "the visitor is known to be a child",
    "no_identity": "the vendor could not tell whose event it is",
    "too_old": "the event is older than the vendor takes",
    "missing_required": "the vendor refuses it without a field that is missing",
    "other_account": "the page has told another account of the vendor, and it alone",
    "variable": "the name under which it would be sent has no value",
    "destination_paused": "the destination cannot send",
    "plugin_error": "the plugin failed",
}
"""By the reason of the decision; the detail follows."""
FIRED = "sent, or sent in limited mode"
"""The reason `fired`."""

OUTCOMES: Mapping[str, Word] = {
    "delivered": Word("ok", "delivered", "the vendor has it"),
    "retry": Word("warning", "failed", "it failed at the vendor or on the way, and is tried again by itself"),
    "throttled": Word("warning", "slowed down", "the vendor asks for more time between requests; it is tried again"),
    "rejected": Word("bad", "refused", "the vendor refused it for good"),
    "paused": Word("bad", "all refused", "the vendor refuses everything from this account until somebody mends it"),
    "split": Word("warning", "divided", "the vendor refused several events together; they are tried in smaller parts"),
    "unknown": Word("warning", "no answer", "the connection broke after it was sent: nobody knows whether it arrived"),
}
"""What came of one attempt."""

GIVEN_UP: Mapping[str, str] = {name: one.in_short or one.meaning for name, one in DEAD_LETTERS.items()}
"""Why a delivery was given up, by the reason of the dead letter."""

SAID_BY: Mapping[str, str] = {"consent.default": "the page's default: no choice yet"}
"""Who said something of consent, where the code's word tells too little."""

REFUSED_REQUEST = "refused request"
NAMELESS = "event without a name"
"""What is shown in the place of an event's name where there is none."""
