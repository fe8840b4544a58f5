"""What a destination is, what it states of itself, and what its methods may ask for. Authors import all of this from
`tagserver.plugin`.

A destination turns one event into one vendor payload (`build`), some payloads into one HTTP request (`request`),
and the vendor's answer into outcomes (`classify`). All three are pure: no network, no clock, no logging. Retries,
batches, consent, connection pools, time-outs and masking belong to the host. A method gets what it declares a parameter
for (`now`, `batch_id`), and nothing else: one that was written before something could be asked for goes on as it is.
"""

from __future__ import annotations

import builtins
import inspect
import math
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from tagserver.event.event import Event
from tagserver.plugin.contract import (
    Built,
    Mode,
    Omitted,
    Outcome,
    Outcomes,
    Payload,
    Request,
    Response,
    Skip,
    default_outcome,
)
from tagserver.plugin.fields import Kind
from tagserver.plugin.table_parts import Table, without_parts

__all__ = [
    "API_VERSION",
    "Built",
    "ConsentNeeds",
    "Destination",
    "Limits",
    "Mode",
    "Omitted",
    "Outcome",
    "Outcomes",
    "Payload",
    "Request",
    "Response",
    "SettingsT",
    "Skip",
    "default_outcome",
]

API_VERSION = 1
"""The version of `tagserver.plugin` that a destination states in `api_version`; another one is refused at load."""


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
    oldest: float | None = None

    def __post_init__(self) -> None:
        rate = self.rate
        if rate is not None and (type(rate) not in (int, float) or not 0 < rate < math.inf):
            raise ValueError("Limits: rate is a number of requests a second, above zero, or None")


Result = TypeVar("Result")
POSSIBLE = frozenset({"now", "batch_id", "data_folder"})
"""What may be asked for."""


@lru_cache(maxsize=1024)
def declared(function: Callable[..., Any]) -> frozenset[str]:
    """Those of `POSSIBLE` that a function has a parameter for; looked up once for each function."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # something built in
        return frozenset()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(name for name in POSSIBLE & parameters.keys() if parameters[name].kind in by_name)


def call(method: Callable[..., Result], known: Mapping[str, Any], *arguments: Any) -> Result:
    """Call a method with its arguments and with what it declares of what is known."""
    names = declared(getattr(method, "__func__", method))
    if not names:
        return method(*arguments)
    return method(*arguments, **{name: known[name] for name in names if name in known})


@dataclass(frozen=True, slots=True)
class StandardEvents:
    """What a destination states of its vendor's standard events.

    `names`: the event's name in the data layer → the vendor's (`purchase` → `Purchase`). `others`: names of the vendor
    that no event of the data layer has. `of_tags`: a tag's own `event_name` is looked up in `names`, too, so that
    `purchase` is right there as well.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    of_tags: bool = False

    @property
    def vendors(self) -> frozenset[str]:
        """All names of the vendor."""
        return self.others.union(self.names.values())


def sound_events(stated: object) -> StandardEvents | None:
    """What a destination states, or None where that is something else: names are texts."""
    if not isinstance(stated, StandardEvents):
        return None
    try:
        texts = [*stated.names, *stated.names.values(), *stated.others]
    except (TypeError, AttributeError):
        return None
    return stated if all(isinstance(one, str) for one in texts) else None


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
    table: ClassVar[Table | None] = None
    """The fields of the payload, from which `reads`, `hashed` and `clear` follow; what the class states in these beside
    it is added."""
    pure: ClassVar[bool] = False
    """Whether `build` changes nothing of what it is given, as it should: it then gets the event's own lists and maps in
    place of copies. The conformance check says of every destination whether it does."""
    sink: ClassVar[bool] = False
    """Not reached by HTTP: the host calls `deliver`, and `request` only describes for people what would be written."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if isinstance(table := own.get("table"), Table):
            for name, paths in (("reads", table.reads), ("hashed", table.hashed), ("clear", table.clear)):
                said = own.get(name, ())
                if isinstance(said, str):  # one text in place of a list: its author hears of it
                    continue
                every = tuple(dict.fromkeys((*said, *paths)))
                setattr(cls, name, without_parts(every) if name == "reads" else every)

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
        """One payload, at ingest, or `Skip`. `parameters` are the tag's, resolved; `event_name` is among them
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
