"""Logs for machines: one object a line, with ids and outcomes, and nothing that was not asked for."""

from __future__ import annotations

import json
import logging

from tagserver.logs import JsonLines


def line(message: str, *args: object, **extra: object) -> dict[str, str]:
    """A log record as it is written."""
    record = logging.LogRecord("tagserver.delivery", logging.WARNING, "x.py", 1, message, args, None)
    record.__dict__.update(extra)
    shown: dict[str, str] = json.loads(JsonLines().format(record))
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
