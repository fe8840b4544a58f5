"""What stands beside the secret of one sender in `server.yaml`, wherever it is named: what the contract behind it says
of consent, and why that may be said."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.config.keys import DURATION, TEXT, WRONG, Key, ValueType
from tagserver.config.schema_parts import one_of, record
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar
from tagserver.config.yaml.suggestions import did_you_mean
from tagserver.consent.merge import source_consent
from tagserver.consent.model.reading import Reading
from tagserver.event.consent_fields import PURPOSES
from tagserver.inbound.clients.datalayer import LONGEST_WAIT


def _grants(d: Decoder, node: Node, path: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for purpose, (key_of_it, value) in d.map(node, path).items():
        where = f"{path}.{purpose}"
        if purpose not in PURPOSES:
            hint = did_you_mean(purpose, PURPOSES)
            d.problems.add("E130", key_of_it.place, where, f'unknown purpose "{purpose}"', hint)
            continue
        words[purpose] = d.choice(value, where, ("granted", "denied"), "denied")
    return words


CONSENT = Key(
    "consent",
    ValueType(record({purpose: one_of("granted", "denied") for purpose in PURPOSES}), _grants),
    "what all people in these events have granted or denied",
)
WAIT = Key(
    "wait",
    DURATION,
    "how long its copies of orders wait for the page's, which knows the visitor: `10m`; at most a day",
    "0s",
)
BASIS = Key("basis", TEXT, "why that may be said; required with `consent`")


def read_wait(d: Decoder, path: str, nodes: Mapping[str, Node]) -> float:
    """For how many seconds the copies of a sender wait, by the nodes below its name; 0 for none, and after a
    problem."""
    if (node := nodes.get("wait")) is None:
        return 0.0
    seconds = WAIT.type.read(d, node, f"{path}.wait")
    if seconds is not WRONG and seconds > LONGEST_WAIT:
        d.problems.add(
            "E115", node.place, f"{path}.wait", f"{path}.wait is longer than a day", "write 10m, or up to 24h"
        )
        return 0.0
    return 0.0 if seconds is WRONG else float(seconds)


def read_contract(d: Decoder, name: str, path: str, nodes: Mapping[str, Node], source: Scalar) -> Reading | None:
    """What the contract of a sender says, by the nodes below its name; None for nothing, and after a problem."""
    if "consent" not in nodes:
        if "basis" in nodes:
            place = nodes["basis"].place
            d.problems.add("E130", place, path, f"{path} has a basis without consent", "say which purposes it covers")
        return None
    said = CONSENT.type.read(d, nodes["consent"], f"{path}.consent")
    basis = d.text(nodes["basis"], f"{path}.basis") if "basis" in nodes else None
    if not basis:
        hint = 'say where it comes from: basis: "contract, 2026-03"'
        d.problems.add("E130", source.place, path, f"{path} states consent without a basis", hint)
        return None
    return source_consent(name, said, basis)
