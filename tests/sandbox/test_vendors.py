"""Stand-ins for the vendors beside Meta: they answer as each documents success, and say what arrived."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import NOW, Sandbox

LONE: dict[str, tuple[str, Any, int, Any]] = {
    "ga4": ("mp/collect", {"events": [{"name": "purchase", "params": {"event_id": "o-1"}}]}, 204, None),
    "linkedin": (
        "rest/conversionEvents",
        {"elements": [{"conversion": "purchase", "eventId": "o-1"}]},
        200,
        {"elements": [{"status": 201}]},
    ),
    "pinterest": (
        "v5/ad_accounts/1/events",
        {"data": [{"event_name": "purchase", "event_id": "o-1"}]},
        200,
        {
            "num_events_received": 1,
            "num_events_processed": 1,
            "events": [{"status": "processed", "error_message": "", "warning_message": ""}],
        },
    ),
    "reddit": (
        "api/v3/pixels/a2_1/conversion_events",
        {"data": {"events": [{"type": {"tracking_type": "purchase"}, "metadata": {"conversion_id": "o-1"}}]}},
        200,
        {"data": {"message": "Successfully processed 1 conversion events."}},
    ),
    "snapchat": ("v3/p/events", {"data": [{"event_name": "purchase", "event_id": "o-1"}]}, 200, None),
    "tiktok": ("open_api/v1.3/event/track/", {"data": [{"event": "purchase", "event_id": "o-1"}]}, 200, None),
    "webhook": ("events", {"type": "purchase", "data": {"event_id": "o-1"}}, 204, None),
}


async def post(sandbox: Sandbox, vendor: str, body: Any) -> Any:
    return await sandbox.http.post(f"/vendors/{vendor}/{LONE.get(vendor, ('x',))[0]}", json=body)


async def seen(sandbox: Sandbox) -> dict[str, Any]:
    made: dict[str, Any] = (await sandbox.http.get("/vendors.json")).json()
    return made


@pytest.mark.parametrize("vendor", LONE)
async def test_each_answers_in_its_own_words(sandbox: Sandbox, vendor: str) -> None:
    _, body, status, said = LONE[vendor]
    answer = await post(sandbox, vendor, body)
    assert answer.status_code == status
    if said is not None:
        assert answer.json() == said
    assert await seen(sandbox) == {
        vendor: {"requests": 1, "count": 1, "events": [{"at": NOW, "name": "purchase", "event_id": "o-1"}]}
    }
    assert (await sandbox.stats())["requests"] == 0


async def test_a_batch_is_answered_for_each(sandbox: Sandbox) -> None:
    """The newest event first."""
    events = [{"event_name": "checkout", "event_id": f"o-{number}"} for number in range(3)]
    assert len((await post(sandbox, "pinterest", {"data": events})).json()["events"]) == 3
    found = (await seen(sandbox))["pinterest"]
    assert (found["requests"], found["count"]) == (1, 3)
    assert [one["event_id"] for one in found["events"]] == ["o-2", "o-1", "o-0"]


@pytest.mark.parametrize(
    ("vendor", "content", "status"),
    [
        ("tiktok", b"{", 400),
        ("tiktok", b"[" * 5000, 400),
        ("tiktok", b'{"data": {}}', 400),
        ("reddit", b'{"data": [1]}', 400),
        ("linkedin", b'{"elements": [1]}', 400),
        ("nobody", b"{}", 404),
    ],
)
async def test_what_is_none_of_the_vendors_requests(sandbox: Sandbox, vendor: str, content: bytes, status: int) -> None:
    answer = await sandbox.http.post(f"/vendors/{vendor}/x", content=content)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert await seen(sandbox) == {}


async def test_the_page_names_them_and_forgets_them(sandbox: Sandbox) -> None:
    assert "other vendors" not in (await sandbox.http.get("/")).text
    await post(sandbox, "tiktok", {"data": [{"event": "<b>", "event_id": "o-1"}]})
    page = (await sandbox.http.get("/")).text
    assert "Stand-ins for other vendors" in page
    assert "&lt;b&gt; <code>o-1</code>" in page
    await sandbox.http.post("/reset")
    assert await seen(sandbox) == {}


async def test_what_is_kept_has_an_end(sandbox: Sandbox) -> None:
    events = [{"event": "Purchase", "event_id": str(number)} for number in range(1500)]
    await post(sandbox, "tiktok", {"data": events})
    found = (await seen(sandbox))["tiktok"]
    assert (found["count"], len(found["events"])) == (1500, 1000)
    assert found["events"][0]["event_id"] == "1499"
