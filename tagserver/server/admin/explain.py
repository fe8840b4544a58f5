"""What would become of an event, and what a consent string says: for people who look for the reason of a decision."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tagserver.consent.decoders.printout import FORMATS, Format, printout
from tagserver.event.json_text import UNREADABLE
from tagserver.explain.try_ import BadQuestion, try_event
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE, problem, read_order

CONSENT_BODY = 2 << 20
"""Bytes of a body with a consent string. Far more than one may have, so that one that is too long is told so."""


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to `/-/consent.json`."""

    kind: Format
    input: str


_question = msgspec.json.Decoder(Question)
_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Explanations:
    """`POST /-/try.json` and `/-/consent.json`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def try_event(self, request: Request) -> Response:
        """`{"event": {...}}` → what each tag would do, and why. Nothing is stored or sent."""
        runtime = self._runtime
        limit = runtime.server.collect.max_body
        asked = await read_order(request, _any, limit, lambda _: "the body is not JSON", code="bad_json")
        try:
            if not isinstance(asked, dict):
                raise BadQuestion('post an object: {"event": {...}}')
            answer = try_event(runtime.container, runtime.server, asked, runtime.time.now())
        except BadQuestion as bad:
            return problem(400, "bad_trial", str(bad))
        except UNREADABLE:  # a text within it
            return problem(400, "bad_json", "the body is not JSON")
        return JSONResponse(answer, headers=SAFE)

    async def consent_string(self, request: Request) -> Response:
        """`{"kind", "input"}` → what the string says; `"ok": false` for one that is not well-formed."""
        wanted = f'post {{"kind": KIND, "input": TEXT}}; KIND is one of {", ".join(FORMATS)}'
        question = await read_order(request, _question, CONSENT_BODY, lambda _: wanted, code="bad_question")
        return JSONResponse(printout(question.kind, question.input, self._runtime.time.now()), headers=SAFE)
