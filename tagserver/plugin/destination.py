"""What a destination is, and what goes in and out of it. Authors import all of this from `tagserver.plugin`.

A destination turns one event into one vendor payload (`build`), some payloads into one HTTP request (`request`),
and the vendor's answer into outcomes (`classify`). All three are pure: no network, no clock, no logging. Retries,
batches, consent, connection pools, time-outs and masking belong to the host.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from tagserver.event.event import Event
from tagserver.plugin.declared import call
from tagserver.plugin.kind import Kind
from tagserver.plugin.standard_events import StandardEvents

API_VERSION = 1
"""The version of `tagserver.plugin` that a destination states in `api_version`; another one is refused at load."""

Mode = Literal["send", "restrict"]
"""`restrict`: some consent is missing that the vendor's limited mode can do without (Meta: Limited Data Use)."""


@dataclass(frozen=True, slots=True)
class ConsentNeeds:
    """The purposes without which a destination must not be called, all of them; and whether it has a restricted
    mode.

    `processor`: in its restricted mode the vendor works for the site alone, by contract, so that who it was may be sent
    in spite of an opt-out of sale. `locates`: it then needs the visitor's address to tell which law applies, but for
    the subdivisions (`US-CA`) named here, which its mode can say itself; None: it never needs it.
    """

    purposes: tuple[str, ...]
    restricted: bool = False
    processor: bool = False
    locates: frozenset[str] | None = None

    def needs_address(self, subdivision: str | None) -> bool:
        """Whether the restricted mode needs the address of a visitor from a subdivision of ISO 3166-2."""
        return self.locates is not None and subdivision not in self.locates


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold, and how long a delivery makes sense.

    `events`: payloads a request. `bytes`: size of a request's body. `age`: seconds after the event's time beyond
    which the vendor refuses it (None: never). `repeat`: seconds after a first attempt of unknown outcome in which a
    repeat is still counted once by the vendor (None: always). `requests`: how many the vendor gets at the same time
    at most; the host begins with two and finds out. `rate`: requests a second at most (None: as fast as it takes
    them). Raises ValueError for a rate that is no number above zero.
    """

    events: int = 1
    bytes: int = 1 << 20
    age: float | None = None
    repeat: float | None = None
    requests: int = 16
    rate: float | None = None

    def __post_init__(self) -> None:
        rate = self.rate
        if rate is not None and (type(rate) not in (int, float) or not 0 < rate < math.inf):
            raise ValueError("Limits: rate is a number of requests a second, above zero, or None")


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
    `too_old`, `missing_required`, `variable`); `detail` is a sentence for people, without personal data."""

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

SettingsT = Any
"""A destination's own Settings dataclass."""


class Destination:
    """Base class of a destination: stateless between events, one instance for each entry under `destinations:`."""

    type: ClassVar[str]
    """The name in YAML: `type: meta_capi`."""
    api_version: ClassVar[int] = API_VERSION
    Settings: ClassVar[builtins.type]
    """A frozen dataclass; its fields are made with `setting`."""
    Parameters: ClassVar[builtins.type] = dict
    """`dict`: a tag may set any name. A TypedDict: only its names, anything else is a problem."""
    ads: ClassVar[bool] = False
    """For advertising: opt-outs of sale and a known child count."""
    consent: ClassVar[ConsentNeeds] = ConsentNeeds(())
    limits: ClassVar[Limits] = Limits()
    reads: ClassVar[tuple[str, ...]] = ()
    """The event paths it uses; listed by `tagserver plugins show` and the privacy lock."""
    hashed: ClassVar[tuple[str, ...]] = ()
    """Paths of the payload that hold SHA-256 and nothing else (`user_data.em`): whatever else stands there never
    leaves."""
    clear: ClassVar[tuple[str, ...]] = ()
    """Paths of the payload where the vendor needs personal data in the clear (`user_data.client_ip_address`)."""
    kinds: ClassVar[Mapping[str, Kind]] = {}
    """Parameters by their dotted path (`currency`, `items.currency`; lists are looked through), and how `build` reads
    them: a constant of the configuration that does not fit is a problem of `tagserver check`."""
    person: ClassVar[tuple[str, ...]] = ("user_data",)
    """Parameters under which a tag says who it was: the only ones that may hold personal data."""
    standard_events: ClassVar[StandardEvents] = StandardEvents()
    """The events that the vendor knows by name. `tagserver check` tells a tag's `event_name` from them, and the trigger
    `known events` holds for those that have a name."""
    event_id: ClassVar[bool] = True
    """Whether the vendor has a field for the `event_id`; False where it deduplicates by nothing or something else."""
    sink: ClassVar[bool] = False
    """Not reached by HTTP: the host calls `deliver`, and `request` only describes for people what would be written."""

    def hosts(self, settings: SettingsT) -> Sequence[str]:
        """The public https host names it talks to."""
        raise NotImplementedError  # abstract: every destination states its hosts

    def sees(self, settings: SettingsT) -> Sequence[str]:
        """The event paths that it uses under these settings: `reads`, and what the settings name."""
        return self.reads

    def hashes(self, settings: SettingsT) -> Sequence[str]:
        """Paths of the payload that hold hashes under these settings: `hashed`, unless a setting changes that."""
        return self.hashed

    def in_clear(self, settings: SettingsT) -> Sequence[str]:
        """Paths of the payload that hold personal data in the clear under these settings: `clear`, and what they
        name."""
        return self.clear

    def version_ends(self, settings: SettingsT) -> date | None:
        """The day on which the vendor stops answering the version of its API that is set, when it is known."""
        return None

    def event_names(self, settings: SettingsT) -> Mapping[str, str]:
        """The vendor's names by the event's in the data layer, under these settings: those of `standard_events`, and
        what the settings name."""
        return self.standard_events.names

    def event_name(self, event: Event, settings: SettingsT) -> str:
        """The vendor's name for the event, used when the tag sets no `event_name`: that of `event_names`, or the
        event's own."""
        return self.event_names(settings).get(event.name, event.name)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: SettingsT, mode: Mode) -> Built:
        """One payload, at the door, or `Skip`. `parameters` are the tag's, resolved; `event_name` is among them
        when set."""
        raise NotImplementedError  # abstract

    # `*args` and `**kwargs` say to a type checker that an override may declare more parameters: see `declared`.

    def request(self, payloads: Sequence[Payload], settings: SettingsT, *args: Any, **kwargs: Any) -> Request:
        """The request that carries some payloads, made just before sending; secrets enter here. Shown by `try`.

        This method and the next three may declare `now`, the attempt's time in ms since 1970 UTC, and `batch_id`, a
        text that is the same whenever the same payloads are sent together.
        """
        raise NotImplementedError  # abstract

    def classify(self, response: Response, payloads: Sequence[Payload], *args: Any, **kwargs: Any) -> Outcomes:
        """What the answer means."""
        return default_outcome(response, payloads)

    def exchange(
        self,
        payloads: Sequence[Payload],
        settings: SettingsT,
        cache: MutableMapping[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> Generator[Request, Response, Outcomes]:
        """The conversation with the vendor, without I/O: yields requests, is sent responses, returns the outcomes.

        Override it when a vendor needs several calls (a token first). `cache` is kept by the host for this
        destination. This one hands on `now` and `batch_id`, when they are given by name.
        """
        response = yield call(self.request, kwargs, payloads, settings)
        return call(self.classify, kwargs, response, payloads)

    async def deliver(self, payloads: Sequence[Payload], settings: SettingsT, *args: Any, **kwargs: Any) -> Outcomes:
        """For a `sink`: hand the payloads over. An OSError delays the destination as a failed connection would."""
        raise NotImplementedError  # abstract for sinks

    async def open(self, settings: SettingsT, *args: Any, **kwargs: Any) -> None:
        """For a `sink`: called before its first `deliver`, and again after its settings have changed. While it fails
        nothing is delivered. This method and the next two may declare `now`, in ms since 1970 UTC."""

    async def tick(self, settings: SettingsT, *args: Any, **kwargs: Any) -> None:
        """For a `sink`: called every ten seconds while it is open, also while nothing comes."""

    async def close(self, settings: SettingsT, *args: Any, **kwargs: Any) -> None:
        """For a `sink`: called when it is removed, before it is opened under other settings, and at the server's
        end."""
