"""The addresses of inbound clients: who sends is settled over the bytes as they came, before anything is unpacked or
parsed; what they hold goes the way of every other event, and the answer is given after the commit.

Written against ASGI itself, like `/collect`, with which it shares the room for bodies and the turns of large ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from tagserver.config.clients import ConfiguredClient
from tagserver.event.event import BROWSER, Note
from tagserver.inbound.clients.datalayer import NotWhole
from tagserver.inbound.enrich import read_headers, visitor_ip
from tagserver.ingest.answer import Answer, bounded_answers
from tagserver.ingest.body import BadBody, Disconnected, read_body, unpack, unpack_small
from tagserver.ingest.ingest import TooMuch
from tagserver.ingest.sources import Header
from tagserver.plugin.client import InboundRequest, Passed, Refuse, Reply, Result
from tagserver.plugin.fault import PluginCode, PluginFailed, client_name
from tagserver.plugin.inbound_keys import UNKNOWN_KEY
from tagserver.queue.errors import OutboxError
from tagserver.runtime.runtime import Runtime
from tagserver.server.browsers import Claimed, Page, page_of, preflight
from tagserver.server.collect import GONE, Collect, NotTaken
from tagserver.server.door_bodies import Held, read_held
from tagserver.server.door_refusals import NOBODY, Refused, problem_reply

T = TypeVar("T")

AGAIN = 60
"""Seconds after which to come again while a client cannot be used."""
GUESSES = {
    "signature": ("signature", "signature"),
    "stale": ("signature", "stale"),
    UNKNOWN_KEY: ("client_key", "key"),
}
"""Codes of refusals that are guesses at a secret, or somebody's clock → as what they are logged, and counted."""
UNTOLD = (None, "client")
"""Of all others."""
BY_A_PAGE = frozenset({"origin", "sec-fetch-site"})
"""What browsers send with a page's request, and no script can set or leave out. A secret that stands in a page is
everybody's, and the contract beside it would count for visitors who have refused."""
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_TYPE = re.compile(r"[a-z0-9.+/-]{1,80}(; ?charset=[a-z0-9-]{1,20})?\Z")
_NO_STORE: Header = (b"cache-control", b"no-store")
_encode = msgspec.json.Encoder().encode


class Doors:
    """The ASGI endpoint of all clients."""

    def __init__(self, runtime: Runtime, collect: Collect) -> None:
        self._runtime = runtime
        self._collect = collect

    def has(self, scope: Scope) -> Claimed | None:
        """Who claims an address; None for nobody."""
        clients = self._runtime.publisher.now.server.clients
        if clients.claims is None:
            return None
        if claimed := clients.claims.of(scope["path"]):
            return claimed
        # It may be the address of a client that is not installed any more: who posts there must come again.
        return [] if clients.lost and scope["method"] == "POST" and not scope["path"].startswith("/-/") else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send, claimed: Claimed) -> None:
        """One request."""
        runtime = self._runtime
        headers = read_headers(scope["headers"])
        known = next((one for one, _ in claimed), None)
        page = page_of(scope["method"], headers, claimed, runtime.sources)
        if page is not None and scope["method"] == "OPTIONS":
            runtime.meters.client_answered(known.type if known else "", 204)
            await _send(send, 204, b"", preflight(scope["path"], page, claimed, runtime.sources))
            return
        fields: list[Header] = []
        try:
            one, reply = await self._answered(scope, headers, receive, claimed, page)
            kind = one.type
        except Disconnected:
            runtime.meters.client_answered(known.type if known else "", GONE)
            return
        except Refused as refused:
            kind, reply, fields = refused.kind, self._told(refused), refused.fields
            runtime.meters.refused(refused.reason)
            if (guess := GUESSES.get(refused.code, UNTOLD)[0]) is not None:
                address = visitor_ip(_connection(scope), headers, runtime.server.collect.trusted_proxies)
                runtime.states.refused_requests.count(guess, address, client=kind)
            if refused.reply.status != 404:
                # A plugin's own words might hold what a stranger has sent: its code is one that it has declared.
                own = f"refused by {client_name(kind or 'unknown')}: {refused.code}"
                words = refused.said.message if refused.said is not None else own
                runtime.observer.refused(refused.code, words, page.origin if page is not None else None, kind)
        except Exception:
            runtime.meters.client_answered(known.type if known else "", 500)
            raise
        runtime.meters.client_answered(kind, reply.status)
        if page is not None:
            fields += page.told
            if reply.status < 400:
                fields += page.cookies
        fields += [(b"content-type", reply.content_type.encode("latin-1")), _NO_STORE]
        await _send(send, reply.status, reply.body, fields)

    async def _answered(
        self, scope: Scope, headers: dict[str, str], receive: Receive, claimed: Claimed, page: Page | None
    ) -> tuple[ConfiguredClient, Reply]:
        """Which client has the request, and its answer. Raises Refused and Disconnected."""
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        if not claimed:
            raise Refused.by_host(None, 503, "no_plugin", "the plugin of this address is missing", again=AGAIN)
        fits = [(one, params) for one, has in claimed if (params := has.params(method, path)) is not None]
        if not fits:
            allowed = ", ".join(dict.fromkeys(each for _, has in claimed for each in has.methods(path)))
            message = f"this address takes {allowed}"
            raise Refused.by_host(
                claimed[0][0], 405, "method", message, fields=((b"allow", allowed.encode()),), reason="method"
            )
        if self._runtime.closing:
            raise Refused.by_host(fits[0][0], 503, "try_later", "the server is closing", again=2, reason="closing")
        received, doubted = self._runtime.received(None), self._runtime.time.wrong is not None
        for one, params in fits:
            request = InboundRequest(method, path, params, query, headers, None, received, doubted)
            if len(fits) == 1 or one.client is None or self._of(one, "claims", partial(one.client.claims, request)):
                return one, await self._taken(one, request, _connection(scope), receive, page)
        raise Refused.by_host(fits[0][0], 404, "not_found", "", reason="client")

    async def _taken(
        self,
        one: ConfiguredClient,
        request: InboundRequest,
        connection: str | None,
        receive: Receive,
        page: Page | None,
    ) -> Reply:
        """The answer of the client that has the request."""
        client = one.client
        if client is None:
            raise Refused.by_host(one, 503, "no_plugin", "this address cannot be used now", again=AGAIN)
        try:
            if (reply := self._of(one, "greet", partial(client.greet, request))) is not None:
                return self._sound(one, reply)
            named = self._of(one, "identify", partial(client.identify, request))
            is_page = page is not None and client.browser and named == BROWSER
            if page is not None and is_page:
                keys = ".".join(filter(None, ("clients", one.type, client.keyed)))
                self._collect.page(dict(request.headers), page.origin, page.cors, connection, keys, one.type)
            elif type(named) is str and one.contracts.get(named) is not None and request.headers.keys() >= BY_A_PAGE:
                message = "a page shows the secret of a server, whose contract covers no visitor of a page"
                raise Refused.by_host(one, 403, "page_key", message, reason="key")
            limits = self._runtime.publisher.now.server.collect
            most = min(limits.max_body, client.limits.body or limits.max_body)
            body = await read_body(receive, request.headers.get("content-length"), most, self._collect.room)
            request = msgspec.structs.replace(request, body=body)
            if (reply := self._of(one, "greet", partial(client.greet, request))) is not None:
                return self._sound(one, reply)
            source = self._of(one, "identify", partial(client.identify, request))
            if type(source) is not str or (not is_page if source == BROWSER else source not in one.contracts):
                raise PluginFailed("identify names a source that is none of the configuration")
            encoding = request.headers.get("content-encoding")
            if (small := unpack_small(body, encoding, most)) is not None:
                held = read_held(client, small, request, source, limits)
                results = await self._stored(one, request, source, connection, held, page)
            else:
                async with self._collect.turns.one(len(body), most):
                    held = await asyncio.to_thread(
                        lambda: read_held(client, unpack(body, encoding, most), request, source, limits)
                    )
                    results = await self._stored(one, request, source, connection, held, page)
            return self._after(one, results, held.answer)
        except Refuse as refusal:
            raise self._refusal(one, refusal) from None
        except PluginFailed as failed:
            self._runtime.failing.client_failed(one.type, str(failed))
            message = "this address cannot take anything now"
            raise Refused.by_host(one, 503, "client_failed", message, again=AGAIN) from failed
        except NotWhole as error:
            raise Refused.by_host(one, 400, error.code, str(error), at=error.at) from None
        except (NotTaken, BadBody, TooMuch, OutboxError, MemoryError) as error:
            refused = error if isinstance(error, NotTaken) else self._collect.refusal(error)
            if page is not None and refused.cors is not None:
                page.told = refused.cors
            reason = refused.reason or "client"
            raise Refused.by_host(
                one, refused.status, refused.code, str(refused), fields=refused.fields, reason=reason
            ) from None

    async def _stored(
        self,
        one: ConfiguredClient,
        request: InboundRequest,
        source: str,
        connection: str | None,
        held: Held,
        page: Page | None,
    ) -> list[Result]:
        """Everything is on disk: what became of each, in their order."""
        client = one.client
        assert client is not None
        answers: list[Answer] = []
        if held.forget is not None:  # first of all: what comes beside it is of the same person
            await self._runtime.erasure.forget_for(*held.forget, by=f"{one.type} {source}")
        most = self._runtime.publisher.now.server.collect.max_body
        if held.parts[0]:
            of_page = page is not None and source == BROWSER
            # What a platform's own server sends with an event is nobody's; and nobody's event tells a key.
            keys = ("authorization", *client.unseen)
            handed_on = [one for one in request.headers if one not in keys] if of_page else client.headers
            answers, said, most = await self._collect.take(
                source,
                {name: request.headers[name] for name in handed_on if name in request.headers},
                connection,
                *held.parts,
                client=one.type,
                contract=one.contracts.get(source),
                rated=of_page or client.limits.rated,
                left_out=held.notes,
                cookies=page.cookies if page is not None and of_page else None,
                wait=one.waits.get(source, 0.0),
                whole=client.whole,
            )
            if said and answers:
                first = answers[0]
                answers[0] = Answer(first.event_id, first.status, (*first.problems, *said))
        bounded_answers(answers, most)
        each = iter(answers)
        results = []
        for thing in held.listed:
            if isinstance(thing, Passed):
                code = thing.code if thing.code in client.passes else "other"
                self._runtime.meters.passed(one.type, code)
                note = Note("", code, str(thing.message)[:200])
                named = thing.event_id if type(thing.event_id) is str else None
                results.append(Result(named, "passed", (note,)))
            else:
                answer = next(each)
                results.append(Result(answer.event_id, answer.status, answer.problems))
        return results

    def _after(
        self, one: ConfiguredClient, results: list[Result], answer: Callable[[list[Result]], Reply] | None
    ) -> Reply:
        """The client's answer. Everything is on disk by now: where it fails at that, ours tells the sender so."""
        client = one.client
        assert client is not None
        try:
            reply = self._sound(one, self._of(one, "answer", partial(answer or client.answer, results)))
        except (PluginFailed, Refuse) as failed:
            said = str(failed) if isinstance(failed, PluginFailed) else "answer refuses what is on disk"
            self._runtime.failing.client_failed(one.type, said)
            return Reply(200, _encode({"events": results}))
        self._runtime.failing.client_did_well(one.type)
        return reply

    def _of(self, one: ConfiguredClient, method: str, call: Callable[[], T]) -> T:
        """What a method of a client gives. Raises PluginFailed and Refuse."""
        with PluginCode(one.client, method, Refuse):
            return call()

    def _sound(self, one: ConfiguredClient, reply: Any) -> Reply:
        """An answer as it may be sent. Raises PluginFailed."""
        if not isinstance(reply, Reply) or type(reply.status) is not int or not 200 <= reply.status < 600:
            raise PluginFailed("it answers with something that is no Reply")
        if type(reply.body) is not bytes or not _TYPE.match(str(reply.content_type)):
            raise PluginFailed("it answers with a body or type that is none")
        return reply

    def _told(self, refused: Refused) -> Reply:
        """The answer to a refusal of the host's as its client words it; ours where that has none, or fails at it."""
        one, said = refused.one, refused.said
        if one is None or one.client is None or said is None:
            return refused.reply
        try:
            reply = self._sound(one, self._of(one, "refused", partial(one.client.refused, said)))
        except (PluginFailed, Refuse):
            return refused.reply
        return reply if reply.status >= 400 else refused.reply

    def _refusal(self, one: ConfiguredClient, refusal: Refuse) -> Refused:
        """What a client refuses, in its own words to whoever asked, and in ours to everybody else."""
        client = one.client
        assert client is not None
        status = refusal.status if type(refusal.status) is int and 400 <= refusal.status < 600 else 400
        code = refusal.code if refusal.code in client.refuses and _CODE.match(refusal.code) else "client"
        seconds: object = refusal.retry_after
        again = ((b"retry-after", b"%d" % max(1, seconds)),) if type(seconds) is int else ()
        if status == 404:
            return Refused(one.type, NOBODY, code, "client")
        try:
            reply = self._sound(one, self._of(one, "refused", partial(client.refused, refusal)))
        except (PluginFailed, Refuse):
            reply = None
        if reply is None or reply.status < 400:  # a refusal that reads like a success would be the end of it
            reply = problem_reply(status, code, "the request is refused")
        return Refused(one.type, reply, code, GUESSES.get(code, UNTOLD)[1], again)


async def _send(send: Send, status: int, body: bytes, fields: list[Header]) -> None:
    fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _connection(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None
