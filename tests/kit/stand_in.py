"""A vendor by its documented rules: the `vendor_rules.py` beside a plugin's tests, answering requests.

A file of rules has one function, `answer(request, now)`: what the vendor would say to one request at `now` (seconds
since 1970), as a status and a body that JSON can hold. It is written from the vendor's documentation and knows nothing
of the plugin.
"""

from __future__ import annotations

import json
import runpy
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


def hollow(value: Any, path: str = "") -> str | None:
    """The place of the first null, empty text, list or map in a body; vendors want such keys left out."""
    if isinstance(value, dict):
        found = (hollow(one, f"{path}.{key}") for key, one in value.items())
    elif isinstance(value, list):
        found = (hollow(one, f"{path}.{index}") for index, one in enumerate(value))
    else:
        return (path or "body") if value is None or value == "" else None
    return next((place for place in found if place), None) if value else (path or "body")
