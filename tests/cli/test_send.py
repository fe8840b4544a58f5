"""`tagserver send`: a file reaches a server once, whatever happens on the way."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tagserver.cli.send_done import Done, InUse, Mark, chained, done_of, first_chain
from tagserver.cli.sending import Sending, Stopped
from tagserver.inbound.files.faults import RefusedRow
from tagserver.inbound.files.rows import FileEvent

from ..docs.pages import ROOT, blocks
from .conftest import Shop


class Server:
    """Answers one after the other; then it accepts."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.sizes: list[int] = []
        self.pauses: list[float] = []

    def post(self, body: bytes) -> httpx.Response:
        events = json.loads(body)["events"]
        self.sizes.append(len(events))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return httpx.Response(202, json={"events": [{"event_id": "e", "status": "accepted"} for _ in events]})

    def sending(self, patience: float = 60) -> Sending:
        return Sending(self.post, self.pauses.append, patience, lambda seconds, why: None)


def test_what_passes_is_tried_again_as_the_server_says() -> None:
    server = Server(httpx.Response(503, headers={"retry-after": "7"}), httpx.ReadTimeout("x"), httpx.Response(429))
    assert [one.status for one in server.sending().send([{}, {}])] == ["accepted"] * 2
    assert server.pauses == [7.0, 1.0, 2.0]


def test_it_gives_up_when_it_lasts() -> None:
    server = Server(*[httpx.Response(503, headers={"retry-after": "30"})] * 9)
    with pytest.raises(Stopped) as stopped:
        server.sending().send([{}])
    assert stopped.value.code == 3
    assert server.pauses == [30.0, 30.0]


def test_nobody_listens_at_first() -> None:
    with pytest.raises(Stopped, match="nothing listens") as stopped:
        Server(httpx.ConnectError("x")).sending().send([{}])
    assert stopped.value.code == 3


def test_a_request_that_is_too_large_is_halved_and_an_event_refused() -> None:
    large = httpx.Response(
        413, json={"events": [], "problems": [{"path": "", "code": "too_large", "message": "large"}]}
    )
    server = Server(large, large)
    assert [one.status for one in server.sending().send([{}, {}, {}])] == ["rejected", "accepted", "accepted"]
    assert server.sizes == [3, 1, 2]


def test_a_wrong_key_ends_it() -> None:
    with pytest.raises(Stopped, match="does not know this key") as stopped:
        Server(httpx.Response(401)).sending().send([{}])
    assert stopped.value.code == 1


def rows(*names: str) -> list[FileEvent | RefusedRow]:
    return [FileEvent(at, at + 2, [[name]], {"event": name}) for at, name in enumerate(names)]


def filled(done: Done, start: str, *names: str) -> None:
    """Each of these is done, and the second refused."""
    chain = start
    for at, one in enumerate(rows(*names), 1):
        chain = chained(chain, one)
        refused = [RefusedRow(1, 3, "event", "is bad", [["b"]])] if at == 2 else []
        done.note(Mark(at, chain, done.refuse(refused)))


@pytest.mark.parametrize(
    ("names", "count", "refused"), [("abcd", 3, True), ("abX", 2, True), ("aXc", 1, False), ("X", 0, False)]
)
def test_it_goes_on_behind_what_is_done_and_unchanged(tmp_path: Path, names: str, count: int, refused: bool) -> None:
    """Of a file that grew, and of one that was changed from there on."""
    file, start = tmp_path / "till.csv", first_chain("http://t", "till")
    with done_of(file, ["event"], ";") as done:
        filled(done, start, *"abc")
    with (tmp_path / "till.csv.sent").open("ab") as sent:
        sent.write(b"[4, ")  # killed as it wrote
    with done_of(file, ["event"], ";") as done:
        assert done.resumed(start, iter(rows(*names))).done == count
    assert (tmp_path / "till.csv.refused.csv").exists() == refused
    assert (tmp_path / "till.csv.sent").stat().st_mode & 0o777 == 0o600
    with done_of(file, ["event"], ";") as done:
        assert done.resumed(first_chain("http://other", "till"), iter(rows(*names))).done == 0


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with done_of(tmp_path / "a", [], ","), pytest.raises(InUse), done_of(tmp_path / "a", [], ","):
        pass


def test_the_page_is_true(shop: Shop) -> None:
    """Its table is read as it says, one row of it is refused, and nothing is sent without a word."""
    (table,) = blocks(ROOT / "config" / "doors" / "files.md", language="text")
    (shop.folder / "till.csv").write_text(table.text)
    done = shop("send", "till.csv", "--dry-run", "--set", "event=purchase")
    assert done.code == 1
    assert '"event_id":"purchase_T1"' in done.out
    assert "1234.5" in done.out
    assert "line 3, Value: was shortened" in done.err
    assert "bob@example.com" not in done.err
    done = shop("send", "till.csv", "--set", "event=purchase", environ={"TAGSERVER_KEY": "k"})
    assert done.code in (2, 3)
    assert not (shop.folder / "till.csv.sent").exists()


def test_events_are_sent_with_the_time_that_they_may_wait() -> None:
    """For the page's copies; beside the events, and nothing where nobody wants it."""
    bodies: list[dict[str, object]] = []

    def post(body: bytes) -> httpx.Response:
        bodies.append(json.loads(body))
        return httpx.Response(202, json={"events": [{"event_id": "e", "status": "accepted"}]})

    for held in (600, 0):
        Sending(post, lambda seconds: None, 60, lambda seconds, why: None, held).send([{"event": "purchase"}])
    assert [sorted(body) for body in bodies] == [["events", "wait"], ["events"]]
    assert bodies[0]["wait"] == 600


@pytest.mark.parametrize("wait", ["25h", "soon", "-1m"])
def test_a_wait_that_is_none_is_a_mistake(shop: Shop, wait: str) -> None:
    (shop.folder / "till.csv").write_text("order;value\n1;2\n")
    done = shop("send", "till.csv", "--dry-run", "--wait", wait)
    assert done.code == 2
    assert "--wait" in done.err
