"""The page, the counts for programs, and forgetting."""

from __future__ import annotations

from tests.sandbox.conftest import Sandbox

COUNTS = {"arrivals", "events_received", "pixel_hits", "unique", "pairs", "duplicates"}


async def test_stats(sandbox: Sandbox) -> None:
    """The exact shape of /stats.json."""
    custom = {"value": 10, "currency": "EUR"}
    await sandbox.hit("Purchase", "o-1")
    sandbox.now += 1
    place = {"data_processing_options_country": 1, "data_processing_options_state": 1000}
    limited = {"data_processing_options": ["LDU"], **place}
    event = sandbox.event("o-1", event_name="Purchase", custom_data=custom, **limited)
    await sandbox.send(event, sandbox.event("e-2"), test_event_code="TEST1")
    stats = await sandbox.stats()
    assert stats.keys() == COUNTS | {"requests", "refused", "faults", "by_name", "last_refusal", "events"}
    assert stats["last_refusal"] is None
    assert {key: stats[key] for key in COUNTS} == {
        "arrivals": 3,
        "events_received": 2,
        "pixel_hits": 1,
        "unique": 2,
        "pairs": 1,
        "duplicates": 1,
    }
    assert list(stats["by_name"]) == ["Purchase", "Lead"]
    assert all(counts.keys() == COUNTS for counts in stats["by_name"].values())
    newest, oldest = stats["events"]
    assert newest["event_id"] == "e-2"
    assert oldest == {
        "pixel": "123",
        "event_name": "Purchase",
        "event_id": "o-1",
        "first_arrival": 1_790_000_000.0,
        "sources": ["browser", "server"],
        "counts": {"browser": 1, "server": 1},
        "pair": True,
        "value": 10.0,
        "currency": "EUR",
        "action_source": "website",
        "event_time": 1_790_000_001,
        "test_event_code": "TEST1",
        "data_processing_options": ["LDU"],
        "opt_out": None,
    }


async def test_shown_are_the_newest(sandbox: Sandbox) -> None:
    """Two hundred events are listed, newest first."""
    await sandbox.send(*(sandbox.event(str(number)) for number in range(250)))
    listed = [one["event_id"] for one in (await sandbox.stats())["events"]]
    assert listed == [str(number) for number in range(249, 49, -1)]


async def test_reset(sandbox: Sandbox) -> None:
    """Everything is forgotten, what came and what was armed."""
    await sandbox.arm(blame=True, status=500, next=1)
    for _ in range(2):
        await sandbox.send(sandbox.event())
    before = (await sandbox.http.get("/control")).json()
    assert (await sandbox.http.post("/reset")).json() == {"reset": True}
    assert await sandbox.counts("requests", "faults", "arrivals", "events") == [0, 0, 0, []]
    assert before["blame"]
    assert not (await sandbox.http.get("/control")).json()["blame"]
    await sandbox.send(sandbox.event())
    assert await sandbox.counts("unique") == [1]


async def test_reset_from_the_page(sandbox: Sandbox) -> None:
    """The page's button leads back to it."""
    response = await sandbox.http.post("/reset", headers={"accept": "text/html,*/*"})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert (await sandbox.http.get("/reset")).status_code == 405


async def test_page(sandbox: Sandbox) -> None:
    """Marks are symbols with words; the policy lets nothing inline run, and there is nothing inline."""
    empty = (await sandbox.http.get("/")).text
    assert "Nothing has arrived yet" in empty
    for _ in range(2):
        await sandbox.send(sandbox.event("repeated"))
    await sandbox.send(sandbox.event("pair"), sandbox.event(None))
    await sandbox.hit(event_id="pair")
    await sandbox.send({})
    await sandbox.arm(bad_ids=["x"], dead_tokens=["y"], status=503)
    response = await sandbox.http.get("/")
    for words in ("⇄ pair, counted once", "↻ repeated, counted once", "✔ counted once", "no event id"):
        assert words in response.text
    assert "Last refusal" in response.text
    assert "Faults are armed" in response.text
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in response.text
    assert " style=" not in response.text
    assert response.text.count("<script") == 1


async def test_escaping(sandbox: Sandbox) -> None:
    """A stranger's texts are shown as texts."""
    evil = "<script>alert(1)</script>\"'"
    await sandbox.hit(evil, evil, **{"cd[currency]": evil, "dpo": evil, "cd[value]": "1"})
    await sandbox.send(sandbox.event(evil, event_name=evil, data_processing_options=[evil]), test_event_code=evil)
    await sandbox.send(sandbox.event(evil, event_name=evil, event_time=1))
    text = (await sandbox.http.get("/")).text
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") >= 6


async def test_static(sandbox: Sandbox) -> None:
    """The page's files are there."""
    assert "color-scheme: light dark" in (await sandbox.http.get("/static/page.css")).text
    assert (await sandbox.http.get("/static/page.js")).headers["content-type"].startswith("text/javascript")
