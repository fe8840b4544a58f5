"""The bare address, which `serve` prints: a browser is led to the pages, others are told where to go."""

from __future__ import annotations

import pytest

from .conftest import BEARER, SERVER, Running, Start

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_a_browser_comes_to_the_pages_and_so_to_the_login(server: Running) -> None:
    answer = await server.http.get("/", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/-/")
    assert answer.headers["cache-control"] == "no-store"
    followed = await server.http.get("/", headers=BROWSER, follow_redirects=True)
    assert "Log in" in followed.text
    assert (await server.http.get("/", headers={**BROWSER, **BEARER}, follow_redirects=True)).status_code == 200


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""], ids=["curl", "program", "nothing"])
async def test_others_are_told_in_a_line(server: Running, accept: str) -> None:
    """With the 404 that was there before: who looks after a server by its root learns nothing new of it."""
    answer = await server.http.get("/", headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "Nothing is here: events are posted to /collect, and the pages are at /-/.\n"


async def test_nobody_learns_more_there_than_elsewhere(server: Running) -> None:
    """No version, no state, no cookie; and the same for whoever has the token."""
    for accept in (BROWSER, {}):
        one, other = [await server.http.get("/", headers={**accept, **more}) for more in ({}, BEARER)]
        assert (one.status_code, one.content, dict(one.headers)) == (
            other.status_code,
            other.content,
            dict(other.headers),
        )
        assert "set-cookie" not in one.headers
    assert (await server.http.post("/", json={})).status_code == 405
    assert (await server.http.head("/", headers=BROWSER)).status_code == 303


async def test_below_a_path_the_root_of_the_host_alone_leads_there(start: Start) -> None:
    """What lies below the path is the shop's host: there `/-/` is none of ours."""
    server: Running = await start(server=SERVER + "path_prefix: /shop/metrics/\n")
    assert (await server.http.get("/", headers=BROWSER)).headers["location"] == "/-/"
    assert (await server.http.get("/shop/metrics/", headers=BROWSER)).status_code == 404
