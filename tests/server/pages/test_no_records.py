"""Records that cannot be opened, or cannot be read any more: every address says so, and events are taken as ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.server.conftest import BEARER, Running, Start, purchase
from tests.server.pages.support import BROWSER, json_of

ADDRESSES = [
    "/-/",
    "/-/home.json",
    "/-/status.json",
    "/-/metrics",
    "/readyz",
    "/-/destinations",
    "/-/destinations/meta",
    "/-/configuration",
    "/-/try",
    "/-/plugins",
    "/-/preview/sessions",
]
"""These do not need records."""
RECORDS = [
    "/-/preview",
    "/-/preview?show=record:1",
    "/-/preview.json",
    "/-/events.json?verdict=failed",
    "/-/events/purchase_T-1",
    "/-/events/purchase_T-1.json",
    "/-/events/record:1.json",
    "/-/events/record:1/test.yaml",
    "/-/events/record:1/curl.txt",
    "/-/orders/T-1.json",
    "/-/compare?a=record:1&b=record:2",
    "/-/compare.json?a=record:1&b=record:2",
    "/-/shares",
    "/-/shares.json",
    "/-/s/0123456789abcdef0123456789abcdef",
]


@pytest.fixture
async def unopened(start: Start, tmp_path: Path) -> Running:
    """Where the file should be lies a folder."""
    (tmp_path / "one" / "data" / "records.db").mkdir(parents=True)
    server: Running = await start()
    assert (await server.collect(purchase())).status_code == 202
    return server


@pytest.fixture
async def unread(server: Running) -> Running:
    """It was closed, as after a fault."""
    await asyncio.to_thread(server.runtime.records.store.close)
    assert (await server.collect(purchase())).status_code == 202
    return server


@pytest.mark.parametrize("headers", [BEARER, BROWSER], ids=["program", "browser"])
@pytest.mark.parametrize("path", [*ADDRESSES, *RECORDS])
async def test_a_file_that_cannot_be_opened(unopened: Running, path: str, headers: dict[str, str]) -> None:
    """Nothing is known, which is no fault of whoever asks."""
    answer = await unopened.http.get(path, headers=headers)
    assert answer.status_code in ((200,) if path in ADDRESSES else (200, 404)), answer.text


@pytest.mark.parametrize("headers", [BEARER, BROWSER], ids=["program", "browser"])
@pytest.mark.parametrize("path", [*ADDRESSES, *RECORDS])
async def test_a_file_that_cannot_be_read_any_more(unread: Running, path: str, headers: dict[str, str]) -> None:
    """It says to come later, but for links that strangers follow: they may not learn why."""
    answer = await unread.http.get(path, headers=headers)
    expected = 200 if path in ADDRESSES else 404 if path.startswith("/-/s/") else 503
    assert answer.status_code == expected, answer.text
    if expected == 503 and headers is BEARER:
        assert answer.json()["problems"] == [{"path": "", "code": "try_later", "message": "the records are closed"}]


async def test_it_is_said_what_is_wrong(unopened: Running) -> None:
    """In the same words for whoever looks and for whoever is called at night."""
    why = "records cannot be written: the records "
    shown = (await json_of(unopened, "/-/status.json"))["records"]
    assert shown["notice"].startswith(why)
    assert why in (await unopened.ready())["notice"]
    assert [one for one in (await json_of(unopened, "/-/home.json"))["matters"] if why in one["text"]]
    answer = await unopened.http.get("/-/events/purchase_T-1.json", headers=BEARER)
    assert answer.json()["problems"][0]["message"].startswith(why)


async def test_an_erasure_says_that_it_could_not_be_done(unopened: Running) -> None:
    done = await unopened.http.post("/-/forget.json", json={"email": "erika@example.com"}, headers=BEARER)
    assert (done.status_code, done.json()["records"], done.json()["clean"]) == (200, None, False)
