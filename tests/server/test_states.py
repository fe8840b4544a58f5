"""Every change of state is one line of the log, with its fields; nothing else is said of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tagserver.logs.logs import FIELDS, Net, switch_event_lines
from tagserver.queue.sqlite.startup import ALONE
from tagserver.runtime.states import HANDED_OVER, THE_END, WAITED_FOR

from .conftest import CONTAINER, ENVIRON, SERVER, Running, Start, purchase


class Vendor:
    """Takes what comes, unless a test has said what it answers next, or from now on."""

    def __init__(self) -> None:
        self.next: deque[Response] = deque()
        self.always: Response | None = None
        stats = Route("/stats.json", lambda request: JSONResponse({}))
        self.app = Starlette(routes=[stats, Route("/{path:path}", self.events, methods=["POST"])])

    async def events(self, request: Request) -> Response:
        """Meta's address of events."""
        body = await request.json()
        if self.next:
            return self.next.popleft()
        return self.always or JSONResponse({"events_received": len(body["data"])})


def refuses(code: int, message: str, status: int = 400) -> Response:
    """Meta's answer."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


class Log:
    """What was logged, through the net that every line goes through."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.INFO)
        self._net = Net()

    def of(self, *names: str) -> list[tuple[str, dict[str, Any]]]:
        """The lines of some loggers: message and fields."""
        lines = []
        for record in self._caplog.records:
            if record.name in names:
                self._net.filter(record)
                fields = {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
                lines.append((record.getMessage(), fields))
        return lines

    @property
    def states(self) -> list[tuple[str, dict[str, Any]]]:
        """Of changes of state."""
        return self.of("tagserver.state")

    @property
    def ways(self) -> list[str]:
        """From what to what."""
        return [f"{fields['previous']}>{fields['state']}" for _, fields in self.states]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


async def until_ways(log: Log, *ways: str) -> None:
    """Until these changes were said, in this order and no others."""
    for _ in range(300):
        if log.ways == list(ways):
            return
        await asyncio.sleep(0.01)
    assert log.ways == list(ways)


async def test_a_vendor_that_is_away_for_a_moment(start: Start, vendor: Vendor, log: Log) -> None:
    """Shorter than any look: it is said all the same."""
    vendor.next.append(Response(status_code=503))
    server: Running = await start(vendor=vendor.app)
    await server.collect(purchase())
    await until_ways(log, "ok>retrying")
    server.runtime.wait_no_longer()
    await server.drained()
    await until_ways(log, "ok>retrying", "retrying>ok")
    (away, fields), (back, later) = log.states
    assert away == "destination meta is retrying: http/503; 1 delivery waits"
    assert (fields["status"], fields["code"], fields["waiting"]) == (503, "http/503", 1)
    assert back.startswith("destination meta is ok again after ")
    assert later["lasted_s"] >= 0


async def test_a_dead_token_with_the_vendor_s_own_words(start: Start, vendor: Vendor, log: Log) -> None:
    """Beside the code, without what tells of a person or is a secret."""
    token = ENVIRON["META_TOKEN"]
    words = f"Error validating token {token} of erika@example.com: session has expired"
    vendor.always = refuses(190, words, 401)
    server: Running = await start(vendor=vendor.app)
    await server.collect(purchase())
    await until_ways(log, "ok>paused")
    ((said, fields),) = log.states
    assert said.startswith("destination meta is paused: 190: the access token is refused; it says: ")
    assert said.endswith("; 1 delivery waits; everything is kept")
    assert (fields["status"], fields["code"], fields["destination"]) == (401, "190", "meta")
    assert "session has expired" in fields["said"]
    reason = (await server.status())["destinations"]["meta"]["reason"]
    assert reason.startswith("190: the access token is refused (HTTP 401); it says: ")
    assert "session has expired" in reason
    assert token not in f"{log.states}{reason}"
    assert "erika" not in f"{log.states}{reason}"
    assert len(log.of("tagserver.delivery")) == 1, "the start's: of this there is one line, not two"


async def test_a_secret_that_goes_and_comes_by_a_reload(start: Start, log: Log) -> None:
    environ = dict(ENVIRON)
    server: Running = await start(environ=environ)
    del environ["META_TOKEN"]
    await server.runtime.reload()
    assert log.ways == ["ok>paused"]
    await server.collect(purchase())
    environ["META_TOKEN"] = "meta-token-secret"
    await server.runtime.reload()
    await server.drained()
    await until_ways(log, "ok>paused", "paused>ok")
    (paused, fields), (resumed, _) = log.states
    assert "META_TOKEN is not set (container.yaml:" in paused
    assert fields["reason"].startswith("destinations.meta.access_token: ")
    assert resumed.endswith("(it was paused); 1 delivery waited")


async def test_a_pause_by_hand(start: Start, log: Log) -> None:
    server: Running = await start()
    await server.runtime.pausing.pause("meta", by="anna", note="the vendor asked")
    await server.collect(purchase())
    await until_ways(log, "ok>paused")
    await server.runtime.pausing.resume("meta", by="anna")
    await server.drained()
    await until_ways(log, "ok>paused", "paused>ok")
    paused, _ = log.states[0]
    assert paused.startswith("destination meta is paused by anna since ")
    assert paused.endswith(": the vendor asked; everything is kept")
    assert not log.of("tagserver.pausing", "tagserver.pausing.pausing")


async def test_a_destination_that_is_removed_and_comes_back(start: Start, vendor: Vendor, log: Log) -> None:
    vendor.always = Response(status_code=503)
    server: Running = await start(vendor=vendor.app)
    await server.collect(purchase())
    await until_ways(log, "ok>retrying")
    path = server.data.parent / "config" / "container.yaml"
    path.write_text("triggers: {}\n")
    await server.runtime.reload()
    await until_ways(log, "ok>retrying", "retrying>disabled")
    vendor.always = None
    path.write_text(CONTAINER)
    await server.runtime.reload()
    await server.drained()
    await until_ways(log, "ok>retrying", "retrying>disabled", "disabled>ok")


async def test_what_is_paused_from_the_start_is_said_once(start: Start, log: Log) -> None:
    server: Running = await start(environ={"BACKEND_KEY": "b-key", "CRM_KEY": "c-key"})
    server.runtime.states.look_around()
    server.runtime.states.look_around()
    assert log.ways == ["none>paused"]


async def test_a_queue_that_is_full_and_has_room_again(start: Start, log: Log) -> None:
    """With numbers, also when it was full between two looks only."""
    server: Running = await start()
    # (an order would be asked for what its visitor has said before, which measures the file anew)
    server.runtime.outbox._space.used = server.runtime.outbox.room().limit  # type: ignore[attr-defined]  # (the engine behind the protocol)
    answer = await server.collect(purchase(ecommerce={"value": 59.9, "currency": "EUR"}))
    assert answer.status_code == 503
    assert "ready>queue_full" in log.ways
    server.runtime.outbox._space.used = 0  # type: ignore[attr-defined]  # (the engine behind the protocol)
    server.runtime.states.look_around()
    assert (await server.collect(purchase())).status_code == 202
    (full, fields), (over, later) = [line for line in log.states if "condition" not in line[1]]
    assert full.startswith("the server is not ready (queue_full): the queue is full: ")
    assert "events get 503" in full
    assert fields["queue_mib"] == server.runtime.outbox.room().limit >> 20
    assert "the server is ready again after " in over
    assert later["previous"] == "queue_full"


async def test_where_nothing_can_be_recorded_nothing_is_said_to_be_delivered(start: Start, log: Log) -> None:
    """The queue was opened on a disk without any room, not even for what the ballast keeps back."""
    server: Running = await start()
    server.runtime.outbox._notice = ALONE  # type: ignore[attr-defined]  # (the engine behind the protocol)
    server.runtime.outbox._space.used = server.runtime.outbox.room().limit  # type: ignore[attr-defined]  # (the engine behind the protocol)
    server.runtime.states.look_around()
    (said,) = [line for line, fields in log.states if "condition" not in fields]
    assert "what waits is kept, and not sent before that can be recorded" in said
    assert "is delivered" not in said


async def test_files_with_errors_begin_and_end(start: Start, log: Log) -> None:
    server: Running = await start()
    path = server.data.parent / "config" / "container.yaml"
    path.write_text("tags: [{}]\n")
    assert not (await server.runtime.reload()).ok
    server.runtime.states.look_around()
    server.runtime.states.look_around()
    assert log.ways == ["none>begun"]
    ((said, fields),) = log.states
    assert said.startswith("the server is degraded: the files of today have ")
    assert fields["condition"] == "files"
    path.write_text(CONTAINER)
    assert (await server.runtime.reload()).ok
    assert log.ways == ["none>begun", "begun>over"]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (THE_END, "the server ends"),
        (WAITED_FOR, "the server ends; connections wait for the next process"),
        (HANDED_OVER, "the next program takes its place; connections wait for it"),
    ],
)
async def test_the_end_is_said(start: Start, log: Log, end: str, said: str) -> None:
    server: Running = await start()
    server.runtime.states.end = end
    server.runtime.draining = True
    server.runtime.states.look_at_server()
    assert [line for line, _ in log.states] == [f"the server is not ready (draining): {said}"]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"authorization": "Bearer wrong-key-1"}, "a wrong key came at /collect from a local socket"),
        (
            {"origin": "https://other.example"},
            "an event of an origin that may not post came where pages post from a local socket (the origin https://other.ex",
        ),
    ],
)
async def test_who_is_turned_away(start: Start, log: Log, headers: dict[str, str], said: str) -> None:
    server: Running = await start()
    for _ in range(5):
        await server.http.post("/collect", json=purchase(), headers=headers)
    ((line, _),) = log.of("tagserver.refused")
    assert line.startswith(said.replace("a local socket", "127.0.0.0"))
    assert "wrong-key-1" not in line


async def test_a_tag_that_is_paused_is_one_line(start: Start, vendor: Vendor, log: Log) -> None:
    vendor.always = Response(status_code=503)
    server: Running = await start(vendor=vendor.app)
    for number in range(20):
        await server.collect(purchase(f"purchase_{number}"))
    path = server.data.parent / "config" / "container.yaml"
    path.write_text(CONTAINER.replace("{name: Meta purchase,", "{name: Meta purchase, paused: true,"))
    await server.runtime.reload()
    await server.drained()
    server.runtime.states.dead_lines.close()
    _, (said, fields) = log.of("tagserver.delivery")
    assert said.startswith("20 events of the tag Meta purchase for meta are dead letters, the first for: tag_removed")
    assert (fields["count"], len(fields["events"].split())) == (20, 3)


async def test_single_events_are_found_where_it_was_asked(start: Start, log: Log) -> None:
    """Taken over at a reload, both ways; no line holds what tells of a person."""
    server: Running = await start()
    server.runtime._log = lambda config: switch_event_lines(config.events)
    await server.collect(purchase("purchase_1"))
    await server.drained()
    assert log.of("tagserver.events") == []
    path = server.data.parent / "config" / "server.yaml"
    path.write_text(SERVER + "log: {events: true}\n")
    await server.runtime.renew()
    await server.collect([purchase("purchase_2"), purchase("purchase_2"), purchase("erika@example.com")])
    await server.collect({"event": "nobody wants it", "event_id": "x-1"})
    await server.drained()
    await asyncio.sleep(0.05)
    lines = log.of("tagserver.events")
    accepted = [fields for said, fields in lines if "accepted" in said]
    assert accepted == [
        {"event_id": "purchase_2", "event": "purchase", "source": "browser", "deliveries": 1},
        {"event_id": "[e-mail]", "event": "purchase", "source": "browser", "deliveries": 1},
        {"event_id": "x-1", "event": "nobody wants it", "source": "browser", "deliveries": 0},
    ]
    delivered = [fields for said, fields in lines if "delivered" in said]
    assert delivered[0] == {"event_id": "purchase_2", "destination": "meta", "tag": "Meta purchase", "attempts": 1}
    assert "erika" not in f"{lines}"
    path.write_text(SERVER)
    await server.runtime.renew()
    await server.collect(purchase("purchase_3"))
    await server.drained()
    assert len(log.of("tagserver.events")) == len(lines)
