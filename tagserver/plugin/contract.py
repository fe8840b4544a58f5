"""What passes between the host and a destination: what `build` gives, what goes to a vendor, and what its answer means.
Authors import these from `tagserver.plugin`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Mode = Literal["send", "restrict"]
"""`restrict`: some consent is missing that the vendor's limited mode can do without (Meta: Limited Data Use)."""


class Omitted(msgspec.Struct, frozen=True, gc=False):
    """A field that `build` left out: its vendor name (`user_data.ph`) and a sentence that says why, without the
    value."""

    field: str
    why: str


class Built(msgspec.Struct, frozen=True, gc=False):
    """One event as the vendor wants it.

    `body` is plain data that JSON can hold (the host encodes it once). `name` is the vendor's event name. `time` is
    the event's time and `expires` the moment after which sending is pointless, both in milliseconds since 1970 UTC.
    Payloads of different `group` never share a request.
    """

    body: Mapping[str, Any]
    name: str
    time: int
    group: str | None = None
    expires: int | None = None
    omitted: tuple[Omitted, ...] = ()


class Skip(Exception):
    """Raised by `build`: this event cannot become a payload. `reason` is one of the decision reasons (`no_identity`,
    `too_old`, `missing_required`, `other_account`, `variable`); `detail` is a sentence for people, without personal
    data."""

    def __init__(self, reason: str, detail: str, omitted: Sequence[Omitted] = ()) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.omitted = tuple(omitted)


class Payload(msgspec.Struct, frozen=True, gc=False):
    """One stored delivery as `request` gets it: `body` is the JSON text of `Built.body`, `group` is `Built.group`;
    `time` in ms since 1970 UTC."""

    event_id: str
    name: str
    time: int
    body: bytes
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `url` must be https and its host among `hosts(settings)`, unless operations allow more."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """The vendor's answer: lower-case header names, and at most 64 KiB of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


OutcomeKind = Literal["delivered", "retry", "rejected", "throttled", "paused", "split"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer means. Make one with the named constructors.

    `reason` is a short stable code (`100/2804003`), `detail` a sentence without payload; `after` seconds; `bad` the
    indexes of the payloads a `split` blames, when the vendor names them; `warning` something operations should read
    although the delivery counts. `said`: the vendor's own words about one payload of several, as they came; the host
    takes out what tells of a person. Of a payload that was sent alone the host reads them from the answer.
    """

    kind: OutcomeKind
    reason: str = ""
    detail: str = ""
    after: float | None = None
    bad: tuple[int, ...] = ()
    warning: str = ""
    said: str = field(default="", repr=False)

    @classmethod
    def delivered(cls, warning: str = "") -> Outcome:
        """The vendor has it."""
        return cls("delivered", warning=warning)

    @classmethod
    def retry(cls, reason: str, after: float | None = None, detail: str = "") -> Outcome:
        """Not now: the same request later. The whole destination waits, not this payload alone."""
        return cls("retry", reason, detail, after)

    @classmethod
    def rejected(cls, reason: str, detail: str = "", said: str = "") -> Outcome:
        """Never: this payload cannot succeed."""
        return cls("rejected", reason, detail, said=said)

    @classmethod
    def throttled(cls, reason: str, after: float | None = None, detail: str = "") -> Outcome:
        """Too fast: the destination slows down."""
        return cls("throttled", reason, detail, after)

    @classmethod
    def paused(cls, reason: str, detail: str = "") -> Outcome:
        """Nothing can succeed until somebody acts (a dead token): the destination stops, everything is kept."""
        return cls("paused", reason, detail)

    @classmethod
    def split(cls, reason: str, detail: str = "", bad: Sequence[int] = ()) -> Outcome:
        """One of these is bad; the host finds out which."""
        return cls("split", reason, detail, bad=tuple(bad))


NO_REMEDIES: Mapping[int, str] = {}
_REFUSED = {
    401: "the credentials are refused",
    403: "the credentials have no right to this",
    410: "the address is gone for good",
}


def default_outcome(
    response: Response, payloads: Sequence[Payload], reason: str = "", remedies: Mapping[int, str] = NO_REMEDIES
) -> Outcome:
    """The meaning of a bare status code, for vendors that say nothing more.

    `reason`: the code of the outcome; the status when it is empty. `remedies`: statuses that pause the destination,
    each with the sentence that says what to do. 401, 403, 410 and redirects pause it in any case.
    """
    status = response.status
    code = reason or str(status)
    if 200 <= status < 300:
        return Outcome.delivered()
    if status == 429:
        return Outcome.throttled(code)
    if (why := remedies.get(status) or _REFUSED.get(status)) is not None:
        return Outcome.paused(code, why)
    if status in (408, 425) or status >= 500 or status < 200:
        return Outcome.retry(code)
    if status < 400:
        return Outcome.paused(code, "the address answers with a redirect, which is not followed")
    if len(payloads) > 1:
        return Outcome.split(code)
    return Outcome.rejected(code)


Outcomes = Outcome | Sequence[Outcome]
"""One outcome for all payloads of a request, or one each in their order."""


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that a body is; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
