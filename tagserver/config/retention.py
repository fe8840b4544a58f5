"""`forget:` and `audit:` of `server.yaml`: what is kept of people who asked to be forgotten, and of decisions."""

from __future__ import annotations

from dataclasses import dataclass

from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class ForgetConfig:
    """`forget:`. `refuse`: seconds for which events of somebody who asked to be forgotten are not sent."""

    refuse: float = 30 * DAY


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """`audit:`. `keep` in seconds, `max_size` of all its files in bytes; what is older or beyond is removed, the oldest
    first. `max_size` None: by the size of the disk, see `audit.forecast.room_for`."""

    keep: float = 395 * DAY
    max_size: int | None = None


def read_audit(decoder: Decoder, node: Node | None) -> AuditConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "audit", ("keep", "max_size")).items()}
    return AuditConfig(
        keep=decoder.duration(nodes.get("keep"), "audit.keep", 395 * DAY),
        max_size=_max_size(decoder, nodes.get("max_size")),
    )


def _max_size(decoder: Decoder, node: Node | None) -> int | None:
    if node is None or (isinstance(node, Scalar) and node.value == "auto"):
        return None
    return decoder.size(node, "audit.max_size", 0) or None


def read_forget(decoder: Decoder, node: Node | None) -> ForgetConfig:
    """The settings; with problems noted, defaults stand in for what is wrong."""
    nodes = {name: value for name, (_, value) in decoder.map(node, "forget", ("refuse",)).items()}
    return ForgetConfig(refuse=decoder.duration(nodes.get("refuse"), "forget.refuse", 30 * DAY))
