"""What another site can have an operator's browser do here: nothing; and what whoever is refused is told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.server.admin.forms import LARGEST
from tagserver.server.admin.wanted import safe
from tests.fake_time import FakeTime
from tests.server.access.conftest import ANNA, FORM, HOST, HTML, STATUS, VERA, Desk, bearer

PAUSE = {"destination": "meta"}


async def test_what_a_cookie_needs_to_change_something(desk: Desk) -> None:
    """A page of ours, and what it holds: in the form's field or in a header."""
    login = await desk.login(ANNA)
    right, ours = login["x-form-token"], {"cookie": login["cookie"], "origin": HOST}
    other = (await desk.login(VERA))["x-form-token"]
    wrong = ["", right[:-1], right + "0", right.upper(), other, "x", "ä", right + "\x00"]
    assert (await desk.http.post("/-/pause.json", json=PAUSE, headers=ours)).status_code == 403
    for token in wrong:
        headers = [(name.encode(), value.encode()) for name, value in (ours | {"x-form-token": token}).items()]
        assert (await desk.http.post("/-/pause.json", json=PAUSE, headers=headers)).status_code == 403, token
        assert (await desk.http.post("/-/logout", data={"form_token": token}, headers=ours)).status_code == 403
    bodies = {
        f"form_token={right}": 303,
        f"a=b&form_token={right}&c=d": 303,
        f"form_token={right}&form_token={right}": 403,
        f"form_token={right}&form_token=": 403,
        f"xform_token={right}": 403,
        f"a[form_token]={right}": 403,
        "": 403,
    }
    for body, status in bodies.items():
        for kind in (FORM, f"{FORM}; charset=utf-8", FORM.upper()):
            answer = await desk.http.post("/-/logout", content=body, headers=ours | {"content-type": kind})
            assert answer.status_code == status, (body, kind)
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json", ""):
        answer = await desk.http.post("/-/logout", content=f"form_token={right}", headers=ours | {"content-type": kind})
        assert answer.status_code == 403, kind
    answer = await desk.http.post(f"/-/logout?form_token={right}", headers=ours)
    assert answer.status_code == 403
    for path, body in (("/-/pause.json", PAUSE), ("/-/resume.json", PAUSE)):
        assert (await desk.http.post(path, json=body, headers=login)).status_code == 200


async def test_a_form_of_another_login_is_too_old(desk: Desk, time: FakeTime) -> None:
    """Also of the same person."""
    first = await desk.login(ANNA)
    time.advance(1)
    second = await desk.login(ANNA)
    assert first["x-form-token"] != second["x-form-token"]
    answer = await desk.http.post("/-/pause.json", json=PAUSE, headers=second | {"x-form-token": first["x-form-token"]})
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (403, "form_token")


async def test_the_address_still_reads_what_was_posted(desk: Desk) -> None:
    """Also in pieces; and a form that is too large is refused before it is held."""
    login = await desk.login(ANNA)
    ours = {"cookie": login["cookie"], "origin": HOST, "content-type": FORM}

    async def pieces(*parts: bytes) -> Any:
        for part in parts:
            yield part

    body = f"form_token={login['x-form-token']}&destination=meta".encode()
    # The address takes JSON: its own refusal, of the whole body, shows that it has read it.
    for content in (body, pieces(body[:20], body[20:]), pieces(*(bytes([one]) for one in body))):
        answer = await desk.http.post("/-/pause.json", content=content, headers=ours)
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "bad_order")
    answer = await desk.http.post("/-/pause.json", content=body + b"&x=" + b"x" * LARGEST, headers=ours)
    assert answer.status_code == 413


@pytest.mark.parametrize("token", [ANNA, VERA], ids=["operate", "view"])
async def test_a_token_in_a_header_needs_neither(desk: Desk, token: str) -> None:
    """No page of another site can send it."""
    headers = bearer(token) | {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    asked = {"kind": "usp", "input": "1YNN"}
    assert (await desk.http.post("/-/consent.json", json=asked, headers=headers)).status_code == 200
    assert (await desk.http.get(STATUS, headers=headers)).status_code == 200


REFUSALS: list[tuple[str, dict[str, str], str, str]] = [
    ("/-/logout", {"origin": "https://evil.example"}, "This came from another page", "Nothing was changed"),
    ("/-/logout", {"origin": HOST}, "The page was too old", "log in again"),
    ("/-/pause", {"origin": HOST, "x-form-token": "{right}"}, "Your token may only look", "with the role operate"),
]


@pytest.mark.parametrize(("path", "headers", "heading", "says"), REFUSALS)
async def test_who_is_refused_is_told_why_and_how_to_go_on(
    desk: Desk, path: str, headers: dict[str, str], heading: str, says: str
) -> None:
    """In a browser by a page with the way back."""
    login = await desk.login(VERA)
    filled = {name: value.format(right=login["x-form-token"]) for name, value in headers.items()}
    sent = {"cookie": login["cookie"], "referer": f"{HOST}/-/destinations/meta?a=1&b=2", **HTML, **filled}
    answer = await desk.http.post(path, headers=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert heading in answer.text
    assert says in answer.text
    assert 'href="/-/destinations/meta?a=1&amp;b=2"' in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


FETCHED = [
    ({}, 200),
    ({"sec-fetch-site": "same-origin"}, 200),
    ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 200),
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"sec-fetch-site": "same-site"}, 403),
    ({"sec-fetch-site": "anything"}, 403),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}, 403),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, None),
]


@pytest.mark.parametrize(("headers", "status"), FETCHED)
async def test_nothing_is_given_to_pages_of_other_sites(
    desk: Desk, headers: dict[str, str], status: int | None
) -> None:
    """Not as a script, a picture or a frame; a link leads to a page, and never to data."""
    login = await desk.login(ANNA)
    for path in ("/-/", STATUS, "/-/metrics"):
        wanted = status or (403 if path.endswith(".json") else 200)
        answer = await desk.http.get(path, headers={"cookie": login["cookie"]} | headers)
        assert answer.status_code == wanted, path


async def test_who_comes_by_a_link_of_another_site_is_let_through_once(desk: Desk) -> None:
    """Their browser keeps the cookie back: a page of ours asks for it. Who has none is asked to log in, and no more."""
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"} | HTML
    away = await desk.http.get("/-/events/x?tag=a%20b", headers=link)
    assert away.headers["location"] == "/-/login?next=%2F-%2Fevents%2Fx%3Ftag%3Da%2520b"
    page = await desk.http.get(away.headers["location"], headers=link)
    assert (page.status_code, page.headers["refresh"]) == (200, "0;url=/-/events/x?tag=a%20b")
    again = await desk.http.get(away.headers["location"], headers=link | {"sec-fetch-site": "same-origin"})
    assert "refresh" not in again.headers
    assert 'name="next" value="/-/events/x?tag=a%20b"' in again.text
    assert "refresh" not in (await desk.http.get("/-/login", headers=link)).headers


# ── where a login leads

WAYS = [
    ("/-/", "/-/"),
    ("/-/events/a%2Fb?tag=x&y=z", "/-/events/a%2Fb?tag=x&y=z"),
    ("/-/versions", "/-/versions"),
    (None, "/-/"),
    *((text, "/-/") for text in ("", "/", "//evil.example", "/-//evil.example", "https://evil.example/-/", "-/x")),
    *((text, "/-/") for text in ("/-/\\evil.example", "/\\evil.example", "/-/x\r\nset-cookie: a=b", "/-/x\n", "/-/ä")),
    *((text, "/-/") for text in ("/-/../collect", "/-/./x", "/-/%2e%2E/x", "/-/.%2e/x", "/-/x/..", "/-/%2e")),
    *((text, "/-/") for text in ("/-/login", "/-/login?next=x", "/-/logout", "/-/x#y", "/-/<script>", '/-/"x')),
    *((text, "/-/") for text in ("javascript:alert(1)", "/-/x y", "/-/x\t", "/-", "/-x/", "/-/" + "x" * 2000)),
]


@pytest.mark.parametrize(("text", "leads"), WAYS)
async def test_where_a_login_leads(desk: Desk, text: str | None, leads: str) -> None:
    """To the page that was wanted, and to no other site."""
    data = {"token": ANNA} | ({} if text is None else {"next": text})
    answer = await desk.http.post("/-/login", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, leads)
    shown = await desk.http.get("/-/login", params={} if text is None else {"next": text})
    assert ('name="next"' in shown.text) == (leads != "/-/")


@given(st.text(st.sampled_from("/-.\\%2eE:?#@a\n\t "), max_size=12).map(lambda text: "/-/" + text))
def test_no_text_leads_elsewhere(text: str) -> None:
    """As browsers read addresses: joined to ours it stays below `/-/`."""
    joined = httpx.URL(HOST).join(safe(text))
    assert (joined.host, joined.raw_path.startswith(b"/-/")) == ("tags.shop.example", True)
    assert "\\" not in safe(text)


# ── the name under which we are asked


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["tags.shop.example"], 200),
        ([], 400),
        (["tags.shop.example", "evil.example"], 400),
        ([""], 400),
        (["a", "a"], 400),
    ],
)
@pytest.mark.parametrize("path", ["/-/login", "/-/", "/-/style.css"])
async def test_one_host_is_named(desk: Desk, hosts: list[str], status: int, path: str) -> None:
    """Two parties could each believe another one."""
    login = await desk.login(ANNA)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [*((b"host", one.encode()) for one in hosts), (b"cookie", login["cookie"].encode())],
        "client": ("127.0.0.1", 1),
    }
    transport = desk.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    await transport.app(scope, receive, send)
    assert sent[0]["status"] == status
