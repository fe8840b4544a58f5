"""`/control`: faults on demand, for whoever tests a sender.

Two kinds. A *fault* (`status`, `code`, `body`, `delay`, `reset`, `hang` and what belongs to them) is one
value: a new one replaces it, and `next` limits it to so many requests. *Standing* rules (`bad_ids`,
`dead_tokens`, `blame`) hold until they are set anew. `clear` ends both.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from tagserver.sandbox.answers import OAUTH, UNNAMED, failure, json_response
from tagserver.sandbox.upload import GoneError, TooLargeError, read_body

LIMIT = 1 << 20
LONGEST_DELAY = 3600

_Status = Annotated[int, msgspec.Meta(ge=200, le=599)]
_HeaderText = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,100}\Z")]
TRANSIENT = frozenset({1, 2, 5000})
"""Meta error reference: faults on their side. Throttling is not marked so: clients must know its codes."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One armed fault. With nothing but `delay` the request is served as usual, late."""

    status: int | None = None
    code: int | None = None
    subcode: int | None = None
    type: str = OAUTH
    retry_after: str | None = None
    body: str | None = None
    delay: float = 0.0
    reset: bool = False
    hang: bool = False
    after: bool = False
    """The events are taken and counted before the fault strikes: the sender cannot know, and tries again."""

    @property
    def strikes(self) -> bool:
        """Whether the usual answer is replaced, not only late."""
        answers = (self.status, self.code, self.body)
        return self.reset or self.hang or any(answer is not None for answer in answers)

    def answer(self) -> Response:
        """The answer in place of the usual one. `code` follows from `status` when it is not given."""
        headers = {"retry-after": self.retry_after} if self.retry_after is not None else {}
        if self.body is not None:
            # What a proxy in between may say; with 200 a careless sender takes it for success.
            return Response(self.body, self.status or 200, headers, media_type="text/html")
        status = self.status or 400
        code = self.code if self.code is not None else _code_of(status)
        return failure(
            status,
            code,
            "An error that was armed at /control",
            subcode=self.subcode,
            kind=self.type,
            transient=code in TRANSIENT,
            title="Armed error",
            headers=headers,
        )


def _code_of(status: int) -> int:
    """The code that usually comes with a status. Meta error reference, and its table of actions."""
    if status >= 500:
        return 2
    return {429: 4, 401: 190, 403: 200}.get(status, 100)


async def drop(receive: Receive) -> None:
    """Close the connection without an answer.

    ASGI has no word for that. Under uvicorn the connection can be reached through `receive` and is aborted.
    Elsewhere, and in-process, a ConnectionResetError is raised: what the client sees is the server's choice.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the connection was reset, as armed at /control")
    transport.abort()
    await wait_until_gone(receive)


async def wait_until_gone(receive: Receive) -> None:
    """Until the client has closed the connection. The body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Order(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of `POST /control`."""

    clear: bool = False
    status: _Status | None = None
    code: int | None = None
    subcode: int | None = None
    type: str = OAUTH
    retry_after: _HeaderText | Annotated[int, msgspec.Meta(ge=0)] | None = None
    body: str | None = None
    delay: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_DELAY)] = 0.0
    reset: bool = False
    hang: bool = False
    after: bool = False
    next: Annotated[int, msgspec.Meta(ge=1)] | None = None
    bad_ids: list[str] | None = None
    bad_subcode: int | None = None
    dead_tokens: list[str] | None = None
    blame: bool | None = None

    def fault(self) -> Fault | None:
        """The fault in it, if any. Raises ValueError when parts of one are there that mean nothing alone."""
        given = {name: getattr(self, name) for name in Fault.__struct_fields__}
        fault = Fault(**given | {"retry_after": None if self.retry_after is None else str(self.retry_after)})
        if self.reset and self.hang:
            raise ValueError("reset and hang exclude each other")
        if (self.reset or self.hang) and (self.status or self.code is not None or self.body is not None):
            raise ValueError("reset and hang give no answer: leave out status, code and body")
        if self.body is not None and (self.code is not None or self.subcode is not None):
            raise ValueError("body replaces the error: leave out code and subcode")
        if not fault.strikes:
            if self.subcode is not None or self.type != OAUTH:
                raise ValueError("subcode and type need status or code (for bad_ids there is bad_subcode)")
            if self.retry_after is not None:
                raise ValueError("retry_after needs status, code or body")
            if not self.delay:
                if self.after or self.next is not None:
                    raise ValueError("after and next need a fault: status, code, body, delay, reset or hang")
                return None
        return fault


class Control:
    """What is armed now."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        """Set when the requests that hang by then are to be let go; each clearing makes a new one."""
        self.clear()

    def clear(self) -> None:
        """Disarm everything. Requests that hang are let go, without an answer."""
        self._fault: Fault | None = None
        self._next: int | None = None
        self.bad_ids: frozenset[str] = frozenset()
        self.bad_subcode = UNNAMED
        self.blame = False
        self._dead_tokens: dict[bytes, str] = {}
        self.released.set()
        self.released = asyncio.Event()

    def take(self) -> Fault | None:
        """The fault for one more Graph request."""
        fault = self._fault
        if fault is not None and self._next is not None:
            self._next -= 1
            if not self._next:
                self._fault = self._next = None
        return fault

    def is_dead(self, token: str) -> bool:
        """Whether a token is among the dead ones."""
        return bool(self._dead_tokens) and _digest(token) in self._dead_tokens

    def obey(self, order: Order) -> None:
        """Carry out an order, or raise ValueError and change nothing."""
        fault = order.fault()
        if order.clear:
            self.clear()
        if fault is not None:
            self._fault, self._next = fault, order.next
        if order.bad_ids is not None:
            self.bad_ids = frozenset(order.bad_ids)
        if order.bad_subcode is not None:
            self.bad_subcode = order.bad_subcode
        if order.dead_tokens is not None:
            self._dead_tokens = {_digest(token): _mask(token) for token in order.dead_tokens}
        if order.blame is not None:
            self.blame = order.blame

    def armed(self) -> dict[str, Any]:
        """What is armed, for people and programs."""
        fault = None if self._fault is None else msgspec.structs.asdict(self._fault) | {"next": self._next}
        return {
            "fault": fault,
            "bad_ids": sorted(self.bad_ids),
            "bad_subcode": self.bad_subcode,
            "dead_tokens": list(self._dead_tokens.values()),
            "blame": self.blame,
        }

    async def __call__(self, request: Request) -> Response:
        """GET shows what is armed. POST takes an Order and shows it, or answers 400 `{"error": sentence}`."""
        if request.method == "POST":
            try:
                self.obey(_order.decode(await read_body(request.receive, LIMIT)))
            except (msgspec.DecodeError, TooLargeError, GoneError, ValueError, RecursionError) as error:
                return json_response({"error": str(error)}, 400)
        return json_response(self.armed())


_order = msgspec.json.Decoder(Order)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _mask(token: str) -> str:
    """The only form in which a token is kept: enough to tell two apart, too little to use."""
    return f"{token[:3]}…{token[-2:]}" if len(token) >= 16 else "…"
