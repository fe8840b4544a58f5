"""The pages of operations are all found from their overview, and the configuration's pages from their start."""

from __future__ import annotations

import re

from .pages import CONFIG, GUIDE, OPERATE, OPERATIONS, RECIPES, REFERENCE, WHY

LONGEST = 900
"""Words of the start page."""


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"^\| \[[^]]+\]\(operate/([\w-]+\.md)\) \|", OPERATIONS.read_text("utf-8"), re.MULTILINE))
    assert linked == {page.name for page in OPERATE}


def test_the_start_page_is_short_and_leads_to_all() -> None:
    text = CONFIG.read_text("utf-8")
    assert len(text.split()) < LONGEST
    for page in (GUIDE, RECIPES, WHY, REFERENCE, OPERATIONS):
        assert f"]({page.name}" in text
