"""The page about logs: its fields are those that lines carry, its states those that there are."""

from __future__ import annotations

import re
from typing import get_args

from tagserver.delivery.health import State
from tagserver.logs.logs import FIELDS
from tagserver.queue.errors import TroubleKind

from .pages import OPERATE

PAGE = next(page for page in OPERATE if page.name == "logs.md").read_text("utf-8")


def test_every_field_is_in_the_table() -> None:
    table = PAGE.partition("## Fields")[2]
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)) == FIELDS


def test_every_state_is_named() -> None:
    table = PAGE.partition("| of | `state` | level |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", table))
    assert {*get_args(State), *get_args(TroubleKind), "ready", "draining", "begun", "over"} <= named


def test_the_examples_show_fields_that_there_are() -> None:
    shown = set(re.findall(r"(?<= )(\w+)=", "\n".join(re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL))))
    assert shown
    assert shown <= set(FIELDS)
