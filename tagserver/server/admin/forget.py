"""`/-/forget.json`: everything of one person is erased."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.erasure.erasure import DataSubject, Erasure, Unknown
from tagserver.event.ip_address import truncated_ip
from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.ingest.body import BadBody, read_body
from tagserver.queue.errors import OutboxError
from tagserver.server.admin.auth import SAFE, problem

log = logging.getLogger("tagserver.admin")
_who = msgspec.json.Decoder(DataSubject)


class Forget:
    """The endpoint. `visitor`: who asks; `lacking`: why a journal lacks what was forgotten, or None. `copies`: what
    else of the data folder may hold the person."""

    def __init__(
        self,
        forgetting: Erasure,
        visitor: Callable[[Request], str | None],
        lacking: Callable[[], str | None],
        copies: Callable[[], list[str]],
    ) -> None:
        self._lacking = lacking
        self._copies = copies
        self._forgetting = forgetting
        self._visitor = visitor

    async def post(self, request: Request) -> Response:
        """`{"email", "phone", "user_id", "client_id"}`, each a text or a list → counts by destination, never the
        data; and the `copies` of an earlier time that nobody has looked through."""
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), 1 << 16)
            who = read_json(body, _who)
            done = await self._forgetting.forget(who)
        except BadBody as bad:
            return problem(bad.status, bad.code, str(bad))
        except Unknown as unknown:
            return problem(400, "nobody", str(unknown))
        except UNREADABLE:
            message = 'post {"email": TEXT}, or phone, user_id, client_id; each a text or a list of texts'
            return problem(400, "bad_person", message)
        except OutboxError as error:
            return problem(503, "try_later", str(error), {"retry-after": "5"})
        network = truncated_ip(self._visitor(request))
        log.info(
            "somebody was forgotten, asked for from %s: %d deliveries, %d dead letters",
            network if isinstance(network, str) else "a local socket",
            sum(counts["queue"] for counts in done.destinations.values()),
            sum(counts["dead"] for counts in done.destinations.values()),
        )
        beside = {"journal": self._lacking(), "copies": self._copies()}
        return JSONResponse({**msgspec.to_builtins(done), **beside}, headers=SAFE)
