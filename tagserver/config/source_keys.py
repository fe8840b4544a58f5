"""What stands beside the secret of one sender in `server.yaml`, wherever it is named: what the contract behind it says
of consent, and why that may be said."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.config.keys import TEXT, Key, ValueType
from tagserver.config.schema_parts import one_of, record
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar
from tagserver.config.yaml.suggestions import did_you_mean
from tagserver.consent.merge import source_consent
from tagserver.consent.model.reading import Reading
from tagserver.event.consent_fields import PURPOSES


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
BASIS = Key("basis", TEXT, "why that may be said; required with `consent`")


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
