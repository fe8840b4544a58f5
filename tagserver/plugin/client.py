"""What an inbound client is: a plugin that takes the requests of one kind of sender and makes events of them. Authors
import this from `tagserver.plugin.inbound`.

A client says who sends a request (`identify`) and what it holds (`events`); or it has no address of its own, and reads
single events of `/collect` that are of another shape (`reads`, `event`). All are pure: no network, no clock, no
logging. Sizes, time-outs, compression, consent, deduplication, storage and metrics belong to the host, and what a
client yields goes the way of every other event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from tagserver.event.event import Note
from tagserver.plugin.destination import API_VERSION
from tagserver.system.secret import Secret

MOST_PAIRS = 100
"""Pairs of a query string that are read; a request with more is refused."""


class Endpoint(NamedTuple):
    """An address that a client has: its method, and its path below `path_prefix`. `{x}` in the path stands for one
    segment, or a part of one: `/webhook/{name}`."""

    method: str
    pattern: str


class Refuse(Exception):
    """The request as a whole is refused. `status` is at least 400; `code` a word of the client's `refuses`; `message` a
    sentence that names the fix, and never a value of the request: it is answered. `retry_after` in seconds. `at`: the
    place, from 0, of the one event that it is for, where the host refuses all of a request for one (`Client.whole`)."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None, at: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.at = at


class InboundRequest(msgspec.Struct, frozen=True, gc=False):
    """One request as it came. `params`: what the braces of the address stand for; `query`: the text behind `?`;
    `headers` have lower-case names; `body`: the bytes as they came, still packed if they are, None while they are not
    here; `received`: ms since 1970 UTC, the only clock; `doubted`: that clock may be wrong."""

    method: str
    path: str
    params: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    body: bytes | None = None
    received: int = 0
    doubted: bool = False

    @property
    def judged(self) -> int | None:
        """`received`, where a time that was signed may be judged by it; None while our clock is doubted, or a wrong one
        would refuse every sender, and platforms turn off what refuses them."""
        return None if self.doubted else self.received

    @property
    def query_values(self) -> Mapping[str, str]:
        """The query's values by name, of a repeated one the last. Raises Refuse for more than a hundred."""
        try:
            return dict(parse_qsl(self.query, keep_blank_values=True, max_num_fields=MOST_PAIRS))
        except ValueError:
            raise Refuse(400, "bad_query", f"the query has more than {MOST_PAIRS} values") from None

    @property
    def packed(self) -> bool:
        """Whether the headers say that the body is packed: then no key is found in it, for nothing is unpacked of
        somebody who is not known yet."""
        return self.headers.get("content-encoding", "").strip().lower() not in ("", "identity")

    def with_headers(self, headers: Mapping[str, str]) -> InboundRequest:
        """The same request with some headers more."""
        return msgspec.structs.replace(self, headers={**self.headers, **headers})

    def __repr__(self) -> str:
        """Without anything that tells of a person or lets somebody in."""
        return f"InboundRequest({self.method!r}, {'complete' if self.body is not None else 'without its body'})"


class RequestFacts(msgspec.Struct, frozen=True, gc=False):
    """What `events` may know of a request beside its body. `source`: who sends, as `identify` has said; `received` in
    ms since 1970 UTC; `headers`: those that the client lists in `headers`; `cookies`: of a page, those that it lists in
    `cookies`, as they are read at `/collect`; `doubted`: that clock may be wrong."""

    source: str
    received: int
    params: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    method: str = "POST"
    cookies: Mapping[str, str] = MappingProxyType({})
    doubted: bool = False

    @property
    def judged(self) -> int | None:
        """`received`, where the age of an event may be judged by it; None while our clock is doubted, or a wrong one
        would refuse what every sender tells."""
        return None if self.doubted else self.received

    def __repr__(self) -> str:
        """Without anything that tells of a person."""
        return f"RequestFacts({self.source!r})"


class KeyedSource(msgspec.Struct, frozen=True, gc=False):
    """One sender of the configuration: its name, its secrets (several while one is replaced), and the settings that the
    client's `Source` declares. `contract`: whether `consent` stands beside them, as only a server's may have it."""

    name: str
    secrets: tuple[Secret, ...]
    settings: Any = None
    contract: bool = False

    def texts(self) -> tuple[str, ...]:
        """The secrets as texts. Raises Refuse (503) while none is there: a sender must come again, and not give up."""
        found = tuple(text for one in self.secrets if (text := one.reveal()))
        if not found:
            raise Refuse(503, "no_secret", "the secret of this address is not there yet", retry_after=60)
        return found


class Passed(msgspec.Struct, frozen=True, gc=False):
    """Something that was seen and on purpose is no event: an order that is not paid, a test. `code`: a word of the
    client's `passes`."""

    code: str
    message: str
    event_id: str | None = None


class Forget(msgspec.Struct, frozen=True, gc=False):
    """A person whom a platform asks to be forgotten, by whatever it knows: up to five identifiers of a kind, as events
    have them, and up to a hundred ids of orders. What is none of its kind is passed over."""

    email: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    user_id: tuple[str, ...] = ()
    client_id: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without anything that tells of a person."""
        return "Forget(…)"


class Incoming(msgspec.Struct, frozen=True):
    """What a request holds: events as a data layer would have pushed them (or why one is none), `ctx` beneath all of
    them, and `sent` by the sender's clock, in ms. `notes`: what the client has left out of the body, and why: a field
    of another type costs no event, and is named with each of them. `forget`: whom the sender asks to be forgotten;
    nothing of that person is sent from before the answer on, and what is kept is erased, as by `tagserver forget`.
    `answer`: in place of the client's own, where the answer depends on what was asked."""

    events: Sequence[Mapping[str, Any] | Passed]
    ctx: Any = None
    sent: Any = None
    notes: Sequence[Note] = ()
    forget: Forget | None = None
    answer: Callable[[Sequence[Result]], Reply] | None = None

    def __repr__(self) -> str:
        """Without anything that tells of a person."""
        return f"Incoming({len(self.events)} events)"


class Result(msgspec.Struct, frozen=True, gc=False):
    """What became of one event of a request."""

    event_id: str | None
    status: Literal["accepted", "duplicate", "held", "rejected", "passed"]
    problems: tuple[Note, ...] = ()


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer: status, body and its type. The host adds what every answer has."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


class ClientLimits(msgspec.Struct, frozen=True, gc=False):
    """What one request may hold, below what `collect` allows to any: bytes of body, number of events. `rated`: whether
    `collect.rate` counts for it; a platform that never sends twice must not lose an order to it."""

    body: int | None = None
    events: int | None = None
    rated: bool = True


class Client:
    """Base class of an inbound client: one instance a configuration, which keeps nothing between requests."""

    type: ClassVar[str]
    """The name in YAML, below `clients:`, and the value of the variable `client`."""
    api_version: ClassVar[int] = API_VERSION
    Settings: ClassVar[Any]
    """A frozen dataclass, its fields made with `setting`: what counts for all its senders."""
    Source: ClassVar[Any]
    """A frozen dataclass of the same kind: what is set for one sender, beside `secret`, `consent` and `basis`,
    which the host reads."""
    keyed: ClassVar[str] = ""
    """The setting below which the senders stand by their names; empty: they stand in place of settings."""
    addresses: ClassVar[tuple[Endpoint, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    """Keys at the top of one event at `/collect` by which it is known that this client reads it (`event`): of a shape
    that only some script in the page has. While the client is not named below `clients:`, such an event is refused."""
    headers: ClassVar[tuple[str, ...]] = ()
    """Those headers of a request that events may be made of, in lower case. No cookies: a platform's are nobody's."""
    cookies: ClassVar[tuple[str, ...]] = ()
    """Those cookies of a page's request that events may be made of."""
    bare_keys: ClassVar[bool] = False
    """Whether its senders show a key as it stands, and sign no body with it: `signed` then puts it into a header."""
    unseen: ClassVar[tuple[str, ...]] = ()
    """Further headers, in lower case, that pages may set and that no event sees, such as one with a key;
    `authorization` always is one."""
    browser: ClassVar[bool] = False
    """Whether pages send to it without a key, so that `identify` may name `BROWSER`: then the host asks for a listed
    origin before it reads the body, takes address, agent and cookies for the visitor's, and answers pages as CORS
    wants it."""
    automatic: ClassVar[bool] = False
    """Whether what Google's tag or Tag Manager makes by itself (`scroll`, `gtm.dom`) comes to it beside what a site has
    pushed: such events are named in their notes, and the trigger `all` leaves them out."""
    whole: ClassVar[bool] = False
    """Whether a request is taken as a whole or not at all: where one of its events cannot be taken, none is stored, and
    the request is refused. Not for a client that passes over some of what a request holds."""
    refuses: ClassVar[tuple[str, ...]] = ()
    """The codes of its refusals, for metrics; others are counted as `client`."""
    passes: ClassVar[tuple[str, ...]] = ()
    """The codes of what it passes over, for metrics; others are counted as `other`."""
    limits: ClassVar[ClientLimits] = ClientLimits()

    def __init__(self, settings: Any, sources: Mapping[str, KeyedSource]) -> None:
        self.settings = settings
        self.sources = sources

    @classmethod
    def is_public(cls, source: Any) -> bool:
        """Whether the key of a sender with these settings stands in public, as in a page: then `consent` may not stand
        beside it."""
        return False

    @classmethod
    def keys_of(cls, source: Any) -> Collection[str] | None:
        """Which settings of a sender mean something where it is set like this; any other is an unknown key there.
        None: all of them, always."""
        return None

    @classmethod
    def fault(cls, source: KeyedSource) -> str | None:
        """What is wrong with the settings of a sender as they stand together, or None. Never a secret."""
        return None

    @classmethod
    def signed(cls, request: InboundRequest, source: KeyedSource) -> InboundRequest:
        """The request as this sender would sign it: for examples and the kit, which then tries what a forger could."""
        return request

    def heard(self, source: str) -> Sequence[str]:
        """The headers, in lower case, of this sender's requests that `events` may see beside `headers`: those that its
        `map` names. Never `cookie` and `authorization`."""
        return ()

    def claims(self, request: InboundRequest) -> bool:
        """Whether a request at an address that several clients have is for this one; the first to say so has it."""
        return True

    def greet(self, request: InboundRequest) -> Reply | None:
        """The answer to a request that carries no event, such as a platform's challenge; None for all others. Asked
        before the body is read, and again with it."""
        return None

    def identify(self, request: InboundRequest) -> str:
        """Who sends: the name of one of `sources`, or `BROWSER` for a page. Raises Refuse. It is asked twice: first
        without the body, so that nothing is read of a stranger: there a refusal counts, and whether it is a page; then
        with the bytes of the body as they came. Nothing is unpacked or parsed before that."""
        raise NotImplementedError  # abstract

    def events(self, body: bytes, facts: RequestFacts) -> Incoming | Iterable[Mapping[str, Any] | Passed]:
        """What an unpacked body holds, in the fields of a data layer. Raises Refuse."""
        raise NotImplementedError  # abstract

    def event(self, raw: Mapping[str, Any], facts: RequestFacts) -> Mapping[str, Any]:
        """One event of `/collect` that has a key of `reads`, in the fields of a data layer; `raw` is not to be changed.
        Raises Refuse, whose status is of no account: the event alone is refused."""
        raise NotImplementedError  # abstract

    def answer(self, results: Sequence[Result]) -> Reply:
        """The answer once everything is on disk: a line for each event; 400 when none of them could be taken, for its
        sender has something to mend."""
        taken = not results or any(one.status != "rejected" for one in results)
        return Reply(200 if taken else 400, _encode({"events": results}))

    def refused(self, refusal: Refuse) -> Reply:
        """The answer to a refused request; its status stays an error. Also asked where the host refuses one that was
        addressed to this client (too large, too many, no disk), in codes of its own: `status` tells what it is."""
        problem = Note("", refusal.code, refusal.message)
        return Reply(refusal.status, _encode({"events": [], "problems": [problem]}))


_encode = msgspec.json.Encoder().encode
