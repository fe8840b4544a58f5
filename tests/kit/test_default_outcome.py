"""What a bare status means, and what a vendor's own remedies add."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin import Outcome, Payload, Response, default_outcome

REMEDIES = {401: "make a new token", 404: "look at the id", 429: "never looked at"}


def outcome(status: int, payloads: int = 2) -> Outcome:
    made = [Payload(f"e-{index}", "purchase", 0, b"{}") for index in range(payloads)]
    return default_outcome(Response(status, {}, b""), made, f"http/{status}", REMEDIES)


@pytest.mark.parametrize(
    ("status", "kind", "detail"),
    [
        (200, "delivered", ""),
        (204, "delivered", ""),
        (101, "retry", ""),
        (302, "paused", "the address answers with a redirect, which is not followed"),
        (400, "split", ""),
        (401, "paused", "make a new token"),
        (403, "paused", "the credentials have no right to this"),
        (404, "paused", "look at the id"),
        (408, "retry", ""),
        (410, "paused", "the address is gone for good"),
        (413, "split", ""),
        (429, "throttled", ""),
        (503, "retry", ""),
    ],
)
def test_a_status_has_a_meaning(status: int, kind: str, detail: str) -> None:
    made = outcome(status)
    assert (made.kind, made.detail) == (kind, detail)
    assert made.reason == ("" if kind == "delivered" else f"http/{status}")


def test_one_event_alone_cannot_be_split() -> None:
    assert outcome(400, 1).kind == "rejected"


@given(st.integers(100, 599))
def test_only_success_is_delivered(status: int) -> None:
    assert (default_outcome(Response(status, {}, b""), []).kind == "delivered") == (200 <= status < 300)
