"""Send as test: one event to one vendor in its test mode; consent, privacy, opt-outs and pauses count as ever."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.audit.files import FOLDER, read_rows
from tagserver.explain.send_as_test import CannotSend
from tests.delivery.support import until

from .conftest import CONTAINER, ENVIRON, Running, Start, purchase

OTHERS = CONTAINER.replace(
    "triggers:\n",
    """\
  hook: {type: file, path: events}
  shown: {type: meta_capi, pixel_id: "1", access_token: "${env:MISSING}", api_url: http://vendor.internal}
triggers:
""",
    1,
)
DENIED = {"ad_storage": "denied", "ad_user_data": "denied", "ad_personalization": "denied"}


async def send(server: Running, event: dict[str, Any], to: str = "meta", code: str = "TEST1") -> list[dict[str, Any]]:
    told = await server.runtime.vendor_tests.send({"event": event}, to, code, "anna")
    sent: list[dict[str, Any]] = told["sent"]
    return sent


async def test_it_reaches_the_vendor_with_the_code_alone(server: Running) -> None:
    """Nothing is queued, and the next real event has no code."""
    (sent,) = await send(server, purchase())
    assert (sent["tag"], sent["name"], sent["outcome"], sent["status"]) == (
        "Meta purchase",
        "Purchase",
        "delivered",
        200,
    )
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0
    first = (await server.vendor.get("/stats.json")).json()
    assert first["arrivals"] == 1
    assert (await server.collect(purchase("purchase_T-2"))).status_code == 202
    assert (await server.drained())["arrivals"] == 2
    assert server.runtime.container.destinations["meta"].settings.test_event_code is None


async def test_the_vendors_words_are_shown_without_secrets(server: Running) -> None:
    """What it refuses, it says why; once, and nothing is stopped for it."""
    await server.vendor.post("/control", json={"dead_tokens": [ENVIRON["META_TOKEN"]]})
    (sent,) = await send(server, purchase())
    assert (sent["outcome"], sent["status"]) == ("paused", 401)
    assert "access token" in sent["said"]
    assert ENVIRON["META_TOKEN"] not in repr(sent)
    assert (await server.status())["destinations"]["meta"]["state"] == "ok"


async def test_the_gate_has_no_way_around(server: Running) -> None:
    """Without consent nothing leaves, and the decisions say why."""
    told = await server.runtime.vendor_tests.send({"event": purchase(consent=DENIED)}, "meta", "TEST1", "anna")
    assert told["sent"] == []
    assert (told["tags"][0]["decision"], told["tags"][0]["reason"]) == ("block", "consent")
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0


async def test_who_has_withdrawn_is_not_sent(server: Running) -> None:
    """By the same policy that is asked before each attempt."""
    denial = {"event": "consent", "client_id": "c-erika", "consent": DENIED}
    await server.http.post("/collect", json=denial, headers={"authorization": "Bearer backend-key"})
    (sent,) = await send(server, purchase(client_id="c-erika"))
    assert (sent["outcome"], sent["message"].partition(":")[0]) == ("not_sent", "consent")
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0


@pytest.mark.parametrize(
    ("to", "code", "word"),
    [
        ("nobody", "TEST1", "unknown_destination"),
        ("hook", "TEST1", "no_test_mode"),
        ("shown", "TEST1", "paused"),
        ("meta", "", "bad_code"),
        ("meta", "x" * 101, "bad_code"),
        ("meta", "a\r\nb", "bad_code"),
    ],
)
async def test_what_cannot_be_sent(start: Start, to: str, code: str, word: str) -> None:
    """It says why, and no request leaves."""
    server: Running = await start(container=OTHERS)
    with pytest.raises(CannotSend) as refused:
        await send(server, purchase(), to, code)
    assert refused.value.code == word
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0


async def test_a_destination_that_somebody_has_stopped_gets_nothing(server: Running) -> None:
    """A pause is a pause."""
    await server.runtime.pausing.pause("meta", by="anna", note="", seconds=None)
    with pytest.raises(CannotSend, match="nothing is sent to meta"):
        await send(server, purchase())


async def test_it_is_on_record_without_a_value(server: Running) -> None:
    """Who, to whom, and what kind of event."""
    await send(server, purchase(user_data={"email": "sentinel@example.com"}))
    await send(server, purchase(consent=DENIED))

    def rows() -> list[dict[str, Any]]:
        found = (dict(row.record or {}) for row in read_rows(server.data / FOLDER))
        return [row for row in found if row["kind"] == "test_sent"]

    await until(lambda: len(rows()) == 1)
    (row,) = rows()
    assert {name: row[name] for name in ("by", "destination", "event")} == {
        "by": "anna",
        "destination": "meta",
        "event": "purchase",
    }
    stored = b"".join(path.read_bytes() for path in (server.data / FOLDER).iterdir())
    assert b"sentinel" not in stored
    assert b"purchase_T-1" not in stored
