"""A vendor's answer as data. Whatever it sent: nothing raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that a body is; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
