"""What is answered where an address under `/-/` cannot answer: to a browser a page that says so, to programs a problem
as JSON."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tagserver.ingest.body import BadBody
from tagserver.pausing.pausing import UnknownDestination
from tagserver.queue.errors import OutboxError
from tagserver.records.api import RecordsError
from tagserver.server.admin.answers import problem
from tagserver.server.admin.streams import TooManyStreams
from tagserver.server.admin.wanted import HOME
from tagserver.server.pages.rendering import page, sentence


class NotThere(Exception):
    """Nothing has the name that was asked for. `code` is the problem's; `heading` of the page; the text says what there
    is instead."""

    def __init__(self, code: str, heading: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.heading = heading


def refusal(request: Request, status: int, code: str, heading: str, text: str) -> Response:
    """A refusal in the form that fits: a page for a browser that asked for one, else a problem as JSON."""
    if not wants_page(request):
        return problem(status, code, text)
    return page(request, "problem.html", status, heading=heading, text=sentence(text), back=_came_from(request))


def _came_from(request: Request) -> str:
    """The page of ours that this one was reached from, else Home."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:  # a header may hold anything
        return HOME
    if parts.netloc != request.headers.get("host", "") or not parts.path.startswith(HOME):
        return HOME
    return parts.path + (f"?{parts.query}" if parts.query else "")


def wants_page(request: Request) -> bool:
    """Whether a person asks: a browser, for an address that is no `.json`."""
    return "text/html" in request.headers.get("accept", "") and not request.scope["path"].endswith(".json")


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotThere)
    return refusal(request, 404, error.code, error.heading, str(error))


async def _unknown_destination(request: Request, error: Exception) -> Response:
    return refusal(request, 404, "unknown_destination", "No such destination", str(error))


async def _bad_body(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadBody)
    return refusal(request, error.status, error.code, "That could not be done", str(error))


async def _later(request: Request, error: Exception) -> Response:
    return refusal(request, 503, "try_later", "Not now", str(error))


async def _http(request: Request, error: Exception) -> Response:
    """What the table of addresses refuses."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        text = "there is no page at this address; the menu has all that there are"
        return refusal(request, 404, "not_found", "No such page", text)
    text = f"this address does not take {request.method}"
    answer = refusal(request, error.status_code, "method", "That cannot be done here", text)
    answer.headers.update(error.headers or {})
    return answer


async def _too_many(request: Request, error: Exception) -> Response:
    answer = refusal(request, 429, "too_many_streams", "Too many live views", str(error))
    answer.headers["retry-after"] = "30"
    return answer


HANDLERS = {
    BadBody: _bad_body,
    TooManyStreams: _too_many,
    OutboxError: _later,
    RecordsError: _later,
    NotThere: _not_there,
    UnknownDestination: _unknown_destination,
    HTTPException: _http,
}
"""What is answered for these where an address does not answer them itself."""
