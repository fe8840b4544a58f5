"""Logs for machines: one object a line, with ids and outcomes, and nothing that was not asked for."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

import pytest

from tagserver.logs.logs import (
    FIELDS,
    JsonLines,
    Logs,
    Net,
    TextLines,
    events_are_told,
    redacted,
    switch_event_lines,
    without_contacts,
)
from tagserver.system.secret import Secret, hide


def line(message: str, *args: object, **extra: object) -> dict[str, Any]:
    """A log record as it is written."""
    record = logging.LogRecord("tagserver.delivery", logging.WARNING, "x.py", 1, message, args, None)
    record.__dict__.update(extra)
    shown: dict[str, Any] = json.loads(JsonLines().format(record))
    return shown


def test_a_line_says_when_who_and_what() -> None:
    fields = {"event_id": "e-1", "destination": "meta", "outcome": "dead", "reason": "expired"}
    shown = line("event %s is a dead letter", "e-1", **fields)
    assert shown.pop("time").endswith("+00:00")
    assert shown == {
        "level": "warning",
        "logger": "tagserver.delivery",
        "message": "event e-1 is a dead letter",
        "event_id": "e-1",
        "destination": "meta",
        "outcome": "dead",
        "reason": "expired",
    }


def test_what_is_no_known_field_is_left_out() -> None:
    assert "payload" not in line("x", payload={"email": "a@b.example"})


def test_a_text_of_two_lines_is_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "a\nb", (), None)
    assert "\n" not in JsonLines().format(record)


HASH = "6f82529b2611d71aafc5ad916ea17d21d9e0e37889edd7e63aef88242d7d1524"
TOKEN = "a token of the tests: 1234"  # no secret of anybody


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("for ann.smith+x@mail.shop.example, twice", "for [e-mail], twice"),
        ("%7Bann%40b.example", "%[e-mail]"),
        (f"em={HASH};", "em=[hash];"),
        (f"authorization: Bearer {'x' * 20}", "authorization: Bearer [token]"),
        ("key EAAGm0PX4ZCpsBAKZCq and AIzaSyA1234567890", "key [token] and [token]"),
        ("call +49 (30) 123-4567 now", "call [phone] now"),
        (f"with {TOKEN}!", "with [secret]!"),
        # What we write ourselves stays.
        ("event 0192f0c1-5e4a-7cc3-98c4-dc0c0c07398f for meta is a dead letter: expired", None),
        ("container b05ff47f5709 loaded, 2026-11-26T10:34:07.491+00:00", None),
        ("event 0192f0c15e4a7cc398c4dc0c0c07398f was delivered", None),
    ],
)
def test_personal_data_and_secrets_are_taken_out_of_every_line(written: str, shown: str | None) -> None:
    hide(TOKEN)
    assert caught("%s", written).getMessage() == (written if shown is None else shown)


def caught(message: str, *args: object, **fields: object) -> logging.LogRecord:
    """A record as it comes out of the net."""
    record = logging.LogRecord("plugin", logging.WARNING, "x.py", 1, message, args, sys.exc_info())
    record.__dict__.update(fields)
    assert Net().filter(record)
    return record


def test_a_secret_is_hidden_from_the_moment_it_is_read() -> None:
    Secret("just read")
    assert caught("a %s b", "just read").getMessage() == "a [secret] b"


def test_exceptions_and_fields_go_through_the_net_too() -> None:
    try:
        raise ValueError("no a@b.example here")
    except ValueError:
        record = caught("x", reason="a@b.example", event_id="a@b.example")
    for form in (logging.Formatter(), JsonLines()):
        assert "no [e-mail] here" in form.format(record)
    assert json.loads(JsonLines().format(record))["reason"] == "[e-mail]"
    assert json.loads(JsonLines().format(record))["event_id"] == "[e-mail]"


@pytest.mark.parametrize(
    ("event_id", "shown"),
    [
        ("purchase_a@b.example", "[e-mail]"),
        ("purchase_a%40b.example-1", "[e-mail]"),
        ("lead +49 30 123456", "lead [phone]"),
        ("0192f0c1-5e4a-7cc3-98c4-dc0c0c07398f", None),
        ("purchase_00491234567890", None),
        (HASH, None),
    ],
)
def test_an_id_that_is_a_contact_is_masked_in_its_field_and_all_others_can_be_searched_for(
    event_id: str, shown: str | None
) -> None:
    written = json.loads(JsonLines().format(caught("x", event_id=event_id)))
    assert written["event_id"] == (event_id if shown is None else shown)


HOSTILE = "x\x1b[2J\r\n2026-11-29 12:00:00,000 INFO tagserver all is well\u2028\u202e\x9b31m\x07\ud800"


def test_what_a_stranger_says_makes_no_line_and_moves_no_cursor() -> None:
    """In the message, and in the text of an error."""
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = caught("event %s is a dead letter", HOSTILE, event_id=HOSTILE)
    first, *below = TextLines().format(record).split("\n")
    assert "event x\\x1b[2J\\r\\n2026-11-29 12:00:00,000 INFO tagserver all is well\\u2028\\u202e\\x9b31m\\x07" in first
    assert all(line.startswith("    ") for line in below)
    for text in (first, *below, JsonLines().format(record)):
        assert text.isprintable()
        text.encode()
    assert json.loads(JsonLines().format(record))["event_id"] == HOSTILE.replace("\ud800", "\\ud800")


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_nobody_writes_a_field_of_ours_into_a_line_for_people(name: str) -> None:
    """Who looks for `state=paused` finds lines that have this state: neither an event's id, nor a vendor's words, nor a
    plugin's line can have it."""
    forged = f'x {name}=paused" {name}=ok'
    shown = TextLines().format(caught("event %s was accepted", forged, event_id=forged))
    assert f"{name}=paused" not in shown
    assert f"{name}=ok" not in shown
    assert f"event x {name}\\x3dpaused" in shown
    assert shown.count("event_id=") == 1


def test_a_long_id_is_told_by_its_beginning() -> None:
    """A line of a log does not grow with what a stranger makes up, and takes no time to look through."""
    for text in ("a" * 250_000, "a@" * 125_000, "+1" * 125_000, "f" * 250_000):
        assert len(caught("event %s", text).getMessage()) < 9000


def test_a_long_text_is_looked_through_at_once() -> None:
    """Runs that nearly are an address are gone through once, not anew from each of their characters: that would be
    minutes."""
    began = time.process_time()
    for piece in ("a", "a@", "+1 ", "f", "a%40", "%", "a.", "EAA-"):
        assert "@b.example" not in redacted(piece * 100_000 + " a@b.example")
        assert "@b.example" not in without_contacts(piece * 100_000 + " a@b.example")
    assert time.process_time() - began < 10


def test_a_line_that_cannot_be_formatted_does_not_show_its_arguments() -> None:
    """Python's own handler would print them."""
    assert caught("%d", "a@b.example").getMessage() == "x.py:1 has logged what cannot be written"


def test_a_line_for_people_has_its_fields_behind_the_message() -> None:
    """Without the sentences, which the message has; what has blanks stands in quotes, and cannot begin another."""
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "destination meta is paused", (), None)
    record.__dict__.update(
        destination="meta", tag='A "tag"\nb', status=401, lasted_s=1.5, reason="a sentence", said="no"
    )
    said = TextLines().format(record)
    assert said.endswith(
        """INFO x destination meta is paused destination=meta tag="A 'tag'\\nb" status=401 lasted_s=1.5"""
    )


def test_numbers_stay_numbers_for_machines() -> None:
    shown = line("x", status=401, lasted_s=1.5, code="190")
    assert (shown["status"], shown["lasted_s"], shown["code"]) == (401, 1.5, "190")


@pytest.mark.parametrize(
    ("option", "file", "json_lines"),
    [(None, "text", False), (None, "json", True), ("text", "json", False), ("json", "text", True)],
)
def test_the_command_line_stands_above_the_file(option: Any, file: Any, json_lines: bool) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        logs = Logs(option, "info")
        logs.take(file, events=False)
        (handler,) = root.handlers
        assert isinstance(handler.formatter, JsonLines) == json_lines
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        switch_event_lines(False)


@pytest.mark.parametrize(
    ("level", "asked", "written"),
    [("info", False, False), ("info", True, True), ("debug", False, True), ("warning", True, False)],
)
def test_single_events_are_a_switch(level: str, asked: bool, written: bool) -> None:
    root = logging.getLogger()
    before = root.level
    try:
        root.setLevel(level.upper())
        switch_event_lines(asked)
        assert events_are_told() == written
    finally:
        root.setLevel(before)
        switch_event_lines(False)


def test_at_debug_no_library_tells_what_vendors_answer() -> None:
    """httpcore writes all headers of an answer, with cookies and what a vendor repeats."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        Logs(None, "debug")
        assert logging.getLogger("tagserver").isEnabledFor(logging.DEBUG)
        for name in ("httpx", "httpcore.connection", "httpcore.http11", "asyncio"):
            assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), name
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        switch_event_lines(False)
