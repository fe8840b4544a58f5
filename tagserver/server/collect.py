"""`POST /collect`: the endpoint that takes events in, and the conductor of what happens to them.

It is written against ASGI itself, without request and response objects: it runs for every event of a site.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from tagserver.consent.model.reading import Reading
from tagserver.event.event import BROWSER, Facts, Note
from tagserver.inbound.clients.datalayer import CLIENT, NO_READERS, read_context
from tagserver.inbound.enrich import read_facts, read_headers, visitor_ip
from tagserver.ingest.answer import Answer, compose
from tagserver.ingest.body import BadBody, Disconnected, Room, Turns, read_body, split, unpack, unpack_small
from tagserver.ingest.first_party import Visit, cookie_headers
from tagserver.ingest.ingest import TooMuch
from tagserver.ingest.sources import UNREADABLE, Header, is_unseen, refusal
from tagserver.preview.grant import FIELD, HEADER
from tagserver.preview.sessions import NotGranted
from tagserver.queue.errors import OutboxError
from tagserver.runtime.runtime import Runtime
from tagserver.system.rate_limit import sender_of

GONE = 499
"""What is counted when the client went away before its body was complete; nobody gets it as an answer."""

NOT_SAID: tuple[Note, ...] = ()
_encode = msgspec.json.Encoder().encode
_JSON: Header = (b"content-type", b"application/json")
_NO_STORE: Header = (b"cache-control", b"no-store")


class NotTaken(Exception):
    """The request is refused as a whole. `reason`: what it is counted as, None for not at all. `fields`: headers of the
    answer; `cors`: those for the page, where they are not what any other answer to it has."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *fields: Header,
        reason: str | None,
        cors: Sequence[Header] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields
        self.reason = reason
        self.cors = cors


class Collect:
    """The ASGI endpoint. `runtime` gives the present configuration, the ingest and the clock."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.room = Room()
        """The bytes of bodies that are under way, here and at the addresses of clients."""
        self.turns = Turns(self.room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: who sends it, its size and its JSON; then it is decided, stored, and answered."""
        runtime, method, client = self._runtime, scope["method"], scope.get("client")
        headers = read_headers(scope["headers"])
        origin = headers.get("origin")
        if origin is not None:
            origin = origin.lower()  # as origins are written in the configuration
        cors = runtime.sources.cors(origin)
        complete: float | None = None  # when all of it was here; None: it never was, or it asks for nothing
        fields: list[Header]
        try:
            if method == "OPTIONS":
                # Each browser asks before it posts: with these, half of all times would be of no work at all.
                status, content, fields = 204, b"", [*cors, *runtime.sources.preflight(origin)]
            else:
                connection = client[0] if client else None
                source = self._source(method, headers, origin, cors, connection)
                limits = runtime.publisher.now.server.collect
                body = await read_body(receive, headers.get("content-length"), limits.max_body, self.room)
                complete = perf_counter()
                encoding = headers.get("content-encoding")
                said: list[Header] = []
                if (small := unpack_small(body, encoding, limits.max_body)) is not None:
                    found = split(small, limits)
                    status, content = compose(*await self.take(source, headers, connection, *found, cookies=said))
                else:
                    async with self.turns.one(len(body), limits.max_body):
                        found = await asyncio.to_thread(lambda: split(unpack(body, encoding, limits.max_body), limits))
                        status, content = compose(*await self.take(source, headers, connection, *found, cookies=said))
                fields = [_JSON, _NO_STORE, *cors, *said]
        except (NotTaken, BadBody, TooMuch, OutboxError, MemoryError) as error:
            refused = error if isinstance(error, NotTaken) else self.refusal(error)
            if refused is error and complete is None:
                complete = perf_counter()
            if refused.reason is not None:
                runtime.meters.refused(refused.reason)
                runtime.observer.refused(refused.code, str(refused), origin)
            problem = Note("", refused.code, str(refused))
            status, content = refused.status, _encode({"events": [], "problems": [problem]})
            fields = [_JSON, _NO_STORE, *(cors if refused.cors is None else refused.cors), *refused.fields]
        except Disconnected:
            runtime.meters.answered(GONE, None)
            return
        except Exception:
            # The server below answers it.
            runtime.meters.answered(500, None)
            raise
        runtime.meters.answered(status, None if complete is None else perf_counter() - complete)
        fields.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": content})

    def _source(
        self,
        method: str,
        headers: dict[str, str],
        origin: str | None,
        cors: Sequence[Header],
        connection: str | None,
    ) -> str:
        """Who sends: `browser` or the name of a key. Raises NotTaken."""
        runtime = self._runtime
        if method != "POST":
            raise NotTaken(405, "method", "post events to this address", (b"allow", b"POST, OPTIONS"), reason=None)
        if runtime.closing:
            raise NotTaken(503, "try_later", "the server is closing", *_GO_AWAY, reason="closing")
        if "authorization" in headers:
            if (source := runtime.sources.of_key(headers)) is not None:
                return source
            self._log_refused("unknown_key", connection, headers)
            raise NotTaken(401, "unknown_key", "this key is not known here", _CHALLENGE, reason="key")
        if cors is UNREADABLE or "sec-purpose" in headers:  # of all others it says nothing, and most are others
            self.page(headers, origin, cors, connection)
        return BROWSER

    def page(
        self,
        headers: dict[str, str],
        origin: str | None,
        cors: Sequence[Header],
        connection: str | None,
        keys: str = "collect.keys",
        client: str = "",
    ) -> None:
        """Whether a page may send, and has been seen by somebody. `keys`: where the keys of this address are set;
        `client`: whose it is, where that is not ours. Raises NotTaken."""
        runtime = self._runtime
        # A page that may read the answer may post; another one may, where any may.
        if cors is UNREADABLE and not runtime.sources.takes_origin(origin):
            self._log_refused("origin", connection, headers, origin, client)
            message = f"neither a browser's Origin nor a server's key; see {keys}"
            if origin == "null":
                message = "a page without an origin (a file, a frame in a sandbox) may not post; see collect.origins"
            elif origin is not None:
                message = f"the origin {origin[:200]} may not post here; see collect.origins"
            raise NotTaken(403, "origin", message, reason="origin", cors=refusal(origin))
        if "sec-purpose" in headers and is_unseen(headers):
            message = "nobody has seen this page yet: send its events when it is shown"
            raise NotTaken(503, "unseen", message, _WHEN_SHOWN, reason="unseen")

    def refusal(self, error: BadBody | TooMuch | OutboxError | MemoryError) -> NotTaken:
        """What is answered when reading or storing has failed."""
        if isinstance(error, BadBody):
            again: tuple[Header, ...] = ((b"retry-after", b"2"),) if error.status == 503 else ()
            return NotTaken(error.status, error.code, str(error), *again, reason=error.code)
        if isinstance(error, TooMuch):
            return NotTaken(413, "too_large", str(error), reason="too_large")
        if isinstance(error, OutboxError):
            self._runtime.states.refused()
            retry: Header = (b"retry-after", b"%d" % max(1, round(error.retry_after)))
            return NotTaken(503, "try_later", str(error), retry, reason="outbox")
        return NotTaken(503, "try_later", "the server is out of memory", (b"retry-after", b"5"), reason="memory")

    def _log_refused(
        self,
        kind: str,
        connection: str | None,
        headers: dict[str, str],
        origin: str | None = None,
        client: str = "",
    ) -> None:
        """For the log. Whoever it is, a proxy of ours is not who is meant."""
        address = visitor_ip(connection, headers, self._runtime.server.collect.trusted_proxies)
        self._runtime.states.refused_requests.count(kind, address, origin, client)

    async def take(
        self,
        source: str,
        headers: dict[str, str],
        connection: str | None,
        raws: list[Any],
        ctx: Any,
        sent: Any,
        client: str = CLIENT,
        contract: Reading | None = None,
        rated: bool = True,
        left_out: tuple[Note, ...] = NOT_SAID,
        cookies: list[Header] | None = None,
        wait: float = 0.0,
        whole: bool = False,
    ) -> tuple[list[Answer], Sequence[Note], int]:
        """Decide and store: what became of each event, problems of the request, and the largest body that may be.
        `client`: by which client it comes, with the `contract` of its sender, whether `collect.rate` counts, and what
        it has left out; of a key or a browser the configuration says it. `cookies`: what the answer sets is added
        here; `wait`: seconds for which copies of orders wait for others; `whole`: whether one event that is refused
        refuses all. Raises NotTaken (429) besides what ingest raises."""
        runtime, time = self._runtime, self._runtime.time
        now = runtime.publisher.now
        limits = now.server.collect
        facts = read_facts(
            source,
            time.now() if time.wrong is None else runtime.received(sent if source == BROWSER else None),
            headers,
            connection,
            limits.trusted_proxies,
            limits.geo_headers,
            limits.locate,
        )
        if source == BROWSER:
            runtime.meters.forwarded(headers.get("x-forwarded-for"))
        if limits.rate is not None and rated:
            sender = sender_of(facts.ip) if source == BROWSER else source
            if (seconds := runtime.rate.wait(sender, len(raws))) > 0:
                again: Header = (b"retry-after", b"%d" % max(1, math.ceil(seconds)))
                raise NotTaken(429, "rate", "too many events; see collect.rate", again, reason="rate")
        container, said = now.container, NOT_SAID
        if HEADER in headers or (type(ctx) is dict and FIELD in ctx):
            facts, said = self._previewed(facts, headers, ctx)
            container = runtime.previews.container(facts.session)
        readers = NO_READERS
        if client is CLIENT:
            contract = now.server.consent_of(source)
            readers = now.server.clients.readers
        context = read_context(ctx, sent, facts, limits.locate, client, readers)
        if client is not CLIENT:
            automatic = now.server.clients.automatic(client)
            context = msgspec.structs.replace(context, left_out=left_out, automatic=automatic, whole=whole)
        accept, settings = runtime.ingest.accept, now.server.cookies
        if settings is None or cookies is None or source != BROWSER:
            wait = wait or context.wait
            answers = await accept(container, now.server, raws, facts, context, contract, None, wait)
        else:
            visit = Visit()
            answers = await accept(container, now.server, raws, facts, context, contract, visit)
            cookies += cookie_headers(settings, visit, headers, context.pixel)
        return answers, (*said, *context.notes) if said else context.notes, limits.max_body

    def _previewed(self, facts: Facts, headers: dict[str, str], ctx: Any) -> tuple[Facts, tuple[Note, ...]]:
        """With the preview session that the request's grant is for; or why it is for none: then the events count like
        any other, for a shop must not lose an order because a link has ended. The grant goes no further."""
        grant = headers.pop(HEADER, None)
        if type(ctx) is dict:
            grant = ctx.pop(FIELD, grant)
        origin, keyed = headers.get("origin"), facts.source != BROWSER
        try:
            session = self._runtime.previews.sessions.granted(grant, origin and origin.lower(), keyed=keyed)
        except NotGranted as refused:
            return facts, (Note(FIELD, "preview", str(refused)),)
        return msgspec.structs.replace(facts, session=session.id), NOT_SAID


_GO_AWAY: tuple[Header, ...] = ((b"retry-after", b"2"), (b"connection", b"close"))
_WHEN_SHOWN: Header = (b"retry-after", b"30")
"""A page may be prerendered for minutes, and scripts give up after some tries."""
_CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="tagserver"')
