"""The pages of operations are all found from their index, which the guide names."""

from __future__ import annotations

import re

from .pages import CONFIG, OPERATE


def test_every_page_is_in_the_index() -> None:
    index, *_ = (page for page in OPERATE if page.name == "README.md")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index.read_text("utf-8")))
    assert linked == {page.name for page in OPERATE if page != index}
    assert f"operate/{index.name}" in CONFIG.read_text("utf-8")
