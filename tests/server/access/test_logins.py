"""What a login is worth, and what is told of whoever logs in and orders something."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tagserver.server.admin.keyring import LASTS
from tests.delivery.support import until
from tests.fake_time import FakeTime
from tests.server.conftest import TOKEN

from .conftest import ANNA, HOST, HTML, NAMED, STATUS, VERA, Desk, bearer

# ── what a login is worth


async def test_a_login_ends_after_its_term(desk: Desk, time: FakeTime) -> None:
    login = await desk.login(ANNA)
    time.advance(LASTS - 1)
    assert (await desk.http.get(STATUS, headers=login)).status_code == 200
    time.advance(1)
    assert (await desk.http.get(STATUS, headers=login)).status_code == 401


async def test_no_part_of_a_login_can_be_changed(desk: Desk) -> None:
    """Its name, its end, its proof: each belongs to the others."""
    anna, vera = [(await desk.login(token))["cookie"].partition("=")[2] for token in (ANNA, VERA)]
    name, ends, proof = anna.split(".")
    other, _, theirs = vera.split(".")
    changed = [
        *(f"{other}.{ends}.{proof}", f"{name}.{int(ends) + 1}.{proof}", f"{name}.{ends}.{theirs}"),
        *(f"{name}.{ends}.{proof[:-1]}", f"{name}.{ends}.{proof}0", f"{name}.{ends}.", f"{name}..{proof}"),
        *(f"{name}.0{ends}.{proof}", f"{name}.{ends}.{proof.upper()}", f"{name}={'.'}{ends}.{proof}", name, ""),
        *(f"YWRtaW4.{ends}.{proof}", f"{name}.{ends}.{proof}.{proof}", f".{ends}.{proof}", "." * 3000, proof),
    ]
    for value in changed:
        answer = await desk.http.get(STATUS, headers={"cookie": f"tagserver_admin={value}"})
        assert answer.status_code == 401, value
    assert (await desk.http.get(STATUS, headers={"cookie": f"tagserver_admin={anna}"})).status_code == 200


@pytest.mark.parametrize(
    ("cookies", "status"),
    [
        ("tagserver_admin=x; {anna}", 200),
        ("{anna}; tagserver_admin=x", 200),
        ("tagserver_admin=; other={anna}; {anna}", 200),
        ("{anna}; {anna}", 200),
        ("{anna}; {vera}", 401),
        ("{vera}; {anna}", 401),
        ("tagserver_admin=x; " * 8 + "{anna}", 401),
        ("xtagserver_admin={anna}", 401),
    ],
)
async def test_a_site_beside_ours_adds_cookies(desk: Desk, cookies: str, status: int) -> None:
    """It can set some for all of a domain: that locks nobody out, and makes nobody act under another's name."""
    logins = {name: (await desk.login(token))["cookie"] for name, token in (("anna", ANNA), ("vera", VERA))}
    answer = await desk.http.get(STATUS, headers={"cookie": cookies.format(**logins)})
    assert answer.status_code == status


async def test_a_login_is_not_taken_over_from_before(desk: Desk) -> None:
    """Whatever cookie a browser brings to the form: it leaves with one of its own."""
    planted = (await desk.login(VERA))["cookie"]
    answer = await desk.http.post("/-/login", data={"token": ANNA}, headers={"cookie": planted})
    own = answer.headers["set-cookie"].partition(";")[0]
    assert own.partition(".")[0] != planted.partition(".")[0]
    assert {"httponly", "samesite=strict", "path=/-/", f"max-age={LASTS}"} <= {
        one.strip().lower() for one in answer.headers["set-cookie"].split(";")
    }


async def test_logging_out(desk: Desk) -> None:
    """Takes a form of ours, and the browser forgets the login; who only looks may, too."""
    for token in (ANNA, VERA):
        login = await desk.login(token)
        refused = await desk.http.post("/-/logout", headers={"cookie": login["cookie"], "origin": HOST})
        assert refused.status_code == 403
        headers = {"cookie": login["cookie"], "origin": HOST}
        answer = await desk.http.post("/-/logout", data={"form_token": login["x-form-token"]}, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/-/login")
        assert answer.headers["set-cookie"].startswith('tagserver_admin=""; ')
        assert (await desk.http.get("/-/logout", headers=login)).status_code == 405


# ── what is told


async def test_the_record_says_who(desk: Desk) -> None:
    """A page's order is its login's; a program may say for whom it acts."""
    anna = await desk.login(ANNA)
    pause = {"destination": "meta"}
    ways: list[tuple[dict[str, str], dict[str, str], str]] = [
        (anna, {}, "anna"),
        (anna, {"by": "boss"}, "anna"),
        (bearer(ANNA), {}, "anna"),
        (bearer(ANNA), {"by": "anna"}, "anna"),
        (bearer(ANNA), {"by": "admin"}, "admin (token anna)"),
        (bearer(TOKEN), {}, "admin"),
        (bearer(TOKEN), {"by": "erika"}, "erika"),
        (bearer(TOKEN), {"by": "boss (token anna)"}, "boss (token anna) (token admin)"),
    ]
    for headers, said, _ in ways:
        assert (await desk.http.post("/-/pause.json", json=pause | said, headers=headers)).status_code == 200
    await until(lambda: len(desk.rows("paused")) == len(ways))
    assert [row["by"] for row in desk.rows("paused")] == [by for _, _, by in ways]


async def test_every_order_is_on_record(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """By whom, and the log has a line, too."""
    anna = await desk.login(ANNA)
    (desk.running.data.parent / "config" / "container.yaml").write_text("tags: []\n")
    orders: list[tuple[str, Any, str]] = [
        ("reload", {}, "published"),
        ("reload", {"server": True}, "renewed"),
        ("rollback", {"number": 1}, "rollback"),
        ("pause.json", {"destination": "meta"}, "paused"),
        ("resume.json", {"destination": "meta"}, "resumed"),
        ("forget.json", {"email": "erika@example.com"}, "forgotten"),
        ("backup", None, "backup"),
        ("dead.json", {"action": "drop", "all": True}, "dead"),
    ]
    with caplog.at_level(logging.DEBUG):
        for path, body, _ in orders:
            answer = await desk.http.post(f"/-/{path}", json=body, headers=anna)
            assert answer.status_code == 200, answer.text
    kinds = [kind for _, _, kind in orders]
    await until(lambda: {row["kind"] for row in desk.rows(*kinds)} == set(kinds))
    assert {row["by"] for row in desk.rows(*kinds)} <= {"anna", "start"}
    assert {row["kind"] for row in desk.rows(*kinds) if row["by"] == "anna"} == set(kinds)
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "anna" in line]) >= 5
    assert not [line for line in lines if "erika" in line or ANNA in line or anna["x-form-token"] in line]


async def test_what_is_refused_is_in_the_log_and_bounded(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """By whom and what, without anything that the address names."""
    with caplog.at_level(logging.INFO):
        for number in range(30):
            await desk.http.post(f"/-/reload/{number}", headers=bearer(VERA))
            await desk.http.post("/-/rollback", json={"number": 99}, headers=bearer(ANNA))
    lines = [record.getMessage() for record in caplog.records if record.name == "tagserver.admin"]
    assert lines == ["vera may not POST /-/reload: view_only", "POST /-/rollback by anna was answered 409"]


SECRET_PLACES = ["/-/", "/-/login", "/-/login?code=wrong", "/-/configuration", "/-/configuration.json", STATUS, "/-/x"]


async def test_no_token_and_no_login_stands_anywhere(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Not in pages, headers, addresses and logs; of the form token in pages of its own login alone."""
    with caplog.at_level(logging.DEBUG):
        anna, vera = await desk.login(ANNA), await desk.login(VERA)
        cookie = anna["cookie"].partition("=")[2]
        for path in SECRET_PLACES:
            for headers in (anna, vera, bearer(ANNA), {}):
                answer = await desk.http.get(path, headers=headers | HTML)
                shown = answer.text + str(answer.headers)
                assert not [one for one in (TOKEN, ANNA, VERA, cookie) if one in shown], path
                assert anna["x-form-token"] not in shown or headers is anna
        for token in ("wrong-token-0123456789ab", ANNA[:-1]):
            await desk.http.post("/-/login", data={"token": token})
    text = caplog.text
    assert not [one for one in (TOKEN, ANNA[:-1], VERA, cookie, "wrong-token", anna["x-form-token"]) if one in text]


async def test_below_a_path_of_the_shop_there_is_no_way_in(desk: Desk) -> None:
    """`/-/` stays at the root alone, so a proxy that passes on the path has closed it."""
    login = await desk.login(ANNA)
    desk.configure(NAMED + "path_prefix: /metrics\n")
    await desk.renew()
    for path in ("/metrics/-/", "/metrics/-/login", "/metrics/-/status.json", "/metrics//-/status.json", "/metrics/-"):
        assert (await desk.http.get(path, headers=login)).status_code == 404
        assert (await desk.http.get(path, headers=bearer(TOKEN))).status_code == 404
    assert (await desk.http.get(STATUS, headers=login)).status_code == 200
