"""Preview sessions: events of theirs that wait for consent, what is kept of them, and how many there may be."""

from __future__ import annotations

from urllib.parse import quote

from tagserver.system.time import Time

from .conftest import BEARER, CONTAINER, GRANTED, TWO, Running, post, purchase
from .previews import refused, sent, started

# ── events that wait for consent


WAITING = {"default": {"ad_storage": "denied", "ad_user_data": "denied", "wait_for_update": 5000}}


async def test_an_event_that_has_waited_is_still_its_sessions(server: Running) -> None:
    """Whoever lets it go: here the same visitor in another tab, without the link."""
    session = await started(server)
    told = await sent(server, session, purchase(client_id="c", consent=WAITING))
    assert told["events"][0]["status"] == "held"
    assert "preview" not in told["events"][0]
    page = {"location": "https://shop.example/thanks"}
    await server.collect({"event": "consent", "client_id": "c", "page": page, "consent": {"update": GRANTED}})
    assert server.runtime.consent_wait.ended["granted"] == 1
    assert (await server.drained())["arrivals"] == 0


async def test_a_session_that_lets_go_of_an_ordinary_event(server: Running) -> None:
    """It counts."""
    await server.collect(purchase(client_id="c", consent=WAITING))
    session = await started(server, TWO)
    page = {"location": "https://shop.example/thanks"}
    await sent(server, session, {"event": "consent", "client_id": "c", "page": page, "consent": {"update": GRANTED}})
    assert [one["event_id"] for one in (await server.drained())["events"]] == ["purchase_T-1"]


COOKIEBOT = "CookieConsent=" + quote(
    "{stamp:'x',necessary:true,preferences:true,statistics:true,marketing:true,method:'explicit',ver:1,utc:1,region:'de'}"
)


async def test_what_a_draft_takes_for_consent_counts_for_its_session_alone(server: Running) -> None:
    """An ordinary event of the same page waits on: what serves does not read this cookie."""
    await server.collect(purchase(client_id="c", consent=WAITING))
    session = await started(server, CONTAINER + "consent: {cmp_cookies: [cookiebot]}\n")
    page = {"location": "https://shop.example/thanks"}
    await sent(server, session, purchase("purchase_T-2", client_id="c", consent=WAITING))
    later = {"event": "consent", "client_id": "c", "page": page}
    await sent(server, session, later, cookie=COOKIEBOT)
    assert server.runtime.consent_wait.ended["granted"] == 1
    waiting = [one.event.event_id for one in server.runtime.consent_wait.held.values()]
    assert waiting == ["purchase_T-1"]
    assert (await server.drained())["arrivals"] == 0


async def test_an_opt_out_stands_whatever_a_draft_reads(server: Running) -> None:
    """Neither is one laid, nor lifted, by what a draft alone takes for the visitor's word."""
    key = {"authorization": "Bearer backend-key"}
    denied = purchase("d-1", event="consent", consent={"update": dict.fromkeys(GRANTED, "denied")})
    assert (await server.http.post("/collect", json=denied, headers=key)).status_code == 202
    session = await started(server, CONTAINER + "consent: {cmp_cookies: [cookiebot]}\n")
    body = {"events": [purchase("p-1", consent={})], "ctx": {"ts_preview": session["grant"]}}
    await server.http.post("/collect", json=body, headers={**key, "cookie": COOKIEBOT})
    await server.collect(purchase("p-2"))
    assert (await server.drained())["arrivals"] == 0


async def test_an_event_whose_session_has_ended_meanwhile_is_not_sent(server: Running) -> None:
    session = await started(server, send="live")
    await sent(server, session, purchase(client_id="c", consent=WAITING))
    await post(server, "preview/sessions/end.json", {"id": session["id"]})
    page = {"location": "https://shop.example/thanks"}
    await server.collect({"event": "consent", "client_id": "c", "page": page, "consent": {"update": GRANTED}})
    assert (await server.drained())["arrivals"] == 0


# ── what is kept


async def test_records_name_the_session_and_its_orders_are_none(server: Running) -> None:
    """With all that is known, whatever the level."""
    session = await started(server, TWO)
    await sent(server, session, purchase())
    await server.collect(purchase("e-2"))
    await server.runtime.records.flush()
    (shown,) = (await server.http.get("/-/events/purchase_T-1.json", headers=BEARER)).json()["records"]
    assert (shown["session"], shown["dry"], shown["container"]) == (session["id"], True, session["draft"])
    assert (shown["level"], shown["deliveries"], shown["decisions"]["send"]) == ("full", {}, 1)
    (other,) = (await server.http.get("/-/events/e-2.json", headers=BEARER)).json()["records"]
    assert "session" not in other
    orders = [await server.http.get(f"/-/orders/{one}.json", headers=BEARER) for one in ("T-1", "e-2")]
    assert [one.status_code for one in orders] == [404, 200]


# ── the list


async def test_what_runs_is_listed_and_on_record(server: Running) -> None:
    first, second = await started(server, by="anna"), await started(server, TWO, minutes=5)
    await sent(server, first, purchase(), purchase("e-2"))
    answer = await server.http.get("/-/preview/sessions.json", headers=BEARER)
    shown = answer.json()["sessions"]
    assert [one["id"] for one in shown] == [second["id"], first["id"]]
    assert [one["events"] for one in shown] == [0, 2]
    assert shown[1] == first | {"events": 2}
    assert shown[0]["files"] == ["container.yaml"]
    assert abs(shown[0]["expires"] - Time().now() - 300_000) < 60_000
    assert (await server.http.get("/-/preview/sessions.json")).status_code == 401


async def test_there_is_room_for_so_many(server: Running) -> None:
    for _ in range(8):
        await started(server, TWO)
    assert (await refused(server, TWO))["detail"].startswith("8 sessions with a draft run already; end one")
    for _ in range(42):
        await started(server)
    assert (await refused(server))["detail"].startswith("50 preview sessions run already; end one")
