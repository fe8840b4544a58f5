"""Of which door something is told: in the log, in the records of refused requests, and by `tagserver explain`."""

from __future__ import annotations

import pytest

from tagserver.cli.explain import told
from tests.server.conftest import BEARER, ENVIRON, ORIGIN, SERVER, Running, Start
from tests.server.test_records import asked

DOORS = (
    SERVER
    + """
clients:
  ga4: {measurement_ids: [G-ABC], api_secrets: {till: {secret: "${env:TILL}"}}}
  meta: {access_tokens: {crm: {secret: "${env:CRM}"}}}
  segment: {write_keys: {web: {secret: "${env:WEB}"}}}
  stape: {}
"""
)
HIT = "/g/collect?v=2&tid={}&en=page_view&_p=1&cid=1.2"


@pytest.fixture
async def doors(start: Start) -> Running:
    """A server with four doors."""
    server: Running = await start(server=DOORS, environ={**ENVIRON, "TILL": "t", "CRM": "c", "WEB": "w"})
    return server


async def test_refused_requests_of_doors_are_told_apart(doors: Running, caplog: pytest.LogCaptureFixture) -> None:
    """One code at several doors is not counted as one door's, and what is said names the place to mend."""
    other = {"origin": "https://www.shop.example"}
    for path, headers in (
        (HIT.format("G-ABC"), other),
        (HIT.format("G-ABD"), {"origin": ORIGIN}),
        ("/data?v=2", {}),
        ("/v1/track", {"authorization": "Bearer no"}),
        ("/v26.0/1/events", {"authorization": "Bearer no"}),
        ("/v26.0/1/events", {"authorization": "Bearer no"}),
        ("/collect", {"authorization": "Bearer no"}),
    ):
        assert (await doors.http.post(path, content=b"{}", headers=headers)).status_code in (401, 403)
    found = (await asked(doors, "events.json", status="refused"))["events"]
    assert {
        (one["client"], one["origin"] or "", one["problems"][0]["message"].partition("; ")[0]): one["count"]
        for one in found
    } == {
        ("ga4", other["origin"], f"the origin {other['origin']} may not post here"): 1,
        ("ga4", ORIGIN, "refused by client ga4: measurement_id"): 1,
        ("stape", "", "neither a browser's Origin nor a server's key"): 1,
        ("segment", "", "refused by client segment: unknown_key"): 1,
        ("meta", "", "refused by client meta: unknown_key"): 2,
        ("", "", "this key is not known here"): 1,
    }
    lines = [each.getMessage() for each in caplog.records if each.name == "tagserver.refused"]
    for place in (
        "origin that may not post came at the address of the client ga4",
        "origin that may not post came at the address of the client stape",
        "a wrong key came at the address of the client segment",
        "a wrong key came at the address of the client meta",
        "a wrong key came at /collect",
    ):
        assert len([line for line in lines if place in line]) == 1, place
    assert len(lines) == 5


async def test_an_event_says_by_which_door_it_came(doors: Running) -> None:
    """A sender's name is the site's own and says little; that of our own door is left out."""
    await doors.http.post(HIT.format("G-ABC") + "&ep.event_id=e-1", headers={"origin": ORIGIN})
    await doors.http.post("/collect", json={"event": "page_view", "event_id": "e-2"}, headers={"origin": ORIGIN})
    await doors.http.post("/v1/track", content=b"{}", headers={"authorization": "Bearer no"})
    for event_id, facts in (("e-1", "from browser (ga4), "), ("e-2", "from browser, ")):
        (record,) = (await asked(doors, f"events/{event_id}.json"))["records"]
        assert facts in list(told(record))[1]
    (refused,) = (await asked(doors, "events.json", status="refused"))["events"]
    number = refused["record"]
    (record,) = (await asked(doors, f"events/record:{number}.json"))["records"]
    assert "by way of segment" in list(told(record))[1]


async def test_the_status_tells_of_each_door(start: Start) -> None:
    """Who cannot send yet is seen before a sender misses it."""
    more = "  webhooks: {}\n  pixel: {}\n"
    server = await start(server=DOORS + more, environ={**ENVIRON, "TILL": "t", "WEB": "w"})
    shown = (await server.http.get("/-/status.json", headers=BEARER)).json()["clients"]
    assert shown == {
        "ga4": {"state": "ok", "senders": ["till"], "without_secret": []},
        "meta": {"state": "paused", "senders": ["crm"], "without_secret": ["crm"]},
        "segment": {"state": "ok", "senders": ["web"], "without_secret": []},
        "stape": {"state": "ok", "senders": [], "without_secret": []},
        "webhooks": {"state": "paused", "senders": [], "without_secret": []},
        "pixel": {"state": "ok", "senders": [], "without_secret": []},
    }
