"""Files of your own as a destination: JSON lines or Parquet, by date."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_file.destination import FileSink

__all__ = ["FileSink", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: file`."""
    register(FileSink)
