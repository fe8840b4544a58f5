"""Any value of JSON, and what pages push by mistake."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TRICKY = ["1e5", "1,299.00", " 12.50 ", "٣", "NaN", "\ud800", "\x00", "a@b.example", "EUR", "https://a.example/?x=1"]

any_text = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(TRICKY)
"""Half surrogate pairs too: JSON can spell them, UTF-8 cannot hold them."""

any_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**15, 10**40, 2**63, -(2**63)])
    | st.floats()
    | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
