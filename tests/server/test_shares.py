"""A snapshot opens without a login, shows nothing personal and runs nothing, until it expires or is revoked."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from tagserver.records.sharing import DAY, read_snapshot, snapshot

from .conftest import BEARER, CONTAINER, ENVIRON, SERVER, Running, Start, purchase

FULL = SERVER + "records: {level: full}\n"
FORM = {"content-type": "application/x-www-form-urlencoded"}
HTML = {"accept": "text/html"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


async def shared(server: Running, event_id: str = "purchase_T-1", **order: int) -> dict[str, Any]:
    """Shares an event, which is on record by then."""
    await server.runtime.records.flush()
    answer = await server.http.post(f"/-/events/{event_id}/share", json=order, headers=BEARER)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def opened(server: Running, made: dict[str, Any], more: str = "") -> httpx.Response:
    """What somebody without a login gets."""
    server.http.cookies.clear()
    return await server.http.get(f"/-/s/{made['id']}{more}", headers=HTML)


async def test_a_link_opens_without_a_login(server: Running) -> None:
    await server.collect(purchase())
    await server.drained()
    made = await shared(server)
    assert made["address"].endswith(f"/-/s/{made['id']}")
    assert re.fullmatch("[0-9a-f]{32}", made["id"])
    assert made["expires"] - made["made"] == 7 * DAY
    page = await opened(server, made)
    assert page.status_code == 200
    for told in ("purchase", "Meta purchase", "Meta lead", "delivered", "events_received", "T-1", "59.9"):
        assert told in page.text
    told = (await opened(server, made, ".json")).json()
    (record,) = told["records"]
    assert (record["event_id"], record["deliveries"]) == ("purchase_T-1", {"delivered": 1})
    assert told["expires"] == made["expires"]


@pytest.mark.parametrize("more", ["", ".html", ".html?download", ".json", "0", ".xml"])
async def test_what_is_open_is_for_no_search_engine_and_leads_nowhere(server: Running, more: str) -> None:
    await server.collect(purchase())
    answer = await opened(server, await shared(server), more)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text
    assert "/-/" not in answer.text
    if not more.endswith(".json"):
        assert '<meta name="robots" content="noindex' in answer.text


async def test_a_file_needs_nothing_else(server: Running) -> None:
    await server.collect(purchase())
    made = await shared(server)
    answer = await opened(server, made, ".html?download")
    assert answer.headers["content-disposition"] == f'attachment; filename="event-{made["id"][:8]}.html"'
    assert "<style>" in answer.text
    assert re.findall(r'(?:href|src|action)="', answer.text) == []
    assert "content-disposition" not in (await opened(server, made, ".html")).headers


async def test_nothing_personal_and_no_markup_of_strangers_is_in_it(start: Start) -> None:
    server: Running = await start(server=FULL)
    event = purchase(
        event=f"purchase{EVIL}",
        user_data={"email": "erika@example.com", "address": {"first_name": "Erikafirst"}},
        user_id="user-erika-77",
        note=EVIL,
        page={"location": "https://shop.example/thanks?email=erika@example.com&fbclid=Click-Erika-99"},
    )
    event[EVIL] = EVIL
    await server.collect(event, cookie="_fbp=fb.1.1700000000000.1234567890")
    made = await shared(server)
    for more in ("", ".html", ".json"):
        text = (await opened(server, made, more)).text
        for secret in ("erika@example.com", "Erikafirst", "user-erika-77", "Click-Erika-99", "1234567890"):
            assert secret not in text, secret
        if more != ".json":
            assert "<script" not in text
            assert "<img" not in text


EMPTY: dict[str, Any] = {"tags": [], "status": "held", "name": "p", "order": None, "value": None}


def test_words_are_those_of_today_and_not_masked() -> None:
    """A time looks like a telephone number; and of what an older version has kept there are none."""
    erased = {"state": "erased", "reason": "consent", "at": 1_796_119_234_000, "attempts": []}
    tag = {"tag": "T", "destination": "d", "decision": "send", "reason": "fired", "detail": "", "delivery": erased}
    known = {"verdict": "erased", "told": {"kind": "muted", "word": "erased", "text": "at 2026-12-01 10:00:34 UTC"}}
    record = {**EMPTY, "event_id": "e-1", "status": "accepted"}
    records = [record | {"tags": [tag]}, record | {"tags": [tag | known], "verdicts": {}, "told": {"heading": "x"}}]
    for one in read_snapshot(snapshot(records))["records"]:
        assert one["tags"][0]["told"]["text"] == "erased: consent for it was withdrawn, at 2026-12-01 10:00:34 UTC"
        assert (one["verdicts"], one["told"]["heading"]) == ({"erased": 1}, "p")


async def test_what_a_record_should_not_have_held_is_masked_once_more(server: Running) -> None:
    records = [
        {**EMPTY, "event_id": "e-1", "event": {"hidden": {"mail": ["erika@example.com", 4930123456789]}}, "received": 1}
    ]
    text = json.dumps(read_snapshot(snapshot(records)))
    assert "erika@example.com" not in text
    assert "4930123456789" not in text
    assert "e-1" in text


@pytest.mark.parametrize("how", ["revoked", "expired", "unknown", "no id"])
async def test_what_is_gone_and_what_never_was_look_alike(server: Running, how: str) -> None:
    await server.collect(purchase())
    made = await shared(server, days=1)
    wanted = made["id"]
    if how == "revoked":
        answer = await server.http.post(f"/-/shares/{made['id']}/revoke", headers=BEARER)
        assert answer.json() == {"revoked": made["id"]}
    elif how == "expired":
        found = await asyncio.to_thread(server.runtime.records.store.shared, made["id"], made["expires"] - 1)
        assert found is not None
        from tagserver.records.values import Share

        store = server.runtime.records.store
        await asyncio.to_thread(store.revoke, made["id"])
        old = Share(made["id"], 1, made["made"], found.by, found.event_id, found.content)
        await asyncio.to_thread(store.share, old)
    else:
        wanted = "0" * 32 if how == "unknown" else "x" * 40
    gone = await opened(server, {"id": wanted})
    never = await opened(server, {"id": "f" * 32})
    assert gone.status_code == never.status_code == 404
    if how != "no id":
        assert gone.text == never.text
    assert (await opened(server, {"id": "f" * 32}, ".json")).json()["problems"][0]["code"] == "unknown_share"


async def test_who_guesses_must_wait(server: Running) -> None:
    for number in range(31):
        answer = await opened(server, {"id": f"{number:032x}"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert (await opened(server, {"id": "f" * 32}, ".json")).status_code == 429
    listed = await server.http.get("/-/shares.json", headers=BEARER)
    assert listed.status_code == 200


@pytest.mark.parametrize("days", [0, 31, -1, "7", 1.5, None])
async def test_days_have_bounds(server: Running, days: Any) -> None:
    await server.collect(purchase())
    await server.runtime.records.flush()
    address = "/-/events/purchase_T-1/share"
    answer = await server.http.post(address, json={"days": days}, headers=BEARER)
    assert answer.status_code == 400
    assert "1 to 30" in answer.json()["problems"][0]["message"]
    form = await server.http.post(address, content=f"days={days}x", headers=BEARER | FORM)
    assert form.status_code == 400


async def test_a_form_leads_to_the_list(server: Running) -> None:
    await server.collect(purchase())
    await server.runtime.records.flush()
    answer = await server.http.post("/-/events/record:1/share", content="days=3", headers=BEARER | FORM)
    assert answer.status_code == 303
    page = await server.http.get(answer.headers["location"], headers=BEARER)
    (listed,) = (await server.http.get("/-/shares.json", headers=BEARER)).json()["shares"]
    assert listed["id"] in page.text
    assert listed["event_id"] == "purchase_T-1"
    assert listed["expires"] - listed["made"] == 3 * DAY
    gone = await server.http.post(f"/-/shares/{listed['id']}/revoke", content="x=1", headers=BEARER | FORM)
    assert (gone.status_code, gone.headers["location"]) == (303, "/-/shares")
    assert "Nothing is shared" in (await server.http.get("/-/shares", headers=BEARER)).text


async def test_it_is_on_record_who_shared_what(server: Running) -> None:
    await server.collect(purchase())
    made = await shared(server)
    await server.http.post(f"/-/shares/{made['id']}/revoke", headers=BEARER)
    await asyncio.to_thread(server.runtime.audit.close)
    rows = [
        json.loads(line)
        for path in sorted((server.data / "audit").iterdir())
        for line in path.read_text().splitlines()
        if '"share"' in line
    ]
    assert [one["action"] for one in rows] == ["made", "revoked"]
    assert all(one["by"] == "admin" and one["until"].startswith("20") for one in rows)
    assert all(len(one["event"]) == 16 for one in rows)
    assert made["id"] not in json.dumps(rows)


@pytest.mark.parametrize("asked", [{"email": "erika@example.com"}, {"order": "T-1"}], ids=str)
async def test_forget_takes_the_shares_of_a_person(server: Running, asked: dict[str, str]) -> None:
    await server.collect(purchase())
    await server.collect(purchase("purchase_T-2", user_data={"email": "max@example.com"}))
    mine, other = await shared(server), await shared(server, "purchase_T-2")
    await server.http.post("/-/forget.json", json=asked, headers=BEARER)
    assert (await opened(server, mine)).status_code == 404
    assert (await opened(server, other)).status_code == 200
    assert [one["id"] for one in (await server.http.get("/-/shares.json", headers=BEARER)).json()["shares"]] == [
        other["id"]
    ]


async def test_an_unknown_event_cannot_be_shared(server: Running) -> None:
    answer = await server.http.post("/-/events/nobody/share", json={}, headers=BEARER)
    assert answer.status_code == 404
    assert (await server.http.post(f"/-/shares/{'0' * 32}/revoke", headers=BEARER)).status_code == 404


@pytest.mark.parametrize("address", ["/-/events/purchase_T-1/share", f"/-/shares/{'0' * 32}/revoke", "/-/s/x"])
async def test_nobody_changes_anything_without_a_login(server: Running, address: str) -> None:
    assert (await server.http.post(address, json={})).status_code in (401, 405)


async def test_who_may_only_look_shares_nothing(start: Start) -> None:
    """And revokes nothing; the links that are open they see."""
    named = 'admin: {tokens: {vera: {token: "${env:TOKEN_OF_VERA}", role: view}}}\n'
    token = "token-of-vera-who-may-look"
    server: Running = await start(server=SERVER + named, environ=ENVIRON | {"TOKEN_OF_VERA": token})
    vera = {"authorization": f"Bearer {token}"}
    await server.collect(purchase())
    made = await shared(server)
    for address in ("/-/events/purchase_T-1/share", f"/-/shares/{made['id']}/revoke"):
        answer = await server.http.post(address, json={}, headers=vera)
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (403, "view_only")
    listed = (await server.http.get("/-/shares.json", headers=vera)).json()["shares"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "Revoke" not in (await server.http.get("/-/shares", headers=vera)).text


# ── copies and comparisons

CONDITION = CONTAINER.replace(
    "  lead: {event: generate_lead}\n",
    '  lead: {event: generate_lead}\n  thanks: {event: purchase, when: {page.path: "/thanks"}}\n',
).replace("tags:\n", "tags:\n  - {name: Meta thanks, destination: meta, triggers: [thanks]}\n")


async def test_an_event_is_copied_as_test_and_as_curl(start: Start) -> None:
    server: Running = await start(server=FULL)
    await server.collect(purchase())
    await server.runtime.records.flush()
    case = await server.http.get("/-/events/purchase_T-1/test.yaml", headers=BEARER)
    assert case.headers["content-type"].startswith("text/plain")
    assert "    send: [Meta purchase]\n" in case.text
    command = await server.http.get("/-/events/record:1/curl.txt", headers=BEARER)
    assert "Origin: https://shop.example" in command.text
    assert "/collect" in command.text
    for text in (case.text, command.text):
        assert "erika.beispiel@example.com" in text
        assert "erika@example.com" not in text
        assert "T-1" not in text


async def test_the_container_of_that_moment_is_asked(start: Start) -> None:
    server: Running = await start(server=FULL, container=CONDITION)
    await server.collect(purchase())
    await server.runtime.records.flush()
    folder = server.data.parent / "config"
    (folder / "container.yaml").write_text(CONTAINER)
    answer = await server.http.post("/-/reload", json={}, headers=BEARER)
    assert answer.status_code == 200, answer.text
    case = await server.http.get("/-/events/purchase_T-1/test.yaml", headers=BEARER)
    assert "Meta thanks" in case.text
    assert "nobody has tried" not in case.text


async def test_two_events_are_compared(start: Start) -> None:
    server: Running = await start(server=FULL, container=CONDITION)
    await server.collect(purchase())
    await server.collect(purchase("purchase_T-2", page={"location": "https://shop.example/thank-you"}))
    await server.runtime.records.flush()
    query = {"a": "purchase_T-1", "b": "record:2"}
    found = (await server.http.get("/-/compare.json", params=query, headers=BEARER)).json()
    assert found["tags"][0]["tag"] == "Meta thanks"
    assert found["tags"][0]["because"] == [{"path": "page.path", "a": "/thanks", "b": "/thank-you"}]
    page = await server.http.get("/-/compare", params=query, headers=BEARER)
    assert page.status_code == 200
    assert page.text.index("Meta thanks") < page.text.index("page.location")
    assert "/thank-you" in page.text


@pytest.mark.parametrize("query", [{}, {"a": "purchase_T-1"}, {"a": "x", "b": "y"}], ids=str)
async def test_a_comparison_says_what_it_needs(server: Running, query: dict[str, str]) -> None:
    page = await server.http.get("/-/compare", params=query, headers=BEARER | HTML)
    assert page.status_code == 200
    assert "Second event" in page.text
    machine = await server.http.get("/-/compare.json", params=query, headers=BEARER)
    assert machine.status_code in (400, 404)
