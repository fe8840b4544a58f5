"""The conformance check on requests: the same for the same attempt, with the event_id wherever it may stand."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tagserver.plugin import (
    Payload,
    Request,
)
from tagserver.testing import check_destination, make_event, payloads_of

from .post import FORM, SETTINGS, Post, posted, sending

_turn = itertools.count()


URL = "https://post.example/in"
TYPED = {"content-type": FORM}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda ps, s: Request("POST", URL, {"x-nonce": str(next(_turn)), "x-a": "b"}, posted(ps)), "header x-nonce:"),
        (lambda ps, s: Request("POST", f"{URL}?at={next(_turn)}", {}, posted(ps)), "in the address:"),
        (lambda ps, s: Request(("PUT", "POST")[next(_turn) % 2], URL, {}, posted(ps)), "in the method:"),
        (
            lambda ps, s: Request("POST", URL, {}, b'{"n":{"at":%d},"e":%s}' % (next(_turn), posted(ps))),
            "in n.at of the body:",
        ),
        (lambda ps, s: Request("POST", URL, {}, b"%d " % next(_turn) + posted(ps)), "in the body:"),
    ],
    ids=["header", "address", "method", "field", "text"],
)
def test_a_request_that_is_another_each_time(make: Callable[[Sequence[Payload], Any], Request], says: str) -> None:
    """The part that differs is named, and what to do."""
    faults = check_destination(sending(make), SETTINGS)
    (fault,) = (one for one in faults if one.startswith("request gives different results for the same payloads"))
    assert says in fault
    assert "`now` or `batch_id`" in fault


def test_what_changes_with_each_attempt_is_a_parameter() -> None:
    """With it a request is pure: the same attempt, the same request."""

    class Timed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any, now: int, batch_id: str) -> Request:
            headers = {"x-at": str(now), "x-batch": batch_id}
            return Request("POST", URL, headers, posted(payloads))

    assert check_destination(Timed, SETTINGS) == []


def form(payloads: Sequence[Payload]) -> bytes:
    """One field that holds JSON."""
    return urlencode({"data": posted(payloads).decode(), "v": "1"}).encode()


@pytest.mark.parametrize(
    "make",
    [
        lambda ps, s: Request("POST", URL, {"content-encoding": "gzip"}, gzip.compress(posted(ps), mtime=0)),
        lambda ps, s: Request("POST", URL, {"Content-Encoding": "deflate"}, zlib.compress(posted(ps))),
        lambda ps, s: Request("POST", URL, TYPED, form(ps)),
        lambda ps, s: Request("POST", URL, TYPED | {"content-encoding": "gzip"}, gzip.compress(form(ps), mtime=0)),
        lambda ps, s: Request("GET", f"{URL}?{form(ps).decode()}", {}),
        lambda ps, s: Request("PUT", f"{URL}/{quote(','.join(p.event_id for p in ps))}", {}, b"{}"),
        lambda ps, s: Request("POST", URL, {"x-ids": " ".join(p.event_id for p in ps)}, b"{}"),
    ],
    ids=["gzip", "deflate", "form", "packed form", "query", "path", "header"],
)
def test_the_event_id_is_found_where_the_vendor_reads_it(make: Callable[[Sequence[Payload], Any], Request]) -> None:
    """Also one that each of these ways writes differently."""
    odd = make_event({"event_id": 'o/1 & ü+2="3"%', "user_data": {"email": "a@b.example"}})
    if make(payloads_of([]), None).headers.get("x-ids") is None:
        assert check_destination(sending(make), SETTINGS, [odd]) == []
    assert check_destination(sending(make), SETTINGS) == []


def test_one_that_is_not_there_is_missed_in_a_packed_body_too() -> None:
    faults = check_destination(
        sending(lambda ps, s: Request("POST", URL, {"content-encoding": "gzip"}, gzip.compress(b"[]", mtime=0))),
        SETTINGS,
    )
    assert faults == ["the event_id does not reach the vendor (2 times)"]
