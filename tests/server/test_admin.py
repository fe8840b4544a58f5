"""What lies under `/-/`: who gets in, and how orders and numbers that are none are answered."""

from __future__ import annotations

import pytest

from .conftest import BEARER, CONTAINER, ENVIRON, SAFE, TOKEN, Running, Start, purchase

GUARDED = [
    *(("GET", "/-/"), ("GET", "/-/status.json"), ("GET", "/-/metrics"), ("POST", "/-/try.json")),
    *(("GET", "/-/dead.json"), ("POST", "/-/dead.json"), ("GET", "/-/nothing"), ("GET", "/-/login/x")),
    *(("GET", "/-/status.json/-/login"), ("GET", "/-/x/-/style.css"), ("HEAD", "/-/status.json")),
    *(("DELETE", "/-/status.json"), ("OPTIONS", "/-/status.json"), ("GET", "/-//status.json")),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN.upper()}"},
        {"cookie": f"tagserver_admin={TOKEN}"},
        {"cookie": "tagserver_admin="},
        {"cookie": "tagserver_admin=ä"},
        {"authorization": "Bearer backend-key"},
    ],
    ids=str,
)
async def test_without_the_token(server: Running, method: str, path: str, headers: dict[str, str]) -> None:
    """401 with the problem, whatever is asked for, and nothing about what is there."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await server.http.request(method, path, headers=raw)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert {name: answer.headers[name] for name in SAFE} == SAFE
    if method != "HEAD":
        assert [list(one) for one in answer.json()["problems"]] == [["path", "code", "message"]]
        assert answer.json()["problems"][0]["code"] == "unauthorised"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_with_the_token(server: Running, scheme: str) -> None:
    """The scheme's case does not matter."""
    for path in ("/-/", "/-/status.json", "/-/metrics", "/-/dead.json"):
        answer = await server.http.get(path, headers={"authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in SAFE} == SAFE
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_no_cors(server: Running) -> None:
    """No page may read what an operator may."""
    for origin in ("https://shop.example", "https://evil.example", "null"):
        answer = await server.http.get("/-/status.json", headers=BEARER | {"origin": origin})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 401) for host in ("x/-/login?", "x/-/login#", "x:1/-/style.css?a=", "x?/-/login")),
        *(("", 400), (" ", 400)),
    ],
)
async def test_the_host_header_opens_nothing(server: Running, host: str, status: int) -> None:
    """What is open without a token is decided by the path alone."""
    assert (await server.http.get("/-/status.json", headers={"host": host})).status_code == status


async def test_the_token_is_never_answered(server: Running) -> None:
    """Nor any secret of the configuration, on any page."""
    await server.collect(purchase())
    await server.drained()
    for path in ("/-/", "/-/status.json", "/-/metrics", "/-/dead.json", "/-/login", "/readyz", "/healthz", "/t.js"):
        answer = await server.http.get(path, headers=BEARER)
        for secret in (TOKEN, *ENVIRON.values()):
            assert secret not in answer.text
            assert secret not in str(answer.headers)


@pytest.mark.parametrize("front", ["\ufeff", " \n" * 100, "\ufeff  "])
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("try.json", '{"event": {"event": "x"}}', 200),
        ("consent.json", '{"kind": "usp", "input": "1YNN"}', 200),
        ("dead.json", '{"action": "retry", "all": true}', 200),
        ("forget.json", '{"email": "a\\ud83d@b.example"}', 200),
        ("rollback", '{"number": 4711}', 409),
    ],
)
async def test_a_mark_and_blanks_in_front_of_json_are_passed_over(
    server: Running, front: str, path: str, body: str, status: int
) -> None:
    """At every address that takes JSON, as at /collect."""
    answer = await server.http.post(f"/-/{path}", content=(front + body).encode(), headers=BEARER)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/-/consent.json"), ("POST", "/-/status.json"), ("PUT", "/-/try.json"), ("POST", "/-/metrics")],
)
async def test_wrong_methods(server: Running, method: str, path: str) -> None:
    """405."""
    assert (await server.http.request(method, path, headers=BEARER)).status_code == 405


async def test_the_overview_shows_names_as_text(start: Start) -> None:
    """Names are marketing's, and no markup."""
    text = CONTAINER.replace("  meta:\n", '  "<script>alert(1)</script>":\n').replace(
        "destination: meta", 'destination: "<script>alert(1)</script>"'
    )
    server: Running = await start(container=text)
    page = await server.http.get("/-/", headers=BEARER)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


NUMBERS = ["-1", "0", "9223372036854775808", "9" * 400, "1e3", "1.0", "true", "null", '"1"', "٣"]


@pytest.mark.parametrize("number", [*NUMBERS, "+1", " 1", "1_0"])
@pytest.mark.parametrize("name", ["id", "limit"])
async def test_a_number_that_is_none_is_told_so(server: Running, name: str, number: str) -> None:
    """No error of ours, whatever is asked for."""
    answer = await server.http.get("/-/dead.json", params={name: number}, headers=BEARER)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "bad_number")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/-/dead.json", '{"action": "retry", "id": %s}'),
        ("/-/dead.json", '{"action": "drop", "id": %s}'),
        ("/-/rollback", '{"number": %s}'),
    ],
)
async def test_nor_is_it_in_an_order(server: Running, path: str, body: str, number: str) -> None:
    answer = await server.http.post(path, content=(body % number).encode(), headers=BEARER)
    assert answer.status_code == 400


@pytest.mark.parametrize("number", [1, 9223372036854775807])
async def test_a_number_that_nothing_has_is_no_error(server: Running, number: int) -> None:
    found = await server.http.get("/-/dead.json", params={"id": number, "limit": number}, headers=BEARER)
    assert found.json() == {"letters": [], "total": 0, "next": None}
    done = await server.http.post("/-/dead.json", json={"action": "retry", "id": number}, headers=BEARER)
    assert done.json()["count"] == 0
    # The one version there is may be gone back to.
    back = await server.http.post("/-/rollback", json={"number": number}, headers=BEARER)
    assert back.status_code == (200 if number == 1 else 409)
