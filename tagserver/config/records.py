"""`records:` of `server.yaml`: what is kept of each event for people to look at, how long, and in how much room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tagserver.config.keys import DURATION, SIZE, WRONG, Block, ValueType, choice, key
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node

SMALLEST = 4 << 20
"""Bytes; with less hardly anything would be kept."""
Level = Literal["summary", "full", "off"]


def _size(d: Decoder, node: Node, path: str) -> Any:
    size = SIZE.read(d, node, path)
    if size is not WRONG and size < SMALLEST:
        message = f"{path} is too small to keep anything useful"
        d.problems.add("E115", node.place, path, message, "write 4MiB or more; level: off keeps nothing")
        return WRONG
    return size


@dataclass(frozen=True, slots=True)
class RecordsConfig:
    """`records:`. `keep` in seconds, `max_size` of the file with its log in bytes; what is older or beyond is removed,
    the oldest first."""

    level: Level = key(
        choice("summary", "full", "off"),
        "summary",
        "what is kept of each event to be [looked at afterwards](operate/records.md): `summary` what each tag decided "
        "and why, problems and attempts; `full` also the request, the event, consent and the values that conditions "
        "compared, all masked; `off` nothing",
    )
    keep: float = key(DURATION, "7d", "how long; orders are kept for 90 days")
    max_size: int = key(
        ValueType(SIZE.schema, _size),
        "512MiB",
        "of `records.db` with its log, at least 4MiB; beyond it the oldest are removed. Orders come on top",
    )


RECORDS = Block.of(RecordsConfig, "What is kept of each event, to be looked at afterwards.")
