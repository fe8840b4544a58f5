"""A list of values as pages write them: a list, one value, or a text that holds a list.

Templates of shops often write lists as one text: as JSON (`["301","302"]`), or with commas (`301, 302`). Taken as one
value, such a text is an id that matches nothing.
"""

from __future__ import annotations

import json
from typing import Any

from tagserver.system.unicode import is_text


class Unlisted(ValueError):
    """A text that looks like JSON and is no list; what it says is for people, without the value."""


def listed(value: Any, *, commas: bool = False) -> list[Any]:
    """The values as a list. A single value is a list of one; `commas`: of a text with commas each part is a value.

    Raises Unlisted for a text between brackets or braces that is no JSON list. Nothing else is an error.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return [value]
    text = value.strip()
    if text[:1] + text[-1:] in ("[]", "{}"):
        return _json_list(text)
    if commas and "," in text:
        return [part.strip() for part in text.split(",")]
    return [value]


def _json_list(text: str) -> list[Any]:
    try:
        made = json.loads(text) if is_text(text) else None
    except (ValueError, RecursionError):
        made = None
    if not isinstance(made, list):
        raise Unlisted("is a text that looks like JSON, and is no list")
    return made
