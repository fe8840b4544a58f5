"""The browser's hits, and the script they come from."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import Sandbox

FIELDS = {"id": "123", "ev": "Purchase", "eid": "o-1", "cd[value]": "9.50", "cd[currency]": "EUR", "dl": "http://x/"}


async def test_image(sandbox: Sandbox) -> None:
    """A GET is answered with an image that any page may load."""
    response = await sandbox.http.get("/tr/", params=FIELDS)
    assert response.headers["content-type"] == "image/gif"
    assert response.content.startswith(b"GIF89a")
    assert response.headers["access-control-allow-origin"] == "*"
    [record] = (await sandbox.stats())["events"]
    assert (record["value"], record["currency"], record["sources"]) == (9.5, "EUR", ["browser"])


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded;charset=UTF-8", "text/plain", None])
async def test_post(sandbox: Sandbox, kind: str | None) -> None:
    """A POST holds the same fields, whatever a beacon calls them."""
    headers = {"content-type": kind} if kind else {}
    response = await sandbox.http.post("/tr", content=urlencode(FIELDS).encode(), headers=headers)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    assert await sandbox.counts("pixel_hits", "unique") == [1, 1]


async def test_pair(sandbox: Sandbox) -> None:
    """A sale that comes from the browser and from the server counts once."""
    await sandbox.hit("Purchase", "o-1")
    custom = {"value": 9.5, "currency": "EUR"}
    await sandbox.send(sandbox.event("o-1", event_name="Purchase", custom_data=custom))
    assert await sandbox.counts("arrivals", "unique", "pairs") == [2, 1, 1]


async def test_window(sandbox: Sandbox) -> None:
    """Two days later it would count again."""
    await sandbox.hit()
    sandbox.now += 48 * 3600
    await sandbox.send(sandbox.event())
    assert await sandbox.counts("arrivals", "unique", "pairs") == [2, 2, 0]


@pytest.mark.parametrize("value", ["", "nan", "inf", "9,50", "a lot"])
async def test_no_value(sandbox: Sandbox, value: str) -> None:
    """A value that is no number is none."""
    await sandbox.hit(**{"cd[value]": value})
    assert (await sandbox.stats())["events"][0]["value"] is None


async def test_limited(sandbox: Sandbox) -> None:
    """What `dataProcessingOptions` asked for is shown."""
    await sandbox.hit(dpo="LDU", dpoco="0", dpost="0")
    assert (await sandbox.stats())["events"][0]["data_processing_options"] == ["LDU"]


@pytest.mark.parametrize("query", ["", "id=1", "ev=Lead", "%ff=%ff", "&".join(["a=1"] * 1000)])
async def test_nothing_to_count(sandbox: Sandbox, query: str) -> None:
    """A hit without pixel or name is answered all the same and counts nothing."""
    assert (await sandbox.http.get(f"/tr?{query}")).status_code == 200
    assert await sandbox.counts("arrivals") == [0]


async def test_refused_hits(sandbox: Sandbox) -> None:
    """Multipart and oversized bodies are no hits."""
    assert (await sandbox.http.post("/tr", files={"id": b"1"})).status_code == 415
    assert (await sandbox.http.post("/tr", content=b"x" * 300_000)).status_code == 413
    assert (await sandbox.http.options("/tr")).status_code == 204


@pytest.mark.parametrize("path", ["/fbevents.js", "/en_US/fbevents.js"])
async def test_script(sandbox: Sandbox, path: str) -> None:
    """The script is where the usual snippet looks for it."""
    response = await sandbox.http.get(path)
    assert response.headers["content-type"].startswith("text/javascript")
    assert "callMethod" in response.text
