"""`/-/consent.json`: what a consent string says, behind the admin's token."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.consent.decoders.printout import FORMATS, printout

from ..consent.writers import DAY, head, tc_string
from .conftest import TOKEN, Running

BEARER = {"authorization": f"Bearer {TOKEN}"}


async def test_a_string(server: Running) -> None:
    """The object of the command, by the server's clock."""
    now = server.runtime.time.now()
    text = tc_string(head(updated=now // DAY * DAY, purposes=[1]))
    answer = await server.http.post("/-/consent.json", json={"kind": "tcf", "input": text}, headers=BEARER)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == printout("tcf", text, now)
    assert answer.json()["valid"] is True


@pytest.mark.parametrize("kind", FORMATS)
async def test_what_is_not_well_formed(server: Running, kind: str) -> None:
    """200 with the reason, for a text that is far too long, too."""
    for text in ("", "?", "C" * (1 << 20)):
        answer = await server.http.post("/-/consent.json", json={"kind": kind, "input": text}, headers=BEARER)
        assert answer.status_code == 200
        assert list(answer.json()) == ["ok", "reason"]
        assert answer.json()["ok"] is False


@pytest.mark.parametrize(
    "question",
    [
        {"kind": "tc", "input": "x"},
        {"kind": "", "input": "x"},
        {"kind": None, "input": "x"},
        {"input": "x"},
        {"kind": "tcf"},
        {"kind": "tcf", "input": 7},
        {"kind": "tcf", "input": "x", "now": 1},
        [],
        "tcf",
    ],
    ids=str,
)
async def test_a_question_that_is_none(server: Running, question: Any) -> None:
    """400, and how to ask."""
    answer = await server.http.post("/-/consent.json", json=question, headers=BEARER)
    assert answer.status_code == 400
    (problem,) = answer.json()["problems"]
    assert problem["code"] == "bad_question"
    assert all(kind in problem["message"] for kind in FORMATS)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
async def test_no_json(server: Running, body: bytes) -> None:
    """400."""
    answer = await server.http.post("/-/consent.json", content=body, headers=BEARER)
    assert answer.status_code == 400


async def test_who_may_ask(server: Running) -> None:
    """Nobody without the token."""
    answer = await server.http.post("/-/consent.json", json={"kind": "gcs", "input": "G111"})
    assert answer.status_code == 401


async def test_only_a_post_asks(server: Running) -> None:
    """Strings in addresses end up in logs."""
    answer = await server.http.get("/-/consent.json?kind=gcs&input=G111", headers=BEARER)
    assert answer.status_code == 405
