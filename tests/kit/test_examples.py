"""The runner of examples: it finds each difference, and an example that cannot fail is none."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tagserver.plugin import Built, Event, Mode, Omitted, Outcome, Payload, Request, Skip
from tagserver.testing import expanded, load_examples, run_example

from .post import SETTINGS, Post


class Parcel(Post):
    """Leaves something out, and skips who has no name."""

    def build(self, event: Event, parameters: Any, settings: Any, mode: Mode) -> Built:
        if event.name == "nothing":
            raise Skip("no_identity", "nobody", [Omitted("email", "is none")])
        return Built(
            {"id": event.event_id, **parameters}, event.name, event.time, omitted=(Omitted("value", "is none"),)
        )


GOOD: dict[str, Any] = {
    "name": "a parcel",
    "event": {"event": "purchase", "event_id": "o-1"},
    "parameters": {"shop": "berlin"},
    "body": {"id": "o-1", "shop": "berlin"},
    "has": {"id": "o-1", "value": None},
    "omitted": ["value"],
    "request": {
        "method": "POST",
        "headers": {"authorization": SETTINGS["token"]},
        "body": [{"id": "o-1", "shop": "berlin"}],
    },
    "response": {"status": 503},
    "outcome": {"kind": "retry", "reason": "503"},
}
SKIPPED: dict[str, Any] = {"event": {"event": "nothing"}, "skip": "no_identity", "omitted": ["email"]}


@pytest.mark.parametrize("case", [GOOD, SKIPPED, {**GOOD, "outcome": "retry"}])
def test_what_is_as_expected_passes(case: dict[str, Any]) -> None:
    run_example(Parcel, case, SETTINGS)


class Formed(Parcel):
    """Sends a packed form."""

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        form = urlencode({"key": "k", "events": payloads[0].body, "none": ""}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Content-Encoding": "gzip"}
        return Request("POST", "https://post.example/in", headers, gzip.compress(form))


class Packed(Parcel):
    """Sends packed JSON."""

    def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
        content = gzip.compress(payloads[0].body)
        return Request("POST", "https://post.example/in", {"content-encoding": "gzip"}, content)


@pytest.mark.parametrize(
    ("kind", "body"),
    [(Formed, {"key": "k", "events": '{"id":"o-1","shop":"berlin"}', "none": ""}), (Packed, GOOD["body"])],
)
def test_a_body_is_compared_as_what_it_says(kind: type[Parcel], body: Any) -> None:
    """Unpacked, and of a form its fields."""
    run_example(kind, {**GOOD, "request": {"body": body}}, SETTINGS)
    with pytest.raises(AssertionError, match="body"):
        run_example(kind, {**GOOD, "request": {"body": {**body, "more": 1}}}, SETTINGS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"body": {"id": "o-1"}}, 'body is {"id": "o-1", "shop": "berlin"}'),
        ({"has": {"id": "o-2"}}, 'id is "o-1", and should be "o-2"'),
        ({"has": {"shop": None}}, "should be null"),
        ({"omitted": []}, 'omitted is ["value"]'),
        ({"request": {"method": "PUT"}}, "request.method"),
        ({"request": {"url": "https://post.example/out"}}, "request.url"),
        ({"request": {"headers": {"authorization": "x"}}}, "request.headers"),
        ({"request": {"body": []}}, "request.body"),
        ({"request": {"adress": "x"}}, "a request has no adress"),
        ({"outcome": "delivered"}, "outcome.kind"),
        ({"outcome": {"reason": "504"}}, "outcome.reason"),
        ({"outcome": [{"kind": "retry"}]}, "outcome is what the answer means for this one event"),
        ({"outcome": {}}, "outcome is what the answer means for this one event"),
        ({"outcome": {"resaon": "503"}}, "an outcome has no resaon"),
        ({"response": {"body": {}}}, "response needs its status"),
        ({"response": 503}, "response needs its status"),
        ({"response": {"status": 503, "header": {}}}, "a response has no header"),
        ({"skip": "too_old"}, "should have been skipped as too_old"),
        ({"outcom": "delivered"}, "an example has no outcom"),
    ],
)
def test_each_difference_is_found(changes: dict[str, Any], says: str) -> None:
    """With what was found and what was expected."""
    with pytest.raises(AssertionError, match=re.escape(says)):
        run_example(Parcel, {**GOOD, **changes}, SETTINGS)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({**SKIPPED, "skip": "too_old"}, 'skip is "no_identity"'),
        ({"event": {"event": "nothing"}, "body": {}}, 'skip is "no_identity"'),
        ({"event": {"event": "nothing"}, "skip": "no_identity"}, 'omitted is ["email"]'),
        ({"name": "says nothing", "event": {"event": "purchase"}}, "expects nothing"),
        ({**GOOD, "response": {"status": 200}, "outcome": "split"}, "outcome.kind"),
    ],
)
def test_skips_and_empty_examples(case: dict[str, Any], says: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(says)):
        run_example(Parcel, case, SETTINGS)


def test_a_difference_is_said_field_by_field() -> None:
    """What is expected beside what came, with its path."""
    wanted = {"id": "o-2", "shop": {"city": "berlin"}, "value": 5}
    with pytest.raises(AssertionError) as caught:
        run_example(Parcel, {**GOOD, "parameters": {"shop": {"city": "bern", "no": 1}}, "body": wanted}, SETTINGS)
    assert str(caught.value).splitlines()[1:] == [
        '  id: is "o-1", and should be "o-2"',
        '  shop.city: is "bern", and should be "berlin"',
        "  shop.no: not expected, and is 1",
        "  value: is missing, and should be 5",
    ]


@pytest.mark.parametrize("method", ["build", "request", "classify"])
def test_what_raises_is_named_with_the_author_s_own_line(method: str) -> None:
    """And not with a line of the kit."""

    def fail(*arguments: Any, **known: Any) -> Any:
        raise KeyError("nothing there")

    broken = type("Broken", (Parcel,), {method: fail})
    with pytest.raises(AssertionError) as caught:
        run_example(broken, GOOD, SETTINGS)
    assert re.match(rf"{method} raises KeyError at test_examples\.py:\d+", str(caught.value))
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_skip_that_was_not_expected_says_why() -> None:
    with pytest.raises(AssertionError, match="and should be null: nobody"):
        run_example(Parcel, {"event": {"event": "nothing"}, "body": {}}, SETTINGS)


def test_a_body_is_read_as_the_vendor_reads_it() -> None:
    """Packed, or a form."""

    class Packed(Parcel):
        def request(self, payloads: Any, settings: Any) -> Request:
            made = super().request(payloads, settings)
            return Request("POST", made.url, {"content-encoding": "gzip"}, gzip.compress(made.content))

    class Form(Parcel):
        def request(self, payloads: Any, settings: Any) -> Request:
            kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
            return Request("POST", "https://post.example/in", kind, b"id=o-1&tag=a&tag=b+c&none=")

    case = {key: GOOD[key] for key in ("event", "parameters")}
    run_example(
        Packed, {**case, "omitted": ["value"], "request": {"body": [{"id": "o-1", "shop": "berlin"}]}}, SETTINGS
    )
    wanted = {"id": "o-1", "tag": "b c", "none": ""}
    run_example(Form, {**case, "omitted": ["value"], "request": {"body": wanted}}, SETTINGS)


def test_an_answer_needs_its_outcome() -> None:
    case = {key: value for key, value in GOOD.items() if key != "outcome"}
    with pytest.raises(AssertionError, match="belong together"):
        run_example(Parcel, case, SETTINGS)


def test_the_first_of_several_outcomes_counts() -> None:
    """An example has one event."""

    class Each(Parcel):
        def classify(self, response: Any, payloads: Any) -> Any:
            return [Outcome.rejected("bad")]

    run_example(Each, {**GOOD, "outcome": "rejected"}, SETTINGS)


def test_hashes_are_written_as_what_they_are_of() -> None:
    """Everywhere in a value."""
    made = hashlib.sha256(b"a@b.example").hexdigest()
    assert expanded({"em": ["sha256(a@b.example)"], "n": 1}) == {"em": [made], "n": 1}


def test_all_files_of_a_folder(tmp_path: Path) -> None:
    """In the order of their names, YAML alone."""
    (tmp_path / "b.yaml").write_text("- {name: two}\n")
    (tmp_path / "a.yaml").write_text("- {name: one}\n")
    (tmp_path / "c.txt").write_text("no")
    assert [case["name"] for case in load_examples(tmp_path)] == ["one", "two"]
