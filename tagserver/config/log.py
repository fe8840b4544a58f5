"""`log:` of `server.yaml`: how lines are written, and whether single events are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node

Format = Literal["text", "json"]


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`log:`. `events`: a line for each event that is accepted and each delivery that has arrived."""

    format: Format = "text"
    events: bool = False


def read_log(decoder: Decoder, node: Node | None) -> LogConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "log", ("format", "events")).items()}
    return LogConfig(
        format=cast(Format, decoder.choice(nodes.get("format"), "log.format", ("text", "json"), "text")),
        events=decoder.flag(nodes.get("events"), "log.events"),
    )
