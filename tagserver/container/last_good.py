"""The last sound configuration, kept beside the queue so that a typo never takes a site down."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from tagserver.whole_file import write_whole

NAME = "last-good.json"


def keep(texts: Mapping[str, bytes], data: Path) -> None:
    """Keep the files' contents in the data folder: whole or not at all, readable by the owner only. Raises OSError."""
    content = json.dumps({name: base64.b64encode(text).decode() for name, text in sorted(texts.items())}).encode()
    path = data / NAME
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    write_whole(path, content)


def load(data: Path) -> dict[str, bytes] | None:
    """The kept contents, or None when there are none that can be read."""
    try:
        held = json.loads((data / NAME).read_bytes())
        return {str(name): base64.b64decode(text, validate=True) for name, text in held.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None
