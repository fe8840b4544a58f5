"""The operand of `in`: networks, read once, when the configuration is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tagserver.config.names import Names
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.event.spelling import KNOWN_ROOTS, path_root
from tagserver.expressions.networks import BadNetwork, Network, Networks, parse_network

WITH_ADDRESSES = frozenset({"ip", "header"})
"""Fields of every event that may hold an IP address."""
_TEXTS = "for texts write one_of"
_COLON = 'an address that ends in a colon needs quotes: "2001:db8::"'


class NetworkOperands:
    """Compiles them."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, left: Scalar, node: Node, path: str) -> Networks | None:
        """The networks of a condition with this left side, None after a problem. They are the same for every event: one
        network or a list, or a variable that is constant."""
        root = path_root(left.text)
        if not self._names.is_declared(left.text) and root in KNOWN_ROOTS and root not in WITH_ADDRESSES:
            said = f"{path}: in asks in which network an address is, and {left.text} is none"
            self._problems.add("E115", left.place, path, said, f"write ip, or a variable; {_TEXTS}")
            return None
        if isinstance(node, Sequence) and not node.items:
            self._problems.add("E113", node.place, path, f"{path} is an empty list")
            return None
        items = node.items if isinstance(node, Sequence) else (node,)
        found = [one for item in items for one in self._read(item, path)]
        return Networks(one for one in found if one is not None) if None not in found else None

    def _read(self, node: Node, path: str) -> Iterator[Network | None]:
        if not isinstance(node, Scalar) or node.value is None:
            if isinstance(node, Map):
                self._problems.add("E111", node.place, path, f"{path} should be a network, and is a map", _COLON)
            else:
                self._decoder.wrong(node, path, "a network")
            yield None
            return
        made = self._names.template(node.text, node.place, path)
        value: Any = made if made is None or isinstance(made, str) else self._names.fixed(node)
        if value is MISSING:
            said = f"{path}: networks are the same for every event, and {node.text} is not"
            self._problems.add("E115", node.place, path, said, "write them here, or name a variable that is constant")
            yield None
            return
        for text in value if isinstance(value, list) else [value]:
            yield None if made is None else self._network(text, node, path)

    def _network(self, text: Any, node: Scalar, path: str) -> Network | None:
        try:
            return parse_network(text if isinstance(text, str) else str(text))
        except BadNetwork as bad:
            hint = bad.hint if bad.like else f"{bad.hint}; {_TEXTS}"
            self._problems.add("E115", node.place, path, f"{path}: {bad}", hint)
            return None
