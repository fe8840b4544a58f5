"""What a form of ours has posted."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from tagserver.ingest.body import BadBody, read_body

MOST_FIELDS = 50


async def read_form(request: Request, limit: int) -> dict[str, str]:
    """The fields of a form by name, of several with one name the last; lines end with a line feed alone. `limit`: bytes
    of the whole body. Raises BadBody."""
    body = await read_body(request.receive, request.headers.get("content-length"), limit)
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadBody(400, "bad_form", "that is no form of this page") from None
    return {name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in fields}
