"""Preview sessions at `/collect`: their events alone go another way, and their answer says what was decided."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.delivery.support import until

from .conftest import CONTAINER, GRANTED, SERVER, TWO, Running, Start, post, purchase
from .previews import HEADER, OTHER, refused, sent, started, verdicts


async def test_nothing_is_sent_and_the_answer_says_why_each_tag_did_what(server: Running) -> None:
    session = await started(server)
    assert session["link"] == f"https://shop.example/?ts_preview={session['grant']}"
    told = await sent(server, session, purchase())
    assert told["events"][0]["status"] == "accepted"
    assert "problems" not in told
    shown = told["events"][0]["preview"]
    assert (shown["session"], shown["send"]) == (session["id"], "dry")
    assert verdicts(told) == {"Meta purchase": ("send", "dry"), "Meta lead": ("skip", None)}
    lead = shown["tags"][1]
    assert lead["reason"] == "no_trigger"
    assert '"purchase"' in lead["detail"]
    assert (await server.drained())["arrivals"] == 0
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0


async def test_what_was_dry_uses_nothing_up_and_counts_nowhere(server: Running) -> None:
    """The same event and order may come for real later, and is new then."""
    before = server.runtime.meters.events
    session = await started(server)
    await sent(server, session, purchase())
    assert server.runtime.meters.events == before
    answer = await server.collect(purchase())
    assert answer.json()["events"][0] == {"event_id": "purchase_T-1", "status": "accepted", "problems": []}
    assert (await server.drained())["unique"] == 1


async def test_a_draft_decides_its_session_alone(server: Running) -> None:
    """Everybody else stays on what serves, in one and the same moment."""
    session = await started(server, TWO)
    assert session["draft"] is not None
    told = await sent(server, session, purchase())
    assert verdicts(told)["Meta all"][0] == "skip"  # the same event at Meta has gone by another tag
    assert verdicts(await sent(server, session, purchase("v-1", event="view_item"))) == {
        "Meta purchase": ("skip", None),
        "Meta all": ("send", "dry"),
        "Meta lead": ("skip", None),
    }
    answer = (await server.collect(purchase("v-2", event="view_item"))).json()
    assert answer == {"events": [{"event_id": "v-2", "status": "accepted", "problems": []}]}
    assert (await server.drained())["arrivals"] == 0
    assert (await post(server, "preview/sessions.json"))[0] == 400


async def test_live_sends_what_serves_could_send_too(server: Running) -> None:
    """A delivery leaves under the settings of what serves: a tag that only the draft has stays dry, and says why."""
    session = await started(server, TWO, send="live")
    told = await sent(server, session, purchase(), purchase("v-1", event="view_item"))
    assert verdicts(told)["Meta purchase"] == ("send", "live")
    assert verdicts(told, 1)["Meta all"] == ("send", "dry")
    (why,) = {one["why"] for one in told["events"][1]["preview"]["tags"] if one["delivery"]}
    assert why == "what serves has no tag of this name"
    assert [one["event_id"] for one in (await server.drained())["events"]] == ["purchase_T-1"]
    assert (await sent(server, session, purchase()))["events"][0]["status"] == "duplicate"


async def test_consent_is_the_gate_under_live_too(server: Running) -> None:
    session = await started(server, send="live")
    told = await sent(
        server, session, purchase(consent={}), purchase("e-2", consent={**GRANTED, "ad_storage": "denied"})
    )
    assert [verdicts(told, at)["Meta purchase"] for at in (0, 1)] == [("block", None), ("block", None)]
    assert told["events"][0]["preview"]["tags"][0]["reason"] == "consent"
    assert (await server.drained())["arrivals"] == 0


async def test_an_opt_out_keeps_a_live_event_back(server: Running) -> None:
    """What a key has said of somebody stands."""
    denied = purchase("d-1", event="consent", consent={"update": dict.fromkeys(GRANTED, "denied")})
    key = {"authorization": "Bearer backend-key"}
    assert (await server.http.post("/collect", json=denied, headers=key)).status_code == 202
    session = await started(server, send="live")
    assert verdicts(await sent(server, session, purchase()))["Meta purchase"] == ("block", None)
    assert (await server.drained())["arrivals"] == 0


async def test_a_test_goes_to_the_vendor_with_its_code_and_uses_nothing_up(server: Running) -> None:
    session = await started(server, send="test", test_codes={"": "TEST77"})
    assert session["test_codes"] == {"meta": "TEST77"}
    told = await sent(server, session, purchase())
    assert verdicts(told)["Meta purchase"] == ("send", "test")
    await server.collect(purchase())
    stats = await server.drained()
    assert stats["arrivals"] == 2
    assert (await sent(server, session, purchase()))["events"][0]["status"] == "duplicate"


async def test_a_code_of_the_settings_will_do(start: Start) -> None:
    server = await start(container=CONTAINER.replace("    access", "    test_event_code: FROM-FILE\n    access"))
    session = await started(server, send="test")
    assert verdicts(await sent(server, session, purchase()))["Meta purchase"] == ("send", "test")
    assert (await server.drained())["events"][0]["test_event_code"] == "FROM-FILE"


async def test_without_a_code_a_test_stays_dry(server: Running) -> None:
    session = await started(server, send="test")
    told = await sent(server, session, purchase())
    (why,) = {one["why"] for one in told["events"][0]["preview"]["tags"] if one["delivery"]}
    assert why == "no test code is given for meta"
    assert (await server.drained())["arrivals"] == 0


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"send": "test", "test_codes": {"x": "T"}}, "x is no destination with a test mode; those are meta"),
        ({"send": "test", "test_codes": {"meta": "a\nb"}}, "meta: a test code is one line of letters and digits"),
        ({"test_codes": {"": "T"}}, "a test code is for sessions that send tests: --send test"),
        ({"origin": OTHER}, f"{OTHER} may not post here: choose one of collect.origins (https://shop.example)"),
        ({"origin": "shop.example"}, "an origin is a scheme and a host, such as https://shop.example"),
        ({"origin": "https://shop.example/path"}, "an origin is a scheme and a host, such as https://shop.example"),
        (
            {"files": {}},
            "the draft has no YAML file of marketing's: name the folder with destinations, triggers and tags",
        ),
        (
            {"files": {"server.yaml": "", ".hidden/a.yaml": "", "a.test.yaml": "", "../b.txt": ""}},
            "the draft has no YAML file of marketing's: name the folder with destinations, triggers and tags",
        ),
    ],
)
async def test_what_cannot_be_is_said(server: Running, order: dict[str, Any], sentence: str) -> None:
    assert (await refused(server, **order))["detail"] == sentence


async def test_a_draft_with_mistakes_is_none(server: Running) -> None:
    made = await refused(server, CONTAINER.replace("triggers: [lead]", "triggers: [leed]"))
    assert made["detail"] == "the draft has errors"
    (one,) = made["problems"]
    assert (one["file"], one["severity"]) == ("container.yaml", "error")
    assert "lead" in one["hint"]


WIDER = {
    "a host": (
        CONTAINER.replace(
            "triggers:\n",
            '  ga4: {type: ga4, measurement_id: G-A1B2C3D4, api_secret: "${env:META_TOKEN}"}\ntriggers:\n',
            1,
        )
        + "  - {name: GA4 lead, destination: ga4, triggers: [lead]}\n",
        '"GA4 lead" sends to www.google-analytics.com, and what serves does not',
    ),
    "redaction": (
        CONTAINER.replace(
            "destination: meta, triggers: [lead]", "destination: meta, triggers: [lead], redact_override: w"
        ),
        '"Meta lead" leaves out redaction (w), and what serves does not',
    ),
    "how consent is read": (
        CONTAINER + "consent: {gpc: ignore}\n",
        "the draft's `consent:` is another one than that of what serves",
    ),
    "where a default is consent": (
        CONTAINER + "consent: {opt_in_regions: [DE]}\n",
        "the draft's `consent:` is another one than that of what serves",
    ),
    "what addresses keep": (
        CONTAINER + "privacy: {query_allow: [utm_*, q]}\n",
        "the draft's `privacy:` is another one than that of what serves",
    ),
}


@pytest.mark.parametrize("name", WIDER)
async def test_a_draft_that_lets_more_leave_is_previewed_dry_alone(server: Running, name: str) -> None:
    draft, sentence = WIDER[name]
    for send in ("live", "test"):
        made = await refused(server, draft, send=send)
        assert sentence in [one["message"] for one in made["problems"]]
    assert (await started(server, draft))["send"] == "dry"


async def test_a_draft_asks_for_the_same_consent_of_a_vendor(start: Start) -> None:
    asks = CONTAINER.replace(
        "destination: meta, triggers: [lead]", "destination: meta, triggers: [lead], vendor: {ac_id: 89}"
    )
    server = await start(container=asks)
    made = await refused(server, CONTAINER, send="live")
    sentence = '"Meta lead" does not ask for the same consent of the vendor, and what serves does not'
    assert [one["message"] for one in made["problems"]] == [sentence]
    assert (await started(server, asks, send="live"))["send"] == "live"


async def test_a_draft_is_asked_again_when_something_else_serves(start: Start) -> None:
    """It was no wider than what served then."""
    wide = CONTAINER.replace("tags:", "  all: {}\ntags:") and TWO
    server = await start(container=wide)
    session = await started(server, wide, send="live")
    assert verdicts(await sent(server, session, purchase("a")))["Meta purchase"] == ("send", "live")
    narrow = wide.replace("{name: Meta purchase,", "{name: Meta purchase, paused: true,")
    (server.data.parent / "config" / "container.yaml").write_text(narrow)
    assert (await post(server, "reload"))[0] == 200
    told = await sent(server, session, purchase("b"))
    assert verdicts(told)["Meta purchase"] == ("send", "dry")
    assert {one["event_id"] for one in (await server.drained())["events"]} == {"a"}


# ── grants that are of no use: the event counts as any other, and the answer says so


async def counted(server: Running, told: dict[str, Any]) -> str:
    """The event was decided by what serves, and told nothing of it; the problem's sentence."""
    assert told["events"] == [{"event_id": "purchase_T-1", "status": "accepted", "problems": []}]
    (one,) = told["problems"]
    assert (one["path"], one["code"]) == ("ts_preview", "preview")
    assert (await server.drained())["unique"] == 1
    sentence: str = one["message"]
    assert sentence.endswith("this event counts like any other")
    return sentence.partition(";")[0]


async def test_a_link_that_somebody_has_ended(server: Running) -> None:
    session = await started(server, TWO)
    assert (await post(server, "preview/sessions/end.json", {"id": session["id"]}))[0] == 200
    assert await counted(server, await sent(server, session, purchase())) == "somebody has ended this preview session"
    assert (await post(server, "preview/sessions/end.json", {"id": session["id"]}))[0] == 404


async def test_a_link_for_another_shop(start: Start) -> None:
    server = await start(SERVER.replace('["https://shop.example"]', f'["https://shop.example", "{OTHER}"]'))
    session = await started(server, origin=OTHER)
    sentence = await counted(server, await sent(server, session, purchase()))
    assert sentence == "this preview link is for pages of https://other.example"


async def test_a_link_from_before_a_restart(start: Start) -> None:
    server = await start()
    grant = server.runtime.previews.sessions
    session = await started(server)
    grant._forget(session["id"])  # as after a restart: the key is the same, the list is empty
    sentence = await counted(server, await sent(server, session, purchase()))
    assert sentence == "this preview session ended when the server was restarted"


@pytest.mark.parametrize(
    "garbled", ["", "x", 7, None, ["a"], "A" * 5000, "AAAAAAAAAAAA.1893456000.AAAAAAAAAAAAAAAAAAAAAA"]
)
async def test_what_is_no_link(server: Running, garbled: Any) -> None:
    told = await sent(server, {"grant": garbled}, purchase())
    sentence = await counted(server, told)
    assert sentence == "this is no preview link of this server (a part of it may be missing)"


# ── who sends, and where it stands


async def test_servers_and_curl_bring_it_in_a_header(server: Running) -> None:
    """A server has no page, and no origin."""
    session = await started(server)
    answer = await server.http.post(
        "/collect", json=purchase(), headers={"authorization": "Bearer crm-key", HEADER: session["grant"]}
    )
    assert verdicts(answer.json()) == {"Meta purchase": ("send", "dry"), "Meta lead": ("skip", None)}
    answer = await server.collect(purchase(), **{HEADER: session["grant"]})
    assert verdicts(answer.json())["Meta purchase"] == ("send", "dry")
    assert (await server.drained())["arrivals"] == 0


async def test_the_grant_goes_no_further(start: Start) -> None:
    """No variable reads it, and no address that leaves has it."""
    bodies: list[dict[str, Any]] = []

    async def vendor(request: Request) -> Response:
        bodies.append(await request.json())
        return JSONResponse({"events_received": 1})

    read = 'triggers: [purchase], parameters: {a: "{{ brought }}"}}'
    container = CONTAINER.replace("triggers: [purchase]}", read)
    container += "variables: {brought: {header: x-tagserver-preview}}\n"
    server = await start(container=container, vendor=Starlette(routes=[Route("/{all:path}", vendor, methods=["POST"])]))
    session = await started(server, send="live")
    location = f"https://shop.example/thanks?a=1&ts_preview={session['grant']}&b=%20c"
    page = {"location": location, "referrer": session["link"]}
    await sent(server, session, purchase(page=page), **{HEADER: session["grant"]})
    await until(lambda: len(bodies) == 1)
    await server.collect(purchase("e-2", page=page))
    await until(lambda: len(bodies) == 2)
    assert session["grant"] not in str(bodies)
    sources = {body["data"][0]["event_source_url"] for body in bodies}
    assert sources == {"https://shop.example/thanks?a=1&b=%20c"}
