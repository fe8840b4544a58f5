"""What was meant by a name that nothing has: the hint behind it. Words of Google Tag Manager count as ours."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

GTM_KEYS: Mapping[str, str] = MappingProxyType(
    {
        # preview
        "fired": "send",
        "sent": "send",
        "not_fired": "skip",
        # tags
        "firing_trigger": "triggers",
        "firing_triggers": "triggers",
        "blocking_trigger": "exceptions",
        "blocking_triggers": "exceptions",
        "additional_consent": "consent",
        # triggers and their operators
        "filter": "when",
        "filters": "when",
        "conditions": "when",
        "is": "equals",
        "equal_to": "equals",
        "regex": "matches",
        # transformations
        "augment": "set",
        "augment_event": "set",
        "affected_tags": "tags",
        "all_tags_except": "except_tags",
        "matching_conditions": "when",
        # kinds of variables
        "event_data": "path",
        "data_layer_variable": "path",
        "query_parameter": "query",
        "debug_mode": "container",
    }
)
"""Keys and operators: their word in lower case, with underscores → ours."""

GTM_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "client_name": "client",
        "event_name": "event",
        "page_hostname": "page.host",
        "page_path": "page.path",
        "page_url": "page.location",
        "referrer": "page.referrer",
        "visitor_region": "geo.region",
    }
)
"""Built-in variables that are paths of the event here."""


def gtm_word(word: str) -> str | None:
    """Ours for one of Google's, however it is written: `Page Path` → `page.path`."""
    word = word.strip().lower().replace(" ", "_").replace("-", "_")
    return GTM_KEYS.get(word) or GTM_PATHS.get(word)


GLUED = re.compile(r"\A([\w.-]+):(?=\S)")
"""A key, a colon, and what should stand behind a blank."""


def known_are(names: Iterable[str]) -> str:
    """`known are a, b`, or nothing when there are none."""
    listed = ", ".join(names)
    return f"known are {listed}" if listed else ""


def glued(key: str, known: Sequence[str]) -> tuple[str, str] | None:
    """Of a key that holds its value, too (`event:purchase`): how to write it, and the known key that is meant."""
    found = GLUED.match(key)
    if found is not None and found[1] in known:
        return f"a blank is missing behind the colon: write {found[1]}: …", found[1]
    found = re.match(r"([\w.-]+)[ ]*[\[{]", key)
    if found is not None and found[1] in known:
        return f"a colon is missing: write {found[1]}: …", found[1]
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "purchase"?`, or nothing when no known word is like it. Google's words count as ours."""
    words = list(known)
    ours = gtm_word(word)
    like = [ours] if ours in words else difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f'did you mean "{like[0]}"?' if like else ""
