"""`/-/stream`: what is put on record, as a browser hears it."""

from __future__ import annotations

from tests.server.conftest import BEARER, CONTAINER, GRANTED, Running, Start, purchase
from tests.server.listener import listening

EVIL = "<script>alert(1)</script>\n\nevent: end\ndata: {}\n\n"
EVERYTHING = CONTAINER + "  - {name: Meta all, destination: meta, triggers: [all]}\n"


async def test_what_strangers_send_stays_within_its_message(start: Start) -> None:
    """No line of theirs begins another one."""
    server: Running = await start(container=EVERYTHING)
    async with listening(server) as listener:
        await server.collect(
            {"event": EVIL, "event_id": EVIL, "consent": GRANTED, "ecommerce": {"transaction_id": EVIL}}
        )
        await server.http.post("/collect", json=purchase(), headers={"origin": "https://evil.example/<b>"})
        await server.collect(purchase())
        await listener.until('"purchase_T-1","tag"')
        told = listener.messages()
    assert not [one for one in told if one[0] not in ("record", "attempt")]
    assert "T-1" in {data.get("order") for kind, data in told if kind == "record"}
    assert all(
        line.startswith(("event: ", "id: ", "data: ", "retry: ", ":")) or not line for line in listener.text.split("\n")
    )


async def test_who_comes_again_hears_what_was_missed(server: Running) -> None:
    await server.collect([purchase(), purchase("purchase_T-2"), purchase("purchase_T-3")])
    await server.runtime.records.flush()
    async with listening(server, "after=1") as listener:
        await listener.until("T-3")
    assert [data["record"] for _, data in listener.messages()] == [2, 3]
    async with listening(server, "after=1", **{"last-event-id": "2"}) as listener:
        await listener.until("T-3")
    assert [data["record"] for _, data in listener.messages()] == [3]


async def test_who_comes_again_hears_equal_refusals_go_on(server: Running) -> None:
    async def refused() -> None:
        await server.http.post("/collect", json=purchase(), headers={"origin": "https://other.example"})
        await server.runtime.records.flush()

    await refused()
    async with listening(server, "after=0") as listener:
        await listener.until('"count":1')
        await refused()
        await listener.until('"count":2')


async def test_the_filters_are_those_of_the_list(server: Running) -> None:
    async with listening(server, "name=purchase&verdict=fired") as listener:
        await server.collect({"event": "page_view", "event_id": "v-1", "consent": GRANTED})
        await server.collect(purchase())
        await listener.until("T-1")
    assert [data["name"] for kind, data in listener.messages() if kind == "record"] == ["purchase"]
    answer = await server.http.get("/-/stream", params={"verdict": "x"}, headers=BEARER)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "bad_filter")
