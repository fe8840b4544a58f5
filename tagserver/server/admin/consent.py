"""`/-/consent.json`: what a consent string says, for people who look for the reason of a decision."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.consent.decoders.printout import FORMATS, Format, printout
from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.ingest.body import BadBody, read_body
from tagserver.server.admin.auth import SAFE, problem
from tagserver.system.time import Time

MOST = 2 << 20
"""Bytes of a body. Far more than a string may have, so that one that is too long is told so."""


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    kind: Format
    input: str


_question = msgspec.json.Decoder(Question)


class ConsentStrings:
    """The endpoint. Knows the time, for the age of a TC string counts."""

    def __init__(self, time: Time) -> None:
        self._time = time

    async def post(self, request: Request) -> Response:
        """`{"kind", "input"}` → what the string says; `"ok": false` for one that is not well-formed."""
        try:
            body = await read_body(request.receive, request.headers.get("content-length"), MOST)
            question = read_json(body, _question)
        except BadBody as bad:
            return problem(bad.status, bad.code, str(bad))
        except UNREADABLE:
            message = f'post {{"kind": KIND, "input": TEXT}}; KIND is one of {", ".join(FORMATS)}'
            return problem(400, "bad_question", message)
        return JSONResponse(printout(question.kind, question.input, self._time.now()), headers=SAFE)
