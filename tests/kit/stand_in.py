"""A vendor by its documented rules: the `vendor_rules.py` beside a plugin's tests, answering requests.

A file of rules has one function, `answer(request, now)`: what the vendor would say to one request at `now` (seconds
since 1970), as a status and a body that JSON can hold. It is written from the vendor's documentation and knows nothing
of the plugin.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tagserver.plugin import Request, Response
from tagserver.testing import NOW


class StandIn:
    """The vendor of one plugin."""

    def __init__(self, folder: Path) -> None:
        """`folder`: the plugin's tests."""
        self._answer = runpy.run_path(str(folder / "vendor_rules.py"))["answer"]

    def __call__(self, request: Request, now: float = NOW / 1000) -> Response:
        """What the vendor says."""
        status, body = self._answer(request, now)
        return Response(status, {}, b"" if body is None else json.dumps(body).encode())


def hollow(value: Any, but: Collection[str] = (), path: str = "") -> str | None:
    """The place of the first null, empty text, list or map in a body, but for the places (`.user.ids`) where the vendor
    wants one."""
    if not isinstance(value, dict | list):
        return path if value is None or value == "" else None
    if not value:
        return None if path in but else path or "body"
    named = value.items() if isinstance(value, dict) else enumerate(value)
    found = (hollow(one, but, f"{path}.{key}") for key, one in named)
    return next((place for place in found if place), None)
