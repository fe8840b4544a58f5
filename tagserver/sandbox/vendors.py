"""Stand-ins for the vendors beside Meta: each takes requests below `/vendors/NAME`, keeps what arrived, and answers as
its documentation says of success.

They check no more than that the body holds events where the vendor expects them: whether a vendor would take them is
for the tests beside each destination. Give `http://HOST/vendors/tiktok` as a destination's `api_url`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tagserver.sandbox.answers import json_response
from tagserver.sandbox.upload import GoneError, TooLargeError, read_body

LARGEST = 8 << 20
"""Bytes of a body; no vendor's limit is higher."""
KEPT = 1_000
"""Events of a vendor that are kept with their name and id, newest."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a vendor's events stand in a body (no steps: the body is one), where an event has its name and its id, and
    the answer to so many of them."""

    events: tuple[str, ...]
    name: tuple[str, ...]
    event_id: tuple[str, ...]
    answer: Callable[[int], Any]
    status: int = 200


def _nothing(count: int) -> None:
    """GA4 and most webhooks answer without a body."""


SHAPES = {
    "ga4": Shape(("events",), ("name",), ("params", "event_id"), _nothing, 204),
    "linkedin": Shape(
        ("elements",), ("conversion",), ("eventId",), lambda count: {"elements": [{"status": 201}] * count}
    ),
    "pinterest": Shape(
        ("data",),
        ("event_name",),
        ("event_id",),
        lambda count: {
            "num_events_received": count,
            "num_events_processed": count,
            "events": [{"status": "processed", "error_message": "", "warning_message": ""}] * count,
        },
    ),
    "reddit": Shape(
        ("data", "events"),
        ("type", "tracking_type"),
        ("metadata", "conversion_id"),
        lambda count: {"data": {"message": f"Successfully processed {count} conversion events."}},
    ),
    "snapchat": Shape(("data",), ("event_name",), ("event_id",), lambda count: {"status": "VALID", "reason": ""}),
    "tiktok": Shape(
        ("data",),
        ("event",),
        ("event_id",),
        lambda count: {"code": 0, "message": "OK", "request_id": "stand-in", "data": {}},
    ),
    "webhook": Shape((), ("type",), ("data", "event_id"), _nothing, 204),
}


@dataclass(slots=True)
class Seen:
    """What one vendor got: counts since the start, and the newest events."""

    requests: int = 0
    count: int = 0
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))


class Vendors:
    """All of them. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[str, Seen] = {}

    async def __call__(self, request: Request) -> Response:
        """One request to one of them, at any address below its name."""
        name = request.path_params["vendor"]
        shape = SHAPES.get(name)
        if shape is None:
            return json_response({"error": f"no stand-in is called {name[:40]}; there are {', '.join(SHAPES)}"}, 404)
        try:
            body = msgspec.json.decode(await read_body(request.receive, LARGEST))
        except GoneError:
            return Response(status_code=400)
        except TooLargeError as error:
            return json_response({"error": str(error)}, 413)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return json_response({"error": "the body is not JSON"}, 400)
        events = _at(body, shape.events) if shape.events else [body]
        if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
            return json_response({"error": f"{name} wants a list of events in {'.'.join(shape.events)}"}, 400)
        seen = self._seen.setdefault(name, Seen())
        seen.requests += 1
        seen.count += len(events)
        for event in events:
            found = {"name": _at(event, shape.name), "event_id": _at(event, shape.event_id)}
            seen.events.appendleft({"at": self._clock(), **found})
        answer = shape.answer(len(events))
        return Response(status_code=shape.status) if answer is None else json_response(answer, shape.status)

    def stats(self) -> dict[str, Any]:
        """By vendor: how many requests and events, and the newest events (`at`, `name`, `event_id`)."""
        return {
            name: {"requests": seen.requests, "count": seen.count, "events": list(seen.events)}
            for name, seen in sorted(self._seen.items())
        }

    def forget(self) -> None:
        """Everything that came."""
        self._seen.clear()


def _at(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value
