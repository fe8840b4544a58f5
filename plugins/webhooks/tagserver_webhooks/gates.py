"""What is no sale, though a platform tells of it: an order that is not paid, a test, one that was cancelled. Seen, and
on purpose no event; answered as a success, for to send it again would change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.plugin.inbound import Passed
from tagserver_webhooks.settings import WebhookSource

PASSES = (
    *("no_event", "when", "topic", "bad_shape", "privacy", "test", "cancelled", "not_paid", "no_money", "no_order"),
    *("elsewhere", "no_change"),
)
"""All codes of what is passed over."""


def closed(
    settings: WebhookSource,
    event_id: str | None,
    status: object,
    statuses: Sequence[str],
    *,
    test: bool = False,
    cancelled: bool = False,
) -> Passed | None:
    """Why an order is no sale; None where it is one. `status`: as the platform writes it; `statuses`: its words for
    money that has come, where the configuration names none. It says so in words that hold nothing of the order."""
    if test and settings.test != "take":
        return Passed("test", "a test order; `test: take` takes them", event_id)
    if cancelled:
        return Passed("cancelled", "an order that was cancelled", event_id)
    allowed = settings.statuses or statuses
    if not isinstance(status, str) or status not in allowed:
        return Passed("not_paid", f"its status is none of {', '.join(allowed)}; `statuses` says which count", event_id)
    return None


def no_topic(wanted: Sequence[str]) -> Passed:
    """What is told of other things, or does not say of what."""
    return Passed("topic", f"this address takes {', '.join(wanted)}")


def bad_shape(what: str) -> Passed:
    """The header promises something that the body is not."""
    return Passed("bad_shape", f"the body is no {what}, though its topic says so")
