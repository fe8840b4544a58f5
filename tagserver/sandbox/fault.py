"""What an armed fault does to one Graph request, and how it is answered."""

from __future__ import annotations

import msgspec
from starlette.responses import Response
from starlette.types import Receive

from tagserver.sandbox.answers import OAUTH, failure

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
